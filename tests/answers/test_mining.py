"""What people ask: read from the index once, one candidate a matter, counted by people; coverage and effects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from answers.asking import question_of
from answers.book import AnswerBook
from answers.coverage import Coverage
from answers.mining import Candidates, QuestionMine
from answers.texts import PolicyTexts
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.records import Grouped, PolicyLink
from minsheng.store import Store
from search.embedded import EmbeddedIndex
from tests.alerts.conftest import record
from tests.answers.conftest import TEXT, WATER, publish


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EmbeddedIndex]:
    opened = EmbeddedIndex(tmp_path / "index.db")
    opened.ensure()
    yield opened
    opened.close()


def asked(key: str, at: datetime, text: str, **more: object) -> Grouped:
    given = {"policy": "water", "request": "inquiry", "sentiment": "neutral", "kind": "message", "title": ""}
    return record(key, at, text=text, **{**given, **more})  # type: ignore[arg-type]


def fill(index: EmbeddedIndex, now: datetime) -> None:
    hours = lambda number: now - timedelta(hours=number)  # noqa: E731
    index.write(
        [
            asked("1", hours(50), "您好，请问水费多收了几天能退？我的电话13800138000", author="one"),
            asked("2", hours(40), "多收的水费什么时候退给我们？", author="two", source="board"),
            asked("3", hours(30), "水费多收了怎么退？", author="one"),
            asked("4", hours(20), "请问一户多人口怎么申请？", author="three"),
            asked("5", hours(10), "这水费也太贵了！", author="four"),
            asked("6", hours(10), "水费多收了怎么退？", author="five", request="complaint"),
            asked("7", hours(10), "护照在哪里办理？", author="six", policy=None),
        ]
    )
    index.refresh()


def test_each_matter_is_one_candidate_counted_by_people(store: Store, clock: ManualClock, index: EmbeddedIndex) -> None:
    PolicyTexts(store, clock).keep(WATER, TEXT, origin="text", actor="wang")
    fill(index, clock.now())
    mine = QuestionMine(store, clock, index)
    mined = mine.run()
    assert (mined.documents, mined.questions, mined.candidates) == (6, 4, 2)
    refund, many = Candidates(store, clock).all()
    assert (refund.people, refund.askings, refund.clause) == (2, 3, "第十四条")
    assert refund.sources == (("weibo", 2), ("board", 1))
    assert refund.since == clock.now() - timedelta(hours=50)
    assert refund.wordings[0] == "水费多收了几天能退？"
    assert not any("138" in wording for wording in refund.wordings)
    assert (many.people, many.clause) == (1, "第八条")
    assert many.answered_by is None

    again = mine.run()
    assert (again.questions, again.candidates) == (0, 0)
    index.write([asked("8", clock.now(), "水费多收了怎么退", author="eight")])
    assert mine.run().candidates == 0
    assert [(one.id, one.people) for one in Candidates(store, clock).all()] == [(refund.id, 3), (many.id, 1)]


def test_two_that_mine_at_once_make_nothing_twice(store: Store, clock: ManualClock, index: EmbeddedIndex) -> None:
    fill(index, clock.now())
    first, second = QuestionMine(store, clock, index), QuestionMine(store, clock, index)
    first.run()
    second.run(since=clock.now() - timedelta(days=9))
    assert sum(one.askings for one in Candidates(store, clock).all()) == 4


def test_a_link_that_is_no_more_than_possible_counts_for_nothing(
    store: Store, clock: ManualClock, index: EmbeddedIndex
) -> None:
    sure = asked("1", clock.now(), "水费怎么算？")
    link = PolicyLink(policy_id="water", reason="alias", confidence=0.4, matched="水费")
    index.write([msgspec.structs.replace(sure, assessed=msgspec.structs.replace(sure.assessed, policies=(link,)))])
    assert QuestionMine(store, clock, index).run().questions == 0


def test_questions_go_when_the_index_forgets(store: Store, clock: ManualClock, index: EmbeddedIndex) -> None:
    fill(index, clock.now())
    mine = QuestionMine(store, clock, index, keep_days=30)
    mine.run()
    clock.advance(days=40)
    assert mine.run().forgotten == 4
    assert Candidates(store, clock).all(dismissed=True) == []


def test_what_is_answered_or_put_aside_is_no_longer_listed(
    store: Store, clock: ManualClock, index: EmbeddedIndex, book: AnswerBook
) -> None:
    PolicyTexts(store, clock).keep(WATER, TEXT, origin="text", actor="wang")
    fill(index, clock.now())
    QuestionMine(store, clock, index).run()
    publish(book, "a-1")
    candidates = Candidates(store, clock)
    assert {one.clause: one.answered_by for one in candidates.all()} == {"第十四条": "a-1", "第八条": None}
    (open_,) = candidates.all(unanswered=True)
    candidates.dismiss(open_.id)
    assert candidates.all(unanswered=True) == []
    assert candidates.get(open_.id).id == open_.id
    with pytest.raises(WrongUse, match="no question"):
        candidates.dismiss("qc-none")


def test_coverage_names_clauses_without_an_answer_and_what_an_answer_changed(
    store: Store, clock: ManualClock, index: EmbeddedIndex, book: AnswerBook
) -> None:
    PolicyTexts(store, clock).keep(WATER, TEXT, origin="text", actor="wang")
    now = clock.now()
    index.write(
        [asked(f"b{n}", now - timedelta(hours=n + 1), "水费多收了怎么退？", author=f"b{n}") for n in range(40)]
        + [asked("m", now, "一户多人口怎么申请？", author="m")]
    )
    mine = QuestionMine(store, clock, index)
    mine.run()
    publish(book, "a-1")
    coverage = Coverage(store, clock)
    assert coverage.effects()[0].words == "发布未满 2 天，暂不评价"
    clock.advance(days=14)
    index.write([asked("after", clock.now(), "水费多收了怎么退？", author="late")])
    mine.run()
    rows = {row.clause: row for row in coverage.clauses("water")}
    assert rows["第八条"].unanswered_people == 1
    assert (rows["第十四条"].people, rows["第十四条"].answers, rows["第十四条"].unanswered) == (41, ("a-1",), ())
    assert rows["第五条"].people == 0
    (effect,) = coverage.effects()
    assert (effect.entry, effect.before, effect.after, effect.words) == ("a-1", 40, 1, "提问明显减少")
    assert effect.change is not None
    assert effect.change.high < 1


@pytest.mark.parametrize(
    ("title", "text", "question"),
    [
        ("", "尊敬的领导您好！请问延时班上到几点", "延时班上到几点"),
        ("咨询一户多人口怎么办", "家里六口人。", "一户多人口怎么办"),
        ("", "支持！早该这样了。", None),
        ("", "凭什么收我钱？", None),
        ("", "转发微博//@某人:水费多收了怎么退？", None),
        ("", "", None),
        ("", "几年前改造过，摔倒的村民都有好几个。", None),
        ("", "网友您好！您反映的问题已收悉。如有疑问请拨打12345咨询。", None),
        ("纾困政策要求连续缴社保", "窗口说要满一年。文件里有这个条件吗？", "窗口说要满一年。 文件里有这个条件吗？"),
    ],
)
def test_the_question_is_the_sentence_that_asks(title: str, text: str, question: str | None) -> None:
    found = question_of(title, text)
    if text.startswith("转发"):
        assert found is not None  # a repost that adds nothing says what it reposts
    else:
        assert found == question
