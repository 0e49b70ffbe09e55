"""Accounts of public institutions, which stay named: what an office says in public it says as an office."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from minsheng.errors import WrongSettings
from minsheng.settings import Settings

FILE = "named-accounts.txt"


class NamedAccounts:
    """Names that are neither masked in texts nor hashed away.

    Parameters
    ----------
    names:
        As the accounts are written, without `@`. Width of letters, case and spaces don't count.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(_plain(name) for name in names) - {""}

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._names

    def __len__(self) -> int:
        return len(self._names)

    @classmethod
    def from_settings(cls, settings: Settings) -> NamedAccounts:
        """Those in `named-accounts.txt` in the data folder: one a line, `#` begins a remark. None where it is absent.

        Raises
        ------
        WrongSettings
            If the file can't be read as UTF-8 text.
        """
        path: Path = settings.path(FILE)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return NOBODY
        except OSError as error:
            raise WrongSettings(f"{path} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise WrongSettings(f"{path} is not UTF-8 text", "save it as UTF-8, one account's name a line") from error
        return cls(line.partition("#")[0] for line in text.splitlines())


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).lstrip("@").casefold()


NOBODY = NamedAccounts()
