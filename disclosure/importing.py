"""A file of applications into the store: each once, by its department and number, however often it is imported.

Columns that the file lacks leave what is there; of those it has, it counts what they say. All of the file, or nothing,
is written; which matters the applications belong to is worked out after that, and again where it was cut off.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from crawlers.rows import Row, read_rows
from disclosure.columns import identity_columns, known_name, recognise
from disclosure.matters import compare_new
from disclosure.model import Application
from disclosure.reading import BadRow, masked_row, read_row
from disclosure.register import application_of
from disclosure.tables import applications as table
from disclosure.tables import changes
from minsheng.clock import CHINA, Clock
from minsheng.errors import BadInput
from minsheng.policies import Policy, PolicyRegister, standard_number
from minsheng.problems import Problem
from minsheng.settings import Settings
from minsheng.store import Store

_LOCK = 0x64697363
"""PostgreSQL's advisory lock of whoever imports: two at once would not see each other's new rows."""
_WITH = {"extended": ("extension_days",), "extended_on": ("extended_on", "extension_days"),
         "policy": ("policy", "policy_named")}  # fmt: skip
"""Column → the fields that it decides, where these are not the one of its name."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be used, by its line in the file."""

    line: int
    reason: str


class Report(msgspec.Struct, kw_only=True):
    """What came of an import.

    Attributes
    ----------
    columns:
        Field → column.
    dropped:
        Columns on who made the applications: not stored.
    ignored:
        Other columns that are not used.
    unknown_policies:
        Applications on a policy that the register lacks, or has more than once; its words are kept.
    rejects:
        Where the refused rows were written.
    """

    file: str
    columns: dict[str, str]
    dropped: list[str]
    ignored: list[str]
    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Refused] = msgspec.field(default_factory=list)
    unknown_policies: int = 0
    rejects: str | None = None


def import_file(
    path: Path,
    store: Store,
    clock: Clock,
    settings: Settings,
    *,
    actor: str,
    mapping: Mapping[str, str] | None = None,
    department: str = "",
    region: str = "",
    rejects: Path | None = None,
    own: Callable[[Application], bool] | None = None,
) -> Report:
    """Take a register of applications in.

    Parameters
    ----------
    path:
        `.csv`, `.tsv`, `.xlsx`, `.xls` or `.jsonl`, also with `.gz`.
    mapping:
        Column → field, for columns that are not recognised by their names.
    department, region:
        Of rows that name none.
    rejects:
        Where refused rows are written as JSON Lines, masked and without who made the application.
    own:
        Whether an application is of whoever imports; a row that is not, or that would change another's, is refused.

    Raises
    ------
    BadInput
        If the file can't be read.
    WrongUse
        If there is no such file, it lacks a column that it needs, or `mapping` names what is not there.
    """
    rows = read_rows(path, known_name)
    first = list(itertools.islice(rows, 100))
    if not first:
        raise BadInput(Problem("table-empty", file=path), "it needs a header and at least one row")
    names = list(dict.fromkeys(str(name) for row in first if not row.problem for name in row.values))
    columns = recognise(names, mapping or {}, str(path))
    identity = identity_columns(names, columns)
    used = {*columns.values(), *identity}
    report = Report(
        file=path.name, columns=columns, dropped=identity, ignored=[name for name in names if name and name not in used]
    )
    reader = _Reader(report, clock, settings, department=department, region=region)
    found = reader.read(itertools.chain(first, rows))
    told = {field for column in columns for field in _WITH.get(column, (column,))}
    _write(store, found, told | ({"region"} if region else set()), report, clock, actor, own or (lambda _: True))
    if rejects is not None and reader.rejected:
        rejects.parent.mkdir(parents=True, exist_ok=True)
        rejects.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in reader.rejected))
        report.rejects = str(rejects)
    compare_new(store)
    return report


