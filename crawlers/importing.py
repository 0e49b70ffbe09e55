"""Files of collected texts to documents: tables, JSON Lines, web archives, mail, with the columns people use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from crawlers.admission import Admission, Found, Refusal, canonical_url
from crawlers.intake import Intake, Outcome, content_hash
from crawlers.privacy import AuthorKeys
from crawlers.rows import Row, read_rows
from crawlers.sources import nearest
from minsheng.clock import Clock
from minsheng.errors import BadInput, Unavailable, WrongUse
from minsheng.logs import get_logger
from minsheng.records import KINDS, Document, Engagement, Kind, document_id

log = get_logger(__name__)

BATCH = 500
SORTED_UP_TO = 1_000_000
"""Rows that are held in memory to be sent in the order of their times; larger files go in their own order."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "native_id": (
        "native_id", "id", "message_id", "mid", "post_id", "编号", "留言编号", "帖子编号", "标识", "工单编号",
        "工单号", "受理编号", "申请编号", "信件编号", "序号",
    ),
    "title": (
        "title", "subject", "headline", "标题", "主题", "留言主题", "留言标题",
        "工单标题", "诉求标题", "来信标题", "申请事项",
    ),
    "text": (
        "text", "content", "body", "message", "内容", "正文", "文本", "留言详情", "留言内容", "微博正文", "诉求内容",
        "工单内容", "诉求描述", "来信内容", "申请内容", "所需信息内容",
    ),
    "published_at": (
        "published_at", "posted_at", "publish_time", "pubdate", "created_at", "created", "date", "datetime", "time",
        "timestamp", "发布时间", "发表时间", "留言时间", "来电时间", "受理时间", "登记时间", "申请时间", "来信时间",
        "创建时间", "日期", "时间",
    ),
    "author": (
        "author", "author_hash", "author_key", "author_id", "user", "user_id", "username", "screen_name", "nickname",
        "作者", "用户", "用户名", "留言用户", "昵称", "发布者", "发帖人", "来电人", "申请人", "反映人", "来信人",
    ),
    "url": ("url", "link", "href", "链接", "网址", "地址链接", "原文链接"),
    "parent_id": ("parent_id", "parent", "reply_to", "repost_of", "父编号", "回复编号", "原帖编号"),
    "likes": ("likes", "like_count", "attitudes_count", "点赞", "点赞数", "赞", "赞成数", "支持数"),
    "dislikes": ("dislikes", "dislike_count", "反对", "反对数", "踩"),
    "comments": ("comments", "comment_count", "comments_count", "replies", "评论", "评论数", "回复数"),
    "reposts": ("reposts", "repost_count", "reposts_count", "shares", "forwards", "转发", "转发数", "分享数"),
    "views": ("views", "view_count", "reads", "浏览量", "阅读量", "阅读数", "浏览数", "点击量"),
    "region": (
        "region", "area", "district", "city", "location", "地区", "区域", "所属地区", "地域", "城市",
        "事发区域", "所属区县", "区县",
    ),
    "outlet": ("outlet", "media", "来源媒体", "媒体", "媒体名称"),
    "source": ("source", "channel", "platform", "来源", "平台", "渠道"),
    "kind": ("kind", "type", "类型", "类别"),
    "reply": ("reply", "answer", "答复内容", "回复内容", "办理结果", "答复意见", "回复意见", "处理结果"),
    "reply_time": (
        "reply_time", "reply_date", "answered_at", "答复时间", "回复时间", "办结时间", "答复日期", "回复日期",
    ),
    "reply_by": ("reply_by", "reply_unit", "答复单位", "回复单位", "承办单位", "办理单位", "责任单位", "答复部门"),
}  # fmt: skip
"""Fields and the column names that they are recognised by; the first that a file has counts."""

COUNTS = ("likes", "dislikes", "comments", "reposts", "views")
_KIND_WORDS: dict[str, Kind] = {
    **{kind: kind for kind in KINDS},
    "新闻": "news", "文章": "news", "微博": "post", "帖子": "post", "博文": "post", "留言": "message",
    "来信": "message", "诉求": "message", "回复": "reply", "评论": "reply", "热搜": "hot-search",
}  # fmt: skip
_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(万|亿|千|[kKwW])?\+?")
_TIMES = {"千": 1e3, "k": 1e3, "万": 1e4, "w": 1e4, "亿": 1e8}


class Skipped(msgspec.Struct, frozen=True):
    """A row that could not be used, by its line in the file."""

    line: int
    reason: str


class ImportReport(msgspec.Struct, kw_only=True):
    """What came of an import."""

    file: str
    source: str
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    rows: int = 0
    imported: int = 0
    unchanged: int = 0
    duplicates: int = 0
    skipped: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    examples: list[Skipped] = msgspec.field(default_factory=list)
    dates_estimated: int = 0
    rejects: str | None = None


