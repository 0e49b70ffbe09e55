"""The browser is ended when it is idle, and not when a page has come meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from crawlers.chromium import Chromium
from minsheng.settings import BrowserSettings


@pytest.mark.parametrize(("pages", "ended"), [(0, 1), (1, 0)])
def test_a_browser_is_ended_only_without_pages(pages: int, ended: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        browser, times = Chromium(BrowserSettings(), "agent"), 0

        async def end() -> None:
            nonlocal times
            times += 1

        monkeypatch.setattr(browser, "_end", end)
        browser._close_soon()  # the timer, while no page is open
        browser._pages = pages  # one has come before the browser's turn to be ended
        assert browser._closing is not None
        await browser._closing
        return times

    assert asyncio.run(run()) == ended
