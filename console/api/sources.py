"""Sources: how each does, what could be seen, a look at one; and how the parts of the system do."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import Query, Response

from console.access import Visit
from console.api.describing import told
from console.api.problems import ApiError, missing
from console.api.routing import answer, needs, resource
from console.source_checks import CHECKED, one_look
from crawlers.health import Coverage, SourceState, coverage, state_of, states
from crawlers.sources import load_sources
from crawlers.states import State
from minsheng.errors import MinshengError, Unavailable, WrongUse

router = resource("Sources")
Reader = Annotated[Visit, needs("sources")]
Checker = Annotated[Visit, needs("sources.check")]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Sources, by id."""

    items: list[SourceState]


class SourceCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a source would give now. `error`: the first thing that went wrong; empty where nothing did."""

    source: str
    ok: bool
    error: str
    titles: list[str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the system and whether it can be reached."""

    name: str
    ok: bool
    detail: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`ok` where every part can be reached."""

    ok: bool
    parts: list[Part]


_SOURCE = {
    "id": "forum", "name": "云岭论坛", "kind": "feed", "url": "https://forum.example.cn/feed", "every": 600,
    "enabled": True, "state": "well", "next_run_at": "2026-05-08T01:10:00Z", "last_run_at": "2026-05-08T01:00:00Z",
    "last_ok_at": "2026-05-08T01:00:00Z", "last_item_at": "2026-05-08T00:50:00Z", "failures": 0, "items": 120,
    "last_error": "", "quiet_after": 86400, "since": None, "last_error_at": None, "sample": None, "hours": [3, None],
    "expected": None, "advice": "",
}  # fmt: skip


@router.get("/sources", **told(Sources, "List sources and how they do", example={"items": [_SOURCE]}))
def list_sources(visit: Reader, state: Annotated[State | None, Query()] = None) -> Response:
    """`advice` is in Chinese."""
    found = states(visit.console.store, visit.console.clock)
    return answer(Sources(items=[one for one in found if state is None or one.state == state]))


@router.get("/sources/{source_id}", **told(SourceState, "One source", missing=True, example=_SOURCE))
def get_source(visit: Reader, source_id: str) -> Response:
    """How it does now."""
    found = state_of(visit.console.store, visit.console.clock, source_id)
    if found is None:
        raise missing(f"source {source_id}")
    return answer(found)


@router.post(
    "/sources/{source_id}/check",
    **told(
        SourceCheck, "Look at a source", missing=True, conflict=True,
        example={"source": "forum", "ok": True, "error": "", "titles": ["取暖费"]},
    ),
)  # fmt: skip
def check_source(visit: Checker, source_id: str) -> Response:
    """Asks the source now and stores nothing. One at a time, as it takes some seconds. Audited."""
    from crawlers.checking import check

    console = visit.console
    source = next(iter(load_sources(console.store, [source_id])), None)
    if source is None:
        raise missing(f"source {source_id}")
    try:
        checked = one_look(
            visit,
            source_id,
            lambda: check(source, console.settings, console.clock, limit=CHECKED, store=console.store),
        )
    except WrongUse as error:
        raise ApiError("conflict", error.message, error.hint) from error
    return answer(
        SourceCheck(
            source=source_id, ok=checked.report.ok, error=checked.report.error,
            titles=[one.title for one in checked.taken[:50]],
        )
    )  # fmt: skip


@router.get(
    "/coverage",
    **told(
        Coverage, "What could be seen",
        example={"since": "2026-05-07T01:00:00Z", "until": "2026-05-08T01:00:00Z", "seen": ["forum"], "unseen": []},
    ),
)  # fmt: skip
def get_coverage(visit: Reader, hours: Annotated[int, Query(ge=1, le=24 * 42)] = 24) -> Response:
    """Which of the enabled sources were seen in the last hours, and why others were not."""
    now = visit.console.clock.now()
    return answer(coverage(visit.console.store, visit.console.clock, now - timedelta(hours=hours), now))


@router.get(
    "/health",
    **told(
        Health, "How the parts do",
        example={"ok": True, "parts": [{"name": "store", "ok": True, "detail": "SQLite 3.46.1"}]},
    ),
)  # fmt: skip
def get_health(visit: Reader) -> Response:
    """Store, index and log; with 200 also where one is away, as `ok` says."""
    console = visit.console
    parts = []
    for name, look in (
        ("store", console.store.check),
        ("index", lambda: f"{console.index.statistics()['documents']} documents"),
        ("log", console.log.check),
    ):
        try:
            parts.append(Part(name=name, ok=True, detail=look().partition(", ")[0]))
        except Unavailable:
            parts.append(Part(name=name, ok=False, detail="can't be reached: minsheng doctor says why"))
        except MinshengError as error:
            parts.append(Part(name=name, ok=False, detail=error.message))
    return answer(Health(ok=all(one.ok for one in parts), parts=parts))
