"""What the console says in another language."""

from __future__ import annotations

import re
from pathlib import Path

import console
from alerts.responses.monthly import FIGURES as MONTH_FIGURES
from alerts.responses.worked import FIGURES as UNIT_FIGURES
from console import words
from console.grassroots import GROUPS as GRASSROOTS_GROUPS
from console.grassroots import TASKS
from console.months import GROUPS as MONTH_GROUPS
from console.rights import RIGHT_WORDS, ROLE_WORDS
from console.translation import catalogue
from crawlers.kind_words import KIND_WORDS
from minsheng.policies.enterprise import AREA_WORDS
from tests.console.world import ConsoleWorld, send

TEMPLATES = Path(console.__file__).parent / "templates"


def test_every_message_of_the_templates_has_its_english() -> None:
    found = set()
    for path in TEMPLATES.rglob("*.j2"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'_\("([^"]+)"\)', text)) | set(re.findall(r"_\('([^']+)'\)", text))
    for known in (words.LEVELS, words.SENTIMENTS, words.REQUESTS, words.STANCES, words.KINDS, words.FACETS,
                  KIND_WORDS, ROLE_WORDS, RIGHT_WORDS, AREA_WORDS):  # fmt: skip
        found |= set(known.values())
    assert len(found) > 200
    assert sorted(found - set(catalogue("en")) - {"自己的账号"}) == []


def test_every_figure_has_its_english() -> None:
    titles = {title for figures in (UNIT_FIGURES, MONTH_FIGURES, TASKS) for title, _ in figures.values()}
    for groups in (GRASSROOTS_GROUPS, MONTH_GROUPS):
        titles |= {word for title, names in groups.values() for word in (title, *names.values())}
    assert titles - set(catalogue("en")) == set()


def test_the_language_is_kept_by_the_browser(shared_world: ConsoleWorld) -> None:
    client = shared_world.client("duty")
    assert send(client, "/desk", "/language", language="en", next="/desk").headers["location"] == "/desk"
    page = client.get("/desk").text
    assert "<h1>Duty desk</h1>" in page and 'lang="en"' in page
    assert "<h1>值班台</h1>" in shared_world.client("duty").get("/desk").text
