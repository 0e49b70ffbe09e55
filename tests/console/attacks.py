"""A corpus of texts that attack, and a world in which every field that people or pages from outside can fill holds one.

Each field gets a mark of its own, so that a test can tell which fields a page shows, and that each is shown somewhere.
"""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
import tomlkit
from fastapi.testclient import TestClient
from httpx import Response

from alerts.drills.scenario import FOLDER
from alerts.release.report import Typical, keep, release_report
from alerts.responses.sheet import ITEMS
from alerts.rules.book import RuleBook
from alerts.tables import outbox, tickets
from answers.tables import qa_askings, qa_candidates
from briefings.making import make_and_keep
from console.delivering import Sender
from console.webhooks import WebhookBook
from crawlers.addresses import AddressRule
from crawlers.tables import crawl_state, sources
from minsheng.policies import PolicyRegister
from minsheng.records import Attachment, DeadLetter, encode
from stream.log import DEAD_LETTERS, Message
from tests.briefings.small_world import DAY, MIDNIGHT, record
from tests.console.world import HEATING, SCHOOL, ConsoleWorld, form_token

CORPUS = (
    "<script>hit(1)</script>",
    "</script><script>hit(1)</script>",
    "<img src=zz onerror=hit(1)>",
    '"><svg onload=hit(1)>',
    "'\"><iframe srcdoc='<script>hit(1)</script>'>",
    '" onfocus=hit(1) autofocus x="',
    "' onmouseover='hit(1)",
    "</textarea></title></style><b zz=1>",
    "</option></select><object data=javascript:hit(1)>",
    "<math><mi xlink:href=javascript:hit(1)>",
    "<a href=javascript:hit(1)>zz</a>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button formaction=//evil.example>",
    "<style>@import'//evil.example'</style>",
    "<!--<p title='--><img src=zz onerror=hit(1)>'>",
    "]]><svg><script>hit(1)</script></svg>",
    "&lt;script&gt;hit(1)&lt;/script&gt;&#60;script&#62;",
    "{{31337*3}}${31337*3}#{31337*3}<%=31337*3%>{%raw%}",
    "javascript:hit(1)",
    "\u202efdp.exe\u2066\u2067",
    "a\u200bb\ufeffc\u00add\u2060",
    '=HYPERLINK("http://evil.example",1)',
    "\ufeff=1+1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
)
"""What is tried: markup, attributes, addresses, templates, turned and hidden characters, formulas."""
ADDRESSES = ("javascript:hit(1)", "data:text/html,<script>hit(1)</script>", "vbscript:hit(1)", " java\tscript:hit(1)",
             "//evil.example/x", "https:hit(1)")  # fmt: skip
"""Addresses that lead astray."""
EVALUATED = str(31337 * 3)
"""What a template would make of its part of the corpus."""
MARK = re.compile(r"zq(\d{3})w")


