"""Which addresses are connected to, by name, redirect, robots.txt or a name that changes its mind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from crawlers.addresses import AddressRule
from crawlers.reactor import crawl_loop
from minsheng.errors import WrongSettings
from minsheng.settings import load_settings
from tests.crawlers.conftest import Crawling
from tests.crawlers.local_site import LocalSite
from tests.crawlers.scenes import article, put_up

PUBLIC = ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8"]
OTHERS = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe", "no address",
    "fec0::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1",
]  # fmt: skip


@pytest.fixture
def inner_site(site: LocalSite) -> Iterator[LocalSite]:
    """A service on another address of this machine, at the same port."""
    opened = LocalSite("127.0.0.2", site.port)
    opened.put("/secret.html", article("内部系统的页面", "2026-11-23 12:30"))
    opened.put("/feed.xml", "<rss version='2.0'><channel><item><title>内部</title></item></channel></rss>")
    yield opened
    opened.close()


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert AddressRule().allows(address)


@pytest.mark.parametrize("address", OTHERS)
def test_others_are_not(address: str) -> None:
    assert not AddressRule().allows(address)


def test_the_settings_networks_are() -> None:
    rule = AddressRule(["10.20.0.0/16", "fc00::/7", "192.168.3.4"])
    assert all(map(rule.allows, ("10.20.3.4", "::ffff:10.20.3.4", "64:ff9b::10.20.3.4", "fd00::1", "192.168.3.4")))
    assert not any(map(rule.allows, ("10.21.3.4", "192.168.3.5", "127.0.0.1")))


def test_a_wrong_network_is_told() -> None:
    with pytest.raises(WrongSettings, match=r"10.20.0.1/16 has host bits set; write 10.20.0.0/16"):
        load_settings(environ={"MINSHENG_CRAWL__ALLOWED_NETWORKS": "10.20.0.1/16"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_asked(host: str, crawling: Crawling, site: LocalSite) -> None:
    put_up("feed", site)
    crawling.crawl["allowed_networks"] = ()
    crawling.source("one", "feed", f"http://{host}:{site.port}/feed.xml")
    report = crawling.run()
    assert not report.ok
    assert "no public address" in report.error
    assert "crawl.allowed_networks" in report.error
    assert site.asked == []


def test_a_redirect_leads_nowhere_else(crawling: Crawling, site: LocalSite, inner_site: LocalSite) -> None:
    to = (("Location", f"{inner_site.url}/secret.html"),)
    site.put("/news.html", "", status=302, headers=to)
    crawling.source("one", "page", f"{site.url}/news.html")
    report = crawling.run()
    assert not report.ok
    assert "127.0.0.2 is at 127.0.0.2, no public address" in report.error
    assert inner_site.asked == []


def test_a_link_leads_nowhere_else(crawling: Crawling, site: LocalSite, inner_site: LocalSite) -> None:
    url, options = put_up("listing", site)
    page = site.pages["/news/"].body.replace(b"/n/1.html", f"{inner_site.url}/secret.html".encode())
    site.put("/news/", page)
    crawling.source("one", "listing", url, **options)
    report = crawling.run()
    assert report.new == 2
    assert inner_site.asked == []
    assert any("no public address" in reason for reason in report.rejected)


def test_robots_txt_leads_nowhere_else(crawling: Crawling, site: LocalSite, inner_site: LocalSite) -> None:
    put_up("feed", site)
    site.put("/robots.txt", "", status=302, headers=(("Location", f"{inner_site.url}/secret.html"),))
    crawling.source("one", "feed", f"{site.url}/feed.xml")
    crawling.run()
    assert inner_site.asked == []


def test_a_name_that_changes_its_mind(
    crawling: Crawling, site: LocalSite, inner_site: LocalSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer may be asked, the next ones may not: however often it is resolved, only the first host is."""
    put_up("feed", site)
    real, answers = socket.getaddrinfo, iter(["127.0.0.1"])

    def rebinding(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return real(next(answers, "127.0.0.2") if host == "rebind.test" else host, port, *rest, **more)

    crawl_loop()
    from twisted.internet import reactor

    monkeypatch.setattr(reactor.nameResolver._inner, "_getaddrinfo", rebinding)
    crawling.source("one", "feed", f"http://rebind.test:{site.port}/feed.xml")
    first, second = crawling.run(), crawling.run()
    assert first.ok or "no public address" in first.error
    assert "rebind.test is at 127.0.0.2, no public address" in second.error
    assert site.asked
    assert inner_site.asked == []
