"""政策: the register, what is said about each policy, and changes to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from alerts.planning.shelf import book_of
from alerts.release.readiness import PARTS
from alerts.release.watch import STATES, ReleaseWatch
from console import words
from console.access import Visit, needs
from console.problems import in_words
from console.register import FIELDS, LISTS, SENSITIVITIES, OutOfScope, mistake_words, repealed, save, typed
from console.rendering import show
from console.routes.documents import names
from console.routes.releases import reads_reports, timer_words
from crawlers import policy_pages
from minsheng.clock import CHINA
from minsheng.errors import BadInput, WrongUse
from minsheng.policies import STAGES, Policy, PolicyRegister
from minsheng.policies.enterprise import AREA_WORDS, Area, area_of
from minsheng.policies.interpretations import FORMS, Interpretations
from minsheng.policies.reading import WrongPolicy, checked
from minsheng.policies.register import PolicyConflict
from minsheng.policies.versions import differences
from search.index import Filters, Page, Search

router = APIRouter()
Reader = Annotated[Visit, needs("policies")]
Editor = Annotated[Visit, needs("policies.change")]
DAYS = 60
"""Days of coverage that a policy's page shows."""
RECENT = 7


@router.get("/policies")
def policy_list(visit: Reader, stage: str = "", q: str = "") -> Response:
    since = visit.console.clock.now() - timedelta(days=RECENT)
    counts: dict[str, int] = {}
    if visit.may("search"):
        page = visit.view.index.search(
            Search(filters=Filters(since=since), size=0, facets=("policy",), facet_size=10_000, highlight=False)
        )
        counts = {bucket.value: bucket.count for bucket in page.facets.get("policy", ())}
    found = [one for one in visit.view.policies.values() if (not stage or one.stage == stage) and _matches(one, q)]
    found.sort(key=lambda one: (-counts.get(one.id, 0), one.title))
    return show(
        visit, "policies.html.j2", policies=found, counts=counts, stage=stage, q=q, stages=STAGES, recent=RECENT,
        all=len(visit.view.policies), writes=visit.may("policies.change"),
    )  # fmt: skip


@router.get("/policies/enterprise")
def enterprise(visit: Reader) -> Response:
    """The policies for enterprises by what they are on, those in force first, with what enterprises and others ask."""
    now = visit.console.clock.now()
    since = (now - timedelta(days=RECENT)).astimezone(CHINA).date()
    kinds: dict[str, tuple[str, ...] | None] = {
        "all": None, "asks": ("inquiry", "help"), "complains": ("complaint", "report"),
    }  # fmt: skip
    counts: dict[str, dict[str, int]] = {name: {} for name in kinds}
    areas: dict[Area, list[Policy]] = {area: [] for area in AREA_WORDS}
    for policy in visit.view.policies.values():
        if (area := area_of(policy)) is not None:
            areas[area].append(policy)
    if visit.may("search") and any(areas.values()):
        begin = datetime.combine(since, time(), CHINA)
        for name, requests in kinds.items():
            search = Search(filters=Filters(since=begin, requests=requests), size=0, facets=("policy",),
                            facet_size=10_000, highlight=False)  # fmt: skip
            buckets = visit.view.index.search(search).facets.get("policy", ())
            counts[name] = {bucket.value: bucket.count for bucket in buckets}
    for policies in areas.values():
        policies.sort(key=lambda one: (one.stage == "repealed", -counts["all"].get(one.id, 0), one.title))
    return show(
        visit, "policies_enterprise.html.j2", areas={area: found for area, found in areas.items() if found},
        area_words=AREA_WORDS, counts=counts, recent=RECENT, since=since, reads=visit.may("search"),
    )  # fmt: skip


