"""The sample site's hub, and the crawl's whole road with it: subscribed, confirmed, pushed, renewed, ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from crawlers.health import states
from crawlers.sources import sync_folder
from sample.hub import LEASE
from sample.site import SampleSite
from tests.crawlers.conftest import Crawling, crawling
from tests.crawlers.local_hub import call
from tests.crawlers.test_crawl_websub import World

__all__ = ["crawling"]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class SampleWorld(World):
    """A live sample site's feed instead of a made one."""

    def __init__(self, crawling: Crawling, sample: SampleSite) -> None:
        self.sample = sample
        super().__init__(crawling, None, None)  # type: ignore[arg-type]

    def served(self) -> str:
        return f"{self.sample.base_url}/{self.outlet}/feed.xml"

    @property
    def outlet(self) -> str:
        """One of those whose feed has something new in the world's last hour."""
        now, outlets = self.crawling.clock.now(), self.sample.site.outlets
        coming = [item for item in self.sample.site.scene.articles if item.at > now]
        return next(item.entry.outlet for item in coming if outlets[item.entry.outlet].feed)

    def next_at(self) -> timedelta:
        """How long until the feed's next article appears."""
        now, outlet = self.crawling.clock.now(), self.feed.split("/")[-2]
        return min(i.at for i in self.sample.site.scene.articles if i.entry.outlet == outlet and i.at > now) - now


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


@pytest.fixture
def world(crawling: Crawling) -> Iterator[SampleWorld]:
    with SampleSite(clock=crawling.clock, live=True) as sample:
        made = SampleWorld(crawling, sample)
        yield made
        made.server.close()


def test_the_whole_road_with_the_sample_sites_hub(world: SampleWorld) -> None:
    hub, clock = world.sample.hub, world.crawling.clock
    world.run()
    assert (world.push, hub.subscribers(world.feed)) == ("new", 0)
    assert world.keep() == 1
    until(lambda: world.push == "active" and hub.subscribers(world.feed) == 1)
    assert world.rows()[0].lease_until - clock.now() == LEASE
    world.run()
    assert world.due_in() > timedelta(minutes=30)

    # Something new appears: the hub tells of it, signed, and the source is due.
    clock.advance(seconds=world.next_at().total_seconds() + 1)
    until(lambda: world.rows()[0].pushes == 1)
    assert world.due_in() <= timedelta(seconds=30)
    assert world.run().new >= 1
    assert world.rows()[0].missed == 0

    # Renewed when three quarters of the lease are over, before it ends.
    clock.advance(minutes=46)
    assert world.keep() == 1
    until(lambda: world.rows()[0].lease_until - clock.now() == LEASE)
    assert world.push == "active"

    (world.crawling.folder / "sources" / "yunjiang.toml").unlink()
    sync_folder(world.crawling.store, world.crawling.folder / "sources")
    assert world.keep() == 1
    until(lambda: hub.subscribers(world.feed) == 0 and not world.rows())


def test_a_subscription_that_was_not_renewed_runs_out(world: SampleWorld) -> None:
    world.run()
    world.keep()
    until(lambda: world.push == "active")
    world.crawling.clock.advance(minutes=61)
    assert world.sample.hub.subscribers(world.feed) == 0
    assert states(world.crawling.store, world.crawling.clock)[0].push == "lapsed"


def test_publish_pushes_at_once(world: SampleWorld) -> None:
    world.run()
    world.keep()
    until(lambda: world.push == "active")
    form = urlencode({"hub.mode": "publish", "hub.url": world.feed}).encode()
    assert call("POST", f"{world.sample.base_url}/hub", form, FORM) == (202, b"pushed to 1 of 1 subscribers")
    assert world.rows()[0].pushes == 1


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"hub.mode": "rule"}, 400),
        # It must not call others for whoever asks.
        ({"hub.callback": "http://192.0.2.1/x"}, 400),
        ({"hub.callback": "http://localhost.example/x"}, 400),
        ({"hub.callback": "not an address"}, 400),
        ({"hub.topic": "http://elsewhere.example/feed.xml"}, 404),
        ({"hub.secret": "x" * 200}, 400),
    ],
)
def test_what_the_hub_does_not_take(world: SampleWorld, changed: dict[str, str], status: int) -> None:
    form = {"hub.mode": "subscribe", "hub.topic": world.feed, "hub.callback": "http://127.0.0.1:9/x"} | changed
    assert call("POST", f"{world.sample.base_url}/hub", urlencode(form).encode(), FORM)[0] == status
    assert world.sample.hub.subscribers(world.feed) == 0


def test_what_was_not_meant_is_not_subscribed(world: SampleWorld) -> None:
    """The answer to its question is no challenge: somebody else's address."""
    form = {"hub.mode": "subscribe", "hub.topic": world.feed, "hub.callback": f"{world.sample.base_url}/board/"}
    assert call("POST", f"{world.sample.base_url}/hub", urlencode(form).encode(), FORM)[0] == 202
    time.sleep(0.3)
    assert world.sample.hub.subscribers(world.feed) == 0


def test_nothing_else_takes_a_post(world: SampleWorld) -> None:
    assert call("POST", f"{world.sample.base_url}/board/", b"a=b", FORM)[0] == 404
    assert call("POST", f"{world.sample.base_url}/hub", b"x" * 20_000, FORM)[0] == 404
