"""All benchmarks, or those named: `python -m benchmarks [road] [log] [search] [classify] [grouping] [linking] ...`.

Each can also be run alone, with options of its own: `python -m benchmarks.road --help`.
"""

from __future__ import annotations

import subprocess
import sys

MODULES = {
    "road": "benchmarks.road",
    "log": "benchmarks.log_throughput",
    "search": "benchmarks.search_speed",
    "classify": "benchmarks.classify_speed",
    "grouping": "benchmarks.grouping_speed",
    "linking": "benchmarks.linking_speed",
    "crawl": "benchmarks.crawl_speed",
    "events": "benchmarks.events",
    "extraction": "benchmarks.extraction",
    "alerts": "benchmarks.alerts",
    "responses": "benchmarks.responses",
    "delay": "benchmarks.alert_delay",
    "tickets": "benchmarks.ticket_lists",
    "briefing": "benchmarks.briefing_speed",
    "console": "benchmarks.console_load",
    "pages": "benchmarks.console_pages",
}


def main() -> int:
    wanted = sys.argv[1:] or list(MODULES)
    unknown = [name for name in wanted if name not in MODULES]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; known are: {', '.join(MODULES)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", MODULES[name]], check=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