@router.get("/policies/edit")
def editor(visit: Editor, policy: str = "", document: str = "") -> Response:
    """A form for a new policy, for one that is there, or filled with what a page says that the crawler brought in."""
    if policy:
        return _editor(visit, _of(_own(visit, policy)), edited=_own(visit, policy))
    if document:
        record = visit.view.index.get([document]).get(document) if visit.may("search") else None
        if record is None:
            raise HTTPException(404)
        found = policy_pages.from_document(record.document, visit.console.clock.now())
        visit.record("document-read", document)
        return _editor(visit, found.values, source=record.document.title, text=found.text)
    return _editor(visit, {"stage": "released", "sensitivity": "normal"})


@router.post("/policies/edit")
def save_policy(visit: Editor) -> Response:
    """Keep a policy, where nothing is wrong with it and nobody has changed it since the form was opened (`seen`)."""
    values = typed(visit)
    edited = _own(visit, visit.field("policy")) if visit.field("policy") else None
    if edited is not None:
        values["id"] = edited.id
    seen, reason = visit.field("seen"), visit.field("reason")

    def again(*wrong: str, seen: str = seen) -> Response:
        return _editor(visit, values, edited=edited, wrong=wrong, reason=reason, seen=seen)

    try:
        policy = checked(values)
    except WrongPolicy as error:
        return again(*map(mistake_words, error.mistakes))
    if edited is not None and policy == edited:  # sent twice
        return RedirectResponse(f"/policies/{policy.id}", 303)
    successors = {*visit.view.policies, edited.successor if edited else None, None}
    if policy.successor not in successors:
        return again("替代它的政策：没有登记过，或不属于本单位")
    if edited is not None and not reason:
        return again("请写明为什么修改。")
    if edited is not None and seen != edited.content_hash():
        return again("您填写期间，别人已改过这项政策。您写的还在下面，请对照“修改记录”核对后再保存。",
                     seen=edited.content_hash())  # fmt: skip
    try:
        save(visit, policy, edited, reason)
    except OutOfScope:
        return again("保存后本单位就看不到它了：请在“主管部门”或“领域”里写本单位的。")
    except PolicyConflict:
        return again("这个编号已被使用，请换一个。" if edited is None else "别人刚刚改过这项政策，请刷新后再改。")
    return RedirectResponse(f"/policies/{policy.id}", 303)


@router.post("/policies/import")
def read_file(visit: Annotated[Visit, needs("policies.change", files=1)]) -> Response:
    """Fill the form from a page or file; nothing is kept yet."""
    file = visit.file("file")
    if file is None:
        return _editor(visit, {}, wrong=("请选择要读的文件。",))
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][:200]
    try:
        body = file.file.read(policy_pages.MOST_BYTES + 1)
        found = policy_pages.from_file(body, name, visit.console.clock.now())
    except BadInput as error:
        return _editor(visit, {}, wrong=(in_words(error),))
    return _editor(visit, found.values, source=name, text=found.text)


@router.get("/policies/{policy_id}")
def policy_page(visit: Reader, policy_id: str) -> Response:
    return _page(visit, policy_id)


@router.get("/policies/{policy_id}/history")
def history(visit: Reader, policy_id: str) -> Response:
    policy = _own(visit, policy_id)
    versions = PolicyRegister(visit.console.store, visit.console.clock).history(policy_id)
    older = [*(one.policy for one in versions[1:]), None]
    changes = [
        (one, _shown(visit, differences(before, one.policy))) for one, before in zip(versions, older, strict=False)
    ]
    return show(visit, "policy_history.html.j2", policy=policy, changes=changes, fields=FIELDS)


