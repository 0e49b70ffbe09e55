"""Seconds that the daily briefing takes of a day of 100,000 documents, with the tickets that the day opened.

    python -m benchmarks.briefing_speed [--half develop] [--formats html pdf docx]

The day is the full one of `benchmarks.alerts`: real texts and made-up bursts, judged, linked and grouped by the shipped
code, written into an embedded index and put through the alert stage; the weeks before it are there, too. Each step is
told by the clock and by the processor's time of this process, which other load on the machine changes little. Exits
with 1 where figures and page together take 10 s of processor time or more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import get_args

from benchmarks.alerts.background import Half
from benchmarks.alerts.episodes import END
from benchmarks.alerts.stream import stream
from briefings.making import Format, make, render
from minsheng.clock import CHINA, SystemClock
from minsheng.policies import PolicyRegister
from minsheng.road import Road
from minsheng.settings import load_settings

GOAL = 10.0
"""Seconds."""
BATCH = 1_000


@contextmanager
def told(step: str, spent: dict[str, tuple[float, float]]) -> Iterator[None]:
    """Notes how long a step took: by the clock, and of the processor."""
    clock, own = time.perf_counter(), time.process_time()
    yield
    spent[step] = round(time.perf_counter() - clock, 2), round(time.process_time() - own, 2)
    print(f"{step:<28} {spent[step][0]:>8.2f} s by the clock {spent[step][1]:>8.2f} s of the processor", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=get_args(Half), default="report")
    parser.add_argument("--formats", nargs="+", choices=get_args(Format), default=["html", "pdf", "docx"])
    chosen = parser.parse_args()
    spent: dict[str, tuple[float, float]] = {}
    made = stream(chosen.half)
    day = (END[chosen.half] - timedelta(hours=12)).astimezone(CHINA).date()
    count = sum(record.document.published_at.astimezone(CHINA).date() == day for record in made.records)
    print(f"{len(made.records):,} documents, {count:,} of them of {day}")
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(Path(folder))
        clock = SystemClock()
        road = Road(settings, clock)
        try:
            road.prepare()
            PolicyRegister(road.store, clock).import_policies(made.policies)
            alert = road.stage("alert")
            alert.start()
            with told("index and alerts, not counted", spent):
                for start in range(0, len(made.records), BATCH):
                    batch = made.records[start : start + BATCH]
                    road.index.write(batch)
                    alert.work(batch)
            with told("figures and text", spent):
                report = make(road, "daily", day)
            for name in chosen.formats:
                with told(name, spent):
                    size = len(render(report, name))
                print(f"  {size / 1000:,.0f} kB")
        finally:
            road.close()
    total = spent["figures and text"][1] + spent.get("html", (0.0, 0.0))[1]
    load = [round(value, 1) for value in os.getloadavg()]
    print(json.dumps({"documents": count, "seconds": spent, "processors": os.cpu_count(), "load": load}))
    return 0 if total < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
