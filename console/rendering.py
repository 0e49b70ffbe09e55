"""Pages from templates. Everything is escaped by itself: texts from outside are only ever text."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from console import translation, words
from console.access import Visit
from console.assets import Assets
from console.rights import RIGHT_WORDS, ROLE_WORDS
from console.rule_words import condition_words
from console.source_words import blindness, crawl_error, delivery_error
from console.units import UNIT_WORDS
from minsheng.characters import as_it_reads, reads_as_it_is
from minsheng.policies.titles import quoted
from minsheng.spreadsheets import as_csv, as_xlsx

TEMPLATES = Path(__file__).parent / "templates"
_OUT = re.compile(r'(<a class="out" href=")([^"]*)"')
"""A link that leads from a briefing to where a text was published."""

MENU = (
    ("desk", "/desk", "siren", "值班台"),
    ("tickets", "/tickets", "files", "工单"),
    ("search", "/search", "search", "检索"),
    ("events", "/events", "newspaper", "事件"),
    ("policies", "/policies", "landmark", "政策"),
    ("answers", "/answers", "message-circle-question-mark", "问答库"),
    ("disclosure", "/disclosure", "info", "依申请公开"),
    ("grassroots", "/grassroots", "building-2", "基层"),
    ("plans", "/plans", "clipboard-list", "预案"),
    ("roster", "/roster", "calendar-clock", "值班表"),
    ("rules", "/rules", "sliders-horizontal", "规则"),
    ("channels", "/channels", "send", "通知渠道"),
    ("sources", "/sources", "radio", "信源"),
    ("briefing", "/leader", "monitor", "领导视图"),
    ("briefing", "/briefings", "scroll-text", "简报"),
    ("users", "/admin/users", "users", "用户"),
    ("audit", "/admin/audit", "eye-off", "审计"),
)
"""Right, address, icon and name of each room, in the order of the menu."""
BEHIND = {
    "/handover": ("/desk",), "/wall": ("/desk",), "/drills": ("/desk", "/leader"), "/responses": ("/tickets",),
    "/searches": ("/search",), "/documents": ("/search",), "/releases": ("/policies",),
    "/interpretations": ("/policies",), "/consultations": ("/policies",), "/notices": ("/channels",),
    "/dead-letters": ("/channels",), "/admin": ("/admin/users",),
}  # fmt: skip
"""Pages that are reached from a room and have an address of their own → that room, or the next best one."""
HOMES = (("desk", "/desk"), ("sources.change", "/sources"), ("briefing", "/leader"))
"""Right of a role's own work, and where that is done."""
KEYS = {
    "/desk": "d", "/tickets": "t", "/search": "s", "/events": "e", "/policies": "p", "/answers": "q",
    "/disclosure": "i", "/grassroots": "v", "/plans": "n", "/roster": "r", "/rules": "x", "/channels": "c",
    "/sources": "o", "/leader": "l", "/briefings": "b", "/admin/users": "u", "/admin/audit": "a",
}  # fmt: skip
"""What leads to a room after `g`."""


class Rendering:
    """The templates and what they may call."""

    def __init__(self, assets: Assets) -> None:
        self.environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            finalize=_as_it_reads,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self.environment.filters.update(
            moment=words.moment,
            short_moment=words.short_moment,
            short_count=words.short_count,
            interval=words.interval,
            condition=condition_words,
            marked=marked,
            span=words.span,
            crawl_error=crawl_error,
            delivery_error=delivery_error,
            blindness=blindness,
            tr=translation.translate,
            quoted=quoted,
        )
        self.environment.tests.update(
            policy_of=lambda policy_id, view: view.sees_policy(policy_id),
            within=lambda inner, area: inner.startswith(area),
        )
        self.environment.globals.update(
            _=translation.translate,
            asset=assets.url,
            icon=cache(partial(_icon, assets)),
            words=words,
            role_words=ROLE_WORDS,
            right_words=RIGHT_WORDS,
            unit_words=UNIT_WORDS,
            languages=translation.LANGUAGES,
        )

    def page(self, visit: Visit, template: str, *, code: int = 200, **values: Any) -> Response:
        """A page for a visitor."""
        session = visit.session
        menu = [entry for entry in MENU if entry[0] in visit.rights]
        text = self.environment.get_template(template).render(
            visit=visit,
            user=session.user if session else None,
            now=visit.console.clock.now(),
            path=visit.request.url.path,
            menu=menu,
            room=_room(visit.request.url.path, [address for _, address, _, _ in menu]),
            keys=KEYS,
            language=translation.current.get(),
            html_language=translation.HTML_LANGUAGE[translation.current.get()],
            outside=lambda url: outside(visit, url),
            **values,
        )
        return HTMLResponse(text, code)

    def warm(self, stopping: threading.Event) -> None:
        """Read in all templates, a few milliseconds each, between which others get their turn."""
        for name in self.environment.list_templates():
            if stopping.wait(0.005):
                return
            self.environment.get_template(name)

    def part(self, template: str, **values: Any) -> str:
        """A part of a page that many viewers share: it knows what it is given, and nothing of who looks at it."""
        return self.environment.get_template(template).render(**values)


