"""The assess stage: alone, and run by the worker on an embedded log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from classifiers.corrections import corrected
from classifiers.linking import PolicyLinker
from classifiers.model import EVERY_MODEL, Text
from classifiers.ngram import NgramModel
from classifiers.stage import AssessStage, Links, ParentLookup
from minsheng.clock import ManualClock
from minsheng.errors import Unavailable
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import Assessed, Document, Judgement, decode, document_id, scores_of
from stream.embedded import EmbeddedLog
from stream.log import ASSESSED, DEAD_LETTERS, DOCUMENTS
from stream.messages import DocumentSink
from stream.worker import Worker
from tests.stores import made_store

MODEL = NgramModel()
VERSIONS = {head: MODEL.versions[head] for head in EVERY_MODEL}
CLOCK = ManualClock()
HOUSING = Policy(id="housing", title="云河省城镇住房保障办法", aliases=("住房新规",))
WATER = Policy(id="water", title="云河省城镇供水价格管理办法", aliases=("水价新政",))


def make_document(key: str, text: str, parent: str | None = None) -> Document:
    return Document(
        id=document_id("weibo", key),
        source="weibo",
        kind="reply" if parent else "post",
        text=text,
        parent_id=document_id("weibo", parent) if parent else None,
        published_at=CLOCK.now(),
        fetched_at=CLOCK.now(),
    )


@pytest.fixture
def register(tmp_path: Path) -> PolicyRegister:
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    register = PolicyRegister(store)
    register.import_policies([HOUSING])
    return register


def make_stage(register: PolicyRegister, lookup: ParentLookup | None = None, **options: int) -> AssessStage:
    stage = AssessStage(MODEL, register, CLOCK, parent_lookup=lookup, **options)
    stage.start()
    return stage


def assess(stage: AssessStage, *documents: Document) -> list[Assessed]:
    return [output for output in stage.work(documents).outputs if isinstance(output, Assessed)]


def policies(assessed: Assessed) -> list[tuple[str, str]]:
    return [(link.policy_id, link.reason) for link in assessed.policies]


def test_a_document_is_judged_and_linked(register: PolicyRegister) -> None:
    (one,) = assess(make_stage(register), make_document("1", "住房新规太好了，谢谢"))
    assert (one.sentiment.label, one.request.label, policies(one)) == ("positive", "praise", [("housing", "alias")])
    assert one.models == {**VERSIONS, "stance": MODEL.versions["stance"], "policies": register.revision()}
    assert one.assessed_at == CLOCK.now()


def test_places_and_units_of_the_text_are_told_and_its_region_is_the_first(register: PolicyRegister) -> None:
    named = make_document("1", "岳麓区路灯坏了，长沙市城管局一直不管")
    known = msgspec.structs.replace(make_document("2", "路灯坏了"), region="长沙市")
    street = msgspec.structs.replace(make_document("3", "路灯坏了"), region="城东三街")
    one, two, three = assess(make_stage(register), named, known, street)
    assert (one.places, one.units, one.region) == (("湖南省长沙市岳麓区",), ("长沙市城管局",), "湖南省长沙市岳麓区")
    assert (two.places, two.region) == (("湖南省长沙市",), "湖南省长沙市")
    assert (three.places, three.units, three.region) == ((), (), "城东三街")


class WithStance(NgramModel):
    """The shipped model with a stance that is always the same, and a sentiment it never stands by."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = (*self.heads, "stance", "harm", "advert", "news")
        self.versions |= {"stance": "stance-1", "harm": "harm-1", "advert": "advert-1", "news": "news-1"}
        self.thresholds = {"sentiment": 0.99999}
        self.advert = "none"

    def judge(self, texts: Sequence[Text]) -> list[dict[str, Judgement]]:
        more = {
            "stance": scores_of("against"),
            "harm": scores_of("none"),
            "advert": scores_of(self.advert),
            "news": scores_of("财经"),
        }
        return [{**judged, **more} for judged in super().judge(texts)]


def test_a_stance_is_one_to_a_policy_that_is_linked_without_doubt(register: PolicyRegister) -> None:
    register.import_policies([HOUSING, Policy(id="flats", title="云河省公寓管理办法", aliases=("新规矩",)),
                              Policy(id="rent", title="云河省租赁管理办法", aliases=("新规矩",))])  # fmt: skip
    stage = AssessStage(WithStance(), register, CLOCK)
    stage.start()
    linked, unlinked, doubtful = assess(
        stage, make_document("1", "住房新规"), make_document("2", "天气"), make_document("3", "这个新规矩")
    )
    assert linked.stance == scores_of("against")
    assert {link.policy_id for link in doubtful.policies} == {"flats", "rent"}
    assert unlinked.stance is None and doubtful.stance is None
    assert linked.harm == unlinked.harm == scores_of("none")
    assert linked.advert == unlinked.advert == scores_of("none")
    others = {**VERSIONS, "harm": "harm-1", "advert": "advert-1", "policies": register.revision()}
    assert linked.models == {**others, "stance": "stance-1"}
    assert unlinked.models == doubtful.models == others


def test_advertising_takes_no_side(register: PolicyRegister) -> None:
    """Who sells flats under the policy's name praises it; the same words to an office are looked at."""
    register.import_policies([HOUSING])
    model = WithStance()
    model.advert = "advert"
    stage = AssessStage(model, register, CLOCK)
    stage.start()
    post = msgspec.structs.replace(make_document("1", "住房新规"), kind="post")
    sold, told = assess(stage, post, msgspec.structs.replace(post, id="2", kind="message"))
    assert sold.advertises and sold.stance is None and "stance" not in sold.models
    assert not told.advertises and told.stance == scores_of("against") and told.models["stance"] == "stance-1"
    assert corrected(told, {"advert": "advert"}).stance == scores_of("against")  # no post
    open_one = msgspec.structs.replace(sold, advert=scores_of("none"), stance=scores_of("support"))
    assert corrected(open_one, {"advert": "advert"}).stance is None
    by_person = corrected(open_one, {"advert": "advert", "stance": "against"})
    assert by_person.advertises and by_person.stance is not None and by_person.stance.label == "against"