def import_file(
    path: Path,
    intake: Intake,
    authors: AuthorKeys,
    clock: Clock,
    *,
    source: str | None = None,
    kind: Kind = "message",
    mapping: Mapping[str, str] | None = None,
    sort_by_time: bool = True,
    rejects: Path | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> ImportReport:
    """Send the rows of a file to the log, each once, however often the file is imported.

    Parameters
    ----------
    path:
        `.csv`, `.tsv`, `.xlsx`, `.jsonl`, `.ndjson`, `.json`, `.warc`, `.mbox` or `.eml`, also with `.gz`.
    source:
        The source's id; default: made of the file's name.
    kind:
        Of rows that name none.
    mapping:
        Column → field, for columns that are not recognised by their names.
    sort_by_time:
        Send the rows in the order of their times, as they happened, where they fit into memory.
    rejects:
        Where rows that can't be used are written as JSON Lines, with line and reason; None: they are only counted.
    progress:
        Called with rows done and rows in all (None while unknown).

    Raises
    ------
    BadInput
        If the file can't be read as such a file.
    WrongUse
        If there is no such file, no column for a title or text, or the mapping names a column or field that is not.
    """
    chosen = source or _source_id(path)
    report = ImportReport(file=str(path), source=chosen)
    writer = _Rejects(rejects, report)
    rows = read_rows(path)
    first = list(itertools.islice(rows, 100))
    if not first:
        raise BadInput(f"{path} has no rows", "it needs a header and at least one row")
    names = dict.fromkeys(str(name) for row in first if not row.problem for name in row.values)
    columns = recognise(names, mapping or {}, str(path))
    if source and "source" in columns:
        # The source is given: what the rows call their source is the medium that they come from.
        columns.setdefault("outlet", columns.pop("source"))
    report.columns = columns
    documents = _documents(itertools.chain(first, rows), columns, chosen, kind, authors, clock, report, writer)
    with writer:
        _send(documents, intake, clock, report, sort_by_time, progress)
    return report


def recognise(names: Iterable[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    """Field → column. Raises `WrongUse` for a wrong mapping, and where no column is a title or a text."""
    present = list(names)
    plain = {_plain(name): name for name in reversed(present)}
    columns: dict[str, str] = {}
    for column, field in mapping.items():
        if column not in present:
            raise WrongUse(f"{where} has no column '{column}'", nearest(column, present))
        if field not in COLUMNS:
            raise WrongUse(f"there is no field '{field}'", nearest(field, list(COLUMNS)))
        columns[field] = column
    taken = set(columns.values())
    for field, known in COLUMNS.items():
        if field in columns:
            continue
        for name in known:
            candidate = plain.get(_plain(name))
            if candidate is not None and candidate not in taken:
                columns[field] = candidate
                taken.add(candidate)
                break
    if "title" not in columns and "text" not in columns:
        raise WrongUse(
            f"{where}: no column for a title or a text among {', '.join(present[:20])}",
            "say which: --map COLUMN=text",
        )
    return columns


def _documents(
    rows: Iterable[Row],
    columns: Mapping[str, str],
    source: str,
    kind: Kind,
    authors: AuthorKeys,
    clock: Clock,
    report: ImportReport,
    rejects: _Rejects,
) -> Iterator[Document]:
    admissions: dict[str, Admission] = {}
    seen: dict[str, str] = {}
    now = clock.now()
    for row in rows:
        report.rows += 1
        if row.problem:
            rejects.add(row, row.problem)
            continue
        try:
            found = _found(row, columns, kind)
            origin = _slug(_text(row.values, columns, "source")) or source
            admit = admissions.setdefault(origin, Admission(origin, authors))
            document = admit(found, now)
        except (ValueError, OverflowError) as error:
            rejects.add(row, str(error))
            continue
        if isinstance(document, Refusal):
            rejects.add(row, document.reason)
            continue
        hashed = content_hash(document)
        if seen.get(document.id) == hashed:
            report.duplicates += 1
            continue
        if document.id in seen:
            rejects.add(row, f"the id {found.native_id or found.key} is in the file already, with another text")
            continue
        seen[document.id] = hashed
        report.dates_estimated += document.published_estimated
        yield document
        reply = _reply(found.key, row.values, columns)
        answered = admit(reply, now) if reply is not None else None
        if isinstance(answered, Document):
            yield answered


def _found(row: Row, columns: Mapping[str, str], kind: Kind) -> Found:
    def get(field: str) -> str:
        return _text(row.values, columns, field)

    url = get("url")
    url = canonical_url(url) if url.lower().startswith(("http://", "https://")) else ""
    native = get("native_id")
    title, text = get("title"), get("text")
    said = get("kind").lower()
    if said and said not in _KIND_WORDS:
        raise ValueError(f"unknown kind '{said}': use {', '.join(KINDS)}")
    return Found(
        # Without an id of its own a row is known by all that it says.
        key=native or url or document_id(get("published_at"), f"{title}\n{text}\n{get('author')}"),
        kind=_KIND_WORDS[said] if said else kind,
        title=title,
        text=text,
        url=url or None,
        native_id=native or None,
        parent_key=get("parent_id") or None,
        author=get("author") or None,
        published=get("published_at") or None,
        engagement=Engagement(**{name: count(get(name)) for name in COUNTS}),
        region=get("region") or None,
        outlet=get("outlet") or None,
    )


def _reply(key: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> Found | None:
    """The answer that stands in a message's own row, as in records of a hotline; a document of its own."""
    text = _text(values, columns, "reply")
    if not text:
        return None
    return Found(
        key=f"{key}#reply-1",
        kind="reply",
        text=text,
        parent_key=key,
        published=_text(values, columns, "reply_time") or None,
        outlet=_text(values, columns, "reply_by") or None,
    )


def count(text: str) -> int | None:
    """`1,204` → 1204, `3.5万` → 35000; None where it is no count.

    Examples
    --------
    >>> count("1.2万+"), count("-")
    (12000, None)
    """
    match = _COUNT.fullmatch(text.replace(",", "").replace("，", "").strip())
    if match is None:
        return None
    return min(int(float(match[1]) * _TIMES.get((match[2] or "").lower(), 1)), 2**53)


def _send(
    documents: Iterable[Document],
    intake: Intake,
    clock: Clock,
    report: ImportReport,
    sort_by_time: bool,
    progress: Callable[[int, int | None], None],
) -> None:
    total: int | None = None
    if sort_by_time:
        held: list[Document] = []
        waiting = iter(documents)
        for document in waiting:
            held.append(document)
            if len(held) >= SORTED_UP_TO:
                log.warning("not_sorted", file=report.file, reason=f"more than {SORTED_UP_TO} rows")
                break
        else:
            # Grouping reads the log in its order: history is replayed as it happened.
            held.sort(key=lambda document: document.published_at)
            total = len(held)
        documents = itertools.chain(held, waiting)
    batch: list[Document] = []
    done = 0
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            done += _flush(batch, intake, clock, report)
            progress(done, total)
    done += _flush(batch, intake, clock, report)
    progress(done, total)


def _flush(batch: list[Document], intake: Intake, clock: Clock, report: ImportReport) -> int:
    outcomes = take_patiently(intake, batch, clock) if batch else []
    report.unchanged += outcomes.count("unchanged")
    report.imported += len(outcomes) - outcomes.count("unchanged")
    batch.clear()
    return len(outcomes)


def take_patiently(intake: Intake, batch: list[Document], clock: Clock, minutes: float = 10) -> list[Outcome]:
    """Store a batch, waiting for a log that is away up to `minutes`. Raises `Unavailable` after that."""
    pause = 0.5
    deadline = clock.monotonic() + minutes * 60
    while True:
        try:
            return intake.take(batch)
        except Unavailable as error:
            if clock.monotonic() + pause > deadline:
                raise
            log.warning("waiting", reason=str(error), seconds=pause)
            clock.sleep(pause)
            pause = min(pause * 2, 30.0)


class _Rejects:
    """Writes rows that can't be used, so that they can be mended and imported again."""

    def __init__(self, path: Path | None, report: ImportReport) -> None:
        self._path = path
        self._report = report
        self._file: Any = None

    def __enter__(self) -> _Rejects:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        report = self._report
        report.skipped += 1
        general = re.sub(r"'[^']*'|\d+", "…", reason)
        report.reasons[general] = report.reasons.get(general, 0) + 1
        if len(report.examples) < 20:
            report.examples.append(Skipped(row.line, reason))
        if self._path is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
            report.rejects = str(self._path)
        line = {"line": row.line, "reason": reason, "row": dict(row.values)}
        self._file.write(msgspec.json.encode(line) + b"\n")


def _text(values: Mapping[str, Any], columns: Mapping[str, str], field: str) -> str:
    value = values.get(columns.get(field, ""))
    if value is None or isinstance(value, (dict, list)):
        return ""
    return str(value).strip()


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.（）()\ufeff]", "", name).lower()


def _slug(text: str) -> str:
    """A source id made of a row's own words; empty where there are none."""
    return re.sub(r"[\s/\\]+", "-", text.strip().lower())[:100]


def _source_id(path: Path) -> str:
    stem = path.name.lower().removesuffix(".gz").rpartition(".")[0] or path.name
    return "import-" + (re.sub(r"[^a-z0-9_.-]+", "-", stem).strip("-") or "file")
