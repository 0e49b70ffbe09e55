"""Sources that are added, changed, stopped and removed by hand: each where it is kept, in its file or its row alone."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from crawlers import operator_tickets, source_history, tables
from crawlers.error_words import misfit_in_chinese
from crawlers.source_lock import locked
from crawlers.sources import Source, load_sources, make_source, of_row, read_source, save, save_new, shown, source_file
from crawlers.sources import write_source as write_new
from minsheng.clock import Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.store import Store

REMOVED = "removed"
"""Below the folder of sources: the files of those that were removed. Nothing reads them."""


class _Held(NamedTuple):
    """A source that nobody else changes for the moment: its row's transaction, and its file's text as it was read."""

    source: Source
    connection: sa.Connection
    file: Path | None
    body: bytes


class SourceKeeper:
    """The sources of a store, and the folder with their files.

    A new source gets a file where the folder is on this machine, so that it is found where all others are; else it is
    a row alone, which the files of the machine that crawls leave as it is.

    Parameters
    ----------
    folder:
        `<data folder>/sources`.
    """

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self._store = store
        self._folder = folder
        self._clock = clock

    def get(self, source_id: str) -> Source:
        """Raises `WrongUse` where there is none."""
        found = next(iter(load_sources(self._store, [source_id])), None)
        if found is None:
            raise WrongUse(Problem("source-unknown", id=source_id))
        return found

    def file_of(self, source_id: str) -> Path | None:
        """The file that is the truth about a source; None where the row itself is."""
        with self._store.read() as connection:
            file = connection.scalar(sa.select(tables.sources.c.file).where(tables.sources.c.id == source_id))
        return Path(file) if file is not None else None

    def documents(self, source_id: str) -> int:
        """How many documents were taken from a source."""
        table = tables.crawl_documents
        with self._store.read() as connection:
            counted = connection.scalar(sa.select(sa.func.count()).where(table.c.source_id == source_id))
        return counted or 0

    def add(self, source: Source) -> None:
        """Raises `WrongUse` where its id is taken."""
        if self._folder.is_dir():
            with locked(self._folder):
                if load_sources(self._store, [source.id]):
                    raise _taken(source)
                path = write_new(source, self._folder)
                with self._store.begin() as connection:
                    save(self._store, [(source, str(path))], connection)
            return
        with self._store.begin() as connection:
            if not save_new(self._store, source, connection):
                raise _taken(source)

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
            If a value is wrong, the source was changed meanwhile, or its file can't be read or lies on another machine.
        """
        with self._held(source_id, seen) as held:
            old = held.source
            hidden = shown(old)
            if values["url"] == hidden.url:
                values["url"] = old.url
            if _origin(values["url"]) == _origin(old.url):
                values["options"] = {
                    key: old.options[key] if key in old.options and value == hidden.options[key] else value
                    for key, value in values["options"].items()
                }
            source = make_source({**values, "id": source_id}, source_id)
            self._write(held, source)
        return source

    def switch(self, source_id: str, *, enabled: bool, seen: str, actor: str, reason: str) -> bool:
        """Stop a source (停用), or let it go on (启用). Returns whether anything was to be done.

        One that goes on is crawled at once, and judged by what it does from now on.

        Raises
        ------
        WrongUse
            Without a reason, and as `change` does.
        """
        reason = _reasoned(reason)
        if self.get(source_id).enabled == enabled:
            return False
        now = self._clock.now()
        with self._held(source_id, seen) as held:
            source = msgspec.structs.replace(held.source, enabled=enabled)
            self._write(held, source)
            source_history.note(held.connection, source, "resumed" if enabled else "paused", actor, reason, now)
            operator_tickets.note(self._store, held.connection, source_id, now, None)
            if enabled:
                state = tables.crawl_state
                anew = {"next_run_at": now, "last_run_at": None, "failures": 0, "last_error": "", "state": "",
                        "state_since": None, "empty_runs": 0}  # fmt: skip
                mine = state.c.source_id == source_id
                held.connection.execute(sa.update(state).where(mine).values(**anew))
                silent = sa.and_(mine, state.c.last_item_at.is_not(None))
                held.connection.execute(sa.update(state).where(silent).values(last_item_at=now))
        return True

    def remove(self, source_id: str, *, seen: str, actor: str, reason: str) -> None:
        """Take a source away (移除): it is crawled no more, and what was learned of it and its login are forgotten.

        Its documents stay. Its file, if it has one, is moved to the folder `removed` beside the others.

        Raises
        ------
        WrongUse
            Without a reason, if the source was changed meanwhile, or its file lies on another machine.
        """
        reason = _reasoned(reason)
        now = self._clock.now()
        with self._held(source_id, seen, readable=False) as held:
            if held.file is not None:
                _put_away(held.file)
            source_history.note(held.connection, held.source, "removed", actor, reason, now)
            operator_tickets.note(self._store, held.connection, source_id, now, None)
            for table in (tables.crawl_state, tables.crawl_hours, tables.source_logins, tables.backfill_positions):
                held.connection.execute(sa.delete(table).where(table.c.source_id == source_id))
            held.connection.execute(sa.delete(tables.sources).where(tables.sources.c.id == source_id))

    @contextmanager
    def _held(self, source_id: str, seen: str, *, readable: bool = True) -> Iterator[_Held]:
        """Keep everybody else from changing a source for as long as the block lasts.

        Parameters
        ----------
        readable:
            A file that can't be read is refused; False: what its row says counts then.
        """
        path = self.file_of(source_id)
        if path is None:
            with self._row(source_id, seen) as held:
                yield held
            return
        if not path.is_file():
            raise WrongUse(Problem("source-elsewhere", id=source_id, path=path))
        with locked(path.parent):
            body = self._taken_up(source_id, path, readable=readable)
            with self._row(source_id, seen, path, body) as held:
                yield held

    @contextmanager
    def _row(self, source_id: str, seen: str, path: Path | None = None, body: bytes = b"") -> Iterator[_Held]:
        mine = sa.select(tables.sources).where(tables.sources.c.id == source_id).with_for_update()
        with self._store.begin() as connection:
            row = connection.execute(mine).mappings().one_or_none()
            if row is None:
                raise WrongUse(Problem("source-unknown", id=source_id))
            if mark(of_row(row)) != seen or row["file"] != (str(path) if path else None):
                raise WrongUse(Problem("source-changed", id=source_id))
            yield _Held(of_row(row), connection, path, body)

    def _taken_up(self, source_id: str, path: Path, *, readable: bool) -> bytes:
        """Bring the row to what the file says, so that whoever is told of a change by hand sees it. Returns what was
        read."""
        try:
            body = path.read_bytes()
            source = read_source(path)
        except FileNotFoundError:
            raise WrongUse(Problem("source-changed", id=source_id)) from None
        except WrongUse as error:
            if readable:
                told = error.problem.chinese if error.problem else misfit_in_chinese(error.message)
                problem = Problem("source-file-broken", path=path, reason=error.message, told=told)
                raise WrongUse(problem) from error
            return body
        if source.id != source_id:
            raise WrongUse(Problem("source-changed", id=source_id))
        with self._store.begin() as connection:
            save(self._store, [(source, str(path))], connection)
        return body

    def _write(self, held: _Held, source: Source) -> None:
        """The file first: it is the truth, and the row is brought to it again should the store fail now."""
        if held.file is not None:
            _rewrite(held.file, held.body, source)
        save(self._store, [(source, str(held.file) if held.file else None)], held.connection)


