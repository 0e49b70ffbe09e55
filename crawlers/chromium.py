"""The browser that runs pages' scripts: Chromium without a network of its own, started when first used.

It is kept from everything that `crawlers.rendering` does not hand to it: every name and address is mapped to none, what
is left goes to a proxy that nobody can reach, and each page begins with no cookies, no service workers, no downloads
and no further windows. Its sandbox stays on. It may crash or hang: then it is ended, and the next page starts another.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minsheng.errors import BadInput
from minsheng.logs import get_logger
from minsheng.settings import BrowserSettings

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page, Playwright

log = get_logger(__name__)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_GET_IT = "pip install 'minsheng[browser]', and apt-get install chromium (or: playwright install chromium)"
NO_NETWORK = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--disable-gpu",
    "--mute-audio",
)
NOWHERE = "http://127.0.0.1:9"
IDLE = 60.0
"""Seconds without a page after which the browser is ended."""
WATCHED = 0.5
"""Seconds between two looks at its memory."""
HEAP = 512
"""Megabytes of a page's script objects; beyond, the page crashes."""
PATIENCE = 5.0
"""Seconds that it gets to close a page, or itself, before it is killed."""

_UNDO = """
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport", "WebSocket", "EventSource",
                    "Worker", "SharedWorker", "WebSocketStream"]) {
  try { delete globalThis[name]; } catch (_) {}
}
try { Object.defineProperty(Navigator.prototype, "sendBeacon", { value: () => false }); } catch (_) {}
"""
"""What speaks past requests, or lives beside the page, isn't there for pages. A convenience: the network is not there
either."""


class NoBrowser(BadInput):
    """There is no browser that can be used, and how to get one."""


