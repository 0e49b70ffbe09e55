"""Every number of a weekly, monthly, special and compared briefing, of a shift's summary and of a response statement,
counted again by SQL that knows nothing of them: from the log's records and the store's tables.

What a number counts is told by the title of its evidence; each title has its SQL here, and one that has none fails.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from briefings import orders
from briefings.making import make_figures
from briefings.model import Figures
from briefings.periodical import periodical
from briefings.report import Chart, Paragraph, Report, Table, numbers
from briefings.spans import Kind
from tests.briefings.busy_world import JOINED, BusyWorld, at, raw

Rule = tuple[str, Callable[[re.Match[str]], float]]
Derived = dict[str, tuple[float, float]]
"""Title of the evidence → the count, and the one that it is compared with."""

ABOUT = "id IN (SELECT post FROM links WHERE policy = {policy!r})"
POLICIES = {
    "云岭市居民供暖价格调整办法": "heating",
    "云岭市义务教育阶段招生工作方案": "school",
    "云岭市公共交通票价优惠规定": "bus",
}
LABELS = {
    "情感": ("sentiment", {"负面": "negative", "中性": "neutral", "正面": "positive"}),
    "诉求": (
        "request",
        {"投诉": "complaint", "举报": "report", "求助": "help", "咨询": "inquiry", "建议": "suggestion",
         "表扬": "praise", "无明确诉求": "none"},
    ),
    "信源": ("source", {"云岭论坛": "forum", "云岭日报": "daily-news", "市长信箱": "board", "旧网站": "old"}),
    "领域": ("topic", {}),
    "地区": ("region", {}),
}  # fmt: skip
LEVELS = {"Ⅰ级（特别重大）": "red", "Ⅱ级（重大）": "orange", "Ⅲ级（较大）": "yellow", "Ⅳ级（一般）": "blue"}
ASKS = "request IN ('complaint', 'report', 'help', 'inquiry', 'suggestion') AND kind IN ('message', 'post', 'reply')"
OPEN = "opened < {until} AND (closed IS NULL OR closed >= {until})"


class Truth:
    """Counts in a stretch of time."""

    def __init__(self, rows: sqlite3.Connection, since: datetime, until: datetime) -> None:
        self.rows = rows
        self.since, self.until = since.timestamp(), until.timestamp()

    def of(self, since: float, until: float, where: str = "1") -> int:
        query = f"SELECT count(*) FROM posts WHERE at >= ? AND at < ? AND ({where})"
        return int(self.rows.execute(query, (since, until)).fetchone()[0])

    def posts(self, where: str = "1") -> int:
        return self.of(self.since, self.until, where)

    def before(self, where: str = "1") -> int:
        """In as long a time before."""
        return self.of(2 * self.since - self.until, self.since, where)

    def tickets(self, where: str, table: str = "t") -> int:
        """`{since}` and `{until}` stand for the time."""
        query = f"SELECT count(*) FROM {table} WHERE {where.format(since=self.since, until=self.until)}"
        return int(self.rows.execute(query).fetchone()[0])


def recount(
    report: Report, rules: Sequence[Rule], derived: Derived, of_event: Callable[[str], int] | None = None
) -> set[str]:
    """Compare every number, and every difference, of a report; returns the titles that were seen. `of_event`: counts
    what several numbers of one title count, of an event each."""
    by_id, seen = {one.id: one for one in report.evidence}, set[str]()
    for number in numbers(report):
        if number.evidence is None:
            assert number.value == 0 and number.shown in ("", "0")
            continue
        evidence = by_id[number.evidence]
        if of_event is not None and evidence.title == "反映集中的事项":
            assert evidence.filters is not None and evidence.filters.events
            (event,) = {"ev0" if name == JOINED else name for name in evidence.filters.events}
            assert number.value == evidence.total == of_event(event) > 0
            seen.add(evidence.title)
            continue
        found = [(match, count) for rule, count in rules if (match := re.fullmatch(rule, evidence.title))]
        assert found, f"nobody has counted {evidence.title}"
        want = found[0][1](found[0][0])
        assert evidence.total == want, evidence.title
        if number.shown and not number.shown.isdecimal():
            compare(number.shown, *derived.get(evidence.title, (0, 0)))
        else:
            assert number.value == want, evidence.title
        seen.add(evidence.title)
    return seen


def compare(shown: str, count: float, before: float) -> None:
    """A change in words against two counts."""
    if moved := re.search(r"([上升下降]+)([\d.]+)%（([+-]\d+)条）", shown):
        assert moved[1] == ("上升" if count > before else "下降")
        assert moved[2] == f"{100 * abs(count - before) / before:.1f}" and moved[3] == f"{count - before:+.0f}"
    elif times := re.search(r"上升至约([\d.]+)倍（([+-]\d+)条）", shown):
        assert float(times[1]) == pytest.approx(count / before, abs=0.051) and times[2] == f"{count - before:+.0f}"
    elif fewer := re.fullmatch(r"([+-]\d+)件", shown):
        assert int(fewer[1]) == count - before
    else:
        assert "不显著" in shown or "持平" in shown or "暂不比较" in shown, shown
    if mean := re.search(r"均（([\d.]+)条）", shown):
        assert mean[1] == f"{before:.1f}"


def shares(truth: Truth, within: str = "1") -> Rule:
    def count(match: re.Match[str]) -> int:
        column, names = LABELS[match[1]]
        return truth.posts(f"{column} = {names.get(match[2], match[2])!r} AND {within}")

    return r"(情感|诉求|信源|领域|地区)：(.+)", count


def unseen(truth: Truth) -> list[Rule]:
    return [
        ("监测的信源", lambda _: truth.tickets("1", "watched")),
        ("未能正常采集的信源", lambda _: truth.tickets("seen < {since}", "watched")),
        ("未能处理的记录", lambda _: truth.tickets("at >= {since} AND at < {until}", "letters")),
    ]


def text(report: Report) -> str:
    said = [
        "".join(part if isinstance(part, str) else part.text for part in block.parts)
        for block in report.blocks()
        if isinstance(block, Paragraph)
    ]
    return "\n".join(said)


def table(report: Report, *columns: str) -> list[list[str]]:
    """The rows of the table whose first columns are called so; none where it is not there."""
    tables = [one for one in report.blocks() if isinstance(one, Table) and one.columns[: len(columns)] == columns]
    assert len(tables) <= 1
    return [
        ["".join(part if isinstance(part, str) else part.text for part in cell.parts) for cell in row]
        for found in tables
        for row in found.rows
    ]


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyWorld]:
    made = BusyWorld(tmp_path_factory.mktemp("busy"))
    made.fill()
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(world: BusyWorld) -> Iterator[sqlite3.Connection]:
    with raw(world, Path(world.settings.data_dir)) as found:
        yield found


NOW = at(9, 7)
SPANS: list[tuple[Kind, date, datetime, datetime, list[datetime]]] = [
    ("daily", date(2026, 5, 8), at(8), at(9), [at(day) for day in range(1, 8)]),
    ("weekly", date(2026, 5, 1), at(27, month=4), at(4),
     [at(30, month=3), at(6, month=4), at(13, month=4), at(20, month=4)]),
    ("weekly", date(2026, 5, 8), at(4), NOW, [at(6, month=4), at(13, month=4), at(20, month=4), at(27, month=4)]),
    ("monthly", date(2026, 4, 15), at(1, month=4), at(1), [at(1, month=1), at(1, month=2), at(1, month=3)]),
    ("monthly", date(2026, 5, 8), at(1), NOW, [at(1, month=2), at(1, month=3), at(1, month=4)]),
]  # fmt: skip
"""Kind, a day in it, its beginning and end, and the beginnings of those that it is compared with."""


@pytest.mark.parametrize(("kind", "day", "since", "until", "starts"), SPANS)
def test_periods(
    world: BusyWorld, rows: sqlite3.Connection, kind: Kind, day: date, since: datetime, until: datetime,
    starts: list[datetime],
) -> None:  # fmt: skip
    figures = make_figures(world, kind, day)
    truth = Truth(rows, since, until)
    assert (figures.since, figures.until) == (since, until)
    spans = []
    for begin, end in zip(starts, [*starts[1:], since], strict=True):
        # What is not over is compared with as much of the earlier ones.
        spans.append((begin.timestamp(), (min(begin + (until - since), end) if until == NOW else end).timestamp()))
    past = [truth.of(*one) for one in spans]
    assert [count for _, count in figures.earlier] == past and min(past) > 0
    assert figures.total.value == truth.posts() > 0
    check_figures(figures, truth)
    check_days(figures, truth)

    def earlier(where: str = "1") -> list[int]:
        return [truth.of(*one, where) for one in spans]

    def about(title: str) -> str:
        return ABOUT.format(policy=POLICIES[title])

    unit = {"daily": "日", "weekly": "周", "monthly": "个月"}[kind]
    before = {"daily": "昨日", "weekly": "上周", "monthly": "上月"}[kind]
    real, evaluated = "NOT historical AND (closed IS NULL OR closed >= {since})", "id IN (SELECT ticket_id FROM judged)"
    ended = f"""EXISTS (SELECT 1 FROM t WHERE t.id = ticket_id AND opened < {{until}} AND {real})
        AND due >= {{since}} AND due < {{until}} AND (met IS NOT NULL OR settled IS NULL OR settled > due)"""
    given = f"{real} AND responded >= {{since}} AND responded < {{until}}"
    well = "id IN (SELECT ticket_id FROM judged WHERE grade IN ('good', 'fair'))"
    rules: list[Rule] = [
        ("全部信息", lambda _: truth.posts()),
        (f"{before}全部信息", lambda _: past[-1]),
        (f"全部信息：前{len(past)}{unit}合计", lambda _: sum(past)),
        ("涉及《(.+)》", lambda match: truth.posts(about(match[1]))),
        ("涉及《(.+)》的负面信息", lambda match: truth.posts(f"{about(match[1])} AND sentiment = 'negative'")),
        (f"涉及《(.+)》：前{len(past)}{unit}合计", lambda match: sum(earlier(about(match[1])))),
        ("事件“事件(.+)”", lambda match: truth.posts(f"whole = {match[1]!r}")),
        ("事件“事件(.+)”的负面信息", lambda match: truth.posts(f"whole = {match[1]!r} AND sentiment = 'negative'")),
        ("事件“事件(.+)”此前同样长的时间", lambda match: truth.before(f"whole = {match[1]!r}")),
        (
            "事件“事件(.+)”的(.+)",
            lambda match: truth.posts(f"whole = {match[1]!r} AND request = {LABELS['诉求'][1][match[2]]!r}"),
        ),
        (r"(\d+)时的信息", lambda match: truth.posts(f"cast((at + 28800) / 3600 AS INT) % 24 = {match[1]}")),
        shares(truth),
        (r"新增(Ⅰ.+|Ⅱ.+|Ⅲ.+|Ⅳ.+)工单", lambda match: level(truth, match[1], "opened >= {since} AND opened < {until}")),
        (r"办结(Ⅰ.+|Ⅱ.+|Ⅲ.+|Ⅳ.+)工单", lambda match: level(truth, match[1], "closed >= {since} AND closed < {until}")),
        (r"未办结(Ⅰ.+|Ⅱ.+|Ⅲ.+|Ⅳ.+)工单", lambda match: level(truth, match[1], OPEN)),
        (r"期初未办结(Ⅰ.+|Ⅱ.+|Ⅲ.+|Ⅳ.+)工单", lambda match: level(truth, match[1], OPEN.replace("until", "since"))),
        ("到期的时限", lambda _: truth.tickets(ended, "clocks")),
        ("按时完成的时限", lambda _: truth.tickets(f"{ended} AND met <= due", "clocks")),
        ("逾期的时限", lambda _: truth.tickets(f"{ended} AND (met IS NULL OR met > due)", "clocks")),
        ("已作回应的工单", lambda _: truth.tickets(given)),
        ("已评估的回应", lambda _: truth.tickets(f"{given} AND {evaluated}")),
        ("评估为较好的回应", lambda _: truth.tickets(f"{given} AND {well}")),
        ("未见讨论的在册政策", lambda _: figures.silent_policies.value),
        *unseen(truth),
    ]  # fmt: skip
    mean = len(past)
    derived: Derived = {f"全部信息：前{mean}{unit}合计": (truth.posts(), sum(past) / mean)}
    for title in POLICIES:
        had = earlier(about(title))
        derived[f"涉及《{title}》：前{mean}{unit}合计"] = (truth.posts(about(title)), sum(had) / mean)
    for name in ("ev0", *(f"ev{one}" for one in range(2, 9))):
        where = f"whole = {name!r}"
        now_and_then = (truth.posts(where), truth.before(where))
        derived[f"事件“事件{name}”此前同样长的时间"] = derived[f"事件“事件{name}”"] = now_and_then
    for title, key in LEVELS.items():
        still, was = (level(truth, title, one) for one in (OPEN, OPEN.replace("until", "since")))
        derived[f"期初未办结{title}工单"] = derived[f"未办结{title}工单"] = (still, was)
        assert next(line for line in figures.levels if line.level == key).open.value == still
    report = periodical(figures)
    for chart in (one for one in report.blocks() if isinstance(one, Chart) and one.shape == "bars"):
        column, names = LABELS[chart.title[:2]]
        told = {name: truth.posts(f"{column} = {names.get(name, name)!r}") for name in chart.labels}
        assert chart.values == tuple(told.values()) == tuple(sorted(told.values(), reverse=True)) and len(told) > 1
    assert sum(isinstance(one, Chart) for one in report.blocks()) == 4
    seen = recount(report, rules, derived)
    assert {"全部信息", "监测的信源", "情感：负面", "诉求：投诉", "涉及《云岭市居民供暖价格调整办法》"} <= seen
    assert sum("此前同样长" in one for one in seen) >= 3 and any(one.startswith("未办结") for one in seen)
    negative = truth.posts("sentiment = 'negative'")
    assert f"其中负面{negative}条，占{share(negative, truth.posts())}" in text(report)
    assert f"共{truth.posts()}条信息" in text(report)
    for title, (column, names) in LABELS.items():
        for name, label in names.items():
            if told := re.search(rf"{title}：.*?{name}(\d+)条（([\d.]+%)）", text(report)):
                count = truth.posts(f"{column} = {label!r}")
                assert (told[1], told[2]) == (str(count), share(count, truth.posts()))


def level(truth: Truth, title: str, where: str) -> int:
    return truth.tickets(f"level = {LEVELS[title]!r} AND {where}")


def check_figures(figures: Figures, truth: Truth) -> None:
    """What the text shows of these only where it is large."""
    spoken = sum(truth.posts(ABOUT.format(policy=policy)) > 0 for policy in POLICIES.values())
    assert figures.silent_policies.value == len(POLICIES) - len(figures.policies) >= 0
    assert len([line for line in figures.policies if line.count.value]) == spoken
    for line in figures.policies:
        assert line.count.value == truth.posts(ABOUT.format(policy=line.id))
    for one, key in ((figures.sentiments, "sentiment"), (figures.requests, "request"), (figures.topics, "topic"),
                     (figures.sources, "source"), (figures.regions, "region")):  # fmt: skip
        assert {share.label: share.count.value for share in one} == {
            share.label: truth.posts(f"{key} = {share.label!r}") for share in one
        }
        assert sum(share.count.value for share in one) == truth.posts(f"{key} IS NOT NULL")


def check_days(figures: Figures, truth: Truth) -> None:
    if figures.kind == "daily":
        hours = [truth.of(truth.since + 3600 * hour, truth.since + 3600 * (hour + 1)) for hour in range(24)]
        assert list(figures.hours) == hours
        return
    days, day = [], truth.since
    while day < truth.until:
        days.append(truth.of(day, min(day + 86_400, truth.until)))
        day += 86_400
    assert [count for _, count in figures.days] == days
    charts = [block for block in periodical(figures).blocks() if isinstance(block, Chart)]
    assert [list(chart.values) for chart in charts if chart.shape == "columns"] == [days]


@pytest.mark.parametrize(
    ("matter", "name", "where", "of"),
    [
        ({"event": "ev0"}, "“事件ev0”", "whole = 'ev0'", "whole = 'ev0'"),
        ({"event": "ev1"}, "“事件ev0”", "whole = 'ev0'", "whole = 'ev0'"),
        (
            {"policy": "heating"},
            "《云岭市居民供暖价格调整办法》",
            ABOUT.format(policy="heating"),
            "policy_id = 'heating'",
        ),
        ({"policy": "bus"}, "《云岭市公共交通票价优惠规定》", ABOUT.format(policy="bus"), "policy_id = 'bus'"),
    ],
)
@pytest.mark.parametrize(("since", "until"), [(None, None), (at(20, month=4), at(3, 12))])
def test_special_reports(
    world: BusyWorld, rows: sqlite3.Connection, matter: dict[str, str], name: str, where: str, of: str,
    since: datetime | None, until: datetime | None,
) -> None:  # fmt: skip
    report = orders.special_report(world, **matter, since=since, until=until).report
    truth = Truth(rows, since or NOW - timedelta(days=7), until or NOW)
    counted = f"{of} AND opened < {{until}} AND (closed IS NULL OR closed >= {{since}})"
    total, was = truth.posts(where), truth.before(where)
    every, still = truth.tickets(counted), truth.tickets(f"{of} AND {OPEN}")
    rules: list[Rule] = [
        (f"{re.escape(name)}：全部信息", lambda _: total),
        ("此前同样长的时间", lambda _: was),
        ("相关工单", lambda _: every),
        ("未办结的相关工单", lambda _: still),
        shares(truth, where),
        *unseen(truth),
    ]
    seen = recount(report, rules, {"此前同样长的时间": (total, was), f"{name}：全部信息": (total, was)})
    assert {f"{name}：全部信息", "此前同样长的时间", "情感：负面", "诉求：投诉", "信源：云岭论坛"} <= seen
    assert total > 20
    said, negative = text(report), truth.posts(f"{where} AND sentiment = 'negative'")
    assert f"相关信息{total}条" in said and f"其中负面{negative}条，占{share(negative, total)}" in said
    assert (f"相关工单{every}件，未办结{still}件。" if every else "没有相关工单。") in said
    lines = {line for line in said.split("\n") if re.search(r"（T\d{4}，", line)}
    assert len(lines) == every
    columns = next(block for block in report.blocks() if isinstance(block, Chart) and block.shape == "columns")
    assert sum(columns.values) == total


@pytest.mark.parametrize(
    ("asked", "sides"),
    [
        ({"days": (date(2026, 5, 7), date(2026, 5, 8))},
         [("5月7日", at(7), at(8), "1"), ("5月8日", at(8), at(9), "1")]),
        ({"days": (date(2026, 5, 9), date(2026, 5, 2))},
         [("5月9日", at(9), NOW, "1"), ("5月2日", at(2), at(2, 7), "1")]),
        ({"policies": ("heating", "school")},
         [("《云岭市居民供暖价格调整办法》", at(2, 7), NOW, ABOUT.format(policy="heating")),
          ("《云岭市义务教育阶段招生工作方案》", at(2, 7), NOW, ABOUT.format(policy="school"))]),
    ],
)  # fmt: skip
def test_comparisons(
    world: BusyWorld, rows: sqlite3.Connection, asked: dict[str, Sequence[object]],
    sides: list[tuple[str, datetime, datetime, str]],
) -> None:  # fmt: skip
    report = orders.compared(world, **asked).report  # type: ignore[arg-type]
    truths = [(Truth(rows, since, until), where) for _, since, until, where in sides]
    found = table(report, "指标")
    assert found[0][0] == "全部信息" and len(found) > 8
    names = {name: (column, label) for column, known in LABELS.values() for name, label in known.items()}
    names |= {name: ("region", name) for name in ("东湖区", "西山县")}
    for line in found:
        column, label = names.get(line[0], ("1", 1))
        counts = [truth.posts(f"{where} AND {column} = {label!r}") for truth, where in truths]
        assert [int(one) for one in line[1:3]] == counts, line[0]
        if moved := re.search(r"([+-]\d+)条", line[3]):
            assert int(moved[1]) == counts[1] - counts[0]
        if more := re.search(r"([多少])(\d+)条", line[3]):
            assert int(more[2]) == abs(counts[1] - counts[0]) and (more[1] == "多") == (counts[1] > counts[0])
    for (name, *_), (truth, where) in zip(sides, truths, strict=True):
        total, bad = truth.posts(where), truth.posts(f"{where} AND sentiment = 'negative'")
        assert f"{name}{total}条" in text(report) and f"{name}{bad}条，{share(bad, total)}" in text(report)


def test_the_summary_of_a_shift(world: BusyWorld, rows: sqlite3.Connection) -> None:
    report = orders.shift(world).report
    truth = Truth(rows, NOW - timedelta(hours=12), NOW)
    rules: list[Rule] = [
        ("本班信息", lambda _: truth.posts()),
        ("本班负面信息", lambda _: truth.posts("sentiment = 'negative'")),
        (r"新增(.+)工单", lambda match: level(truth, match[1], "opened >= {since} AND opened < {until}")),
        (r"办结(.+)工单", lambda match: level(truth, match[1], "closed >= {since} AND closed < {until}")),
        (r"未办结(.+)工单", lambda match: level(truth, match[1], OPEN)),
        *unseen(truth),
    ]
    assert {"本班信息", "本班负面信息"} <= recount(report, rules, {})
    told = [truth.tickets(one) for one in ("opened >= {since} AND opened < {until}",
                                           "closed >= {since} AND closed < {until}", OPEN)]  # fmt: skip
    assert f"新增工单{told[0]}件，办结{told[1]}件，移交未办结{told[2]}件。" in text(report)
    assert [[int(cell) for cell in one[1:]] for one in table(report, "等级")] == [
        [level(truth, title, one) for one in ("opened >= {since} AND opened < {until}",
                                              "closed >= {since} AND closed < {until}", OPEN)]
        for title in LEVELS
    ]  # fmt: skip


@pytest.mark.parametrize("region", ["", "东湖区"])
@pytest.mark.parametrize(("since", "until"), [(at(1, month=4), at(1)), (at(1), NOW)])
def test_response_statements(
    world: BusyWorld, rows: sqlite3.Connection, region: str, since: datetime, until: datetime
) -> None:
    report = orders.statement(world, since=since, until=until, region=region).report
    truth = Truth(rows, since, until)
    asked = f"{ASKS} AND region = {region!r}" if region else ASKS
    here = f"AND whole IN (SELECT whole FROM posts WHERE region = {region!r})" if region else ""
    matter = f"NOT historical AND opened < {{until}} AND (closed IS NULL OR closed >= {{since}}) {here}"
    answered = f"{matter} AND responded >= {{since}} AND responded < {{until}}"
    waiting = f"{matter} AND {OPEN} AND (responded IS NULL OR responded >= {{until}})"
    answers = "FROM clocks WHERE ticket_id = t.id AND NOT apart"
    running = f"(SELECT min(due) {answers} AND (settled IS NULL OR settled >= {{until}}))"
    ran = f"SELECT 1 {answers} AND (met IS NOT NULL OR settled IS NULL OR settled >= responded)"
    timed, missed = f"{answered} AND EXISTS ({ran})", f"EXISTS ({ran} AND due < coalesce(met, responded))"
    grade = "id IN (SELECT ticket_id FROM judged WHERE {0})"
    rules: list[Rule] = [
        ("群众诉求", lambda _: truth.posts(asked)),
        ("已回应的事项", lambda _: truth.tickets(answered)),
        ("尚未回应的事项", lambda _: truth.tickets(waiting)),
        ("超过时限尚未回应的事项", lambda _: truth.tickets(f"{waiting} AND {running} <= {{until}}")),
        ("有时限的已回应事项", lambda _: truth.tickets(timed)),
        ("按时回应的事项", lambda _: truth.tickets(f"{timed} AND NOT {missed}")),
        ("已评估的回应", lambda _: truth.tickets(f"{answered} AND {grade.format('1')}")),
        ("评为好或较好的回应", lambda _: truth.tickets(f"{answered} AND {grade.format(_in('good', 'fair'))}")),
        ("仍有诉求未答到的回应", lambda _: truth.tickets(f"{answered} AND {grade.format(_open)}")),
        ("评估为(.+)的回应", lambda match: truth.tickets(f"{answered} AND {grade.format(_in(_GRADES[match[1]]))}")),
        shares(truth, asked),
        *unseen(truth),
    ]
    seen = recount(report, rules, {}, lambda event: truth.posts(f"{asked} AND whole = {event!r}"))
    assert {"群众诉求", "已回应的事项", "尚未回应的事项", "诉求：投诉", "反映集中的事项"} <= seen
    said, total = text(report), truth.posts(asked)
    late, in_time = truth.tickets(f"{waiting} AND {running} <= {{until}}"), truth.tickets(f"{timed} AND NOT {missed}")
    assert (
        f"已回应关切事项{truth.tickets(answered)}件，尚未回应{truth.tickets(waiting)}件，其中超过时限{late}件。" in said
    )
    if truth.tickets(timed):
        assert f"按时回应{in_time}件，占{share(in_time, truth.tickets(timed))}" in said
    gathered = table(report, "反映集中的事项")
    assert total > 30 and len(gathered) > 3
    for name, count, _ in gathered:
        # Their rows bear the name of the newest ticket of the event.
        event = rows.execute(
            "SELECT whole FROM t WHERE number = ?", (f"T{int(name.removeprefix('事项')):04}",)
        ).fetchone()[0]
        assert int(count) == truth.posts(f"{asked} AND whole = {event!r}") >= 3
    spread = total - sum(int(one[1]) for one in gathered)
    assert (f"其余{spread}条诉求" in said) == (spread > 0)
    for name, count, part in table(report, "诉求类别"):
        want = truth.posts(f"{asked} AND request = {LABELS['诉求'][1][name]!r}")
        assert (int(count), part) == (want, share(want, total))
    told = table(report, "事项", "回应时间")
    assert len(told) == truth.tickets(answered)
    for timely, where in (("按时", f"{timed} AND NOT {missed}"), ("超时", f"{timed} AND {missed}")):
        assert sum(one[3] == timely for one in told) == truth.tickets(where)
    left = table(report, "事项", "发现时间")
    assert len(left) == truth.tickets(waiting) and sum(one[3] == "已超过时限" for one in left) == late


_GRADES = {"好": "good", "较好": "fair", "一般": "middling", "差": "poor"}
_open = "unanswered <> '[]'"


def _in(*grades: str) -> str:
    return "grade IN (" + ", ".join(map(repr, grades)) + ")"