def mark(source: Source) -> str:
    """Another one for each other content of a source, however its times are written."""
    alike = [source.every_seconds, source.quiet_seconds, msgspec.structs.replace(source, every="", quiet_after="")]
    return hashlib.sha256(msgspec.json.encode(alike, order="sorted")).hexdigest()[:16]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def _taken(source: Source) -> WrongUse:
    return WrongUse(Problem("source-taken", id=source.id, path="its row"))


def _reasoned(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise WrongUse(Problem("change-reason"))
    return reason[:500]


def _rewrite(path: Path, body: bytes, source: Source) -> None:
    """The file, as it was read, with the source's values; remarks that people wrote into it stay."""
    import tomlkit

    document = tomlkit.parse(body.decode("utf-8-sig"))
    fresh = tomlkit.parse(source_file(source)).unwrap()
    before = document.unwrap()
    for key in [key for key in before if key not in fresh and key != "id"]:
        del document[key]
    for key, value in fresh.items():
        if before.get(key) != value and (key != "id" or key in before):
            document[key] = value
    text = tomlkit.dumps(document)
    tomllib.loads(text)
    # Whole or not at all: a crawler reads the file whenever it changes.
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    # An editor asks for no lock.
    if path.read_bytes() != body:
        beside.unlink()
        raise WrongUse(Problem("source-changed", id=source.id))
    beside.replace(path)


def _put_away(path: Path) -> None:
    folder = path.parent / REMOVED
    folder.mkdir(exist_ok=True)
    number = 1
    while (aim := folder / (path.name if number == 1 else f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aim)