def _room(path: str, rooms: Sequence[str]) -> str:
    """Which of these rooms a page belongs to; "" where none."""

    def within(address: str) -> bool:
        return path == address or path.startswith(f"{address}/")

    behind = (room for address, those in BEHIND.items() if within(address) for room in those if room in rooms)
    return next((room for room in rooms if within(room)), next(behind, ""))


def rendering(request: Request) -> Rendering:
    """That of the application."""
    found: Rendering = request.app.state.rendering
    return found


def show(visit: Visit, template: str, *, code: int = 200, **values: Any) -> Response:
    """A page for a visitor."""
    return rendering(visit.request).page(visit, template, code=code, **values)


_NEVER_KEPT = ("form_token", "password", "password_again", "code")
KEPT_WORDS = {
    "reason": "说明", "display": "姓名", "note": "备注", "text": "内容", "title": "标题", "demand": "要求",
    "report": "反馈", "owner": "责任人", "unit": "单位", "reply": "回应全文", "facts": "基本情况", "cause": "成因分析",
    "demands": "群众诉求", "trend": "走势研判", "responsible": "责任单位", "recommended_response": "处置建议",
    "open": "未了事项",
    "number": "文号", "aliases": "别名", "watch_words": "监看用词",
    "done": "本班已办", "watch": "接班后要盯的", "question": "问题", "answer": "答复", "content": "内容",
}  # fmt: skip
"""Fields that hold what people wrote, and what their forms call them."""


def keepable(form: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of a form may be shown again, or carried through a sign-in."""
    return [(name, value) for name, value in form if name not in _NEVER_KEPT]


def again(visit: Visit, form: Sequence[tuple[str, str]], path: str, *, code: int = 409) -> Response:
    """A form that could not be taken, to be looked at and sent once more."""
    return show(visit, "again.html.j2", code=code, kept=keepable(form), kept_path=path, kept_words=KEPT_WORDS)


def home(visit: Visit) -> str:
    """Where a user begins: at what their role is for, or else at the first room that they have."""
    for right, address in HOMES:
        if right in visit.rights:
            return address
    return next((address for right, address, _, _ in MENU if right in visit.rights), "/account")


def outside(visit: Visit, url: str | None) -> str:
    """The address of the page that warns before leaving for `url`; empty where that is no http(s) address."""
    if not url or not url.startswith(("http://", "https://")):
        return ""
    return f"/leave?{urlencode({'to': url, 'signed': visit.console.keys.sign('leave', url)})}"


def leaving(visit: Visit, page: str) -> str:
    """A briefing's page whose links to outside warn before they are followed, as everywhere else."""
    return _OUT.sub(lambda found: f'{found[1]}{escape(outside(visit, html.unescape(found[2])))}"', page)


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """The text with its spans in <mark>."""
    parts: list[Markup] = []
    place = 0
    for start, end in spans:
        parts += [escape(text[place:start]), Markup("<mark>"), escape(text[start:end]), Markup("</mark>")]
        place = end
    parts.append(escape(text[place:]))
    return Markup("").join(parts)


def _as_it_reads(value: Any) -> Any:
    """What a template shows: no text of a page turns what stands beside it, or hides a part of itself."""
    if not isinstance(value, str) or reads_as_it_is(value):
        return value
    # What was markup before is markup still: characters are only taken away.
    return Markup(as_it_reads(value)) if isinstance(value, Markup) else as_it_reads(value)  # noqa: S704


def attachment(name: str) -> str:
    """A Content-Disposition for a file of this name."""
    return f"attachment; filename=\"{quote(name)}\"; filename*=UTF-8''{quote(name)}"


def spreadsheet(
    rows: Iterable[Sequence[str]],
    columns: Sequence[str],
    name: str,
    format: str,  # noqa: A002
    note: str = "",
) -> Response:
    """Rows as a file to be saved, `format` csv or xlsx; nothing in them that a spreadsheet would take for a formula.
    `note` is a last line, if there is one."""
    headers = {"Content-Disposition": attachment(f"{name}.{format}")}
    if format == "csv":
        content = b"".join(as_csv(columns, rows, note))
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(as_xlsx("导出", columns, rows, note), media_type=kind, headers=headers)


def _icon(assets: Assets, name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        assets.url("icons.svg"), name
    )