@router.post("/policies/{policy_id}/repeal")
def repeal(visit: Editor, policy_id: str) -> Response:
    """`repealed_on`, `successor` (may be empty), `reason`: a day to come keeps it in force until then."""
    policy = _own(visit, policy_id)
    day, successor, reason = visit.field("repealed_on"), visit.field("successor"), visit.field("reason")
    fields = {"repealed_on": day, "successor": successor, "reason": reason}
    if not day or not reason:
        return _page(visit, policy_id, problem="废止要写明日期和依据。", fields=fields)
    if successor and successor not in visit.view.policies:
        return _page(visit, policy_id, problem="替代它的政策没有登记过，或不属于本单位。", fields=fields)
    try:
        changed = repealed(policy, {"repealed_on": day, **({"successor": successor} if successor else {})})
        assert changed.repealed_on is not None
        if changed.repealed_on <= _today(visit):
            changed = msgspec.structs.replace(changed, stage="repealed")
        if changed != policy:
            save(visit, changed, policy, reason)
    except WrongPolicy as error:
        return _page(visit, policy_id, problem="；".join(map(mistake_words, error.mistakes)), fields=fields)
    except PolicyConflict:
        return _page(visit, policy_id, problem="别人刚刚改过这项政策，请核对后再提交。", fields=fields)
    return RedirectResponse(f"/policies/{policy_id}", 303)


@router.post("/policies/{policy_id}/interpretations")
def interpret(visit: Editor, policy_id: str) -> Response:
    """`form`, `title`, `published_on`, `url`, `responsible`: what explains the policy."""
    policy = _own(visit, policy_id)
    given = {name: visit.field(name) for name in ("form", "title", "published_on", "url", "responsible")}
    try:
        day = date.fromisoformat(given["published_on"])
    except ValueError:
        return _page(visit, policy_id, problem="解读材料要写明发布日期，例如 2026-05-01。", fields=given)
    try:
        kept = Interpretations(visit.console.store, visit.console.clock).add(
            policy.id, given["form"], given["title"][:300], day, url=given["url"] or None,
            responsible=given["responsible"][:200], actor=visit.actor,
        )  # fmt: skip
    except WrongUse as error:
        return _page(visit, policy_id, problem=in_words(error), fields=given)
    visit.record("policy-changed", policy.id, {"interpretation": kept.id, "title": kept.title})
    return RedirectResponse(f"/policies/{policy_id}#interpretations", 303)


@router.post("/policies/{policy_id}/interpretations/{interpretation}/withdraw")
def withdraw(visit: Editor, policy_id: str, interpretation: int) -> Response:
    policy = _own(visit, policy_id)
    register = Interpretations(visit.console.store, visit.console.clock)
    if interpretation in {one.id for one in register.of(policy.id)}:
        register.withdraw(interpretation, actor=visit.actor)
        visit.record("policy-changed", policy.id, {"interpretation-withdrawn": interpretation})
    return RedirectResponse(f"/policies/{policy_id}#interpretations", 303)


def _page(visit: Visit, policy_id: str, *, problem: str = "", fields: Mapping[str, str] | None = None) -> Response:
    policy = _own(visit, policy_id)
    today = visit.console.clock.now().astimezone(CHINA).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = datetime.combine(days[0], time(), CHINA)
    page, series, by_stance = Page(total=0, hits=()), [], {}
    reads = visit.may("search")
    if reads:
        page = visit.view.index.search(
            Search(
                filters=Filters(policies=(policy_id,), since=since),
                size=0,
                facets=("stance", "sentiment", "request", "source"),
                histogram="day",
                histogram_split="sentiment",
                highlight=False,
            )
        )
        steps = {bucket.value[:10]: bucket for bucket in page.histogram}
        for day in days:
            bucket = steps.get(day.isoformat())
            series.append(
                {
                    "day": day.isoformat(),
                    **{label: bucket.split.get(label, 0) if bucket else 0 for label in words.SENTIMENTS},
                }
            )
        by_stance = {
            stance: visit.view.index.search(
                Search(filters=Filters(policies=(policy_id,), stances=(stance,)), size=3, highlight=False)
            )
            for stance in ("against", "question", "support")
        }
        visit.record("searched", policy.title, {"policy": policy_id, "total": page.total})
    return show(
        visit,
        "policy.html.j2",
        code=400 if problem else 200,
        problem=problem,
        fields=fields or {},
        writes=visit.may("policies.change"),
        forms=FORMS,
        materials=Interpretations(visit.console.store, visit.console.clock).of(policy_id),
        release=_watch(visit, policy),
        release_states=STATES,
        parts=PARTS,
        timer_words=timer_words,
        reads_reports=reads_reports(visit),
        others=_others(visit, policy_id),
        policy=policy,
        page=page,
        series=series,
        chart=_chart(policy, series),
        by_stance=by_stance,
        tickets=visit.view.tickets(policy=policy_id, limit=20) if visit.may("tickets") else [],
        events=visit.view.events(since=since, policy=policy_id, limit=8) if visit.may("events") else [],
        successor=visit.view.policies.get(policy.successor or ""),
        names=names(visit.view),
        days=DAYS,
        reads=reads,
    )


