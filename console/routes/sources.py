"""信源: how each source does; add one, look at what it would give, change, stop and remove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from console.access import Visit, needs
from console.problems import advice, in_words
from console.rendering import show
from console.source_checks import CHECKED, one_look
from crawlers.health import overview, state_of, states
from crawlers.kind_words import KIND_WORDS
from crawlers.operator_tickets import tickets
from crawlers.source_history import WORDS as CHANGE_WORDS
from crawlers.source_history import history, removed
from crawlers.source_keeping import REMOVED, SourceKeeper, mark
from crawlers.sources import FOLDER, Source, make_source, options_text, parse_options, shown
from crawlers.states import WORDS
from minsheng.errors import MinshengError, WrongUse
from minsheng.redaction import redacted

if TYPE_CHECKING:
    from crawlers.checking import Checked

router = APIRouter()
Reader = Annotated[Visit, needs("sources")]
Checker = Annotated[Visit, needs("sources.check")]
Changer = Annotated[Visit, needs("sources.change")]

TAKEN = 50
"""Things that a look shows."""
LISTED, WAITING = 50, 20
"""Sources on a page of the list, and tickets of operators and removed sources below it."""
_START = {"id": "", "name": "", "kind": "", "url": "", "every": "15m", "quiet_after": "", "note": "", "options": ""}


@router.get("/sources")
def source_list(
    visit: Reader, state: str = "", q: str = "", page: Annotated[int, Query(ge=1, le=10_000)] = 1
) -> Response:
    """What needs somebody first. `q`: in its name or id."""
    console = visit.console
    now = console.clock.now()
    seen = overview(console.store, console.clock, now - timedelta(hours=24), now)
    counts = Counter(one.state for one in seen.sources)
    order = {name: place for place, name in enumerate(reversed(list(WORDS)))}
    words = q.strip().lower()
    found = sorted(
        (one for one in seen.sources if (not state or one.state == state) and words in f"{one.name} {one.id}".lower()),
        key=lambda one: (one.state in ("well", "off", "new"), order[one.state], one.id),
    )
    shown = [one.id for one in found[LISTED * (page - 1) : LISTED * page]]
    known = {one.id: one for one in states(console.store, console.clock, shown)}
    waiting = tickets(console.store)
    return show(
        visit, "sources.html.j2", sources=[known[one] for one in shown if one in known], counts=counts, state=state,
        q=q, state_words=WORDS, kinds=KIND_WORDS, coverage=seen.coverage, waiting=waiting[:WAITING],
        more_waiting=max(0, len(waiting) - WAITING), changes=visit.may("sources.change"),
        removed=removed(console.store, WAITING), page=page, pages=-(-len(found) // LISTED),
        address=lambda **given: f"/sources?{urlencode({'state': state, 'q': q, **given})}",
    )  # fmt: skip


@router.get("/sources/new")
def new_source(visit: Changer) -> Response:
    return _form(visit, None, _START)


@router.post("/sources/look")
def look_at_new(visit: Checker) -> Response:
    """What an address would give, and settings that fit it. Nothing is stored."""
    typed = _typed(visit)
    console = visit.console

    def work() -> Checked:
        from crawlers.checking import check_address

        options = parse_options(typed["options"])
        return check_address(
            typed["url"], typed["kind"] or None, options, console.settings, console.clock, limit=CHECKED,
            store=console.store,
        )  # fmt: skip

    checked, problem = _looked(visit, redacted(typed["url"]), work)
    if checked is not None and checked.report.ok:
        # What somebody has typed stays; the rest is as the address suggests.
        own = {key: typed[key] for key in ("id", "name", "every", "quiet_after", "note") if typed[key]}
        if own.get("every") == _START["every"]:
            del own["every"]  # nobody typed it
        typed = {**_values(checked.proposed), **own}
    return _form(visit, None, typed, checked=checked, problem=problem)


@router.post("/sources/add")
def add_source(visit: Changer) -> Response:
    from crawlers.checking import suggest_id

    typed = _typed(visit)
    try:
        source = make_source(_source_values({**typed, "id": typed["id"] or suggest_id(typed["url"])}), "the form")
        _keeper(visit).add(source)
    except WrongUse as error:
        return _form(visit, None, typed, problem=in_words(error))
    visit.record("source-added", source.id, {"kind": source.kind, "url": shown(source).url})
    return RedirectResponse(f"/sources/of/{quote(source.id)}", 303)


@router.get("/sources/of/{source_id}")
def source_page(visit: Reader, source_id: str) -> Response:
    source = _known(visit, source_id)
    return _form(visit, source, _values(shown(source)))


@router.post("/sources/of/{source_id}/look")
def look_at(visit: Checker, source_id: str) -> Response:
    """What the source would give now. Nothing is stored."""
    source, console = _known(visit, source_id), visit.console

    def work() -> Checked:
        from crawlers.checking import check

        return check(source, console.settings, console.clock, limit=CHECKED, store=console.store)

    checked, problem = _looked(visit, source_id, work)
    return _form(visit, source, _values(shown(source)), checked=checked, problem=problem)


@router.post("/sources/of/{source_id}")
def change_source(visit: Changer, source_id: str) -> Response:
    source, typed = _known(visit, source_id), _typed(visit)
    values = {"kind": source.kind, **{key: value for key, value in typed.items() if key not in ("id", "kind")}}
    try:
        values = _source_values({**values, "enabled": source.enabled})
        changed = _keeper(visit).change(source_id, values, visit.field("seen"))
    except WrongUse as error:
        # Who is told of another's change may save over it the next time.
        overtaken = error.problem is not None and error.problem.code == "source-changed"
        return _form(
            visit, _known(visit, source_id), typed, problem=in_words(error),
            seen="" if overtaken else visit.field("seen"),
        )  # fmt: skip
    names = [name for name in Source.__struct_fields__ if getattr(changed, name) != getattr(source, name)]
    visit.record("source-changed", source_id, {"fields": names})
    return RedirectResponse(f"/sources/of/{quote(source_id)}", 303)


@router.post("/sources/of/{source_id}/pause")
def pause_source(visit: Changer, source_id: str) -> Response:
    return _switched(visit, source_id, enabled=False)


@router.post("/sources/of/{source_id}/resume")
def resume_source(visit: Changer, source_id: str) -> Response:
    """It is crawled at once."""
    return _switched(visit, source_id, enabled=True)


def _switched(visit: Visit, source_id: str, *, enabled: bool) -> Response:
    source, reason = _known(visit, source_id), visit.field("reason")
    try:
        done = _keeper(visit).switch(
            source_id, enabled=enabled, seen=visit.field("seen"), actor=visit.actor, reason=reason
        )
    except WrongUse as error:
        source = _known(visit, source_id)
        return _form(visit, source, _values(shown(source)), problem=in_words(error), reason=reason)
    if done:  # not pressed twice
        visit.record("source-resumed" if enabled else "source-paused", source_id, {"reason": reason})
    return RedirectResponse(f"/sources/of/{quote(source.id)}", 303)


@router.get("/sources/of/{source_id}/remove")
def ask_to_remove(visit: Changer, source_id: str) -> Response:
    """What goes and what stays, to be confirmed."""
    return _removal(visit, _known(visit, source_id))


@router.post("/sources/of/{source_id}/remove")
def remove_source(visit: Changer, source_id: str) -> Response:
    """Its documents stay."""
    if any(one.source == source_id for one in removed(visit.console.store)):  # pressed twice
        return RedirectResponse("/sources", 303)
    source, reason = _known(visit, source_id), visit.field("reason")
    try:
        _keeper(visit).remove(source_id, seen=visit.field("seen"), actor=visit.actor, reason=reason)
    except WrongUse as error:
        return _removal(visit, _known(visit, source_id), problem=in_words(error), reason=reason)
    visit.record("source-removed", source_id, {"reason": reason, "kind": source.kind, "url": shown(source).url})
    return RedirectResponse("/sources", 303)


def _removal(visit: Visit, source: Source, *, problem: str = "", reason: str = "") -> Response:
    keeper, console = _keeper(visit), visit.console
    return show(
        visit, "source_remove.html.j2", code=400 if problem else 200, source=source, url=shown(source).url,
        kinds=KIND_WORDS, seen=mark(source), file=keeper.file_of(source.id), folder=REMOVED, problem=problem,
        reason=reason, documents=keeper.documents(source.id), state=state_of(console.store, console.clock, source.id),
        state_words=WORDS,
    )  # fmt: skip


def _form(
    visit: Visit,
    source: Source | None,
    typed: dict[str, Any],
    *,
    checked: Checked | None = None,
    problem: str = "",
    seen: str = "",
    reason: str = "",
) -> Response:
    console = visit.console
    state = state_of(console.store, console.clock, source.id) if source is not None else None
    return show(
        visit, "source.html.j2", code=400 if problem else 200, source=source, typed=typed, state=state,
        state_words=WORDS, kinds=KIND_WORDS, checked=checked, taken=checked.taken[:TAKEN] if checked else (),
        problem=problem, seen=seen or (mark(source) if source is not None else ""), reason=reason,
        history=history(console.store, source.id) if source is not None else (), change_words=CHANGE_WORDS,
        changes=visit.may("sources.change"), checks=visit.may("sources.check"),
    )  # fmt: skip


def _looked(visit: Visit, subject: str, work: Callable[[], Checked]) -> tuple[Checked | None, str]:
    """What was found, or what is wrong."""
    try:
        return one_look(visit, subject, work), ""
    except MinshengError as error:
        return None, "。".join(part.rstrip("。") for part in (in_words(error), advice(error)) if part)


def _typed(visit: Visit) -> dict[str, Any]:
    return {name: visit.field(name) for name in _START}


def _values(source: Source) -> dict[str, Any]:
    return {**msgspec.to_builtins(source), "options": options_text(source)}


def _source_values(typed: dict[str, Any]) -> dict[str, Any]:
    return {**typed, "options": parse_options(typed["options"])}


def _keeper(visit: Visit) -> SourceKeeper:
    return SourceKeeper(visit.console.store, visit.console.settings.path(FOLDER), visit.console.clock)


def _known(visit: Visit, source_id: str) -> Source:
    try:
        return _keeper(visit).get(source_id)
    except WrongUse:
        raise HTTPException(404) from None
