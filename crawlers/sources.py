"""Sources: what an operator writes to have something watched, in one small TOML file each.

Files in `<data folder>/sources` are the truth: they are read at the start of a crawl, and while it runs when they
change, and overwrite their rows. A row without a file (`file` is NULL) stays as it is.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from crawlers import tables
from crawlers.error_words import misfit_in_chinese
from crawlers.source_lock import locked
from minsheng.errors import WrongUse
from minsheng.exercises import EXERCISE
from minsheng.problems import Problem
from minsheng.redaction import HIDDEN, redacted, redacted_values
from minsheng.store import Store, insert_or_ignore, upsert

FOLDER = "sources"
JITTER, MOST_JITTER = 0.1, 60.0
"""Runs are put off by up to this share of the rhythm, and this many seconds, so that sources do not march in step."""
_PERIOD = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
KEY_WORDS = {"id": "编号", "kind": "类型", "url": "地址", "every": "抓取间隔", "quiet_after": "多久没有新内容算安静"}
"""Key of a source → what pages call it."""
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is watched.

    Attributes
    ----------
    id:
        Short and lasting: document ids are made from it. Lower-case letters, digits, `-`, `_` and `.`.
    kind:
        Which spider reads it; see docs/reference/sources.md.
    every:
        How often it is crawled, as `30s`, `15m`, `1h`, `1d`.
    quiet_after:
        How long it may bring nothing new before it counts as quiet, in the same form; empty: as long as it likes.
    options:
        What the kind lets one choose.
    note:
        For people.
    """

    id: str
    kind: str
    url: str
    name: str = ""
    every: str = "15m"
    quiet_after: str = ""
    enabled: bool = True
    note: str = ""
    options: dict[str, Any] = {}

    @property
    def label(self) -> str:
        return self.name or self.id

    @property
    def every_seconds(self) -> int:
        return seconds(self.every)

    @property
    def longest_pause(self) -> timedelta:
        """Between two runs, while it does not fail: its rhythm, and what that is put off by."""
        return timedelta(seconds=self.every_seconds + min(self.every_seconds * JITTER, MOST_JITTER))

    @property
    def quiet_seconds(self) -> int | None:
        return seconds(self.quiet_after) if self.quiet_after else None


def seconds(period: str) -> int:
    """`15m` → 900. Raises `ValueError`."""
    match = _PERIOD.fullmatch(period)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"'{period}' is no period: write 30s, 15m, 1h or 1d")
    return max(1, round(float(match[1]) * _SECONDS[match[2]]))


def period(whole: int) -> str:
    """900 → `15m`."""
    for unit, size in reversed(_SECONDS.items()):
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def make_source(values: Mapping[str, Any], where: str, *, line_of: Any = None) -> Source:
    """Check the values of a source, its options by its kind's own rules.

    Parameters
    ----------
    values:
        As read from TOML or the command line.
    where:
        What errors name: a file.
    line_of:
        Called with a dotted key; returns its line or None.

    Raises
    ------
    WrongUse
        With the key, its line, and the nearest right name.
    """
    from crawlers.spiders import KINDS

    def wrong(key: str, problem: Problem, hint: str = "") -> WrongUse:
        line = line_of(key) if line_of is not None else None
        at = f"{where}{f', line {line}' if line else ''}"
        return WrongUse(Problem("source-wrong", at=at, english=problem.english, chinese=problem.chinese), hint)

    known = [field.name for field in msgspec.structs.fields(Source)]
    for key in values:
        if key not in known:
            raise wrong(key, Problem("source-key-unknown", key=key), nearest(key, known))
    for key in ("id", "kind", "url"):
        if not values.get(key):
            raise wrong(key, Problem("source-key-missing", key=key, word=KEY_WORDS[key]), f'write {key} = "..."')
    try:
        source = msgspec.convert(dict(values), Source)
    except msgspec.ValidationError as error:
        key = str(error).rpartition("`$.")[2].rstrip("`") if "`$." in str(error) else ""
        raise wrong(key, _misfit(key, error)) from error
    if not _ID.fullmatch(source.id):
        raise wrong(
            "id", Problem("source-id-wrong", id=source.id), "use lower-case letters, digits, - and _, at most 100"
        )
    if source.id == EXERCISE:
        raise wrong("id", Problem("source-id-kept", id=EXERCISE), "choose another id")
    if source.kind not in KINDS:
        raise wrong("kind", Problem("source-kind-unknown", kind=source.kind), nearest(source.kind, list(KINDS)))
    schemes = KINDS[source.kind].schemes
    try:
        parts = urlsplit(source.url)
        usable = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # [, or a port that is none
        usable = False
    if not usable:
        raise wrong(
            "url",
            Problem("source-url-wrong", url=source.url, scheme=schemes[-1]),
            f"write it whole: {schemes[-1]}://host/path",
        )
    for key in ("every", "quiet_after"):
        try:
            if key == "every" or getattr(source, key):
                seconds(getattr(source, key))
        except ValueError as error:
            problem = Problem("source-period", key=key, word=KEY_WORDS[key], reason=error)
            raise wrong(key, problem) from error
    if HIDDEN in f"{source.url} {source.options}":
        raise wrong("url", Problem("source-secret-hidden", hidden=HIDDEN), f"write the secret in place of {HIDDEN}")
    check_options(source, wrong)
    return source


