"""The response statement (回应关切情况公开): what was asked in a time, what was answered, in time or not, well or not.

It is made to be published, so it names nobody: no post is quoted, titles are masked, and a matter that fewer than
`LEAST` posts are about is not named at all, for its title may be one person's own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from alerts.evidence import indexed, is_of_policy
from alerts.responses.grade import CHINESE as GRADE_WORDS
from briefings import words
from briefings.evidence import EvidenceBook, Line, Number
from briefings.facts import Facts, TicketFact
from briefings.period import share_lines
from briefings.periodical import share_paragraph
from briefings.report import Cell, Part, Report
from briefings.tickets import is_open
from briefings.writing import Writer
from crawlers.privacy.masking import mask
from minsheng.policies import PolicyTitles
from search.index import Facet, Filters, Index, Page, Search

ASKS = ("complaint", "report", "help", "inquiry", "suggestion")
"""Requests that want an answer."""
KINDS = ("message", "post", "reply")
"""What people write; news and hot searches ask nothing of anybody."""
LEAST = 3
"""Posts that a matter is named from; the usual threshold below which small numbers point at persons."""
MATTERS = 15
"""Matters listed by the number of posts."""
TOLD = 40
"""Matters told one by one, answered and unanswered each."""
_REPLY = 160
"""Characters of a published answer that are quoted."""
_TITLE = 60
_FACETS: tuple[Facet, ...] = ("request", "topic", "event")
_ALL = 10_000


def statement(
    index: Index,
    facts: Facts,
    tickets: Sequence[TicketFact],
    families: Mapping[str, tuple[str, ...]],
    policies: PolicyTitles,
    *,
    since: datetime,
    until: datetime,
    region: str,
    unit: str,
    made_at: datetime,
) -> Report:
    """The statement of a stretch of time.

    Parameters
    ----------
    tickets:
        Those of the region, as `briefings.gather` reads them; historical ones are left out.
    families:
        Event → all ids that are one event with it today; an event that is not in it stands for itself.
    policies:
        Their titles.
    region:
        As documents bear it; empty: everywhere.
    """
    book, writer = EvidenceBook(index), Writer()
    filters = Filters(since=since, until=until, kinds=KINDS, requests=ASKS, regions=(region,) if region else None)
    page = index.search(Search(filters=filters, size=0, facets=_FACETS, facet_size=_ALL, highlight=False))
    asked = book.documents("群众诉求", filters, page.total)
    matters = [
        _Matter.of(index, ticket, families, policies, until)
        for ticket in tickets
        if not ticket.historical and ticket.opened_at < until
    ]
    answered = [one for one in matters if since <= (one.answered_at or until) < until]
    waiting = [one for one in matters if one.answered_at is None and is_open(one.ticket, until)]
    answered.sort(key=lambda one: (-one.asked, one.answered_at, one.ticket.number))
    waiting.sort(key=lambda one: (one.due_at or until, one.ticket.number))

    _summary(writer, book, asked, answered, waiting, region, until)
    _concerns(writer, index, book, filters, page, asked, matters, families)
    _answers(writer, answered)
    _quality(writer, book, answered)
    _unanswered(writer, waiting, until)
    _how(writer, book, facts, complete=until <= made_at)
    subject = words.stretch_words(since, until)
    return writer.report(
        "statement", f"{mask(region)}　{subject}" if region else subject, unit=unit, since=since, until=until,
        made_at=made_at, evidence=book.all(), complete=until <= made_at, sources=facts.coverage.names,
    )  # fmt: skip


class _Matter(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the public may read of it.

    Attributes
    ----------
    name:
        Its masked title, or what else it can be called where too few asked.
    asked:
        Posts of its event, or of its policy, that ask for something, whenever that was.
    answered_at:
        None where it was not, at the end of the time told of.
    in_time:
        None where no clock ran for the answer.
    due_at:
        The first clock that still ran.
    """

    ticket: TicketFact
    name: str
    asked: int
    answered_at: datetime | None
    in_time: bool | None
    due_at: datetime | None

    @classmethod
    def of(
        cls,
        index: Index,
        ticket: TicketFact,
        families: Mapping[str, tuple[str, ...]],
        policies: PolicyTitles,
        until: datetime,
    ) -> _Matter:
        said = indexed(ticket.event, ticket.policy, ticket.opened_at, lambda event: families.get(event, (event,)))
        asked = index.count(msgspec.structs.replace(said, kinds=KINDS, requests=ASKS, until=until))
        answered = ticket.responded_at if ticket.responded_at is not None and ticket.responded_at < until else None
        running = [
            clock
            for clock in ticket.deadlines
            if not clock.apart and (answered is None or clock.met_at or (clock.settled_at or answered) >= answered)
        ]
        return cls(
            ticket=ticket,
            name=_name(ticket, asked, policies),
            asked=asked,
            answered_at=answered,
            in_time=all((clock.met_at or answered) <= clock.due_at for clock in running)
            if running and answered
            else None,
            due_at=min(
                (clock.due_at for clock in running if clock.settled_at is None or clock.settled_at >= until),
                default=None,
            ),
        )

    def late(self, until: datetime) -> bool:
        return self.due_at is not None and self.due_at <= until


