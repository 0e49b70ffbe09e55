"""Linking the past anew: what changes, what is sent, stops and goes on, and what the stages after it make of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from alerts.notify.tables import notices
from alerts.observations import observe
from alerts.tables import tickets
from classifiers import relinking
from classifiers.corrections import CorrectionBook, CurrentLabels
from classifiers.linking import PolicyLinker
from classifiers.relinking import Progress, ProgressFile, Relinker
from minsheng.cli.app import app
from minsheng.clock import ManualClock
from minsheng.errors import Unavailable
from minsheng.policies import Policy, PolicyRegister
from minsheng.records import (
    Assessed,
    Document,
    Duplicate,
    EventRef,
    Grouped,
    Judgement,
    PolicyLink,
    decode,
    document_id,
    scores_of,
)
from minsheng.road import Road
from minsheng.settings import Settings
from search.embedded import EmbeddedIndex
from search.index import Filters
from search.stage import IndexStage
from stream.embedded import EmbeddedLog
from stream.log import DOCUMENTS, GROUPED, TOPICS, Message
from stream.messages import DocumentSink
from stream.worker import Worker
from tests.stores import made_store

CLOCK = ManualClock()
WATER = Policy(id="water", title="云河省城镇供水价格管理办法", aliases=("水价新政",))
BUS = Policy(id="bus", title="青江市公共交通票价优惠办法", aliases=("公交免费",))


def grouped(key: str, text: str, *links: PolicyLink, parent: str | None = None, minutes: int = 0) -> Grouped:
    at = CLOCK.now() + timedelta(minutes=minutes)
    document = Document(
        id=document_id("weibo", key),
        source="weibo",
        kind="reply" if parent else "post",
        text=text,
        parent_id=document_id("weibo", parent) if parent else None,
        published_at=at,
        fetched_at=at,
    )
    label = scores_of("neutral")
    assessed = Assessed(
        document=document, sentiment=label, emotion=label, topic=label, request=label, policies=links,
        models={"sentiment": "s-1", "policies": "older"}, assessed_at=at,
    )  # fmt: skip
    return Grouped(assessed=assessed, duplicate=Duplicate(group="g-1", kind="near"), event=EventRef(id="e-of-old"))


class Parts:
    """An index and a log in one folder, and a relinker between them."""

    def __init__(self, folder: Path) -> None:
        self.index = EmbeddedIndex(folder / "index.db")
        self.log = EmbeddedLog(folder / "log.db")
        self.log.ensure_topics(dict.fromkeys(TOPICS, 1))
        self.pages: list[Progress] = []

    def put(self, *records: Grouped) -> None:
        assert {written.outcome for written in self.index.write(records)} == {"stored"}

    def relinker(self, *policies: Policy, **options: object) -> Relinker:
        return Relinker(self.index, self.log.producer(), PolicyLinker(policies), CLOCK, **options)  # type: ignore[arg-type]

    def relink(self, *policies: Policy) -> Progress:
        begun = Progress(register=PolicyLinker(policies).revision)
        return self.relinker(*policies).run(begun, threading.Event(), after_page=self.pages.append)

    def sent(self) -> list[Grouped]:
        return [decode(Grouped, message.value) for message in self.log.read(GROUPED)]

    def index_sent(self) -> None:
        worker = Worker(IndexStage(EmbeddedIndex(self.index.path), CLOCK), self.log, clock=CLOCK)
        worker.drain()
        worker.close()

    def links(self, key: str) -> list[tuple[str, str]]:
        (record,) = self.index.get([document_id("weibo", key)]).values()
        return [(link.policy_id, link.reason) for link in record.assessed.policies]


@pytest.fixture
def parts(tmp_path: Path) -> Iterable[Parts]:
    parts = Parts(tmp_path)
    yield parts
    parts.index.close()
    parts.log.close()


def test_only_what_changed_is_sent_as_a_new_opinion(parts: Parts) -> None:
    known = tuple(PolicyLinker([WATER]).link("", "水价新政贵了"))
    old = grouped("2", "公交免费真好")
    parts.put(grouped("1", "水价新政贵了", *known), old, grouped("3", "今天下雨"))
    result = parts.relink(WATER, BUS)
    assert (result.seen, result.changed, result.finished) == (3, 1, True)
    assert (result.gained, result.lost) == ({"bus": 1}, {})
    (new,) = parts.sent()
    assert new.version == old.version + 1
    assert new.assessed.models == {"sentiment": "s-1", "policies": PolicyLinker([WATER, BUS]).revision}
    assert (new.event, new.duplicate) == (old.event, old.duplicate)
    assert msgspec.structs.replace(
        new.assessed, policies=(), opinion=1, models=old.assessed.models, assessed_at=old.assessed.assessed_at
    ) == msgspec.structs.replace(old.assessed, policies=())
    parts.index_sent()
    assert parts.links("2") == [("bus", "alias")]
    assert parts.index.count(Filters(policies=("bus",))) == 1


def test_a_second_run_sends_nothing(parts: Parts) -> None:
    parts.put(grouped("1", "公交免费真好"), grouped("2", "同意", parent="1", minutes=1))
    assert parts.relink(BUS).changed == 2
    parts.index_sent()
    assert parts.relink(BUS).changed == 0


def test_a_policy_that_is_gone_takes_its_links_along(parts: Parts) -> None:
    link = PolicyLink(policy_id="bus", reason="alias", confidence=0.9, matched="公交免费", field="text", span=(0, 4))
    parts.put(grouped("1", "公交免费真好", link))
    assert parts.relink(WATER).lost == {"bus": 1}
    assert [record.assessed.policies for record in parts.sent()] == [()]


def test_replies_take_over_what_their_thread_is_about_now(parts: Parts) -> None:
    parts.put(
        grouped("1", "公交免费真好"),
        grouped("2", "同意", parent="1", minutes=1),
        grouped("3", "我也是", parent="2", minutes=2),
        grouped("4", "自己回自己", parent="4", minutes=3),
    )
    parts.relink(BUS)
    parts.index_sent()
    assert parts.links("2") == parts.links("3") == [("bus", "parent")]
    assert parts.links("4") == []


def test_a_reply_whose_parent_is_gone_keeps_what_it_had(parts: Parts) -> None:
    had = PolicyLink(policy_id="water", reason="parent", confidence=0.81)
    gone = PolicyLink(policy_id="no-more", reason="parent", confidence=0.81)
    parts.put(grouped("2", "公交免费呢", had, gone, parent="1"))
    parts.relink(WATER, BUS)
    parts.index_sent()
    assert sorted(parts.links("2")) == [("bus", "alias"), ("water", "parent")]
    assert parts.relink(WATER, BUS).changed == 0


def labels_of(folder: Path, *said: tuple[Grouped, str, str]) -> CurrentLabels:
    store = made_store(f"sqlite:///{folder / 'labels.db'}")
    book = CorrectionBook(store, CLOCK)
    for record, head, label in said:
        book.add(record.assessed, head, label, by="duty", reason="")
    return CurrentLabels(book)


def test_what_a_person_said_outranks_the_linker(parts: Parts, tmp_path: Path) -> None:
    wrong = grouped("1", "公交免费真好")
    records = wrong, grouped("2", "公交免费不好"), grouped("3", "同上", parent="1", minutes=1)
    parts.put(*records)
    labels = labels_of(tmp_path, (wrong, "policy:bus", "not-about"), (wrong, "policy:water", "about"))
    parts.relinker(BUS, WATER, labels=labels).run(
        Progress(register="r"), threading.Event(), after_page=parts.pages.append
    )
    parts.index_sent()
    assert (parts.links("1"), parts.links("2")) == ([("water", "person")], [("bus", "alias")])
    assert parts.links("3") == [("water", "parent")]
    (record,) = parts.index.get([wrong.document.id]).values()
    assert record.assessed.models["policy:bus"] == record.assessed.models["policy:water"] == "person"
    again = parts.relinker(BUS, WATER, labels=labels)
    assert again.run(Progress(register="r"), threading.Event(), after_page=parts.pages.append).changed == 0


def test_a_document_linked_for_the_first_time_gets_its_stance_and_loses_it_with_its_last_link(parts: Parts) -> None:
    parts.put(grouped("1", "公交免费真好"), grouped("2", "下雨了"))
    asked: list[str] = []

    def stances(documents: Sequence[Document]) -> tuple[list[Judgement | None], str]:
        asked.extend(document.text for document in documents)
        return [scores_of("support") for _ in documents], "stance-1"

    def stance_of_the_first() -> tuple[Judgement | None, str | None]:
        parts.index_sent()
        (record,) = parts.index.get([document_id("weibo", "1")]).values()
        return record.assessed.stance, record.assessed.models.get("stance")

    for policies, expected in (((BUS,), (scores_of("support"), "stance-1")), ((WATER,), (None, None))):
        relinker = parts.relinker(*policies, stances=stances)
        relinker.run(Progress(register="r"), threading.Event(), after_page=parts.pages.append)
        assert stance_of_the_first() == expected
    assert asked == ["公交免费真好"]


def test_a_stance_goes_with_the_last_sure_link(parts: Parts) -> None:
    link = PolicyLink(policy_id="water", reason="alias", confidence=0.9, matched="水价", field="text", span=(0, 2))
    one = grouped("1", "公交免费真好", link)
    stance = Judgement(label="support", scores={"support": 1.0})
    models = {**one.assessed.models, "stance": "m-1"}
    assessed = msgspec.structs.replace(one.assessed, stance=stance, models=models)
    parts.put(msgspec.structs.replace(one, assessed=assessed))
    parts.relink()
    (sent,) = parts.sent()
    assert sent.assessed.policies == () and sent.assessed.stance is None and "stance" not in sent.assessed.models


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relinking, "PAGE", 7)
    monkeypatch.setattr(relinking, "REMEMBERED", 3)


def filled(parts: Parts, count: int = 40) -> None:
    parts.put(*(grouped(str(n), f"公交免费第{n}天", minutes=n) for n in range(0, count, 2)))
    parts.put(*(grouped(str(n), "同上", parent=str(n - 1), minutes=n) for n in range(1, count, 2)))


@pytest.mark.usefixtures("small_pages")
def test_it_stops_after_a_page_and_goes_on_from_there(parts: Parts, tmp_path: Path) -> None:
    filled(parts)
    file = ProgressFile(tmp_path / "relink.json")
    stop = threading.Event()

    def stop_at_the_third(reached: Progress) -> None:
        file.write(reached)
        if reached.seen >= 21:
            stop.set()

    begun = Progress(register="r")
    stopped = parts.relinker(BUS).run(begun, stop, after_page=stop_at_the_third)
    assert (stopped.seen, stopped.finished, len(parts.sent())) == (21, False, 21)
    kept = file.read()
    assert kept == stopped
    # Also when what was sent has reached the index meanwhile, and newer documents have come.
    parts.index_sent()
    parts.put(grouped("new", "公交免费", minutes=100))
    result = parts.relinker(BUS).run(kept, threading.Event(), after_page=file.write)
    assert (result.seen, result.changed, result.finished) == (40, 40, True)
    assert len({record.document.id for record in parts.sent()}) == len(parts.sent()) == 40
    file.forget()
    assert file.read() is None


@pytest.mark.usefixtures("small_pages")
def test_a_page_done_twice_has_no_effect_the_second_time(parts: Parts) -> None:
    filled(parts, 10)
    first = parts.relinker(BUS).run(Progress(register="r"), threading.Event(), after_page=parts.pages.append)
    parts.index_sent()
    again = parts.relinker(BUS).run(parts.pages[0], threading.Event(), after_page=lambda _: None)
    assert again.changed == parts.pages[0].changed
    assert first.finished and again.finished


@pytest.mark.usefixtures("small_pages")
def test_memory_is_bounded(parts: Parts) -> None:
    filled(parts)
    relinker = parts.relinker(BUS)
    sizes: list[int] = []
    relinker.run(Progress(register="r"), threading.Event(), after_page=lambda _: sizes.append(len(relinker._known)))
    assert len(sizes) == 6
    assert max(sizes) <= relinking.REMEMBERED


def test_what_is_away_for_a_moment_is_waited_for(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relinking, "PAUSES", (0.0, 0.0))
    parts.put(grouped("1", "公交免费真好"))
    relinker = parts.relinker(BUS)
    failures = [Unavailable("log", "no answer"), Unavailable("log", "no answer")]
    send = relinker._producer.send

    def flaky(messages: Iterable[Message]) -> None:
        if failures:
            raise failures.pop()
        send(messages)

    monkeypatch.setattr(relinker._producer, "send", flaky)
    assert relinker.run(Progress(register="r"), threading.Event(), after_page=lambda _: None).changed == 1
    failures[:] = [Unavailable("log", "no answer")] * 3
    with pytest.raises(Unavailable):
        parts.relinker(WATER)  # another one works on; this one gives up
        relinker.run(Progress(register="r"), threading.Event(), after_page=lambda _: None)


def test_a_broken_progress_file_means_beginning_anew(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "relink.json")
    (tmp_path / "relink.json").write_bytes(b'{"register": 1}')
    assert file.read() is None


# The whole road


def drained(road: Road, *names: str) -> None:
    for name in names:
        worker = road.worker(name)
        worker.drain()
        worker.close()


def told(road: Road) -> tuple[list[tuple[object, ...]], int]:
    """The tickets and the number of notices."""
    with road.store.read() as connection:
        opened = connection.execute(
            sa.select(tickets.c.number, tickets.c.event_id, tickets.c.status, tickets.c.historical).order_by(
                tickets.c.number
            )
        )
        return [tuple(row) for row in opened], connection.scalar(sa.select(sa.func.count()).select_from(notices)) or 0


@pytest.fixture
def make_road(tmp_path: Path) -> Iterable[Callable[[ManualClock], Road]]:
    roads: list[Road] = []

    def make(clock: ManualClock) -> Road:
        roads.append(Road(Settings(data_dir=tmp_path), clock))
        roads[-1].prepare()
        return roads[-1]

    yield make
    for road in roads:
        road.close()


def complaints(clock: ManualClock, count: int = 40) -> list[Document]:
    """A burst about a policy that the register does not know yet."""
    texts = (
        "公交免费取消太坑人了，老人每天多花{}块",
        "公交免费说停就停，{}路司机还赶人下车，投诉无门",
        "坐{}路被收钱，公交免费骗人的吗",
    )
    begun = clock.now() - timedelta(hours=2)
    return [
        Document(
            id=document_id("weibo", str(n)),
            source="weibo",
            kind="post",
            text=texts[n % 3].format(n),
            author_key=f"a{n}",
            published_at=begun + timedelta(minutes=2 * n),
            fetched_at=begun + timedelta(minutes=2 * n),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("days_later", [0, 30])
def test_alerts_do_not_fire_twice(make_road: Callable[[ManualClock], Road], days_later: int) -> None:
    clock = ManualClock()
    road = make_road(clock)
    with DocumentSink(road.log) as sink:
        assert sink.put(complaints(clock)) == 40
    drained(road, "assess", "group", "index", "alert")
    before = told(road)
    assert before[0], "the burst must have opened a ticket"
    clock.advance(days=days_later)
    register = PolicyRegister(road.store, clock)
    register.import_policies([BUS])
    linker = PolicyLinker(register.all())
    begun = Progress(register=linker.revision)
    result = Relinker(road.index, road.log.producer(), linker, clock).run(
        begun, threading.Event(), after_page=lambda _: None
    )
    assert result.changed == 40
    drained(road, "index", "alert", "group")
    assert told(road) == before
    assert road.index.count(Filters(policies=("bus",))) == 40
    # Reading everything again changes nothing either.
    for name in ("index", "alert"):
        road.replay(name)  # type: ignore[arg-type]
    drained(road, "index", "alert")
    assert told(road) == before
    assert road.log.lag(DOCUMENTS, "assess").behind == 0


def test_a_new_opinion_of_an_old_document_is_old_news() -> None:
    record = grouped("1", "公交免费取消了")
    later = record.document.fetched_at + timedelta(days=30)
    again = msgspec.structs.replace(
        record, assessed=msgspec.structs.replace(record.assessed, opinion=2, assessed_at=later)
    )
    assert [observe(one, backfill_days=2).historical for one in (record, again)] == [False, True]


# The command


def minsheng(data_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--data-dir", str(data_dir), *arguments])


def test_the_command_relinks_and_says_what_changed(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.put(grouped("1", "公交免费真好"), grouped("2", "下雨了"))
    policy = tmp_path / "bus.toml"
    policy.write_text(f'id = "bus"\ntitle = "{BUS.title}"\naliases = ["公交免费"]\n', encoding="utf-8")
    assert minsheng(tmp_path, "policies", "import", str(policy)).exit_code == 0
    result = minsheng(tmp_path, "policies", "relink")
    assert result.exit_code == 0, result.output
    assert "2 documents looked at, 1 sent again" in result.stdout
    assert "newly about: bus 1" in result.stdout
    assert not (tmp_path / "relink.json").exists()
    parts.index_sent()
    printed = msgspec.json.decode(minsheng(tmp_path, "policies", "relink", "--json").stdout)
    assert (printed["seen"], printed["changed"], printed["finished"]) == (2, 0, True)


def test_the_command_goes_on_where_it_was_stopped_unless_the_register_changed(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.put(grouped("1", "公交免费真好"))
    store = made_store(f"sqlite:///{tmp_path / 'store.db'}")
    register = PolicyRegister(store)
    register.import_policies([BUS])
    file = ProgressFile(tmp_path / "relink.json")
    file.write(Progress(register=PolicyLinker([BUS]).revision, total=11, seen=10, changed=4))
    printed = msgspec.json.decode(minsheng(tmp_path, "policies", "relink", "--json").stdout)
    assert (printed["seen"], printed["changed"]) == (11, 5)
    file.write(Progress(register="older", total=11, seen=10, changed=4))
    printed = msgspec.json.decode(minsheng(tmp_path, "policies", "relink", "--json").stdout)
    assert (printed["seen"], printed["changed"]) == (1, 1)
    file.write(Progress(register=PolicyLinker([BUS]).revision, total=11, seen=10, changed=4))
    printed = msgspec.json.decode(minsheng(tmp_path, "policies", "relink", "--from-start", "--json").stdout)
    assert printed["seen"] == 1
    store.close()


def test_documents_before_a_day_are_left_alone(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.put(grouped("1", "公交免费真好"), grouped("2", "公交免费真好", minutes=3 * 24 * 60))
    day = (CLOCK.now() + timedelta(days=1)).date().isoformat()
    printed = msgspec.json.decode(minsheng(tmp_path, "policies", "relink", "--since", day, "--json").stdout)
    assert printed["seen"] == 1
