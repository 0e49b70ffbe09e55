"""Documents a second through the whole road, on both sets of parts, over a mixed stream of real texts.

    python -m benchmarks.road [--documents 10000] [--parts embedded processes servers]

The documents wait on the log; then all stages start, and the clock runs from the first record handled until every
stage has handled everything. The peer does the unavoidable work alone, in a straight line without a log, grouping,
alerts or any promise: judge each text and write it to the same index.

embedded    as `minsheng run` has them on two processors: assess and group a process each, the others threads of another
processes   each stage a process, on the embedded parts
servers     each stage a process, on Kafka, Elasticsearch and PostgreSQL (development servers are started)

On the servers the documents go several times (`--warm`), and the last time is told: servers that have just started
still compile their own code. That takes Elasticsearch as long as it takes to index 50,000 documents, once in the months
that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.mixed import POLICIES, mixed_stream
from deploy.servers import KINDS, cache_folder, fresh_database
from deploy.servers.running import read_running
from deploy.servers.variables import server_variables
from minsheng.clock import SystemClock
from minsheng.errors import Unavailable
from minsheng.policies import PolicyRegister
from minsheng.records import Assessed, Duplicate, EventRef, Grouped
from minsheng.road import WORKERS, Road
from minsheng.settings import Settings, load_settings
from minsheng.stage_process import runs_apart
from stream.worker import DocumentSink

POLL_SECONDS = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--parts", nargs="+", default=["embedded", "processes", "servers"])
    parser.add_argument("--warm", type=int, default=4, help="rounds on the servers before the one that is told")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        print(json.dumps(run_stages(chosen.child.split(","), chosen.documents)))
        return
    rows = []
    for parts in chosen.parts:
        with ExitStack() as opened:
            found = servers(opened) if parts == "servers" else {}
            for _ in range(chosen.warm if found else 0):
                with environment(parts, found):
                    measure(parts, chosen.documents)
            with environment(parts, found):
                rows.append(measure(parts, chosen.documents))
        print_table(rows[-1:])
    print(json.dumps({"documents": chosen.documents, "processors": os.cpu_count(), "rows": rows}, ensure_ascii=False))


@contextmanager
def environment(parts: str, running: Mapping[str, str] | None = None, **more: str) -> Iterator[None]:
    """Sets this process and those it starts up on these parts, in a folder of their own, and `more` variables; takes
    all of it back at the end.

    Parameters
    ----------
    running:
        Name → address of the servers; where none are given, `servers` starts them.
    """
    before = dict(os.environ)
    with _variables(parts, running or {}) as variables:
        os.environ.update(variables, **more)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def _variables(parts: str, running: Mapping[str, str]) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        variables = {"MINSHENG_DATA_DIR": folder, "MINSHENG_NOTIFY__TERMINAL": "false", "MINSHENG_LOGS__LEVEL": "error"}
        if parts != "servers":
            yield variables
            return
        with ExitStack() as opened:
            found = running or servers(opened)
            database = opened.enter_context(fresh_database(found["postgresql"]))
            name = f"bench{uuid4().hex[:8]}"
            yield variables | server_variables(found["kafka"], found["elasticsearch"], database, name)


def servers(opened: ExitStack, names: Sequence[str] = ("kafka", "elasticsearch", "postgresql")) -> dict[str, str]:
    """Name → address of the servers of `MINSHENG_TEST_SERVERS`, or of ones started for this run."""
    shared = os.environ.get("MINSHENG_TEST_SERVERS")
    addresses = {name: one.address for name, one in read_running(Path(shared)).items()} if shared else {}
    for name in names:
        if name not in addresses:
            server = KINDS[name](cache_folder())
            opened.callback(server.remove)
            server.start()
            addresses[name] = server.address
    return addresses


def measure(parts: str, count: int) -> dict[str, Any]:
    """Put the documents on the log, run the stages on them, and the peer on the same documents."""
    settings = load_settings()
    road = Road(settings, SystemClock())
    road.prepare()
    PolicyRegister(road.store).import_policies(list(POLICIES))
    documents = list(mixed_stream(count, datetime.now(UTC)))
    with DocumentSink(road.log) as sink:
        sink.put(documents)
    together = [name for name in WORKERS if parts == "embedded" and not runs_apart(name, settings)]
    groups = [[name] for name in WORKERS if name not in together] + ([together] if together else [])
    command = [sys.executable, "-m", "benchmarks.road", "--documents", str(count), "--child"]
    children = [subprocess.Popen([*command, ",".join(group)], stdout=subprocess.PIPE, text=True) for group in groups]
    outputs = [json.loads(child.communicate()[0].splitlines()[-1]) for child in children]
    started = min(output["started"] for output in outputs)
    finished = max(output["finished"] for output in outputs)
    stages = {name: health for output in outputs for name, health in output["stages"].items()}
    busy = sum(sum(health.values()) for health in stages.values())
    road.index.refresh()
    from search.index import Filters

    row = {
        "parts": parts,
        "documents_per_second": round(count / (finished - started)),
        "indexed": road.index.count(Filters()),
        "share": {name: round((health["work"] + health["send"]) / busy, 2) for name, health in stages.items()},
        "stage_documents_per_second": {name: round(count / (h["work"] + h["send"])) for name, h in stages.items()},
        "start_seconds": round(max(output["start_seconds"] for output in outputs), 2),
        "memory_mb": round(sum(output["memory_mb"] for output in outputs)),
        "peer_documents_per_second": round(peer(settings, documents)),
    }
    road.close()
    return row


def run_stages(names: list[str], count: int) -> dict[str, Any]:
    """In a process of its own: run these stages until they have handled everything."""
    born = time.time() - time.process_time()
    settings = load_settings()
    road = Road(settings, SystemClock())
    workers = {name: road.worker(name) for name in names}
    stop = threading.Event()
    ready = time.time()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers.values()]
    for thread in threads:
        thread.start()
    started = finished = 0.0
    while finished == 0.0:
        time.sleep(POLL_SECONDS)
        processed = [worker.health.processed for worker in workers.values()]
        if any(processed) and not started:
            started = time.time()
        if all(done >= count for done in processed):
            finished = time.time()
        elif any(worker.health.state == "stopped" for worker in workers.values()):
            raise SystemExit(f"a stage stopped: {[worker.health for worker in workers.values()]}")
    stop.set()
    for thread in threads:
        thread.join()
    return {
        "started": started,
        "finished": finished,
        "start_seconds": ready - born,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "stages": {
            name: {"work": worker.health.work_seconds, "send": worker.health.send_seconds}
            for name, worker in workers.items()
        },
    }


def peer(settings: Settings, documents: list[Any]) -> float:
    """Documents a second of a straight line: judge, write to a fresh index of the same kind, nothing else."""
    import msgspec

    from classifiers.load import load_model
    from classifiers.model import Text
    from minsheng.parts import open_index

    own = msgspec.structs.replace(
        settings, search=msgspec.structs.replace(settings.search, path="peer.db", index_prefix=f"peer{uuid4().hex[:8]}")
    )
    index, model = open_index(own), load_model(own)
    index.ensure()
    started = time.perf_counter()
    for start in range(0, len(documents), 500):
        batch = documents[start : start + 500]
        judged = model.judge([Text(document.title, document.text) for document in batch])
        records = [
            Grouped(
                assessed=Assessed(
                    document=document, sentiment=heads["sentiment"], emotion=heads["emotion"], topic=heads["topic"],
                    request=heads["request"], assessed_at=document.fetched_at,
                ),
                duplicate=Duplicate(group=document.id),
                event=EventRef(id=document.id),
            )
            for document, heads in zip(batch, judged, strict=True)
        ]  # fmt: skip
        try:
            index.write(records)
        except Unavailable as error:
            raise SystemExit(f"the peer's index: {error}") from error
    took = time.perf_counter() - started
    index.close()
    return len(documents) / took


def print_table(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        share = "  ".join(f"{name} {part:.0%}" for name, part in row["share"].items())
        alone = "  ".join(f"{name} {speed}" for name, speed in row["stage_documents_per_second"].items())
        print(
            f"{row['parts']:<10} {row['documents_per_second']:>6} documents/s   indexed {row['indexed']}   "
            f"start {row['start_seconds']} s   memory {row['memory_mb']} MB   "
            f"peer {row['peer_documents_per_second']}/s\n"
            f"           share of time: {share}\n           documents/s of each stage's own time: {alone}",
            flush=True,
        )


if __name__ == "__main__":
    main()
