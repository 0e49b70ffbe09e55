"""A public page of the Q&A base for a portal: static files, searched in the reader's browser without a server.

`index.html` holds the search field and the list of policies; each policy has a page that reads without scripts. Nothing
is loaded from elsewhere, also when the files are opened from a disk.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from answers.model import Content, Entry
from minsheng.characters import as_it_reads
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.policies import Policy

FILES = Path(__file__).with_name("portal_files")
MARK = ".minsheng-qa"
"""Stands in a folder that was written by this: only such a folder is written again."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """How much was written, and where."""

    entries: int
    policies: int
    folder: str


def zipped_portal(entries: Sequence[Entry], policies: Mapping[str, Policy], now: datetime) -> bytes:
    """What `write_portal` writes, as the bytes of a ZIP file to unpack at the portal."""
    archive = io.BytesIO()
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        folder = Path(name) / "portal"
        write_portal(folder, entries, policies, now)
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            packed.write(path, path.relative_to(folder))
    return archive.getvalue()


def write_portal(
    folder: Path,
    entries: Sequence[Entry],
    policies: Mapping[str, Policy],
    now: datetime,
    *,
    title: str = "政策问答",
    unit: str = "",
) -> Written:
    """Write the pages.

    Parameters
    ----------
    folder:
        New, empty, or written by this before: then what it held is replaced.
    entries:
        What the public may see (`AnswerBook.public`).
    title, unit:
        What the page calls itself, and who publishes it.

    Raises
    ------
    WrongUse
        If the folder holds anything else.
    """
    _clear(folder)
    environment = Environment(
        loader=FileSystemLoader(FILES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: as_it_reads(value) if type(value) is str else value,
    )
    today = now.astimezone(CHINA).date()
    shown = [
        (one, one.published)
        for one in entries
        if one.published is not None and (one.published.valid_from is None or one.published.valid_from <= today)
    ]
    by_policy: dict[str, list[tuple[Entry, Content]]] = {}
    for entry, content in shown:
        by_policy.setdefault(content.policy, []).append((entry, content))
    groups = [(policies[name], own, page_of(name)) for name, own in sorted(by_policy.items())]
    common = {"site": title, "unit": unit, "made": f"{today:%Y-%m-%d}"}
    (folder / "index.html").write_text(
        environment.get_template("index.html").render(groups=groups, count=len(shown), **common), encoding="utf-8"
    )
    for policy, own, page in groups:
        (folder / page).write_text(
            environment.get_template("policy.html").render(policy=policy, entries=own, **common), encoding="utf-8"
        )
    records = [_record(entry, content, policies) for entry, content in shown]
    (folder / "questions.js").write_text(f"window.QUESTIONS = {_script(records)};\n", encoding="utf-8")
    for name in ("search.js", "style.css"):
        shutil.copyfile(FILES / name, folder / name)
    (folder / MARK).write_text("", encoding="utf-8")
    return Written(entries=len(shown), policies=len(groups), folder=str(folder.resolve()))


def page_of(policy: str) -> str:
    """The file of a policy's page: stays the same, and holds no sign that a server or a file system minds."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", policy):
        return f"policy-{policy}.html"
    return f"policy-x{hashlib.sha256(policy.encode()).hexdigest()[:12]}.html"


def _record(entry: Entry, content: Content, policies: Mapping[str, Policy]) -> dict[str, str]:
    return {
        "id": entry.id,
        "page": page_of(content.policy),
        "title": content.title,
        "question": content.question,
        "answer": content.answer,
        "policy": policies[content.policy].title,
        "clause": "、".join(content.clauses),
        "words": " ".join(content.keywords),
    }


def _script(value: Any) -> str:
    """JSON that may stand in a script: what ends a script element or a line in JavaScript is written as an escape."""
    text = msgspec.json.encode(value).decode()
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _clear(folder: Path) -> None:
    if folder.is_file():
        raise WrongUse(f"{folder} is a file", "name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    held = list(folder.iterdir())
    if held and not (folder / MARK).exists():
        raise WrongUse(f"{folder} holds other files", "name a new or empty folder")
    for path in held:
        if path.suffix in (".html", ".js", ".css") or path.name == MARK:
            path.unlink()