class Chromium:
    """The browser of this process; used from the crawl's event loop only.

    Parameters
    ----------
    agent:
        The user agent, also as scripts see it.
    """

    def __init__(self, settings: BrowserSettings, agent: str) -> None:
        self.settings = settings
        self.agent = agent
        self._slots = asyncio.Semaphore(settings.pages)
        self._starting = asyncio.Lock()
        self._driver: Playwright | None = None
        self._browser: Browser | None = None
        self._session: CDPSession | None = None
        self._watching: asyncio.Task[None] | None = None
        self._pages = 0
        self._idle: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        self._pid = 0
        self.too_large = False  # the last page that was ended took more memory than it may

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A page of its own, forgotten afterwards.

        Raises
        ------
        NoBrowser
            If none can be started.
        """
        async with self._slots:
            if self._idle is not None:
                self._idle.cancel()
            self._pages += 1
            try:
                browser = await self._started()
                context = await browser.new_context(
                    user_agent=self.agent,
                    locale="zh-CN",
                    timezone_id="Asia/Shanghai",
                    service_workers="block",
                    accept_downloads=False,
                    permissions=[],
                )
                try:
                    await context.add_init_script(_UNDO)
                    page = await context.new_page()
                    context.on("page", _close)
                    page.on("dialog", _dismiss)
                    yield page
                finally:
                    await self._ended(context)
            finally:
                self._pages -= 1
                if not self._pages:
                    self._idle = asyncio.get_running_loop().call_later(IDLE, self._close_soon)

    async def close(self) -> None:
        """End the browser; the next page starts another."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._starting:
            await self._end()

    async def _started(self) -> Browser:
        async with self._starting:
            if self._browser is not None and self._browser.is_connected():
                return self._browser
            if self._browser is not None:
                log.warning("browser_gone")
            await self._end()
            self._browser = await self._start()
            return self._browser

    async def _start(self) -> Browser:
        require_playwright()
        from playwright.async_api import Error, async_playwright

        if self.settings.sandbox and hasattr(os, "geteuid") and os.geteuid() == 0:
            raise NoBrowser(
                "Chromium does not keep its sandbox for root",
                "run the crawler as a user of its own; where a container is its sandbox: crawl.browser.sandbox = false",
            )
        try:
            self._driver = await async_playwright().start()
            path = self.settings.path or _installed(self._driver.chromium.executable_path)
            browser = await self._driver.chromium.launch(
                executable_path=path,
                chromium_sandbox=self.settings.sandbox,
                args=[*NO_NETWORK, f"--js-flags=--max-old-space-size={HEAP}"],
                proxy={"server": NOWHERE, "bypass": "<-loopback>"},
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
                timeout=30_000,
            )
            self._session = await browser.new_browser_cdp_session()
        except (Error, OSError) as error:
            await self._end()
            said = str(error)
            if "sandbox" in said.lower():
                raise NoBrowser(
                    "Chromium can't set up its sandbox here",
                    "allow user namespaces (kernel.unprivileged_userns_clone=1); where the crawler's container is its "
                    "sandbox: crawl.browser.sandbox = false",
                ) from error
            raise NoBrowser(f"Chromium does not start: {said.strip().splitlines()[0]}", HOW_TO_GET_IT) from error
        except NoBrowser:
            await self._end()
            raise
        self._watching = asyncio.create_task(self._watch(self._session))
        log.info("browser_started", version=browser.version)
        return browser

    async def _watch(self, session: CDPSession) -> None:
        """End the largest page process while all together take more memory than they may."""
        with suppress(Exception):  # the browser has gone
            while True:
                found = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
                self._pid = next((one["id"] for one in found if one["type"] == "browser"), self._pid)
                own = {one["id"]: _memory(one["id"]) for one in found if one["type"] == "renderer"}
                if own and sum(own.values()) > self.settings.memory_mb * 1_000_000:
                    largest = max(own, key=lambda pid: own[pid])
                    self.too_large = True
                    log.warning("browser_page_killed", megabytes=own[largest] // 1_000_000)
                    os.kill(largest, signal.SIGKILL)
                await asyncio.sleep(WATCHED)

    async def _ended(self, context: Any) -> None:
        try:
            await asyncio.wait_for(context.close(), PATIENCE)
        except Exception:
            log.warning("browser_hangs")
            async with self._starting:
                await self._end()

    async def _end(self) -> None:
        browser, driver, pid = self._browser, self._driver, self._pid
        self._browser = self._driver = self._session = None
        self._pid = 0
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if browser is not None and browser.is_connected():
            try:
                await asyncio.wait_for(browser.close(), PATIENCE)
            except Exception:
                if pid:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        if driver is not None:
            with suppress(Exception):
                await asyncio.wait_for(driver.stop(), PATIENCE)

    def _close_soon(self) -> None:
        if not self._pages:
            self._closing = asyncio.ensure_future(self._close_unused())

    async def _close_unused(self) -> None:
        async with self._starting:
            # A page may have come while this waited.
            if not self._pages:
                await self._end()


_opened: list[Chromium] = []


async def chromium(settings: BrowserSettings, agent: str) -> Chromium:
    """The browser of this process, with these settings; it starts with its first page."""
    if _opened and (_opened[0].settings, _opened[0].agent) != (settings, agent):
        await close_browser()
    if not _opened:
        _opened.append(Chromium(settings, agent))
    return _opened[0]


async def close_browser() -> None:
    """End the browser of this process, where there is one."""
    while _opened:
        await _opened.pop().close()


def require_playwright() -> None:
    """Raises `NoBrowser` where the extra is not installed."""
    if find_spec("playwright") is None:
        raise NoBrowser(
            "running a page's scripts needs a browser, and minsheng[browser] is not installed", HOW_TO_GET_IT
        )


def is_there(settings: BrowserSettings) -> bool:
    """Whether a browser could be started, as far as can be seen without starting it."""
    if find_spec("playwright") is None:
        return False
    return bool(settings.path or any(map(shutil.which, NAMES)) or _downloaded())


def _installed(downloaded: str) -> str:
    """The system's Chromium, which its updates keep safe; else the one that Playwright has fetched."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None and Path(downloaded).exists():
        path = downloaded
    if path is None:
        raise NoBrowser("no Chromium was found", HOW_TO_GET_IT)
    return path


def _downloaded() -> bool:
    folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or "~/.cache/ms-playwright"
    return any(Path(folder).expanduser().glob("chromium-*"))


def _memory(pid: int) -> int:
    """Bytes that a process has for itself; 0 where that can't be told."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
        return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


async def _close(page: Page) -> None:
    with suppress(Exception):
        await page.close()


async def _dismiss(dialog: Any) -> None:
    with suppress(Exception):
        await dialog.dismiss()
