"""Makes live.png, the README's picture of `minsheng run`: runs the sample world once and photographs the last view.

python docs/pictures/live.py        (needs Chromium and Chinese fonts)
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI

from minsheng.clock import SystemClock
from minsheng.live import draw
from minsheng.road import Road
from minsheng.running import Running
from minsheng.settings import load_settings
from sample.start import start_sample

WIDTH = 130
COLOURS = 64

PAGE = """<meta charset="utf-8"><body style="margin:0;background:{background};color:{foreground}">
<pre style="font:16px/17px 'Noto Sans Mono CJK SC';padding:8px 16px;margin:0">{code}</pre>"""


def main() -> None:
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        data, clock = Path(folder), SystemClock()
        with start_sample(data, clock, live=False):
            road = Road(load_settings(data), clock)
            road.prepare()
            with Running(road) as running:
                running.crawl_once()
                running.wait_until_done()
                picture = running.picture()
            road.close()
        screen = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        screen.print(draw(picture, rows=7))
        page = data / "live.html"
        html = screen.export_html(theme=MONOKAI, code_format=PAGE, inline_styles=True)
        # The font draws this line two cells wide, which terminals don't.
        page.write_text(html.replace("─", "-"), encoding="utf-8")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", f"--user-data-dir={folder}/chromium",
             f"--window-size={WIDTH * 8 + 32},{17 * 29 + 24}",
             f"--screenshot={here / 'live.png'}", page.as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip
        small = Image.open(here / "live.png").convert("RGB").quantize(COLOURS)
        small.save(here / "live.png", optimize=True)


if __name__ == "__main__":
    main()
