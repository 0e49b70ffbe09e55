"""Feeds' hubs: found, subscribed to, renewed, ended; and what a push does, and does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crawlers import tables
from crawlers.delivery import Receiver
from crawlers.feeds import read_feed
from crawlers.health import coverage, states
from crawlers.intake import Intake
from crawlers.politeness import HostGate
from crawlers.privacy import AuthorKeys
from crawlers.reactor import submit
from crawlers.receiving import DeliveryServer
from crawlers.recording import record_run
from crawlers.run import RunReport
from crawlers.sources import Source, load_sources, save, sync_folder
from crawlers.websub.callback import Callback
from crawlers.websub.discovery import Offer, offer_of
from crawlers.websub.hubs import keep_subscriptions
from crawlers.websub.subscriptions import LEAST_PAUSE, MISSES, note_offer, slower
from minsheng.settings import ReceiveSettings
from tests.crawlers.conftest import NOW, Crawling
from tests.crawlers.local_hub import LocalHub, call, signed
from tests.crawlers.local_site import LocalSite

FEED = "http://feeds.example/yunjiang/feed.xml"
HUB = "https://hub.example/"
OWN_HUB = "http://feeds.example/hub"


def rss(hub: str = HUB, own: str = FEED, items: int = 1) -> str:
    links = f'<atom:link rel="hub" href="{hub}"/><atom:link rel="self" href="{own}"/>' if hub else ""
    entries = "".join(
        f"<item><title>水费退款进展{n}</title><link>http://y.example/a/{n}.html</link>"
        "<pubDate>Tue, 24 Nov 2026 11:00:00 +0800</pubDate></item>"
        for n in range(items)
    )
    head = '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>云江日报</title>'
    return f"{head}{links}{entries}</channel></rss>"


ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><link rel="hub" href="{HUB}"/>
<link rel="self" href="{FEED}"/><entry><title>甲</title></entry></feed>"""
JSON = f"""{{"version": "https://jsonfeed.org/version/1.1", "title": "t", "feed_url": "{FEED}",
"hubs": [{{"type": "rssCloud", "url": "http://cloud.example/"}}, {{"type": "WebSub", "url": "{HUB}"}}], "items": []}}"""


@pytest.mark.parametrize("text", [rss(), ATOM, JSON])
def test_feeds_name_their_hubs(text: str) -> None:
    feed = read_feed(text, FEED, NOW)
    assert (feed.hubs, feed.topic) == ([HUB], FEED)


@pytest.mark.parametrize(
    ("headers", "hubs", "topic", "wanted"),
    [
        ([], [HUB], FEED, (HUB, FEED)),
        ([], [HUB], None, (HUB, FEED)),
        ([], [], FEED, None),
        (['<https://h.example/>; rel="hub", <http://t.e/f>; rel=self'], [HUB], FEED, ("https://h.example/", "http://t.e/f")),
        (['</hub>; title="a, b"; rel="alternate hub"', '<http://x/>; rel="next"'], [], None, (OWN_HUB, FEED)),
        ([], ["http://plain.example/", HUB], FEED, (HUB, FEED)),
        ([], ["javascript:alert(1)", "ftp://h.example/"], FEED, None),
        (["<<<;;;==,,,", "<https://h.example/>; rel"], [], FEED, None),
        # What is secret in a feed's address is no hub's business.
        ([], [HUB], "http://feeds.example/f?token=abc", None),
    ],
)  # fmt: skip
def test_what_a_feed_offers(headers: list[str], hubs: list[str], topic: str | None, wanted: Any) -> None:
    offer = offer_of(FEED, headers, hubs, topic, own_network=False)
    assert (offer and (offer.hub, offer.topic)) == wanted


def test_a_link_header_made_to_take_long_takes_none() -> None:
    headers = ["<a>" + "; x=" * 50_000, "<" * 100_000, "<a>;" + " " * 100_000]
    assert offer_of(FEED, headers, [], None, own_network=False) is None


