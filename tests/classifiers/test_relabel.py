"""Setting labels by hand on the whole road: search, log and alerts see them, and no model undoes them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classifiers.corrections import CorrectionBook, CurrentLabels
from classifiers.load import load_model
from classifiers.relabel import Relabeller
from classifiers.stage import assess_one
from minsheng.errors import Unavailable, WrongUse
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import PERSON, Assessed, Document, document_id
from minsheng.road import WORKERS, Road
from search.index import Filters, Search
from stream.messages import DocumentSink
from stream.worker import Worker
from tests.acceptance.conftest import BOTH, Variables, drain, minsheng, opened, variables

__all__ = ["variables"]

AT = datetime.now(UTC) - timedelta(hours=3)
HOUSING = Policy(id="housing", title="云河省城镇住房保障办法", aliases=("住房新规",))
TEXTS = ("住房新规真是太好了，谢谢！", "住房新规什么时候施行？", "今天天气不错", "今天天气不错。")


def make_document(number: int, **changes: Any) -> Document:
    values: dict[str, Any] = {"text": TEXTS[number], "published_at": AT, "fetched_at": AT}
    return Document(id=name(number), source="weibo", native_id=str(number), kind="post", **{**values, **changes})


def name(number: int) -> str:
    return document_id("weibo", str(number))


class Desk:
    """A road with documents on it, and somebody who sets labels."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.book = CorrectionBook(road.store, road.clock)
        self.register = PolicyRegister(road.store)
        self.register.import_policies([HOUSING])
        self.model = load_model(road.settings)
        self.relabeller = Relabeller(
            self.book, road.index, road.log, road.clock, self.assess, lambda: {p.id for p in self.register.all()}
        )

    def assess(self, document: Document) -> Assessed:
        labels = CurrentLabels(self.book)
        return assess_one(document, self.model, self.register, self.road.clock, labels, self.road.index)

    def crawl(self, *documents: Document) -> None:
        with DocumentSink(self.road.log) as sink:
            sink.put(documents)
        self.drain()

    def drain(self) -> None:
        if self.road.settings.stream.kind == "kafka":
            drain(self.road)
            return
        for stage in WORKERS:  # as `drain` does, without waiting a second for what does not come
            worker = Worker(self.road.stage(stage), self.road.log, clock=self.road.clock, poll_seconds=0.02)
            worker.drain()
            worker.close()

    def shown(self, number: int) -> Assessed:
        self.drain()
        return self.road.index.get([name(number)])[name(number)].assessed

    def found(self, **filters: Any) -> set[str]:
        hits = self.road.index.search(Search(filters=Filters(**filters))).hits
        return {str(hit.record.document.native_id) for hit in hits}


@pytest.fixture
def desk(request: pytest.FixtureRequest, variables: Variables) -> Iterator[Desk]:
    """On the embedded parts, or those that the test names."""
    with opened(variables(getattr(request, "param", "embedded"))) as road:
        desk = Desk(road)
        desk.crawl(*(make_document(number) for number in range(4)))
        yield desk


@pytest.mark.parametrize("desk", BOTH, indirect=True)
def test_a_label_set_is_found_and_no_model_undoes_it(desk: Desk) -> None:
    assert desk.shown(0).sentiment.label == "positive"
    change = desk.relabeller.set(name(0), "sentiment", "negative", by="李敏", reason="反话")
    assert (change.before, change.after) == ("positive", "negative")
    shown = desk.shown(0)
    assert (shown.sentiment.label, shown.models["sentiment"], shown.opinion) == ("negative", PERSON, 2)
    assert "0" in desk.found(sentiments=("negative",))
    desk.crawl(make_document(0))  # the same again
    assert desk.shown(0) == shown
    desk.crawl(make_document(0, revision=2, text="住房新规真是太好了，谢谢谢谢！"))
    assert (desk.shown(0).sentiment.label, desk.shown(0).version) == ("negative", 2_000_001)


def test_several_labels_in_a_row_are_all_kept(desk: Desk) -> None:
    for head, label in (("sentiment", "negative"), ("emotion", "angry"), ("stance", "against"), ("emotion", "sad")):
        desk.relabeller.set("weibo:0", head, label, by="李敏")  # the index sees none of them yet
    shown = desk.shown(0)
    assert shown.stance is not None
    assert (shown.sentiment.label, shown.emotion.label, shown.stance.label) == ("negative", "sad", "against")
    assert desk.found(stances=("against",)) == {"0"}


def test_a_label_taken_back_gives_the_models_own(desk: Desk) -> None:
    before = desk.shown(1)
    desk.relabeller.set(name(1), "request", "complaint", by="李敏")
    assert desk.shown(1).request.label == "complaint"
    change = desk.relabeller.unset(name(1), "request", by="王芳")
    assert (change.before, change.after) == ("complaint", before.request.label)
    after = desk.shown(1)
    assert (after.request, after.models) == (before.request, before.models)
    with pytest.raises(WrongUse, match="nobody has set request"):
        desk.relabeller.unset(name(1), "request", by="王芳")


def test_a_person_says_which_policy_it_is_about(desk: Desk) -> None:
    desk.relabeller.set(name(0), "policy:housing", "not-about", by="李敏")
    desk.relabeller.set(name(2), "policy:housing", "about", by="李敏")
    desk.drain()
    assert desk.found(policies=("housing",)) == {"1", "2"}
    desk.relabeller.set(name(2), "stance", "support", by="李敏")
    assert desk.shown(2).policies[0].reason == PERSON
    desk.relabeller.unset(name(2), "policy:housing", by="李敏")
    desk.relabeller.unset(name(0), "policy:housing", by="李敏")
    desk.drain()
    assert desk.found(policies=("housing",)) == {"0", "1"}
    assert desk.shown(2).stance is None