def check_options(source: Source, wrong: Any = None) -> Any:
    """The source's options as its kind's own struct. Raises `WrongUse`."""
    from crawlers.spiders import KINDS

    def plainly(key: str, problem: Problem, hint: str = "") -> WrongUse:
        at = f"source {source.id}"
        return WrongUse(Problem("source-wrong", at=at, english=problem.english, chinese=problem.chinese), hint)

    make_error = wrong or plainly
    options_type = KINDS[source.kind].Options
    known = [field.name for field in msgspec.structs.fields(options_type)]
    for key in source.options:
        if key not in known:
            hint = nearest(key, known) if known else f"{source.kind} has no options"
            raise make_error(
                f"options.{key}",
                Problem("source-option-unknown", key=key, kind=source.kind, known=_listed(known)),
                hint,
            )
    try:
        return msgspec.convert(source.options, options_type)
    except (msgspec.ValidationError, ValueError) as error:
        key = str(error).rpartition("`$.")[2].rstrip("`") if "`$." in str(error) else ""
        raise make_error(f"options.{key}", _misfit(f"options.{key}" if key else "options", error)) from error


def _misfit(key: str, error: Exception) -> Problem:
    reason = str(error).partition(" - at ")[0]
    return Problem("source-misfit", key=key or "source", reason=reason, told=misfit_in_chinese(reason))


def _listed(names: Sequence[str]) -> str:
    return "、".join(names) or "无"


def nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(known)}"


def read_source(path: Path) -> Source:
    """Read one source file. The id is the file's name where the file gives none. Raises `WrongUse`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path}: not readable as TOML: {error}") from error
    except OSError as error:
        raise WrongUse(f"{path}: {error.strerror}") from error
    values.setdefault("id", path.stem)

    def line_of(key: str) -> int | None:
        name = key.rpartition(".")[2]
        for number, line in enumerate(text.splitlines(), start=1):
            if re.match(rf'\s*\[?\s*"?{re.escape(name)}"?\s*[=\]]', line) or (name and f"{{ {name} =" in line):
                return number
        return None

    return make_source(values, str(path), line_of=line_of)


def source_files(folder: Path) -> list[Path]:
    """The source files of a folder. Hidden ones are none: editors keep their notes in such, as `.#name.toml`."""
    return sorted(path for path in folder.glob("*.toml") if not path.name.startswith("."))


def read_folder(folder: Path) -> tuple[dict[str, tuple[Source, Path]], list[WrongUse]]:
    """All sources of a folder by id, and what is wrong with the files that can't be used."""
    found: dict[str, tuple[Source, Path]] = {}
    errors: list[WrongUse] = []
    for path in source_files(folder):
        try:
            source = read_source(path)
        except WrongUse as error:
            errors.append(error)
            continue
        if source.id in found:
            errors.append(WrongUse(f"{path}: the id {source.id} is taken by {found[source.id][1].name}"))
            continue
        found[source.id] = (source, path)
    return found, errors