def test_what_the_model_does_not_stand_by_is_unsure(register: PolicyRegister) -> None:
    stage = AssessStage(WithStance(), register, CLOCK)
    stage.start()
    (one,) = assess(stage, make_document("1", "住房新规太好了，谢谢"))
    assert (one.sentiment.label, one.sentiment.unsure, one.request.unsure) == ("positive", True, False)


def test_documents_keep_their_order_and_none_is_lost(register: PolicyRegister) -> None:
    documents = [make_document(str(number), "") for number in range(600)]
    assert [one.document for one in assess(make_stage(register), *documents)] == documents


def test_replies_inherit_in_the_same_and_in_later_batches(register: PolicyRegister) -> None:
    stage = make_stage(register)
    first = assess(stage, make_document("1", "住房新规出台"), make_document("2", "什么时候", "1"))
    later = assess(stage, make_document("3", "等着呢", "2"))
    assert [policies(one) for one in (*first, *later)] == [
        [("housing", "alias")],
        [("housing", "parent")],
        [("housing", "parent")],
    ]
    confidences = [one.policies[0].confidence for one in (*first, *later)]
    assert confidences == sorted(confidences, reverse=True) and len(set(confidences)) == 3


def test_a_reply_before_its_parent_stands_alone_however_batches_are_cut(register: PolicyRegister) -> None:
    reply, parent = make_document("2", "什么时候", "1"), make_document("1", "住房新规出台")
    together = assess(make_stage(register), reply, parent)
    stage = make_stage(register)
    apart = [*assess(stage, reply), *assess(stage, parent)]
    assert [policies(one) for one in together] == [policies(one) for one in apart] == [[], [("housing", "alias")]]


def test_a_document_that_answers_itself_is_harmless(register: PolicyRegister) -> None:
    (one,) = assess(make_stage(register), make_document("1", "住房新规", "1"))
    assert policies(one) == [("housing", "alias")]


def test_forgotten_parents_are_looked_up_once_a_batch(register: PolicyRegister) -> None:
    asked: list[list[str]] = []
    stage = make_stage(register)
    (parent,) = assess(stage, make_document("1", "住房新规出台"))

    def lookup(ids: Sequence[str]) -> Mapping[str, Links]:
        asked.append(list(ids))
        return {parent.document.id: parent.policies}

    fresh = make_stage(register, lookup)
    replies = assess(fresh, make_document("2", "好", "1"), make_document("3", "不好", "1"), make_document("4", "", "9"))
    assert [policies(one) for one in replies] == [[("housing", "parent")], [("housing", "parent")], []]
    assert len(asked) == 1 and len(asked[0]) == 2


def test_links_beyond_the_memory_are_forgotten(register: PolicyRegister) -> None:
    stage = make_stage(register, remembered=2)
    assess(stage, make_document("1", "住房新规"), make_document("2", ""), make_document("3", ""))
    (reply,) = assess(stage, make_document("4", "好", "1"))
    assert policies(reply) == []


def test_an_index_that_is_away_does_not_stop_the_assessment(register: PolicyRegister) -> None:
    def lookup(ids: Sequence[str]) -> Mapping[str, Links]:
        raise Unavailable("index", "away")

    (one,) = assess(make_stage(register, lookup), make_document("2", "住房新规好", "1"))
    assert policies(one) == [("housing", "alias")]


def test_a_changed_register_is_seen_after_a_few_seconds(register: PolicyRegister) -> None:
    stage = make_stage(register)
    register.import_policies([WATER])
    (before,) = assess(stage, make_document("1", "水价新政"))
    CLOCK.advance(seconds=6)
    (after,) = assess(stage, make_document("1", "水价新政"))
    assert (policies(before), policies(after)) == ([], [("water", "alias")])
    assert before.models["policies"] != after.models["policies"] == register.revision()


def test_after_a_change_the_index_is_asked_for_parents_before_older_memory(register: PolicyRegister) -> None:
    known: dict[str, Links] = {}
    stage = make_stage(register, lambda ids: known)
    (parent,) = assess(stage, make_document("1", "水价新政和住房新规"))
    register.import_policies([WATER])
    CLOCK.advance(seconds=6)
    (before,) = assess(stage, make_document("2", "好", "1"))
    assert policies(before) == [("housing", "parent")]
    known[parent.document.id] = tuple(PolicyLinker([HOUSING, WATER]).link("", parent.document.text))
    (after,) = assess(stage, make_document("3", "好", "1"))
    assert sorted(policies(after)) == [("housing", "parent"), ("water", "parent")]


def test_on_the_log_with_a_worker(register: PolicyRegister, tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db")
    log.ensure_topics({DOCUMENTS: 1, ASSESSED: 1, DEAD_LETTERS: 1})
    DocumentSink(log).put([make_document("1", "住房新规出台"), make_document("2", "什么时候", "1")])
    worker = Worker(AssessStage(MODEL, register, CLOCK), log, clock=CLOCK, batch=1, poll_seconds=0.02)
    while worker.step():
        pass
    worker.close()
    found = [decode(Assessed, message.value) for message in log.read(ASSESSED)]
    assert [policies(one) for one in found] == [[("housing", "alias")], [("housing", "parent")]]
    assert log.lag(DOCUMENTS, "assess").behind == 0
    log.close()