class World:
    """A feed with a hub, a crawl of it, and the endpoint that the hub calls."""

    def __init__(self, crawling: Crawling, site: LocalSite, hub: LocalHub) -> None:
        self.crawling, self.site, self.hub = crawling, site, hub
        self.log = crawling.log
        crawling.log.ensure_topics({"documents": 1, "dead-letters": 1})
        receiver = Receiver(
            Intake(crawling.store, crawling.log.producer(), crawling.clock),
            lambda: AuthorKeys(b"0123456789abcdef"),
            crawling.clock,
        )
        callback = Callback(crawling.store, crawling.clock)
        self.server = DeliveryServer(receiver, ReceiveSettings(port=0, max_body=100_000), callback)
        self.server.start()
        crawling.receive["public_url"] = self.server.url
        self.feed = self.served()
        crawling.source("yunjiang", "feed", self.feed)

    def served(self) -> str:
        """The feed's address, from where it is served with its hub."""
        self.feed = f"{self.site.url}/feed.xml"
        self.offer()
        return self.feed

    def offer(self, hub: str | None = None, items: int = 1) -> None:
        self.site.put("/feed.xml", rss(self.hub.url if hub is None else hub, self.feed, items))

    def run(self) -> RunReport:
        return self.crawling.run()

    def keep(self) -> int:
        """What the crawl stage does every few seconds."""
        settings, clock = self.crawling.settings, self.crawling.clock
        gate = HostGate.from_settings(settings.crawl, clock)
        return submit(keep_subscriptions(self.crawling.store, settings, clock, gate)).result(60)

    def subscribed(self) -> World:
        self.run()
        assert self.keep() == 1
        assert self.rows()[0].state == "active"
        return self

    def rows(self) -> list[Any]:
        with self.crawling.store.read() as connection:
            return list(connection.execute(sa.select(tables.websub_subscriptions)))

    @property
    def push(self) -> str:
        return states(self.crawling.store, self.crawling.clock)[0].push

    def due_in(self) -> timedelta:
        found = states(self.crawling.store, self.crawling.clock)[0].next_run_at
        assert found is not None
        return found - self.crawling.clock.now()

    def told(self, **report: Any) -> None:
        """A run as its report tells it."""
        source = load_sources(self.crawling.store)[0]
        values = {"ok": True, "looked": True, "unchanged": 1, **report}
        now = self.crawling.clock.now()
        record_run(self.crawling.store, source, RunReport(source=source.id, **values), now, now)


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    opened = LocalHub()
    yield opened
    opened.close()


@pytest.fixture
def world(crawling: Crawling, site: LocalSite, hub: LocalHub) -> Iterator[World]:
    made = World(crawling, site, hub)
    yield made
    made.server.close()


def test_a_feed_with_a_hub_is_subscribed_to_and_asked_more_seldom(world: World) -> None:
    world.run()
    assert (world.push, world.hub.asked) == ("new", [])
    assert world.keep() == 1
    (asked,) = world.hub.asked
    assert (asked["hub.mode"], asked["hub.topic"]) == ("subscribe", world.feed)
    assert asked["hub.callback"].startswith(f"{world.server.url}/v1/websub/")
    assert len(asked["hub.secret"]) > 30
    assert world.push == "active"
    assert world.keep() == 0
    world.crawling.clock.advance(minutes=20)
    world.run()
    assert timedelta(minutes=60) <= world.due_in() <= timedelta(minutes=61)
    state = states(world.crawling.store, world.crawling.clock)[0]
    assert (state.every, state.pause) == (900, 3600)
    # Coverage allows for it: two hours without a run are no lateness.
    world.crawling.clock.advance(hours=2)
    now = world.crawling.clock.now()
    assert coverage(world.crawling.store, world.crawling.clock, now - timedelta(hours=1), now).seen == ["yunjiang"]


def test_a_push_brings_the_next_run_forward_and_nothing_more(world: World) -> None:
    world.subscribed()
    world.crawling.clock.advance(minutes=5)
    assert world.due_in() > timedelta(minutes=5)
    before = len(world.crawling.documents())
    for method in ("sha1", "sha256", "sha384", "sha512"):
        assert world.hub.push(rss(items=9).encode(), method) == [202]
    assert world.due_in() == timedelta()
    assert len(world.crawling.documents()) == before
    world.offer(items=2)
    assert world.run().new == 1
    assert world.due_in() > timedelta(minutes=55)
    # Right after a run it waits: a hub that pushes on and on makes no storm.
    assert world.hub.push() == [202]
    assert world.due_in() == LEAST_PAUSE


def test_a_push_that_is_not_signed_is_answered_and_left(world: World) -> None:
    world.subscribed()
    world.crawling.clock.advance(minutes=5)
    due = world.due_in()
    (callback,) = world.hub.subscribed
    assert world.hub.push(secret="somebody else's") == [202]
    assert world.hub.push(method="md5") == [202]
    assert call("POST", callback, b"<rss/>")[0] == 202
    assert call("POST", callback, b"<rss/>", {"X-Hub-Signature": "nonsense"})[0] == 202
    assert (world.due_in(), world.rows()[0].pushes) == (due, 0)
    assert call("POST", callback, b"x" * 100_001)[0] == 413
    assert call("POST", f"{world.server.url}/v1/websub/nobody", b"x")[0] == 410
    assert call("POST", f"{world.server.url}/v1/websub/", b"x")[0] == 410