def _own(visit: Visit, policy_id: str) -> Policy:
    found = visit.view.policies.get(policy_id)
    if found is None:
        raise HTTPException(404)
    return found


def _today(visit: Visit) -> date:
    return visit.console.clock.now().astimezone(CHINA).date()


def _watch(visit: Visit, policy: Policy) -> Any:
    console = visit.console
    plans = book_of(console.store, console.settings.path("plans"))
    return ReleaseWatch(console.store, console.settings, console.clock, None, plans).watched([policy])[0]


def _of(policy: Policy) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(policy).items() if value is not None}


def _others(visit: Visit, policy_id: str) -> list[tuple[str, str]]:
    """The viewer's policies that may follow one."""
    return sorted((one.id, one.title) for one in visit.view.policies.values() if one.id != policy_id)


def _shown(visit: Visit, changes: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Differences as people read them; a successor that is not the viewer's stays unnamed."""

    def word(field: str, value: str) -> str:
        if field == "stage":
            return STAGES.get(value, value)  # type: ignore[call-overload]
        if field == "sensitivity":
            return SENSITIVITIES.get(value, value)
        if field == "successor" and value:
            found = visit.view.policies.get(value)
            return f"《{found.title}》" if found else "（其他单位的政策）"
        return value

    return [(FIELDS[field], word(field, old), word(field, new)) for field, old, new in changes]


def _editor(
    visit: Visit,
    values: Mapping[str, Any],
    *,
    edited: Policy | None = None,
    wrong: tuple[str, ...] = (),
    source: str = "",
    text: str = "",
    reason: str = "",
    seen: str | None = None,
) -> Response:
    """The form. `source`, `text`: what the values were read from."""
    shown = {name: "\n".join(value) if name in LISTS else str(value) for name, value in values.items() if value}
    same = [
        one
        for one in visit.view.policies.values()
        if source and (one.title == shown.get("title") or (one.number and one.number == shown.get("number")))
    ]
    return show(
        visit, "policy_edit.html.j2", code=400 if wrong else 200, values=shown, edited=edited, wrong=wrong,
        source=source, text=text, reason=reason, fields=FIELDS, lists=LISTS, stages=STAGES,
        sensitivities=SENSITIVITIES, others=_others(visit, edited.id if edited else ""), same=same,
        seen=seen if seen is not None else edited.content_hash() if edited else "", kinds=policy_pages.KINDS,
    )  # fmt: skip


def _matches(policy: Policy, text: str) -> bool:
    text = text.strip().lower()
    fields = (policy.title, policy.number or "", policy.department or "", *policy.aliases)
    return not text or any(text in field.lower() for field in fields)


def _chart(policy: Policy, series: list[dict[str, Any]]) -> dict[str, Any]:
    """What the page's script draws: days, a series a mood, and days worth a mark."""
    shown = {line["day"] for line in series}
    marks = [
        {"day": day.isoformat(), "name": name}
        for day, name in (
            (policy.released_on, "发布"),
            (policy.effective_on, "施行"),
            (policy.amended_on, "修改"),
            (policy.repealed_on, "废止"),
        )
        if day is not None and day.isoformat() in shown
    ]
    return {
        "days": [line["day"] for line in series],
        "series": [
            {"name": name, "label": label, "values": [line[label] for line in series]}
            for label, name in words.SENTIMENTS.items()
        ],
        "marks": marks,
    }
