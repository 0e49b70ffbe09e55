"""What was taken up of the opinions on a draft (征求意见采纳情况), ready to be published.

It names and quotes nobody: of an opinion it prints the clause, the stance, how many hold it and, where an editor has
put it in words of his own, these words; never a comment's. The comments stay in the house, behind the numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

from briefings.evidence import EvidenceBook, Line, Number
from briefings.report import Cell, Part, Report
from briefings.writing import Writer
from consultations.deadline import Standing
from consultations.model import OUTCOMES, STANCE_WORDS, WHOLE, Consultation, Opinion, Outcome
from crawlers.privacy.masking import mask
from minsheng.clock import CHINA
from search.index import Index

_ASKED = {
    "against": "提出反对意见", "question": "提出疑问", "neutral": "提出意见建议", "support": "表示支持"
}  # fmt: skip
"""What stands for an opinion that no editor has put in words."""
_NOTHING = "未收到意见建议。"


def adoption(
    index: Index,
    one: Consultation,
    opinions: Sequence[Opinion],
    letters: int,
    standing: Standing,
    *,
    unit: str,
    made_at: datetime,
) -> Report:
    """The report on one consultation, as things stand.

    Parameters
    ----------
    opinions:
        In the order of the draft's clauses, as `ConsultationBook.opinions` gives them.
    letters:
        How many letters came in; one on several clauses holds several opinions.
    """
    book, writer = EvidenceBook(index), Writer()
    command = f"minsheng consultation show {one.number}"

    def number(title: str, found: Sequence[Opinion]) -> Number:
        lines = [
            Line(
                at=each.decided_at,
                text=f"意见{each.number}　{each.place}　{STANCE_WORDS[each.stance]}　{each.people}份　"
                f"{OUTCOMES[each.outcome] if each.outcome else '未决定'}",
                command=f"{command} --opinion {each.number}",
            )
            for each in found
        ]
        return book.lines(title, "", lines)

    def count(outcome: Outcome) -> Number:
        words_ = OUTCOMES[outcome]
        return number(f"{words_}的意见", [each for each in opinions if each.outcome == outcome])

    span = f"{_day(one.opens_on)}至{_day(one.closes_on)}"
    writer.summary(f"{span}，{one.department or unit}就《{one.title}》公开征求意见。")
    if opinions:
        writer.summary(
            "共收到意见", book.told("收到的意见", command, letters), "份，归并为",
            number("归并后的意见", opinions), "项：采纳",
            count("adopted"), "项，部分采纳", count("partly"), "项，未采纳", count("rejected"),
            "项，表示支持或没有修改内容的", count("noted"), "项。",
        )  # fmt: skip
    else:
        writer.summary(_NOTHING)
    open_ = [each for each in opinions if each.outcome is None]
    if open_:
        writer.summary("另有", number("尚未决定的意见", open_), "项尚在研究，本稿不能公开。")

    _received(writer, opinions, number)
    _decided(writer, opinions)
    _how(writer, one, standing)
    begin = datetime.combine(one.opens_on, time(), CHINA)
    end = datetime.combine(one.closes_on, time(), CHINA) + timedelta(days=1)
    return writer.report(
        "consultation", one.title, unit=one.department or unit, since=begin, until=end, made_at=made_at,
        evidence=book.all(), complete=end <= made_at and not open_,
    )  # fmt: skip


def _received(writer: Writer, opinions: Sequence[Opinion], number: Callable[[str, Sequence[Opinion]], Number]) -> None:
    writer.section("收到意见的情况")
    if not opinions:
        writer.paragraph(_NOTHING)
        return
    by_clause: dict[str, list[Opinion]] = defaultdict(list)
    for each in opinions:
        by_clause[each.place].append(each)
    stances = [stance for stance in STANCE_WORDS if any(each.stance == stance for each in opinions)]
    rows: list[tuple[Cell | Part, ...]] = []
    for place, own in by_clause.items():
        cells = [
            number(f"{place}：{STANCE_WORDS[stance]}", [each for each in own if each.stance == stance])
            for stance in stances
        ]
        rows.append((place, *cells, number(f"{place}的意见", own)))
    columns = ("条款", *(f"{STANCE_WORDS[stance]}（项）" for stance in stances), "合计（项）")
    writer.table(columns, rows, right=tuple(range(1, len(columns))))


def _decided(writer: Writer, opinions: Sequence[Opinion]) -> None:
    writer.section("意见采纳情况")
    told = [each for each in opinions if each.outcome != "noted"]
    if not told:
        writer.paragraph("没有要求修改草案的意见。")
        return
    rows: list[tuple[Cell | Part, ...]] = []
    for each in told:
        said = mask(each.wording) or f"{_ASKED[each.stance]}。"
        outcome = OUTCOMES[each.outcome] if each.outcome else "研究中"
        rows.append((each.place, said, str(each.people), outcome, mask(each.reason) or "—"))
    writer.table(("条款", "意见", "份数", "采纳情况", "理由"), rows, right=(2,))


def _how(writer: Writer, one: Consultation, standing: Standing) -> None:
    writer.section("说明")
    writer.paragraph(
        "本报告不含任何个人信息，不引用个人来信原文，意见内容由工作人员归纳。同一条款上说法相同的意见归并为一项；"
        f"一份来信就几个条款提出意见的，分别计入；没有指明条款的列在“{WHOLE}”。"
    )
    writer.paragraph(f"采纳情况应于{_day(standing.due_on)}前公开。", style="note")


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
