"""Export and import for the 12345 hotline's knowledge base: XLSX and JSON with one column map.

Ids stay. An export since a day also names what is to be taken down there (状态 停用). An import is read row by row: a
row with a mistake is refused with its reason, and the others are taken, as drafts.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from answers.book import AnswerBook, flags_of
from answers.model import Content, Entry
from minsheng.clock import CHINA
from minsheng.errors import MinshengError, WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.problems import Problem

COLUMNS: dict[str, str] = {
    "id": "知识编号",
    "state": "状态",
    "title": "标题",
    "question": "问题",
    "answer": "答案",
    "policy": "政策编号",
    "policy_title": "政策名称",
    "policy_number": "文号",
    "clause": "条款",
    "department": "承办单位",
    "valid_from": "生效日期",
    "valid_until": "失效日期",
    "keywords": "关键词",
    "region": "适用地区",
    "owner": "责任人",
    "version": "版本",
    "changed_at": "更新时间",
}
"""The name in JSON → the heading in XLSX, in the order of the columns. An import reads either, in any order."""

IN_USE, OUT_OF_USE = "启用", "停用"
SEPARATORS = re.compile(r"[、，,；;\n]+")
MOST_ROWS = 100_000
LONGEST_CELL = 32_767
"""Characters that a cell of XLSX holds."""

Outcome = Literal["added", "changed", "unchanged", "refused"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row of an import. `row`: as counted in the file, headings included."""

    row: int
    outcome: Outcome
    entry: str | None = None
    reason: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of an import."""

    rows: tuple[Row, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(row.outcome == outcome for row in self.rows)


def exported(
    book: AnswerBook, policies: Mapping[str, Policy], *, since: datetime | None = None
) -> list[dict[str, str]]:
    """The rows of an export, by id: what the public may see (启用), and with `since` also what no longer (停用).

    Parameters
    ----------
    since:
        Only what changed at or after this moment: the entry, or its policy by being repealed, or its validity by
        beginning or ending. None: all that is in use.
    """
    today = book.today()
    rows = []
    for entry in book.all():
        shown = entry.published or entry.content
        flags = flags_of(shown, policies, today, entry.published_at)
        begun = shown.valid_from is None or shown.valid_from <= today
        in_use = entry.published is not None and begun and not any(flag.blocks for flag in flags)
        if since is None and not in_use:
            continue
        if since is not None:
            if entry.published is None and entry.status not in ("withdrawn", "expired"):
                continue  # a draft that was never out
            if not _changed(entry, shown, policies.get(shown.policy), since.astimezone(CHINA).date(), since):
                continue
        rows.append(_row(entry, shown, policies.get(shown.policy), in_use=in_use))
    return rows


def json_of(rows: Sequence[Mapping[str, str]]) -> bytes:
    """A list of objects, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(list(rows)), indent=2) + b"\n"


def xlsx_of(rows: Sequence[Mapping[str, str]]) -> bytes:
    """One sheet with headings in Chinese; every cell is text, so that nothing is taken for a formula or a date.

    Raises
    ------
    WrongUse
        If a text is longer than a cell holds.
    """
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("政策问答库")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(COLUMNS):
        sheet.column_dimensions[chr(ord("A") + number)].width = _WIDTHS.get(name, 14)
    sheet.append(list(COLUMNS.values()))
    for row in rows:
        cells = []
        for name in COLUMNS:
            text = _CONTROL.sub("", row.get(name, ""))
            if len(text) > LONGEST_CELL:
                raise WrongUse(f"{row['id']}: {name} is longer than a cell of XLSX holds", "export as JSON")
            cell = WriteOnlyCell(sheet, value=text)
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


_WIDTHS = {"answer": 60, "question": 40, "title": 24}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def import_file(
    path: Path, book: AnswerBook, register: PolicyRegister, *, actor: str, own: Sequence[Policy] | None = None
) -> Report:
    """Take a file in: new rows as drafts, changed ones as new drafts of their entries.

    Parameters
    ----------
    own:
        The policies of whoever imports: rows on others, and entries on others, are refused. None: all are.

    Raises
    ------
    WrongUse
        If the file as a whole can't be read; nothing is taken.
    """
    policies = register.all() if own is None else own
    mine = None if own is None else {one.id for one in own}
    rows = [_taken(number, row, book, policies, actor, mine) for number, row in read_rows(path)]
    return Report(rows=tuple(rows))


