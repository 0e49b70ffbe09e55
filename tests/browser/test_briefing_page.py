"""The briefing in a real browser: numbers open their evidence, nothing is loaded, and it fits a phone and a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from briefings.gather import gather
from briefings.html import daily_html
from briefings.period import daily_briefing
from minsheng.policies import PolicyRegister
from tests.briefings.small_world import DAY, World

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("briefing")
    world = World(folder)
    world.fill()
    briefing = daily_briefing(
        DAY,
        index=world.index,
        policies=PolicyRegister(world.store).all(),
        facts=gather(world.store, world.log, DAY, world.clock),
        unit="云岭市政务舆情值班室",
        clock=world.clock,
    )
    world.close()
    page: Path = folder / "daily.html"
    page.write_text(daily_html(briefing), encoding="utf-8")
    return page.as_uri()


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield opened
        opened.close()


def test_a_number_opens_its_evidence(browser: Any, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    assert page.locator("details[open]").count() == 0
    wanted = page.locator("details", has_text="涉及《云岭市居民供暖价格调整办法》：15").get_attribute("id")
    page.locator(f'a.n[href="#{wanted}"]').first.click()
    opened = page.locator("details[open]")
    assert opened.count() == 1
    assert "涉及《云岭市居民供暖价格调整办法》：15" in opened.inner_text()
    assert opened.locator(".posts p").first.is_visible()
    assert {url.split("#")[0] for url in asked} == {address}
    assert wrong == []
    page.close()


def test_a_link_to_evidence_opens_it_at_once(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}#evidence-3")
    assert page.locator("#evidence-3").get_attribute("open") is not None
    page.close()


def test_without_scripts_everything_can_still_be_read(browser: Any, address: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address)
    posts = page.locator("details", has=page.locator(".posts p")).first
    assert not posts.locator(".posts p").first.is_visible()
    posts.locator("summary").click()
    assert posts.locator(".posts p").first.is_visible()
    page.close()


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_it_fits_the_screen(browser: Any, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_it_prints_on_a_few_sheets_without_the_appendix(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.emulate_media(media="print")
    assert not page.locator("aside").is_visible()
    sheets = page.pdf(prefer_css_page_size=True)
    # All of it: what is cut to two sheets is the PDF and the Word file.
    assert sheets.count(b"/Type /Page\n") + sheets.count(b"/Type /Page/") <= 4
    assert b"/MediaBox [0 0 59" in sheets  # A4: 595 points wide
    page.close()
