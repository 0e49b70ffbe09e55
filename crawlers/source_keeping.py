"""Sources that are added and changed at the console: each where it is kept, in its file or in its row alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from crawlers import tables
from crawlers.sources import Source, load_sources, make_source, save, shown, source_file, sync_folder, write_source
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store


class SourceKeeper:
    """The sources of a store, and the folder with their files.

    A new source gets a file where the folder is on this machine, so that it is found where all others are; else it is
    a row alone, which the files of the machine that crawls leave as it is.

    Parameters
    ----------
    folder:
        `<data folder>/sources`.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def get(self, source_id: str) -> Source:
        """Raises `WrongUse` where there is none."""
        found = next(iter(load_sources(self._store, [source_id])), None)
        if found is None:
            raise WrongUse(Problem("source-unknown", id=source_id))
        return found

    def add(self, source: Source) -> None:
        """Raises `WrongUse` where its id is taken."""
        if load_sources(self._store, [source.id]):
            raise WrongUse(Problem("source-taken", id=source.id, path="its row"))
        if self._folder.is_dir():
            write_source(source, self._folder)
            sync_folder(self._store, self._folder)
            return
        with self._store.begin() as connection:
            save(self._store, [(source, None)], connection)

    def change(self, source_id: str, values: dict[str, Any], seen: str) -> Source:
        """Put other values in place of a source's, what its file says besides stays.

        Parameters
        ----------
        values:
            As `make_source` takes them. Where they show a secret as hidden, the one that is there stays, as long as the
            source stays at its host: nobody is to have a secret sent elsewhere that they could not read.
        seen:
            The `mark` of the source that was looked at.

        Raises
        ------
        WrongUse
            If a value is wrong, the source was changed meanwhile, or its file lies on another machine.
        """
        old = self.get(source_id)
        if mark(old) != seen:
            raise WrongUse(Problem("source-changed", id=source_id))
        hidden = shown(old)
        if values["url"] == hidden.url:
            values["url"] = old.url
        if _origin(values["url"]) == _origin(old.url):
            values["options"] = {
                key: old.options[key] if key in old.options and value == hidden.options[key] else value
                for key, value in values["options"].items()
            }
        source = make_source({**values, "id": source_id}, source_id)
        with self._store.read() as connection:
            file = connection.scalar(sa.select(tables.sources.c.file).where(tables.sources.c.id == source_id))
        if file is None:
            with self._store.begin() as connection:
                save(self._store, [(source, None)], connection)
        elif Path(file).is_file():
            _rewrite(Path(file), source)
            sync_folder(self._store, self._folder)
        else:
            raise WrongUse(Problem("source-elsewhere", id=source_id, path=file))
        return source


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def mark(source: Source) -> str:
    """Another one for each other content of a source."""
    return hashlib.sha256(msgspec.json.encode(source, order="sorted")).hexdigest()[:16]


def _rewrite(path: Path, source: Source) -> None:
    """The file with the source's values; remarks that people wrote into it stay."""
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    fresh = tomlkit.parse(source_file(source)).unwrap()
    before = document.unwrap()
    for key in [key for key in before if key not in fresh and key != "id"]:
        del document[key]
    for key, value in fresh.items():
        if before.get(key) != value and (key != "id" or key in before):
            document[key] = value
    # Whole or not at all: a crawler reads the file whenever it changes.
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(tomlkit.dumps(document), encoding="utf-8")
    beside.replace(path)
