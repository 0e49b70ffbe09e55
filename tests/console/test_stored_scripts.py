"""Every field that people or pages from outside can fill, filled with attacks; every page, fragment and file that
shows them is opened, and none of it is markup, an address that runs, a formula, or a text that reads another way than
it is."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import lxml.etree
import lxml.html
import pytest
from docx import Document
from fastapi.testclient import TestClient
from icalendar import Calendar
from openpyxl import load_workbook

from console.access import guarded
from console.api.routers import ROUTERS as API_ROUTERS
from tests.console.attacks import EVALUATED, MARK, AttackedWorld
from tests.console.world import served

STREAM = "/desk/live"
MOST = 400
"""Pages that are opened for a role."""
ADDRESSES = (
    "href",
    "src",
    "action",
    "formaction",
    "data",
    "poster",
    "srcset",
    "xlink:href",
    "hx-get",
    "hx-post",
    "cite",
)
NEVER = {"iframe", "object", "embed", "base", "applet", "math", "frame", "form-data", "marquee"}
RELOADING = {"http-equiv": "refresh", "content": "60"}
"""How the wall shows itself anew without scripts: the same page, without an address to go to."""
TURNED = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u061c\u2060-\u2064\ufeff\u00ad]")
"""Characters that turn what stands beside them, or that hide."""
NOT_SHOWN = {
    "dead letter", "post's file",
}  # fmt: skip
"""Fields that no page of the console shows; the API gives some of them as data."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedWorld]:
    made = AttackedWorld(tmp_path_factory.mktemp("attacked"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def dead() -> list[str]:
    """Links that lead nowhere."""
    return []


@pytest.fixture(scope="module")
def pages(attacked: AttackedWorld, dead: list[str]) -> dict[str, str]:
    """Role and address → page, of everything that can be reached by links."""
    found: dict[str, str] = {}
    # The audit log shows its newest lines: its reader goes first.
    for role in ("auditor", "duty", "leader", "editor", "operator", "administrator"):
        client = attacked.client(role)
        for path, status, text in _walk(client, f"/documents/{attacked.post}"):
            found[f"{role} {path}"] = text
            if status != 200:
                dead.append(f"{role} {path}: {status}")
    found["duty /policies/import"] = attacked.imported.text
    return found


def _walk(client: TestClient, *more: str) -> Iterator[tuple[str, int, str]]:
    start = ("/", "/desk/tickets", "/wall", *more)
    waiting, known = [*start], set()
    while waiting and len(known) < MOST:
        path = waiting.pop(0)
        shape = re.sub(r"=[^&]*|[0-9a-f]{32,}", "=", path)  # one document, and one of each kind of search, is enough
        if shape in known or path.count("&") > (not path.startswith("/search")):  # filters by filters show no more
            continue
        if path.startswith((STREAM, "/static/", "/leave")):
            continue
        known.add(shape)
        answer = client.get(path)
        if answer.status_code == 303:
            waiting.append(answer.headers["location"])
        if answer.status_code == 403 and path in start:
            continue
        kind = answer.headers.get("content-type", "")
        if not kind.startswith("text/html"):
            continue
        yield path, answer.status_code, answer.text
        for one in lxml.html.fromstring(answer.text).iter("a"):
            target = urljoin(path, str(one.get("href", "")))
            if target.startswith("/"):
                waiting.append(target.partition("#")[0])


def test_what_was_to_be_stored_was_taken(attacked: AttackedWorld) -> None:
    assert attacked.refused == [], "\n".join(attacked.refused)


def test_no_link_leads_nowhere(pages: dict[str, str], dead: list[str]) -> None:
    assert dead == [], "\n".join(dead)


def test_nothing_becomes_markup(pages: dict[str, str]) -> None:
    assert len(pages) > 120
    wrong = [f"{place}: {one}" for place, text in pages.items() for one in _wrong(text, "/briefings/" in place)]
    assert wrong == [], "\n".join(wrong[:30])


def _wrong(text: str, printed: bool) -> Iterator[str]:
    if EVALUATED in text:
        yield "a template was evaluated"
    if found := TURNED.search(text):
        yield f"U+{ord(found[0]):04X} in …{text[max(0, found.start() - 60) : found.start()]}"
    for one in lxml.html.fromstring(text).iter(lxml.etree.Element):
        tag = str(one.tag)
        if tag in NEVER:
            yield f"<{tag}>"
        if tag == "meta" and one.get("http-equiv") and dict(one.attrib) != RELOADING:
            yield "a meta that does something"
        if tag == "img" and not str(one.get("src")).startswith("/static/"):
            yield f"an image {one.get('src')}"
        if tag == "script" and one.get("type") != "application/json" and not printed and (one.text or "").strip():
            yield "a script with something in it"
        if tag in ("script", "style") and one.get("type") != "application/json" and MARK.search(one.text or ""):
            yield f"a mark in <{tag}>"
        for name, value in one.attrib.items():
            if str(name).startswith("on") or (
                name in ("srcdoc", "zz", "autofocus") and MARK.search(text) and tag != "input"
            ):
                yield f"<{tag} {name}>"
            if name in ADDRESSES and not _stays(str(value)) and not (printed and _leaves(str(value), one)):
                yield f"<{tag} {name}={value}>"


def _stays(address: str) -> bool:
    """Whether it is an address of the console itself."""
    bare = "".join(address.split()).lower()
    parts = urlsplit(bare)
    return not parts.scheme and not parts.netloc and not bare.startswith(("//", "\\", "/\\"))


def _leaves(address: str, link: lxml.html.HtmlElement) -> bool:
    """Whether it is a link to another site, as printed briefings have: these are files, read anywhere."""
    return link.tag == "a" and address.startswith(("http://", "https://")) and "noreferrer" in str(link.get("rel"))


def test_every_field_is_shown_somewhere(attacked: AttackedWorld, pages: dict[str, str]) -> None:
    """Otherwise this sweep would prove nothing of it."""
    seen = {mark for text in pages.values() for mark in re.findall(r"zq\d{3}w", text)}
    unseen = {field for mark, field in attacked.attack.fields.items() if mark not in seen}
    assert unseen == NOT_SHOWN, "\n".join(sorted(unseen ^ NOT_SHOWN))


def test_pages_to_which_a_wrong_form_leads_show_it_as_text(attacked: AttackedWorld) -> None:
    """What is typed again, carried through a sign-in, or refused."""
    evil = attacked.attack("typed")
    stranger = attacked.visitor()
    for path in (f"/sign-in?next={evil}", f"/nothing/{evil}", "/static/" + evil, f"/leave?to={evil}&signed=x"):
        _only_text(stranger.get(path).text)
    carried = stranger.post("/tickets/T0001/comment", data={"text": evil, evil[:80]: evil})
    assert carried.status_code == 401 and MARK.search(carried.text)
    _only_text(carried.text)
    duty = attacked.client("duty")
    for page, action, fields in (
        ("/plans/edit", "/plans/edit", {"content": evil}),
        ("/rules", "/rules/try", {"content": evil}),
        ("/roster", "/roster/book", {"content": evil, "revision": "1"}),
        ("/policies/edit", "/policies/edit", {"title": evil, "id": evil, "url": evil, "successor": evil}),
        ("/answers/edit", "/answers/edit", {"title": evil, "answer": evil, "valid_from": evil}),
        ("/webhooks", "/webhooks", {"name": evil, "url": evil}),
        ("/account/tokens", "/account/tokens", {"name": evil, "days": evil}),
        ("/tickets/T0001", "/tickets/T0001/links", {"do": "add", "target": evil, "note": evil}),
        ("/tickets/T0001", "/tickets/T0001/merge", {"other": evil, "reason": evil}),
        ("/events/heat", "/events/heat/merge", {"other": evil, "reason": evil}),
        ("/briefings", "/briefings/make", {"kind": evil, "day": evil}),
        ("/briefings", "/briefings/make", {"kind": "special", "event": evil, "policy": evil}),
        ("/drills", "/drills", {"scenario": evil, "policy": evil}),
        ("/channels", "/channels/nothing/test", {"person": evil}),
    ):
        answer = attacked.send(duty, page, action, **fields)
        assert answer.status_code in (400, 404, 409, 303), f"{action}: {answer.status_code}"
        _only_text(answer.text or "<p>")
    for path in ("/search?q=", "/search?policy=", "/search?since=", "/search/compare?q=", "/search/analysis?q=",
                 "/events?policy=", "/tickets?policy=", "/notices?ticket=", "/briefings/code?code=", "/answers?policy=",
                 "/policies?q=", "/releases?every=", "/plans/edit?policy=", "/roster/shifts.ics?person="):  # fmt: skip
        answer = duty.get(path + evil.replace("#", "%23").replace("&", "%26"))
        assert answer.status_code < 500, path
        if answer.headers["content-type"].startswith("text/html"):
            _only_text(answer.text)
    attacked.refused.clear()


def _only_text(page: str) -> None:
    assert list(_wrong(page or "<p>", printed=False)) == []


# Files


@pytest.mark.parametrize("format", ["csv", "xlsx", "docx"])
def test_exported_files_hold_no_formula_and_no_turned_text(attacked: AttackedWorld, format: str) -> None:  # noqa: A002
    content = attacked.duty.get(f"/search/export?format={format}&source=attacked").content
    if format == "csv":
        cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
    elif format == "xlsx":
        sheet = load_workbook(io.BytesIO(content)).active
        assert sheet is not None
        assert not {cell.data_type for row in sheet.iter_rows() for cell in row} & {"f", "e"}
        assert not any(cell.hyperlink for row in sheet.iter_rows() for cell in row)
        cells = [str(cell.value or "") for row in sheet.iter_rows() for cell in row]
    else:
        cells = [one.text for one in Document(io.BytesIO(content)).paragraphs]
        assert b"instrText" not in content and b"HYPERLINK" not in content
    told = "\n".join(cells)
    assert "<script>hit(1)</script>" in told and MARK.search(told)
    assert not TURNED.search(told)
    if format != "docx":
        assert [one for one in cells if re.match(r"\s*[=+\-@＝＋－＠|%\t\r]", one)] == []


@pytest.mark.parametrize("format", ["html", "docx", "pdf", "json"])
def test_a_briefing_prints_attacks_as_text(attacked: AttackedWorld, format: str) -> None:  # noqa: A002
    answer = attacked.leader.get(f"{attacked.briefing}/file?format={format}")
    assert answer.status_code == 200
    if format == "html":
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert list(_wrong(answer.text, printed=True)) == [] and MARK.search(answer.text)
    elif format == "docx":
        text = "\n".join(one.text for one in Document(io.BytesIO(answer.content)).paragraphs)
        assert MARK.search(text) and not TURNED.search(text)
    elif format == "pdf":
        assert b"/JavaScript" not in answer.content and b"/Launch" not in answer.content
    else:
        assert "attachment" in answer.headers["content-disposition"] and json.loads(answer.content)


def test_other_files_are_saved_and_never_shown(attacked: AttackedWorld) -> None:
    page = attacked.duty.get("/tickets/T0001").text
    (digest,) = set(re.findall(r"/attachments/([0-9a-f]{64})", page))
    answer = attacked.duty.get(f"/tickets/T0001/attachments/{digest}")
    disposition = answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "application/octet-stream"
    assert disposition.startswith("attachment;") and answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"[\r\n<>]", disposition) and "%E2%80%AE" not in disposition
    calendar = attacked.duty.get("/roster/shifts.ics")
    assert len(Calendar.from_ical(calendar.text).events) > 100  # no line of it was taken for another one
    report = attacked.duty.get(f"{attacked.drill}/report?format=docx")
    assert MARK.search("\n".join(one.text for one in Document(io.BytesIO(report.content)).paragraphs))


def test_the_api_gives_them_as_data_that_no_browser_shows(attacked: AttackedWorld) -> None:
    filled = {"{number}": "T0001", "{document_id}": attacked.post, "{event_id}": "heat", "{policy_id}": "attacked",
              "{plan_id}": "attacked", "{source_id}": "attacked", "{day}": "2026-05-08"}  # fmt: skip
    seen = 0
    for method, path, _ in guarded(API_ROUTERS):
        if method != "GET":
            continue
        for name, value in filled.items():
            path = path.replace(name, value)
        answer = attacked.duty.get(path + ("?q=供暖" if path.endswith("/answers") else ""))
        assert answer.headers["content-type"].split(";")[0] in ("application/json", "application/problem+json"), path
        assert answer.headers["x-content-type-options"] == "nosniff"
        seen += bool(MARK.search(answer.text))
    assert seen >= 8


# A real browser


@pytest.mark.chromium
def test_no_browser_runs_any_of_it(attacked: AttackedWorld, chromium_path: str) -> None:
    """No script, no dialog, nothing that the pages' own policy had to stop, nothing asked for from elsewhere."""
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    with served(attacked) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=url)
        context.add_cookies(
            [{"name": "minsheng-session", "value": attacked.duty.cookies["minsheng-session"], "url": url}]
        )
        page = context.new_page()
        page.add_init_script(
            "window.hit = () => console.error('a script ran');"
            "addEventListener('securitypolicyviolation', event => console.error(`stopped: ${event.blockedURI}`));"
        )
        page.on("dialog", lambda dialog: wrong.append(f"{page.url}: a dialog") or dialog.dismiss())
        page.on("console", lambda message: message.type == "error" and wrong.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("request", lambda asked: asked.url.startswith((url, "data:")) or wrong.append(f"asked {asked.url}"))
        for path in ("/desk", "/tickets/T0001", "/tickets/T0001/sheet", "/tickets/T0001/response", "/search?q=供暖",
                     f"/documents/{attacked.post}", "/policies/attacked", "/policies/attacked/history",
                     "/plans/attacked?version=2", "/answers", attacked.entry, "/handover", "/roster", "/rules",
                     "/webhooks", "/notices?ticket=T0001", "/dead-letters", "/sources", attacked.briefing,
                     f"{attacked.briefing}/file"):  # fmt: skip
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            for width in () if "/file" in path else (390, 320):  # long and unbroken as they are
                page.set_viewport_size({"width": width, "height": 700})
                wide = page.evaluate("document.documentElement.scrollWidth") - width
                if wide > 0:
                    wrong.append(f"{path}: {wide} px wider than a phone of {width}")
        browser.close()
    assert wrong == []
