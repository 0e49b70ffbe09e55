"""A consultation from a TOML file: what a unit writes once and hands on with the draft."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import msgspec

from minsheng.errors import WrongUse
from minsheng.problems import Problem


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What such a file holds.

    Attributes
    ----------
    policy:
        The draft in the register: id, number (文号) or title.
    title, department, opens, closes:
        Where they are other than in the register.
    text:
        The draft's words, or `file`: the file that holds them, beside this one.
    """

    policy: str
    title: str = ""
    department: str = ""
    opens: date | None = None
    closes: date | None = None
    text: str = ""
    file: str = ""


def read_draft(path: Path) -> Draft:
    """Read such a file. Raises `WrongUse` where it can't be read, or a key is wrong."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), Draft)
    except OSError as error:
        raise WrongUse(Problem("file-unreadable", file=path, reason=error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path} is not readable as TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise WrongUse(f"{path}: {error}", f"its keys are {', '.join(Draft.__struct_fields__)}") from error