def source_file(source: Source) -> str:
    """The source as its file says it, without what is so by itself."""
    import tomlkit

    document = tomlkit.document()
    defaults = msgspec.to_builtins(Source(id="", kind="", url=""))
    for key, value in msgspec.to_builtins(source).items():
        if key in ("id", "kind", "url", "every") or (key != "options" and value != defaults[key]):
            document.add(key, value)
    if source.options:
        document.add("options", tomlkit.item(source.options))
    return tomlkit.dumps(document)


def shown(source: Source) -> Source:
    """The source as it may be shown and handed on: what is secret in its address and options is hidden."""
    options = redacted_values(source.options)
    return msgspec.structs.replace(source, url=redacted(source.url), options=options, note=redacted(source.note))


def parse_options(text: str) -> dict[str, Any]:
    """A source's options as people write them, TOML. Raises `WrongUse`."""
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(Problem("source-options-toml", reason=error, told=misfit_in_chinese(str(error)))) from error


def options_text(source: Source) -> str:
    """The options as TOML."""
    import tomlkit

    return tomlkit.dumps(source.options)


def write_source(source: Source, folder: Path) -> Path:
    """Write the source's file, for people to edit. Raises `WrongUse` where there is one already."""
    path = folder / f"{source.id}.toml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(source_file(source))
    except FileExistsError:
        problem = Problem("source-taken", id=source.id, path=path)
        raise WrongUse(problem, "edit that file, or choose another id") from None
    return path


def sync_folder(store: Store, folder: Path) -> list[WrongUse]:
    """Bring the rows to what the files say. A file that can't be read leaves its row as it was.

    Where there is no such folder, the rows are left alone: the files lie on another machine.

    Returns
    -------
    What is wrong with the files that were left out.
    """
    if not folder.is_dir():
        return []
    table = tables.sources
    # What was read before another's change is not to be written behind it.
    with locked(folder):
        found, errors = read_folder(folder)
        broken = {str(path) for path in source_files(folder)} - {str(path) for _, path in found.values()}
        with store.begin() as connection:
            save(store, [(source, str(path)) for source, path in found.values()], connection)
            gone = sa.delete(table).where(table.c.file.is_not(None), table.c.id.not_in(list(found)))
            connection.execute(gone.where(table.c.file.not_in(list(broken))))
    return errors


def save(store: Store, found: Sequence[tuple[Source, str | None]], connection: sa.Connection) -> None:
    """Insert or overwrite rows; each with the file it comes from, or None."""
    upsert(store, tables.sources, _rows(found), keys=["id"], connection=connection)


def save_new(store: Store, source: Source, connection: sa.Connection) -> bool:
    """Insert a row that has no file; False where its id is taken."""
    values = _rows([(source, None)])
    table = tables.sources
    known = sa.select(table.c.id).where(table.c.id == source.id)
    if connection.execute(known).first() is not None:
        return False
    # Of two who add the same at once, the second one finds the first one's.
    insert_or_ignore(store, table, values, connection=connection)
    there = connection.execute(sa.select(table).where(table.c.id == source.id)).mappings().one()
    return of_row(there) == of_row(values[0])


def _rows(found: Sequence[tuple[Source, str | None]]) -> list[dict[str, Any]]:
    return [
        {
            "id": source.id,
            "kind": source.kind,
            "name": source.name,
            "url": source.url,
            "every": source.every_seconds,
            "quiet_after": source.quiet_seconds,
            "enabled": source.enabled,
            "note": source.note,
            "options": source.options,
            "file": file,
        }
        for source, file in found
    ]


def load_sources(store: Store, source_ids: Collection[str] | None = None) -> list[Source]:
    """The sources that the store knows, by id; only these, where some are given."""
    wanted = sa.select(tables.sources).order_by(tables.sources.c.id)
    if source_ids is not None:
        wanted = wanted.where(tables.sources.c.id.in_(list(source_ids)))
    with store.read() as connection:
        return [of_row(row) for row in connection.execute(wanted).mappings()]


def of_row(row: Mapping[Any, Any]) -> Source:
    """The source that a row of the table is."""
    return Source(
        id=row["id"],
        kind=row["kind"],
        url=row["url"],
        name=row["name"],
        every=period(row["every"]),
        quiet_after=period(row["quiet_after"]) if row["quiet_after"] else "",
        enabled=row["enabled"],
        note=row["note"],
        options=row["options"],
    )