def _name(ticket: TicketFact, asked: int, policies: PolicyTitles) -> str:
    if asked >= LEAST:
        return _short(mask(ticket.title), _TITLE)
    title = policies.known(ticket.policy or "")
    return f"与《{title}》有关的个别事项" if title else "个别事项"


def _summary(
    writer: Writer,
    book: EvidenceBook,
    asked: Number,
    answered: Sequence[_Matter],
    waiting: Sequence[_Matter],
    region: str,
    until: datetime,
) -> None:
    where = f"{mask(region)}的" if region else ""
    if asked.value:
        writer.summary(f"本时段共收到{where}群众诉求", asked, "条。")
    else:
        writer.summary(f"本时段未收到{where}群众诉求。")
    late = [one for one in waiting if one.late(until)]
    writer.summary(
        "已回应关切事项", _number(book, "已回应的事项", answered), "件，尚未回应",
        _number(book, "尚未回应的事项", waiting), "件，其中超过时限",
        _number(book, "超过时限尚未回应的事项", late), "件。",
    )  # fmt: skip
    if not answered:
        return
    timed = [one for one in answered if one.in_time is not None]
    judged = [one for one in answered if one.ticket.well is not None]
    parts: list[Part] = []
    if timed:
        kept = [one for one in timed if one.in_time]
        parts += [
            "已回应事项中有时限的", _number(book, "有时限的已回应事项", timed), "件，按时回应",
            _number(book, "按时回应的事项", kept), f"件，占{words.share_words(len(kept), len(timed))}；",
        ]  # fmt: skip
    well = [one for one in judged if one.ticket.well]
    parts += (
        ["经评估", _number(book, "已评估的回应", judged), "件，评为好或较好的",
         _number(book, "评为好或较好的回应", well),
         f"件，占{words.share_words(len(well), len(judged))}。"]
        if judged
        else ["回应质量尚未评估。"]
    )  # fmt: skip
    writer.summary(*parts)


def _concerns(
    writer: Writer,
    index: Index,
    book: EvidenceBook,
    filters: Filters,
    page: Page,
    asked: Number,
    matters: Sequence[_Matter],
    families: Mapping[str, tuple[str, ...]],
) -> None:
    writer.section("群众关切")
    if not asked.value:
        writer.paragraph("本时段未收到群众诉求。")
        return
    kinds = share_lines(book, page, "request", "requests", filters, words.REQUESTS)
    writer.table(
        ("诉求类别", "条数", "占比"),
        [(line.name, line.count, words.share_words(line.count.value, asked.value)) for line in kinds],
        right=(1, 2),
    )
    if topics := share_lines(book, page, "topic", "topics", filters, {}):
        share_paragraph(writer, "涉及领域", topics, asked.value)

    counts = {bucket.value: bucket.count for bucket in page.facets.get("event", ())}
    newest: dict[tuple[str, ...], _Matter] = {}
    for matter in sorted(matters, key=lambda one: one.ticket.opened_at):
        newest[families.get(matter.ticket.event, (matter.ticket.event,))] = matter
    listed: list[tuple[int, _Matter, Filters]] = []
    for family, matter in newest.items():
        if is_of_policy(matter.ticket.event):
            of = msgspec.structs.replace(filters, policies=(matter.ticket.policy or "",))
            count = index.count(of)
        else:
            of, count = msgspec.structs.replace(filters, events=family), sum(counts.get(one, 0) for one in family)
        if count >= LEAST:
            listed.append((count, matter, of))
    listed.sort(key=lambda one: (-one[0], one[1].ticket.number))
    if listed:
        rows: list[tuple[Cell | Part, ...]] = []
        for count, matter, of in listed[:MATTERS]:
            told = "已回应" if matter.answered_at else "办结" if matter.ticket.closed_at else "办理中"
            rows.append((matter.name, book.documents("反映集中的事项", of, count), told))
        writer.table(("反映集中的事项", "本时段诉求", "情况"), rows, right=(1,))
    rest = asked.value - _together(index, listed[:MATTERS])
    if rest > 0:
        writer.paragraph(f"其余{rest}条诉求反映的事项较为分散，不逐一列出。", style="note")


def _together(index: Index, listed: Sequence[tuple[int, _Matter, Filters]]) -> int:
    """How many posts the matters hold together: what is said of a policy may be in an event that is listed, too."""
    events = tuple(one for _, _, of in listed for one in of.events or ())
    both = [msgspec.structs.replace(of, events=events) for _, _, of in listed if of.policies is not None and events]
    return sum(count for count, _, _ in listed) - sum(index.count(of) for of in both)