class _Reader:
    """Rows to applications; tells of each that is none."""

    def __init__(self, report: Report, clock: Clock, settings: Settings, *, department: str, region: str) -> None:
        self._report = report
        self._today = clock.now().astimezone(CHINA).date()
        self._department = department
        self._region = region
        self._extension_days = settings.disclosure.extension_days
        self.rejected: list[dict[str, Any]] = []

    def read(self, rows: Iterable[Row]) -> list[tuple[int, Application]]:
        """Each with its line."""
        found: dict[tuple[str, str], tuple[int, Application]] = {}
        for row in rows:
            self._report.rows += 1
            if row.problem:
                self._refuse(row, row.problem, {})
                continue
            try:
                one = self._application(row)
                line, same = found.get((one.department, one.number), (0, one))
                if same != one:
                    raise BadRow(f"编号 {one.number} 已在第 {line} 行出现，内容不同")
            except BadRow as error:
                self._refuse(row, str(error), masked_row(row.values, self._report.columns, self._report.dropped))
                continue
            if line:
                self._report.unchanged += 1
            else:
                found[one.department, one.number] = row.line, one
        return list(found.values())

    def _application(self, row: Row) -> Application:
        return read_row(
            row.values, self._report.columns, self._report.dropped, today=self._today, department=self._department,
            region=self._region, extension_days=self._extension_days,
        )  # fmt: skip

    def _refuse(self, row: Row, reason: str, values: dict[str, str]) -> None:
        self._report.refused.append(Refused(line=row.line, reason=reason))
        self.rejected.append({"line": row.line, "reason": reason, "row": values})


def _write(
    store: Store,
    found: list[tuple[int, Application]],
    told: set[str],
    report: Report,
    clock: Clock,
    actor: str,
    own: Callable[[Application], bool],
) -> None:
    policies = _Policies(PolicyRegister(store).all())
    with store.begin() as connection:
        if store.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        known = _known(connection, [one for _, one in found])
        for line, named in found:
            one = policies.resolved(named)
            before = known.get((one.department, one.number))
            if not own(one) or (before is not None and not own(before)):
                report.refused.append(Refused(line=line, reason="不属于本单位"))
                continue
            report.unknown_policies += bool(one.policy_named)
            fields = _fields(one)
            if before is None:
                number = connection.execute(table.insert().values(**_row(fields))).inserted_primary_key
                assert number is not None
                report.added += 1
                _note(connection, number[0], {}, clock, actor, report.file)
                continue
            was = _fields(before)
            now = {name: value for name, value in fields.items() if name in told and was[name] != value}
            if not now:
                report.unchanged += 1
                continue
            if now.keys() & {"title", "content"}:
                now["matter"] = None
            connection.execute(table.update().where(table.c.id == before.id).values(**_row(now)))
            report.changed += 1
            now.pop("matter", None)
            _note(
                connection, before.id, {name: [_plain(was[name]), _plain(now[name])] for name in now}, clock, actor,
                report.file,
            )  # fmt: skip


class _Policies:
    """The register's policies by what a file may call them."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self._by: dict[str, set[str]] = {}
        for one in policies:
            for name in filter(None, (one.id, one.number, one.title)):
                self._by.setdefault(name, set()).add(one.id)

    def resolved(self, one: Application) -> Application:
        """With the policy's id in place of its words, where there is just one such policy."""
        words = one.policy_named.strip()
        for name in (words, standard_number(words) or "", words.strip("《》")):
            found = self._by.get(name, set()) if name else set()
            if len(found) == 1:
                return msgspec.structs.replace(one, policy=next(iter(found)), policy_named="")
        return one


def _known(connection: Connection, found: list[Application]) -> dict[tuple[str, str], Application]:
    known = {}
    numbers = [one.number for one in found]
    for start in range(0, len(numbers), 500):
        these = sa.select(table).where(table.c.number.in_(numbers[start : start + 500]))
        for row in connection.execute(these).mappings():
            known[row["department"], row["number"]] = application_of(row)
    return known


def _fields(one: Application) -> dict[str, Any]:
    """What a file tells, by the struct's names."""
    fields = msgspec.structs.asdict(one)
    return {name: value for name, value in fields.items() if name not in ("id", "matter")}


def _row(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The struct's names as the table's."""
    return {"policy_id" if name == "policy" else name: value for name, value in fields.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _note(
    connection: Connection, identity: int, fields: Mapping[str, Any], clock: Clock, actor: str, file: str
) -> None:
    connection.execute(
        changes.insert().values(
            application_id=identity, at=clock.now(), actor=actor[:100], file=file[:300], fields=dict(fields)
        )
    )
