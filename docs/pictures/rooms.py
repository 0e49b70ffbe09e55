"""Makes the pictures of the console: runs the sample world once, serves it, and photographs its rooms.

python docs/pictures/rooms.py       (needs Chromium and Chinese fonts)
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from alerts.tables import tickets
from console.serving import ConsoleServer
from minsheng.clock import SystemClock
from minsheng.road import Road
from minsheng.running import Running
from minsheng.settings import Settings, load_settings
from sample.start import start_sample

COLOURS = 128
"""Of a picture: enough for a page, and a third of the size."""
PASSWORD = "yun-jiang-zhi-ban-2026"
"""Of a folder that is gone when the pictures are made."""
DESKTOP, PHONE = (1366, 860), (390, 844)
PICTURES = {
    "desk": ("/desk", DESKTOP),
    "ticket": ("/tickets/{number}", DESKTOP),
    "search": ("/search?q=水费", DESKTOP),
    "policy": ("/policies/water-price", DESKTOP),
    "leader": ("/leader", PHONE),
}


def main() -> None:
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        data, clock = Path(folder), SystemClock()
        with start_sample(data, clock, live=False):
            settings = load_settings(data)
            number = run_once(settings, clock)
            with ConsoleServer(settings, clock, port=0) as server, sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=["--no-sandbox", "--lang=zh-CN"]
                )
                for name, picture in photographed(browser, server, number).items():
                    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
                    small.save(here / f"{name}.png", optimize=True)
                browser.close()


def run_once(settings: Settings, clock: SystemClock) -> str:
    """Put the world on its road; the number of the gravest ticket."""
    road = Road(settings, clock)
    road.prepare()
    with Running(road) as running:
        running.crawl_once()
        running.wait_until_done()
    with road.store.read() as connection:
        number = connection.scalar(sa.select(tickets.c.number).order_by(tickets.c.score.desc()).limit(1))
    road.close()
    return str(number)


def photographed(browser: Browser, server: ConsoleServer, number: str) -> dict[str, bytes]:
    """Name → PNG of each page, as one sees it who works alone."""
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(server.first_link() or "")
    page.fill("input[name=name]", "wang")
    page.fill("input[name=display]", "王值班")
    for box in page.locator("input[type=password]").all():
        box.fill(PASSWORD)
    page.get_by_role("button", name="保存").click()
    if "/sign-in" in page.url:
        page.fill("input[name=name]", "wang")
        page.fill("input[type=password]", PASSWORD)
        page.get_by_role("button", name="登录").first.click()
    page.wait_for_url("**/desk")
    found = {}
    for name, (path, (width, height)) in PICTURES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.goto(server.url + path.format(number=number), wait_until="load")
        page.wait_for_timeout(1_000)  # charts move into place
        found[name] = page.screenshot()
    context.close()
    return found


if __name__ == "__main__":
    main()