class Attacks:
    """Hands out an attack a field, and remembers which mark is whose."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def __call__(self, field: str, most: int = 4_000) -> str:
        """All of the corpus, as far as `most` characters go; a short field gets another part of it than its
        neighbour."""
        mark = f"zq{len(self.fields):03}w"
        self.fields[mark] = field
        start = 0 if most >= 1_500 else len(self.fields) * 7 % len(CORPUS)
        text = mark
        for place in range(len(CORPUS)):
            more = CORPUS[(start + place) % len(CORPUS)]
            if len(text) + len(more) <= most:
                text += more
        return text


class AttackedWorld(ConsoleWorld):
    """The world of the console's tests, in which every field holds an attack. Made by the forms, as far as there are
    forms: what these refuse can't be stored."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        sender = Sender(AddressRule(("127.0.0.1",)))
        self.console.webhooks = WebhookBook(self.store, self.clock, self.console.keys, sender)
        self.attack = Attacks()
        self.refused: list[str] = []
        self.duty = self.client("duty")
        self.second = self._second_person()
        self.leader = self.client("leader")
        self._crawled()
        self._administration()
        self._policies()
        self._plans_and_rules()
        self._answers()
        self._duty_room()
        self._casework()
        self._briefings()
        self._notices_and_letters()

    def send(self, client: TestClient, page: str, action: str, /, **fields: Any) -> Response:
        """Send a form of a page, which must be taken."""
        shown = client.get(page)
        seen = re.search(r'name="version" value="(\d+)"', shown.text)
        form = {"form_token": form_token(shown), **({"version": seen[1]} if seen else {}), **fields}
        files = form.pop("files", None)
        answer: Response = client.post(action, data=form, files=files)
        if answer.status_code not in (200, 303):
            told = re.search(r'role="alert"[^>]*>(.*?)<', answer.text, re.S)
            self.refused.append(f"{action}: {answer.status_code} {told[1][:200] if told else answer.text[-300:]}")
        return answer

    def _second_person(self) -> TestClient:
        name = self.add_user("duty", "none")
        user = self.console.users.find(name)
        self.console.users.change(
            user.id, display="另一人", roles=["duty", "editor"], unit_id=self.whole.id, disabled=False
        )
        client = self.visitor()
        token = self.console.sessions.begin(self.console.users.find(name), "127.0.0.1", "test")
        client.cookies.set("minsheng-session", token)
        return client

    def _crawled(self) -> None:
        """What pages from outside fill: posts, their places and files, sources and why they failed."""
        attack = self.attack
        with self.store.begin() as connection:
            connection.execute(
                sources.insert().values(
                    id="attacked", kind="feed", name=attack("source's name", 190), url=ADDRESSES[0], every=600,
                    enabled=True, note=attack("source's note"), options={},
                )
            )  # fmt: skip
            connection.execute(
                crawl_state.insert().values(
                    source_id="attacked", last_run_at=MIDNIGHT, failures=9, last_error=attack("source's error", 150)
                )
            )
        posts = []
        for number, text in enumerate(CORPUS):
            made = record(
                f"attack-{number}", MIDNIGHT + timedelta(hours=9, minutes=number), f"供暖{text}", title=text,
                source="attacked", policy=HEATING, event="heat", sentiment="negative", request="inquiry",
                url=ADDRESSES[number % len(ADDRESSES)],
            )  # fmt: skip
            posts.append(made)
        whole = posts[0]
        document = msgspec.structs.replace(
            whole.document, title=attack("post's title", 300), text=f"供暖{attack('post')}？", region="云岭",
            outlet=attack("post's outlet", 100),
            attachments=(Attachment(url=ADDRESSES[1], name=attack("post's file", 100)),),
        )  # fmt: skip
        assessed = msgspec.structs.replace(whole.assessed, document=document, places=(attack("post's place", 100),))
        self.post = document.id
        self.world.index.write([msgspec.structs.replace(whole, assessed=assessed), *posts[1:]])
        self.world.index.refresh()
        with self.store.begin() as connection:
            where = tickets.c.number == "T0001"
            kept = connection.scalar(sa.select(tickets.c.documents).where(where))
            connection.execute(
                tickets.update().where(where).values(
                    title=attack("ticket's title", 300), why=attack("ticket's why"), documents=[self.post, *kept],
                    parts=[{"name": "volume", "title": "声量", "score": 0.6, "weight": 0.3,
                            "value": attack("ticket's part", 200), "documents": [self.post]}],
                )
            )  # fmt: skip

    def _administration(self) -> None:
        attack, boss = self.attack, self.client("administrator")
        self.send(
            boss, "/admin/units", "/admin/units", name=attack("unit's name", 190), kind="department",
            parent=str(self.whole.id), departments=attack("unit's department", 90).replace(",", ""),
            topics=attack("unit's topic", 90).replace(",", ""), regions=attack("unit's region", 90).replace(",", ""),
            policies="nothing",
        )  # fmt: skip
        self.send(boss, "/admin/users", "/admin/users", name="attacker", display=attack("user's name", 95),
                  roles=["editor"], unit=str(self.whole.id))  # fmt: skip
        tree = self.console.units.tree().listed()
        self.unit = next(unit for _, unit in tree if "zq" in unit.name)
        attacker = self.console.users.find("attacker")
        for browser in (attack("browser's name", 55),):
            self.console.sessions.begin(attacker, "10.0.0.9", browser)
            self.console.sessions.begin(self.console.users.find("duty-whole"), "10.0.0.9", browser)
        stranger = self.visitor()
        self.send_wrong_name(stranger, attack("name tried", 55))
        self.send(self.duty, "/account/tokens", "/account/tokens", name=attack("token's name", 95), right=["own"],
                  days="9")  # fmt: skip
        self.send(self.duty, "/webhooks", "/webhooks", name=attack("webhook's name", 95),
                  url="http://127.0.0.1:9/hook", event=["ticket.opened"])  # fmt: skip

    def send_wrong_name(self, client: TestClient, name: str) -> None:
        token = form_token(client.get("/sign-in"))
        client.post("/sign-in", data={"form_token": token, "name": name, "password": "x"})

    def _policies(self) -> None:
        attack, page = self.attack, "/policies/edit"
        fields = {
            "title": attack("policy's title", 300), "number": attack("policy's number", 60),
            "department": "市住房和城乡建设局", "aliases": attack("policy's alias", 200),
            "topics": attack("policy's topic", 100), "watch_words": attack("policy's watch word", 100),
            "exclude_words": attack("policy's exclude word", 100), "stage": "released", "sensitivity": "normal",
            "released_on": "2026-05-07",
            "url": "https://example.org/?" + attack("policy's address", 200).replace(" ", ""),
        }  # fmt: skip
        self.send(self.duty, page, page, id="attacked", **fields)
        edited = self.duty.get("/policies/edit?policy=attacked").text
        seen = re.search(r'name="seen" value="([^"]*)"', edited)
        self.send(self.duty, "/policies/edit?policy=attacked", page, **{**fields, "department": "市教育局"},
                  policy="attacked", seen=seen[1] if seen else "",
                  reason=attack("policy change's reason", 200))  # fmt: skip
        self.send(
            self.duty, "/policies/attacked", "/policies/attacked/interpretations", form="text",
            title=attack("interpretation's title", 200), published_on="2026-05-08",
            url="https://example.org/" + attack("interpretation's address", 200).replace(" ", ""),
            responsible=attack("interpretation's person", 150),
        )  # fmt: skip
        title = html.escape(attack("imported page", 300))
        text = "<p>各区人民政府，市政府各部门，各直属机构：现将有关事项通知如下，请认真贯彻执行。</p>" * 6
        body = f"<h1>{title}</h1><p>云岭发〔2026〕9号</p>{text}"
        page_file = f"<html><head><title>{title}</title></head><body>{body}</body>"
        token = form_token(self.duty.get(page))
        self.imported = self.duty.post(
            "/policies/import", data={"form_token": token},
            files={"file": (attack("imported file's name", 60).replace("/", "") + ".html", page_file.encode())},
        )  # fmt: skip
        policy = PolicyRegister(self.store, self.clock).get("attacked")
        assert policy is not None, self.refused
        report = release_report(
            self.store, self.console.index, self.clock, policy, MIDNIGHT - timedelta(days=1), 24
        )  # fmt: skip
        asked = Typical(text=self.attack("question after a release"), document_id=self.post, asked=3)
        with self.store.begin() as connection:
            keep(self.store, connection, msgspec.structs.replace(report, questions=(asked,)))

    def _plans_and_rules(self) -> None:
        def attack(field: str, most: int = 4_000) -> str:
            return _plain(self.attack(field, most))

        plan = {
            "id": "attacked", "title": attack("plan's title", 150), "version": 1, "policies": ["attacked"],
            "owner": attack("plan's owner", 80), "judgement": [attack("plan's judgement")],
            "channels": [attack("plan's channel")], "do_nots": [attack("plan's don't")],
            "legal_basis": [attack("plan's basis")],
            "actors": [{"role": attack("plan's role"), "unit": attack("plan's unit"), "duty": attack("plan's duty"),
                        "contact": attack("plan's contact")}],
            "steps": [{"title": attack("plan's step"), "detail": attack("plan's step's detail"),
                       "who": attack("plan's step's person"), "within_minutes": 30}],
            "statements": {"holding": attack("plan's holding statement"),
                           "full": attack("plan's statement"),
                           "qa": [{"question": attack("plan's question"),
                                   "answer": attack("plan's answer")}]},
        }  # fmt: skip
        self.send(self.duty, "/plans/edit", "/plans/edit", content=tomlkit.dumps(plan))
        changed = {**plan, "title": attack("plan's second title", 150)}
        self.send(self.duty, "/plans/edit", "/plans/edit", content=tomlkit.dumps(changed))
        with self.store.begin() as connection:
            connection.execute(
                tickets.update().where(tickets.c.number == "T0001").values(plan={**plan, "inherited": {}})
            )
        text = RuleBook(self.store, self.clock).history()[0].content
        self.send(self.duty, "/rules", "/rules/install", content=f"{text}\n# {attack('rules', 300)}", newest="0",
                  reason=attack("rules' reason"))  # fmt: skip

    def _answers(self) -> None:
        attack, page = self.attack, "/answers/edit"
        made = self.send(
            self.duty, page, page, policy=HEATING, title=attack("answer's title", 100),
            question=attack("question", 300), answer=attack("answer"), clauses="第五条",
            keywords=attack("answer's key word", 60), department=attack("answer's department", 100),
            owner=attack("answer's owner", 60), region=attack("answer's region", 60),
        )  # fmt: skip
        entry = made.headers.get("location", "/answers/none")
        self.send(self.second, entry, f"{entry}/review", note=attack("review's note"), version="1")
        self.send(self.leader, entry, f"{entry}/sign", do="sign", version="2")
        self.entry = entry
        at = self.clock.now()
        with self.store.begin() as connection:
            connection.execute(
                qa_candidates.insert().values(id="qc-attacked", policy_id=SCHOOL, clause=attack("clause asked", 90),
                                              question=attack("question asked", 120), dismissed=False)
            )  # fmt: skip
            connection.execute(
                qa_askings.insert(),
                [
                    {"document_id": document, "policy_id": SCHOOL, "candidate_id": "qc-attacked", "published_at": at,
                     "author": document, "source": "attacked", "region": "", "question": question}
                    for document, question in ((self.post, attack("wording of a question", 120)), ("b", "怎么报名？"))
                ],
            )  # fmt: skip

    def _duty_room(self) -> None:
        attack = self.attack
        book = {
            "units": [{"id": "office", "name": attack("duty unit's name", 90)}],
            "people": [{"id": "zhang", "name": attack("person's name", 60), "unit": "office"},
                       {"id": "li", "name": "李四"}],
            "rosters": [{"id": "desk", "name": attack("roster's name", 60), "starts": date(2026, 5, 1),
                         "shifts": [{"name": attack("shift's name", 60), "hours": "08:00-08:00",
                                     "people": ["zhang", "li"], "rotate": "day"}]}],
        }  # fmt: skip
        self.send(self.duty, "/roster", "/roster/book", revision="0", content=tomlkit.dumps(book))
        self.send(self.duty, "/roster", "/roster/changes", do="away", person="zhang", by="li",
                  since="2026-05-09T08:00", until="2026-05-10T08:00", reason=attack("absence's reason"))  # fmt: skip
        parts = {name: attack(f"hand-over: {name}") for name in ("open", "done", "watch")}
        self.send(self.duty, "/handover", "/handover", **{**parts, "version": "0"})
        self.send(self.duty, "/handover", "/handover", **{**parts, "version": "1", "sign": "1"})
        folder = self.settings.path(FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        scenario = {
            "id": "attacked", "title": attack("scenario's title", 95), "risk_kind": "service", "level": "yellow",
            "summary": _plain(attack("scenario's summary")), "aims": [attack("scenario's aim")],
            "checks": [attack("scenario's check")], "posts": [{"text": _plain(attack("scenario's post"))}],
        }  # fmt: skip
        (folder / "attacked.toml").write_text(tomlkit.dumps(scenario), encoding="utf-8")
        made = self.send(self.duty, "/drills", "/drills", scenario="attacked", policy=HEATING, sure="1")
        self.drill = made.headers.get("location", "/drills/none")
        self.send(self.duty, f"/documents/{self.post}", f"/documents/{self.post}/labels", head="sentiment",
                  label="neutral", reason=attack("correction's reason"))  # fmt: skip
        self.send(self.duty, "/events/heat", "/events/heat/merge", other="enrol", reason=attack("merge's reason"))

    def _casework(self) -> None:
        attack, one, duty = self.attack, "/tickets/T0001", self.duty

        def do(action: str, /, **fields: Any) -> None:
            self.send(duty, one, f"{one}/{action}", **fields)

        do("comment", text=attack("comment"))
        do("tasks", title=attack("task", 190), owner=attack("task's owner", 90))
        do("tasks", title="另一项", owner="")
        do("tasks/1", do="done", note=attack("task's note"))
        do("tasks/2", do="cancel", reason=attack("task's cancellation"))
        do("assignments", unit=attack("assignment's unit", 90), demand=attack("demand"), due="2026-05-12T18:00")
        do("assignments/1", do="report", report=attack("report"))
        do("assignments/1", do="return", reason=attack("report's return"), due="2026-05-13T18:00")
        do("links", do="add", target="https://example.org/" + attack("link", 200).replace(" ", ""),
           note=attack("link's note"))  # fmt: skip
        do("related", other="T0005", reason=attack("relation's reason"))
        do("level", level="red", reason=attack("level's reason"))
        do("pause", reason=attack("pause's reason"))
        do("resume")
        name = attack("attachment's name", 100).replace("/", "")
        do("attachments", files={"file": (f"{name}.html", b"<script>hit(1)</script>")})
        sections = ("facts", "cause", "demands", "trend", "responsible", "recommended_response")
        self.send(duty, f"{one}/sheet", f"{one}/sheet", based_on="0", recommended_level="red",
                  **{name: attack(f"sheet: {name}") for name in sections})  # fmt: skip
        do("transfer", unit=attack("ticket's unit", 90), reason=attack("transfer's reason"))
        do("move", status="acknowledged", reason=attack("step's reason"))
        do("move", status="judging", reason="")
        do("move", status="responding", reason="")
        do("response", reply=attack("reply"), channel=attack("reply's channel", 90),
           page="https://example.org/" + attack("reply's page", 200).replace(" ", ""), replied_at="")  # fmt: skip
        self.send(self.leader, f"{one}/response", f"{one}/response/score", **dict.fromkeys(ITEMS, "3"),
                  note=attack("score's note"))  # fmt: skip
        self.send(duty, f"{one}/split", f"{one}/split", document=[self.post], title=attack("split ticket's title", 250),
                  reason=attack("split's reason"))  # fmt: skip

    def _briefings(self) -> None:
        attack = self.attack
        kept = make_and_keep(self.console, "daily", DAY, actor="system")
        page = f"/briefings/kept/{kept.number}"
        texts = {name: attack(f"briefing: {name}") for name in list(kept.generated.paragraphs())[:3]}
        self.send(self.duty, f"{page}/edit", f"{page}/edit", **texts, mark=attack("briefing's mark", 40),
                  recipients=attack("briefing's recipients", 60), secrecy="", urgency="",
                  note=attack("briefing edit's note"))  # fmt: skip
        self.send(self.second, page, f"{page}/step", do="review", note=attack("briefing review's note"))
        self.briefing = page

    def _notices_and_letters(self) -> None:
        attack, now = self.attack, self.clock.now()
        letter = DeadLetter(
            id="assess-documents-0-77", stage="assess", topic="documents", partition=0, offset=77,
            reason=attack("dead letter's reason", 250), value=attack("dead letter"), at=now,
        )  # fmt: skip
        producer = self.world.log.producer()
        producer.send([Message(DEAD_LETTERS, letter.id, encode(letter))])
        producer.close()
        with self.store.begin() as connection:
            connection.execute(
                outbox.insert().values(
                    key="attacked", ticket_id=1, reason="new", channel=attack("channel's name", 90),
                    payload={"subject": attack("notice's subject"), "text": "x"}, created_at=now, attempts=3,
                    next_try_at=now, dead_at=now, last_error=attack("channel's error"), urgency=1,
                )
            )  # fmt: skip


def _plain(text: str) -> str:
    """Without braces, which have a meaning in drafts."""
    return text.replace("{", "").replace("}", "")


__all__ = ["ADDRESSES", "CORPUS", "EVALUATED", "MARK", "SCHOOL", "AttackedWorld", "Attacks"]