def read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of an XLSX or JSON file by the names of `COLUMNS`, each with its number in the file; empty rows are
    passed over."""
    kind = path.suffix.lower()
    if kind == ".json":
        found = list(_json_rows(path))
    elif kind == ".xlsx":
        found = list(_xlsx_rows(path))
    else:
        raise WrongUse(Problem("file-kind", file=path.name), "give .xlsx or .json, see docs/reference/qa.md")
    return [(number, row) for number, row in found if any(row.values())]


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        values = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (OSError, msgspec.MsgspecError) as error:
        raise WrongUse(f"{path.name} is no list of objects in JSON: {error}", "see docs/reference/qa.md") from error
    names = _names(dict.fromkeys(key for value in values for key in value), path.name)
    for number, value in enumerate(values[:MOST_ROWS], start=1):
        yield number, {names[key]: _text(item) for key, item in value.items() if key in names}


def _xlsx_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # what it raises on broken files has no bounds
        raise WrongUse(Problem("file-broken", file=path.name, kind="XLSX", reason=error), "save it as .xlsx") from error
    sheet = book.worksheets[0]
    rows = sheet.iter_rows(max_row=MOST_ROWS, values_only=True)
    headings = [_text(cell) for cell in next(rows, ())]
    names = _names([heading for heading in headings if heading], path.name)
    for number, cells in enumerate(rows, start=2):
        pairs = zip(headings, cells, strict=False)
        yield number, {names[heading]: _text(cell) for heading, cell in pairs if heading in names}


def _names(headings: Any, file: str) -> dict[str, str]:
    """Heading → our name; headings of other systems are passed over."""
    by_heading = {heading: name for name, heading in COLUMNS.items()} | {name: name for name in COLUMNS}
    names = {
        heading: by_heading[plain] for heading in headings if (plain := "".join(str(heading).split())) in by_heading
    }
    missing = [COLUMNS[name] for name in ("title", "question", "answer") if name not in names.values()]
    if missing:
        raise WrongUse(f"{file} lacks the columns {'、'.join(missing)}", "see docs/reference/qa.md for the column map")
    return names


def _taken(
    number: int,
    row: dict[str, str],
    book: AnswerBook,
    policies: Sequence[Policy],
    actor: str,
    mine: Collection[str] | None,
) -> Row:
    try:
        content = _content(row, policies)
        entry = _known(book, row.get("id", ""))
        if entry is None:
            made = book.create(content, actor=actor, entry=row.get("id") or None, action="imported")
            return Row(row=number, outcome="added", entry=made.id)
        if mine is not None and entry.content.policy not in mine:
            raise WrongUse("这个知识编号不是本单位的", "不写编号，作为新答复导入")
        if content in (entry.content, entry.published):
            return Row(row=number, outcome="unchanged", entry=entry.id)
        given = row.get("version", "")
        if given and given != str(entry.published_version if entry.published_version else entry.version):
            raise WrongUse(
                f"版本 {given} 已不是现行版本（本库为 {entry.published_version or entry.version}）",
                "请先导出最新内容再改",
            )
        changed = book.edit(entry.id, content, version=entry.version, actor=actor, action="imported")
        return Row(row=number, outcome="changed", entry=changed.id)
    except MinshengError as error:
        return Row(row=number, outcome="refused", entry=row.get("id") or None, reason=str(error))


def _known(book: AnswerBook, identity: str) -> Entry | None:
    if not identity:
        return None
    try:
        return book.get(identity)
    except WrongUse:
        return None


def _content(row: dict[str, str], policies: Sequence[Policy]) -> Content:
    state = row.get("state", "")
    if state not in ("", IN_USE):
        raise WrongUse(f"状态为“{state}”的条目不导入", "撤回请用 minsheng qa withdraw")
    return Content(
        policy=_policy(row, policies).id,
        title=row.get("title", ""),
        question=row.get("question", ""),
        answer=row.get("answer", ""),
        clauses=_list(row.get("clause", "")),
        department=row.get("department") or None,
        owner=row.get("owner") or None,
        region=row.get("region") or None,
        keywords=_list(row.get("keywords", "")),
        valid_from=_day(row, "valid_from"),
        valid_until=_day(row, "valid_until"),
    )


def _policy(row: dict[str, str], policies: Sequence[Policy]) -> Policy:
    from minsheng.policies import standard_number

    wanted = {name: row.get(name, "") for name in ("policy", "policy_number", "policy_title")}
    number, title = standard_number(wanted["policy_number"]), wanted["policy_title"].strip("《》")
    if wanted["policy"]:
        found = [one for one in policies if one.id == wanted["policy"]]
    elif wanted["policy_number"]:
        found = [one for one in policies if one.number in (number, wanted["policy_number"])]
    else:
        found = [one for one in policies if title and one.title == title]
    if len(found) != 1:
        given = next((text for text in wanted.values() if text), "")
        what = "多个政策" if found else "政策"
        raise WrongUse(f"政策库中{'有' if found else '没有'}{what}“{given}”", "填政策编号、文号或政策名称之一")
    return found[0]


def _day(row: dict[str, str], name: str) -> date | None:
    text = row.get(name, "").strip()
    if not text:
        return None
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?", text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"{COLUMNS[name]}“{text}”不是日期", "写作 2026-12-31") from None


def _list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in SEPARATORS.split(text) if part.strip()))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, list | tuple):
        return "、".join(map(_text, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # spreadsheets know no whole numbers
    return str(value).strip()


def _changed(entry: Entry, shown: Content, policy: Policy | None, day: date, since: datetime) -> bool:
    turned = [shown.valid_from, shown.valid_until]
    if policy is not None:
        turned += [policy.repealed_on, policy.amended_on]
    # A policy that was repealed without a day may have been so since any: better named once too often.
    undated = policy is None or (policy.stage == "repealed" and policy.repealed_on is None)
    return entry.changed_at >= since or undated or any(one is not None and one >= day for one in turned)


def _row(entry: Entry, shown: Content, policy: Policy | None, *, in_use: bool) -> dict[str, str]:
    return {
        "id": entry.id,
        "state": IN_USE if in_use else OUT_OF_USE,
        "title": shown.title,
        "question": shown.question,
        "answer": shown.answer,
        "policy": shown.policy,
        "policy_title": policy.title if policy else "",
        "policy_number": (policy.number or "") if policy else "",
        "clause": "、".join(shown.clauses),
        "department": shown.department or "",
        "valid_from": shown.valid_from.isoformat() if shown.valid_from else "",
        "valid_until": shown.valid_until.isoformat() if shown.valid_until else "",
        "keywords": "、".join(shown.keywords),
        "region": shown.region or "",
        "owner": shown.owner or "",
        "version": str(entry.published_version or entry.version),
        "changed_at": entry.changed_at.astimezone(CHINA).isoformat(timespec="seconds"),
    }