def test_a_push_during_a_run_is_not_lost(world: World) -> None:
    world.subscribed()
    source = load_sources(world.crawling.store)[0]
    started = world.crawling.clock.now()
    world.crawling.clock.advance(seconds=3)
    world.hub.push()
    world.crawling.clock.advance(seconds=3)
    now = world.crawling.clock.now()
    record_run(world.crawling.store, source, RunReport(source=source.id, ok=True, unchanged=1), started, now)
    assert world.due_in() == LEAST_PAUSE - timedelta(seconds=6)


def test_a_push_does_not_undo_the_pause_of_a_source_that_fails(world: World) -> None:
    world.subscribed()
    world.crawling.clock.advance(minutes=5)
    world.told(ok=False, error="answered 500")
    world.told(ok=False, error="answered 500")
    due = world.due_in()
    assert due > timedelta(minutes=29)
    world.hub.push()
    assert world.due_in() == due


def test_a_hub_that_says_nothing_is_not_relied_upon(world: World) -> None:
    world.subscribed()
    for _ in range(MISSES + 1):
        world.crawling.clock.advance(hours=1)
        world.told(new=1, recent=1, items=1)
    assert world.push == "silent"
    world.told()
    assert world.due_in() < timedelta(minutes=17)
    world.hub.push()
    assert world.push == "active"


def test_only_what_is_meant_is_confirmed(world: World) -> None:
    world.hub.confirms = False
    world.run()
    world.keep()
    (form,) = world.hub.asked
    assert world.push == "asked"
    assert world.hub.confirm(form, topic="http://other.example/feed")[0] == 404
    assert world.hub.confirm(form, mode="unsubscribe")[0] == 404
    assert world.hub.confirm(form, challenge="x" * 3000)[0] == 404
    assert world.hub.confirm(form, mode="")[0] == 404
    assert world.hub.confirm({**form, "hub.callback": f"{world.server.url}/v1/websub/guessed"})[0] == 404
    assert world.push == "asked"
    assert world.hub.confirm(form) == (200, b"prove-it")
    assert world.push == "active"


def test_a_lease_is_renewed_in_time_with_the_same_address(world: World) -> None:
    world.subscribed()
    world.crawling.clock.advance(hours=17)
    assert world.keep() == 0
    world.crawling.clock.advance(hours=2)
    assert world.keep() == 1
    first, second = world.hub.asked
    assert first == second
    assert world.rows()[0].lease_until == world.crawling.clock.now() + timedelta(days=1)


def test_a_hub_that_is_away_is_asked_again_and_the_feed_as_often_as_before(world: World) -> None:
    world.subscribed()
    world.hub.answer = 500
    world.crawling.clock.advance(hours=23)
    world.keep()
    assert (world.push, "answered 500 (not today)" in world.rows()[0].error) == ("active", True)
    world.crawling.clock.advance(hours=2)
    assert world.push == "lapsed"
    world.told()
    assert world.due_in() < timedelta(minutes=17)
    world.hub.answer = 202
    world.crawling.clock.advance(hours=1)
    world.keep()
    assert (world.push, world.rows()[0].error) == ("active", "")


def test_a_hub_that_never_calls_back_is_asked_less_and_less(world: World) -> None:
    world.hub.confirms = False
    world.run()
    asked = []
    for _ in range(48):
        asked.append(world.keep())
        world.crawling.clock.advance(minutes=30)
    assert [n for n, times in enumerate(asked) if times] == [0, 1, 2, 4, 7, 13, 24, 46]
    assert "has not called back" in states(world.crawling.store, world.crawling.clock)[0].push_error


def test_a_hub_may_refuse(world: World) -> None:
    world.hub.confirms = False
    world.run()
    world.keep()
    (form,) = world.hub.asked
    assert world.hub.confirm(form, mode="denied", reason="not yours")[0] == 200
    assert (world.push, world.rows()[0].error) == ("denied", "not yours")
    assert world.keep() == 0
    world.hub.confirms = True
    world.crawling.clock.advance(hours=25)
    assert (world.keep(), world.push) == (1, "active")


