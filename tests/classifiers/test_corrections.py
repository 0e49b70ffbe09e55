"""Labels that persons set: their history, and how they take the place of the models'."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classifiers.corrections import CorrectionBook, CurrentLabels, corrected, corrected_links, shows
from classifiers.model import STANCES, Text
from classifiers.ngram import NgramModel
from classifiers.stage import AssessStage
from classifiers.text_key import text_key
from minsheng.clock import ManualClock
from minsheng.errors import Unavailable
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import PERSON, Assessed, Document, PolicyLink, decode, document_id, encode, scores_of
from minsheng.store import Store
from tests.stores import made_store
from training.data import key

CLOCK = ManualClock()
HOUSING = Policy(id="housing", title="云河省城镇住房保障办法", aliases=("住房新规",))


def make_record(name: str = "1", text: str = "住房新规出台", **changes: Any) -> Assessed:
    document = Document(
        id=document_id("weibo", name),
        source="weibo",
        kind="post",
        text=text,
        published_at=CLOCK.now(),
        fetched_at=CLOCK.now(),
    )
    record = Assessed(
        document=document,
        sentiment=scores_of("neutral", {"negative": 0.3, "positive": 0.1}),
        emotion=scores_of("neutral"),
        topic=scores_of("城乡建设", {"交通运输": 0.2}),
        request=scores_of("none", {"complaint": 0.4}),
        policies=(PolicyLink(policy_id="housing", reason="alias", confidence=0.9, matched="住房新规"),),
        models={"sentiment": "m-1", "emotion": "m-1", "topic": "m-1", "request": "m-1", "policies": "r-1"},
        assessed_at=CLOCK.now(),
    )
    return msgspec.structs.replace(record, **changes)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = (
        f"sqlite:///{tmp_path / 'store.db'}" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    )
    opened = made_store(url)
    yield opened
    opened.close()


@pytest.fixture
def book(store: Store) -> CorrectionBook:
    return CorrectionBook(store, CLOCK)


def test_who_when_and_what_the_model_had_said(book: CorrectionBook) -> None:
    record = make_record()
    row = book.add(record, "sentiment", "negative", by="李敏", reason="反话")
    assert (row.label, row.set_by, row.reason, row.set_at) == ("negative", "李敏", "反话", CLOCK.now())
    assert (row.model_label, row.model_score, row.model_version) == ("neutral", pytest.approx(0.6), "m-1")
    assert book.current() == book.history() == [row]
    assert book.labels(record.document.id) == {"sentiment": "negative"}


def test_the_last_label_holds_and_none_before_it_is_lost(book: CorrectionBook) -> None:
    record = make_record()
    rows = [
        book.add(record, "sentiment", "negative", by="李敏"),
        book.add(record, "request", "complaint", by="李敏"),
        book.add(record, "sentiment", "positive", by="王芳"),
        book.add(record, "request", None, by="王芳"),
    ]
    assert book.history(record.document.id) == rows
    assert book.labels(record.document.id) == {"sentiment": "positive"}
    assert book.current(head="request") == []
    assert book.history(document_id("weibo", "2")) == []


def test_what_the_model_said_is_not_taken_from_a_person(book: CorrectionBook) -> None:
    first = make_record()
    book.add(first, "sentiment", "negative", by="李敏")
    now_shown = corrected(first, {"sentiment": "negative"})
    rows = [
        book.add(now_shown, "sentiment", "positive", by="王芳"),
        book.add(now_shown, "sentiment", None, by="王芳"),
        book.add(now_shown, "sentiment", "positive", by="王芳"),  # the index has not seen the withdrawal yet
    ]
    assert {(row.model_label, row.model_version) for row in rows} == {("neutral", "m-1")}
    judged_anew = make_record(sentiment=scores_of("positive"))
    book.add(judged_anew, "sentiment", None, by="王芳")
    assert book.add(judged_anew, "sentiment", "negative", by="王芳").model_label == "positive"


def test_opinions_rise_also_before_the_index_has_seen_the_last_one(book: CorrectionBook) -> None:
    record = make_record(opinion=4)
    opinions = [book.add(record, head, label, by="李敏").opinion for head, label in
                (("sentiment", "negative"), ("emotion", "angry"), ("sentiment", None))]  # fmt: skip
    assert opinions == [5, 6, 7]
    revised = msgspec.structs.replace(record, document=msgspec.structs.replace(record.document, revision=2), opinion=1)
    assert book.add(revised, "sentiment", "negative", by="李敏").opinion == 2


def test_people_at_the_same_time_get_different_opinions(book: CorrectionBook) -> None:
    record = make_record()
    opinions: list[int] = []

    def work() -> None:
        opinions.extend(book.add(record, "sentiment", "negative", by="李敏").opinion for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opinions) == list(range(2, 22))


def test_labels_by_time_and_for_the_same_text(book: CorrectionBook) -> None:
    old = book.add(make_record("1", "停车费太贵！"), "request", "complaint", by="李敏")
    CLOCK.advance(days=1)
    moment = CLOCK.now()
    other = book.add(make_record("2", "停车费　太贵"), "request", "none", by="王芳")
    book.add(make_record("3", "别的事"), "request", "none", by="王芳")
    assert [row.document_id for row in book.current(since=moment)] == [document_id("weibo", n) for n in ("2", "3")]
    assert old.text_key == other.text_key
    assert book.of_same_text(other) == [old]


def test_what_is_added_later_is_seen_by_those_who_follow(book: CorrectionBook) -> None:
    labels = CurrentLabels(book)
    record = make_record()
    labels.refresh()
    assert labels.of(record.document.id) == {}
    book.add(record, "sentiment", "negative", by="李敏")
    book.add(record, "request", "help", by="李敏")
    labels.refresh()
    assert labels.of(record.document.id) == {"sentiment": "negative", "request": "help"}
    book.add(record, "sentiment", None, by="李敏")
    labels.refresh()
    assert labels.of(record.document.id) == {"request": "help"}


def test_a_corrected_record_is_certain_and_says_that_a_person_was() -> None:
    assert all(shows(make_record(), head, None) for head in ("sentiment", "stance", "policy:housing"))
    record = corrected(make_record(), {"sentiment": "negative", "topic": "交通运输", "stance": "against"})
    assert record.sentiment.scores == {"neutral": 0.0, "negative": 1.0, "positive": 0.0}
    assert record.topic.label == "交通运输" and record.topic.scores["城乡建设"] == 0.0
    assert record.stance is not None and set(record.stance.scores) == set(STANCES)
    assert record.models == {
        **make_record().models, "sentiment": PERSON, "topic": PERSON, "stance": PERSON,
    }  # fmt: skip
    assert record.request == make_record().request
    assert decode(Assessed, encode(record)) == record
    for head, label in (("sentiment", "negative"), ("topic", "交通运输"), ("stance", "against")):
        assert shows(record, head, label) and not shows(make_record(), head, label)
        assert not shows(record, head, None)
    without = corrected(make_record(), {"policy:housing": "not-about"})
    assert without.models["policy:housing"] == PERSON and shows(without, "policy:housing", "not-about")
    assert not shows(without, "policy:housing", "about") and not shows(without, "policy:housing", None)


def test_what_a_person_is_sure_of_is_not_unsure() -> None:
    doubtful = msgspec.structs.replace(scores_of("neutral", {"negative": 0.45}), unsure=True)
    assert not corrected(make_record(sentiment=doubtful), {"sentiment": "neutral"}).sentiment.unsure


def test_links_that_a_person_makes_and_takes_away() -> None:
    links = make_record().policies
    made = corrected_links(links, {"policy:water": "about"})
    assert [(link.policy_id, link.reason, link.confidence) for link in made] == [
        ("housing", "alias", 0.9),
        ("water", "person", 1.0),
    ]
    assert corrected_links(made, {"policy:water": "about"}) == made
    (confirmed,) = corrected_links(links, {"policy:housing": "about"})
    assert confirmed.reason == PERSON
    assert corrected_links(links, {"policy:housing": "not-about"}) == ()


def test_no_stance_is_left_without_a_policy() -> None:
    record = make_record(stance=scores_of("support"), models={**make_record().models, "stance": "m-1"})
    for labels in ({"policy:housing": "not-about"}, {"policy:housing": "not-about", "stance": "against"}):
        without = corrected(record, labels)
        assert without.stance is None and "stance" not in without.models
        assert shows(without, "stance", "against"), "there is no place for one"


def test_the_key_of_a_text_is_that_of_the_training_data() -> None:
    for text in [("标题", "正文，。"), ("", "！？"), ("Ａb", "１２"), ("", "\ud800x"), ("", "")]:
        assert text_key(Text(*text)) == key(Text(*text))


@pytest.fixture
def register(store: Store) -> PolicyRegister:
    register = PolicyRegister(store)
    register.import_policies([HOUSING])
    return register


def assess(stage: AssessStage, *documents: Document) -> list[Assessed]:
    return [output for output in stage.work(documents).outputs if isinstance(output, Assessed)]


def test_the_stage_puts_a_persons_label_before_its_own(book: CorrectionBook, register: PolicyRegister) -> None:
    stage = AssessStage(NgramModel(), register, CLOCK, labels=CurrentLabels(book))
    stage.start()
    document = make_record(text="住房新规太好了，谢谢").document
    (before,) = assess(stage, document)
    assert before.sentiment.label == "positive"
    book.add(before, "sentiment", "negative", by="李敏")
    book.add(before, "policy:housing", "not-about", by="李敏")
    revised = msgspec.structs.replace(document, revision=2, text="住房新规真是太好了，谢谢谢谢")
    for one in assess(stage, document, revised):
        assert (one.sentiment.label, one.sentiment.scores["negative"]) == ("negative", 1.0)
        assert one.models["sentiment"] == PERSON and one.models["emotion"] != PERSON
        assert one.policies == ()
    reply = msgspec.structs.replace(make_record("2", "等着呢").document, parent_id=document.id)
    assert assess(stage, reply)[0].policies == (), "a reply is not about what its parent is not about"
    book.add(before, "sentiment", None, by="李敏")
    assert assess(stage, document)[0].sentiment == before.sentiment


def test_a_store_that_is_away_leaves_the_labels_that_are_known(
    book: CorrectionBook, register: PolicyRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = make_record(text="太好了，谢谢").document
    book.add(make_record(text="太好了，谢谢"), "sentiment", "negative", by="李敏")
    stage = AssessStage(NgramModel(), register, CLOCK, labels=CurrentLabels(book))
    stage.start()

    def away(*_: object, **__: object) -> None:
        raise Unavailable("store", "away")

    monkeypatch.setattr(book, "history", away)
    assert assess(stage, document)[0].sentiment.label == "negative"


def test_times_are_told_in_utc_whatever_the_database(book: CorrectionBook) -> None:
    book.add(make_record(), "sentiment", "negative", by="李敏")
    (row,) = book.current()
    assert row.set_at == CLOCK.now() and row.set_at.utcoffset() == timedelta(0)
