"""One of Minsheng's processes with its clock in the hand of a test: reads orders as JSON lines, answers each by one.

`{"do": "open", "folder": ..., "now": ...}` opens the parts there, `{"do": "now", "now": ...}` moves the clock on,
`{"do": "drain", "stages": [...]}` lets stages handle all there is, `{"do": "tick"}` does what the alert service's
scheduler calls, `{"do": "close"}` closes the parts.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from alerts.service import AlertService
from minsheng.clock import ManualClock
from minsheng.logs import configure_logs
from minsheng.road import Road
from minsheng.settings import load_settings
from stream.worker import Worker


class Process:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.road: Road | None = None
        self.service: AlertService | None = None
        self.workers: dict[str, Worker[Any]] = {}

    def open(self, folder: str, now: str) -> None:
        self.clock = ManualClock(datetime.fromisoformat(now))
        from pathlib import Path

        self.road = Road(load_settings(Path(folder), environ={}), self.clock)
        self.road.prepare()
        self.service = AlertService(self.road.store, self.road.settings, self.clock, index=self.road.index)

    def now(self, now: str) -> None:
        self.clock.advance(seconds=(datetime.fromisoformat(now) - self.clock.now()).total_seconds())

    def drain(self, stages: list[str]) -> int:
        assert self.road is not None
        done = 0
        for name in stages:
            if name not in self.workers:
                self.workers[name] = self.road.worker(name)
            done += self.workers[name].drain()
        return done

    def tick(self) -> None:
        assert self.service is not None
        self.service.check_deadlines()
        self.service.deliver()

    def problems(self) -> dict[str, str]:
        assert self.service is not None
        found: dict[str, str] = self.service.health()["problems"]
        return found

    def close(self) -> None:
        for worker in self.workers.values():
            worker.close()
        self.workers.clear()
        if self.road is not None:
            self.road.close()


def main() -> None:
    configure_logs("warning", "json")
    process = Process()
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(process, order.pop("do"))(**order)
        print(json.dumps({"done": answer}), flush=True)


if __name__ == "__main__":
    main()