@pytest.mark.parametrize("how", ["removed", "switched off", "no pushes", "no address"])
def test_it_is_ended_when_the_source_is_gone(how: str, world: World) -> None:
    world.subscribed()
    path = world.crawling.folder / "sources" / "yunjiang.toml"
    if how == "removed":
        path.unlink()
    elif how == "switched off":
        path.write_text("enabled = false\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    elif how == "no pushes":
        path.write_text(path.read_text(encoding="utf-8") + "push = false\n", encoding="utf-8")
    else:
        world.crawling.receive["public_url"] = ""
    assert sync_folder(world.crawling.store, world.crawling.folder / "sources") == []
    assert world.keep() == 1
    assert world.hub.asked[-1]["hub.mode"] == "unsubscribe"
    assert "hub.secret" not in world.hub.asked[-1]
    assert (world.rows(), world.hub.subscribed, world.keep()) == ([], {}, 0)


def test_what_can_not_be_ended_runs_out(world: World) -> None:
    world.subscribed()
    (callback,) = world.hub.subscribed
    (world.crawling.folder / "sources" / "yunjiang.toml").unlink()
    world.crawling.stage.run_once()
    world.hub.answer = 503
    world.keep()
    assert [row.wanted for row in world.rows()] == [False]
    assert call("POST", callback, b"x", {"X-Hub-Signature": "sha1=0"})[0] == 410
    world.crawling.clock.advance(hours=25)
    assert (world.keep(), world.rows()) == (0, [])


def test_a_feed_that_changes_its_hub_is_subscribed_there(world: World) -> None:
    world.subscribed()
    other = LocalHub()
    try:
        world.offer(other.url, items=2)
        world.crawling.clock.advance(hours=1)
        world.run()
        assert world.keep() == 2
        assert [form["hub.mode"] for form in other.asked] == ["subscribe"]
        assert world.hub.asked[-1]["hub.mode"] == "unsubscribe"
        assert [row.hub for row in world.rows()] == [other.url]
        world.offer("", items=3)
        world.run()
        assert (world.keep(), world.rows()) == (1, [])
    finally:
        other.close()


def test_nothing_is_subscribed_where_hubs_can_not_call(world: World) -> None:
    world.crawling.receive["public_url"] = ""
    world.run()
    assert (world.rows(), world.keep(), world.push) == ([], 0, "")


def test_a_hub_of_a_feed_out_there_may_not_lie_inside(world: World) -> None:
    source = Source(id="far", kind="feed", url=FEED)
    offer = Offer(hub=world.hub.url, topic=FEED)
    note_offer(world.crawling.store, source, offer, world.server.url, world.crawling.clock.now())
    with world.crawling.store.begin() as connection:
        save(world.crawling.store, [(source, None)], connection)
    assert world.keep() == 1
    (row,) = world.rows()
    assert world.hub.asked == []
    assert (row.state, "no public address" in row.error) == ("refused", True)


def test_robots_txt_is_about_crawling_not_about_hubs(world: World, site: LocalSite) -> None:
    # The hub here answers GET /robots.txt with an error: whoever asked it for that would not post.
    site.put("/robots.txt", "User-agent: *\nDisallow: /hub\n")
    world.subscribed()
    assert [form["hub.mode"] for form in world.hub.asked] == ["subscribe"]


def test_a_client_that_breaks_off_a_push_changes_nothing(world: World) -> None:
    world.subscribed()
    (callback,) = world.hub.subscribed
    secret = world.hub.subscribed[callback]["hub.secret"]
    host, _, port = world.server.url.removeprefix("http://").partition(":")
    head = f"POST {callback.removeprefix(world.server.url)} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"{head}X-Hub-Signature: sha1={signed(b'x' * 100, 'sha1', secret)}\r\n\r\nx".encode())
        connection.shutdown(socket.SHUT_WR)
        assert b" 202 " in connection.recv(1000)
    assert world.rows()[0].pushes == 0


def test_slower_keeps_what_is_slow_already() -> None:
    assert [slower(timedelta(minutes=m)) for m in (5, 60, 300)] == [
        timedelta(minutes=20), timedelta(minutes=120), timedelta(minutes=300)
    ]  # fmt: skip


def test_an_address_that_hubs_can_not_use_is_refused() -> None:
    for wrong in ("push.example", "https://", "https://me:pw@push.example/", "https://push.example/?a=1"):
        with pytest.raises(ValueError, match=r"write https://HOST/"):
            ReceiveSettings(public_url=wrong)
