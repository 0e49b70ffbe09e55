"""Entries: steps, history, flags, races."""

from __future__ import annotations

import threading
from datetime import date

import msgspec
import pytest

from answers.book import AnswerBook
from minsheng.clock import ManualClock
from minsheng.errors import WrongUse
from minsheng.policies import PolicyRegister
from minsheng.store import Store
from tests.answers.conftest import OLD, WATER, content, publish

both = pytest.mark.parametrize(
    "store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def test_an_entry_goes_from_draft_to_signed_and_every_step_stays(book: AnswerBook, clock: ManualClock) -> None:
    made = book.create(content(), actor="wang", entry="a-1")
    assert (made.status, made.version, made.published) == ("draft", 1, None)
    with pytest.raises(WrongUse, match="can't be signed"):
        book.sign("a-1", actor="zhang")
    book.review("a-1", actor="li", note="无误")
    clock.advance(hours=1)
    signed = book.sign("a-1", actor="zhang")
    assert (signed.status, signed.signer, signed.published) == ("published", "zhang", content())
    assert signed.digest == content().digest()
    history = book.history("a-1")
    assert [(one.version, one.action, one.actor) for one in history] == [
        (1, "created", "wang"),
        (2, "reviewed", "li"),
        (3, "signed", "zhang"),
    ]


def test_what_is_published_stays_in_force_while_a_new_draft_is_worked_on(book: AnswerBook) -> None:
    publish(book, "a-1")
    book.edit("a-1", content(answer="七个工作日内退还。"), version=3, actor="wang")
    found = book.get("a-1")
    assert found.status == "draft"
    assert found.published is not None
    assert "5个工作日" in found.published.answer
    assert [one.id for one in book.public()] == ["a-1"]
    book.review("a-1", actor="li")
    assert book.sign("a-1", actor="zhang").published == content(answer="七个工作日内退还。")


def test_the_moment_a_policy_is_repealed_its_answers_are_flagged_and_no_longer_public(
    book: AnswerBook, store: Store
) -> None:
    publish(book, "a-1", policy="water-old")
    assert book.flagged() == []
    gone = msgspec.structs.replace(OLD, stage="repealed")
    PolicyRegister(store).import_policies([gone])
    ((entry, flags),) = book.flagged()
    assert entry.id == "a-1"
    assert [(flag.kind, flag.words) for flag in flags] == [("repealed", "政策已废止，现行为《居民用水阶梯价格办法》")]
    assert book.public() == []
    book.edit("a-1", content(policy="water-old", title="另一个标题"), version=3, actor="wang")
    book.review("a-1", actor="li")
    with pytest.raises(WrongUse, match="政策已废止"):
        book.sign("a-1", actor="zhang")


def test_a_repeal_to_come_flags_nothing_before_its_day(book: AnswerBook, store: Store, clock: ManualClock) -> None:
    publish(book, "a-1", policy="water-old")
    PolicyRegister(store).import_policies([msgspec.structs.replace(OLD, repealed_on=date(2026, 3, 12))])
    assert len(book.public()) == 1
    clock.advance(days=2)
    assert book.public() == []


def test_an_amendment_asks_for_another_look_until_it_is_signed_anew(
    book: AnswerBook, store: Store, clock: ManualClock
) -> None:
    publish(book, "a-1")
    clock.advance(days=5)
    PolicyRegister(store).import_policies(
        [msgspec.structs.replace(WATER, stage="amended", amended_on=date(2026, 3, 14))]
    )
    assert [flag.kind for flag in book.flagged()[0][1]] == ["amended"]
    book.edit("a-1", content(title="多收的水费"), version=3, actor="wang")
    book.review("a-1", actor="li")
    book.sign("a-1", actor="zhang")
    assert book.flagged() == []


def test_an_answer_ends_on_its_last_day(book: AnswerBook, clock: ManualClock) -> None:
    publish(book, "a-1", valid_until=date(2026, 3, 11))
    assert [flag.kind for flag in book.flagged()[0][1]] == ["ending"]
    clock.advance(days=1)
    assert book.expire_due() == []
    clock.advance(days=1)
    assert book.public() == []
    assert book.expire_due() == ["a-1"]
    assert book.get("a-1").status == "expired"
    assert book.expire_due() == []


def test_wrong_entries_are_refused_with_what_is_wrong(book: AnswerBook) -> None:
    with pytest.raises(WrongUse, match=r"title is empty; answer is empty; valid_until .* lies before"):
        book.create(
            content(title=" ", answer="", valid_from=date(2026, 3, 2), valid_until=date(2026, 3, 1)), actor="wang"
        )
    with pytest.raises(WrongUse, match="no policy 'nowhere'"):
        book.create(content(policy="nowhere"), actor="wang")
    with pytest.raises(WrongUse, match="no reason"):
        book.withdraw("a-1", actor="wang", note=" ")
    with pytest.raises(WrongUse, match="no entry"):
        book.get("a-1")


def test_where_four_eyes_are_asked_for_nobody_reviews_his_own_words(store: Store, clock: ManualClock) -> None:
    book = AnswerBook(store, clock, four_eyes=True)
    book.create(content(), actor="wang", entry="a-1")
    with pytest.raises(WrongUse, match="wang wrote"):
        book.review("a-1", actor="wang")
    assert book.review("a-1", actor="li").status == "reviewed"


@both
def test_of_two_who_change_the_same_version_one_is_refused(book: AnswerBook) -> None:
    publish(book, "a-1")
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def change(number: int) -> None:
        start.wait()
        try:
            book.edit("a-1", content(answer=f"答复{number}"), version=3, actor=f"editor-{number}")
            outcomes.append("changed")
        except WrongUse as error:
            outcomes.append("refused" if "meanwhile" in error.message else error.message)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["changed", "refused", "refused", "refused"]
    assert [one.version for one in book.history("a-1")] == [1, 2, 3, 4]


@both
def test_of_two_who_take_the_same_id_one_is_refused(book: AnswerBook) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(3)

    def make() -> None:
        start.wait()
        try:
            book.create(content(), actor="wang", entry="same")
            outcomes.append("made")
        except WrongUse:
            outcomes.append("refused")

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "refused", "refused"]
    assert len(book.history("same")) == 1