def _answers(writer: Writer, answered: Sequence[_Matter]) -> None:
    writer.section("回应情况")
    if not answered:
        writer.paragraph("本时段没有作出回应的事项。")
        return
    rows: list[tuple[Cell | Part, ...]] = []
    for one in answered[:TOLD]:
        assert one.answered_at is not None
        took = words.duration_words((one.answered_at - one.ticket.opened_at).total_seconds())
        timely = {True: "按时", False: "超时", None: "无时限"}[one.in_time]
        rows.append(
            (
                Cell(parts=(one.name,), small=one.ticket.unit),
                words.time_words(one.answered_at),
                took,
                Cell(parts=(timely,), tone="late" if one.in_time is False else ""),
                one.ticket.graded or "未评估",
            )
        )
    writer.table(("事项", "回应时间", "用时", "是否按时", "评估"), rows)
    for one in answered[:TOLD]:
        if one.ticket.reply and one.asked >= LEAST:  # an answer to one person tells of that person
            writer.paragraph(f"{one.name}：{_short(mask(one.ticket.reply), _REPLY)}")
    if len(answered) > TOLD:
        writer.paragraph(f"其余{len(answered) - TOLD}件从略。", style="note")


def _quality(writer: Writer, book: EvidenceBook, answered: Sequence[_Matter]) -> None:
    writer.section("回应质量")
    judged = [one for one in answered if one.ticket.graded]
    if not judged:
        writer.paragraph("本时段的回应尚未评估。" if answered else "没有可评估的回应。")
        return
    grades = Counter(one.ticket.graded for one in judged)
    writer.table(
        ("评估等次", "件数", "占比"),
        [
            (
                grade,
                _number(book, f"评估为{grade}的回应", [one for one in judged if one.ticket.graded == grade]),
                words.share_words(grades[grade], len(judged)),
            )
            for grade in GRADE_WORDS.values()
        ],
        right=(1, 2),
    )
    if open_ := [one for one in judged if one.ticket.unanswered]:
        writer.paragraph(
            "其中", _number(book, "仍有诉求未答到的回应", open_), "件仍有诉求没有答到，将继续跟进答复。"
        )  # fmt: skip
    if len(judged) < len(answered):
        writer.paragraph(f"另有{len(answered) - len(judged)}件回应尚未评估。", style="note")


def _unanswered(writer: Writer, waiting: Sequence[_Matter], until: datetime) -> None:
    writer.section("尚未回应的事项")
    if not waiting:
        writer.paragraph("没有尚未回应的事项。")
        return
    rows: list[tuple[Cell | Part, ...]] = []
    for one in waiting[:TOLD]:
        due = words.time_words(one.due_at) if one.due_at else "—"
        stands = "已超过时限" if one.late(until) else "办理中"
        rows.append(
            (
                Cell(parts=(one.name,), small=one.ticket.unit),
                words.time_words(one.ticket.opened_at),
                due,
                Cell(parts=(stands,), tone="late" if one.late(until) else ""),
            )
        )
    writer.table(("事项", "发现时间", "时限", "情况"), rows)
    if len(waiting) > TOLD:
        writer.paragraph(f"其余{len(waiting) - TOLD}件从略。", style="note")


def _how(writer: Writer, book: EvidenceBook, facts: Facts, *, complete: bool) -> None:
    writer.section("统计说明")
    writer.paragraph(
        f"本公开不含任何个人信息，不引用个人发言；诉求不足{LEAST}条的事项不列名称。诉求类别和领域由模型判定，"
        "个别可能有误；“是否按时”以办理时限为准，“评估”依据答其所问、办理结果、内容、表达、及时和群众反响。"
    )
    seen = facts.coverage
    if seen.sources:
        watched = book.told("监测的信源", "minsheng sources list", seen.sources)
        lines = [Line(at=one.last_seen_at, text=f"{one.name}：{one.reason}") for one in seen.unseen]
        if lines:
            missing = book.lines("未能正常采集的信源", "minsheng sources list", lines)
            writer.paragraph(
                "统计来自", watched, "个信息来源，其中", missing, "个本时段未能正常采集，实际诉求可能更多。"
            )
        else:
            writer.paragraph("统计来自", watched, "个信息来源，本时段均正常采集。")
    if not complete:
        writer.paragraph("本时段尚未结束，数字为生成时的情况。", style="note")


def _number(book: EvidenceBook, title: str, matters: Sequence[_Matter]) -> Number:
    lines = [
        Line(
            at=one.answered_at or one.ticket.opened_at,
            text=f"{one.ticket.number}　{one.ticket.title}",
            command=f"minsheng tickets show {one.ticket.number}",
        )
        for one in matters
    ]
    return book.lines(title, "", lines)


def _short(text: str, most: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