def test_the_same_label_again_does_nothing(desk: Desk) -> None:
    desk.relabeller.set(name(0), "sentiment", "negative", by="李敏")
    desk.drain()
    assert desk.relabeller.set(name(0), "sentiment", "negative", by="王芳").correction is None
    assert len(desk.book.history()) == 1
    confirmed = desk.relabeller.set(name(1), "sentiment", desk.shown(1).sentiment.label, by="王芳")
    assert confirmed.correction is not None, "that the model is right is worth knowing too"


def test_the_same_text_elsewhere_is_told(desk: Desk) -> None:
    desk.relabeller.set(name(2), "sentiment", "neutral", by="李敏")
    change = desk.relabeller.set(name(3), "sentiment", "positive", by="王芳")
    assert [(one.document_id, one.label, one.set_by) for one in change.other_labels] == [(name(2), "neutral", "李敏")]
    assert set(change.same_text) <= {name(2)}


def test_what_can_not_be_set_says_why(desk: Desk) -> None:
    for document, head, label, words in (
        ("nothing", "sentiment", "negative", "no document nothing"),
        ("weibo:99", "sentiment", "negative", "no document weibo:99"),
        (name(0), "mood", "negative", "no head 'mood'"),
        (name(0), "sentiment", "bad", "no label 'bad'"),
        (name(0), "topic", "天文", "no label '天文'"),
        (name(0), "policy:housing", "negative", "no label 'negative'"),
        (name(0), "policy:water", "about", "no policy 'water'"),
        (name(2), "stance", "against", "none is linked"),
    ):
        with pytest.raises(WrongUse, match=words):
            desk.relabeller.set(document, head, label, by="李敏")
    assert desk.book.history() == []


def test_what_the_log_did_not_take_is_sent_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:

        def away() -> None:
            raise Unavailable("log", "away")

        broken.setattr(desk.road.log, "producer", away)
        with pytest.raises(Unavailable):
            desk.relabeller.set(name(0), "sentiment", "negative", by="李敏")
    desk.relabeller.set(name(2), "policy:housing", "about", by="李敏")
    assert desk.shown(0).sentiment.label == "positive"
    assert desk.relabeller.send_again().sent == (name(0),)
    assert desk.shown(0).sentiment.label == "negative"
    assert desk.relabeller.send_again().sent == ()


def test_a_label_taken_back_does_not_return(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.shown(0)
    desk.relabeller.set(name(0), "sentiment", "negative", by="李敏")
    desk.drain()
    desk.relabeller.unset(name(0), "sentiment", by="李敏")  # the index has not seen it when the next one comes
    desk.relabeller.set(name(0), "emotion", "angry", by="李敏")
    shown = desk.shown(0)
    assert (shown.sentiment, shown.emotion.label) == (before.sentiment, "angry")

    def away() -> None:
        raise Unavailable("log", "away")

    desk.relabeller.set(name(0), "policy:housing", "not-about", by="李敏")
    desk.drain()
    for head in ("emotion", "policy:housing"):
        with monkeypatch.context() as broken:
            broken.setattr(desk.road.log, "producer", away)
            with pytest.raises(Unavailable):
                desk.relabeller.unset(name(0), head, by="李敏")
    assert desk.shown(0).emotion.label == "angry" and desk.shown(0).policies == ()
    assert desk.relabeller.send_again().sent == (name(0),)
    after = desk.shown(0)
    assert (after.emotion, after.policies, after.models) == (before.emotion, before.policies, before.models)


def test_the_commands(variables: Variables, tmp_path: Path) -> None:
    chosen = variables("embedded")
    with opened(chosen) as road:
        desk = Desk(road)
        desk.crawl(*(make_document(number) for number in range(4)))
        told = minsheng(chosen, "labels", "set", "weibo:0", "--head", "sentiment", "--label", "negative",
                        "--by", "李敏", "--reason", "反话")  # fmt: skip
        assert "positive → negative" in told.stdout and "李敏" in told.stdout
        desk.relabeller.set("weibo:1", "request", "complaint", by="王芳")
        desk.relabeller.set("weibo:2", "request", "help", by="王芳")
        minsheng(chosen, "labels", "unset", "weibo:2", "--head", "request", "--by", "王芳")
        desk.drain()
        listed = json.loads(minsheng(chosen, "labels", "list", "--json").stdout)
        assert [(row["document_id"], row["label"]) for row in listed] == [(name(0), "negative"), (name(1), "complaint")]
        assert "（撤回）" in minsheng(chosen, "labels", "list", name(2)).stdout
        assert "negative 人工" in minsheng(chosen, "search", "太好了").stdout
        file = tmp_path / "labels.csv.gz"
        minsheng(chosen, "labels", "export", file)
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(file.read_bytes()).decode())))
        assert [(row["text"], row["sentiment"], row["request"], row["model_label"]) for row in rows] == [
            (TEXTS[0], "negative", "", "positive"),
            (TEXTS[1], "", "complaint", "inquiry"),
        ]
        assert {len(row["by"]) for row in rows} == {24} and rows[0]["by"] != rows[1]["by"]
        lines = tmp_path / "labels.jsonl"
        minsheng(chosen, "labels", "export", lines, "--head", "sentiment", "--names")
        (line,) = map(json.loads, lines.read_text(encoding="utf-8").splitlines())
        assert (line["label"], line["by"], line["reason"], line["policies"]) == (
            "negative",
            "李敏",
            "反话",
            ["housing"],
        )
        road.index.drop_before(AT + timedelta(days=62))
        assert "2 labels have no text" in minsheng(chosen, "labels", "export", lines).stderr.replace("\n", " ")
