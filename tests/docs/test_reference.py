"""The reference pages say what the code does, and leave nothing out."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"

_spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
assert _spec is not None
assert _spec.loader is not None
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The reference pages as the code has them: file name → content."""
    made: dict[str, str] = generate.pages()
    return made


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "rules.md", "api.md", "records.schema.json"])
def test_the_page_is_that_of_the_code(name: str, pages: dict[str, str]) -> None:
    kept = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert kept == pages[name], "make it anew: python docs/generate.py"


def test_every_setting_says_what_it_is_for() -> None:
    tables = generate.tables()
    assert [f"{table.places[0]}.{each.name}" for table in tables for each in table.settings if not each.meaning] == []
    assert [table.places[0] for table in tables if not table.explanation] == []


def test_every_command_and_option_says_what_it_does() -> None:
    silent = []
    for name, command in generate.commands():
        if not command.help:
            silent.append(name)
        silent += [f"{name} {parameter}" for parameter, words in generate.parameters(command) if not words.strip()]
    assert silent == []


def test_hand_written_pages_name_every_key_of_a_policy() -> None:
    from minsheng.policies import STAGES, Policy

    page = (DOCS / "reference" / "policies.md").read_text(encoding="utf-8")
    assert [name for name in Policy.__struct_fields__ if f"`{name}`" not in page] == []
    assert [word for pair in STAGES.items() for word in pair if word not in page] == []


def test_the_page_on_records_names_every_field() -> None:
    from minsheng import records

    page = (DOCS / "reference" / "records.md").read_text(encoding="utf-8")
    kinds = (
        records.Document,
        records.Engagement,
        records.Attachment,
        records.Official,
        records.Assessed,
        records.Judgement,
        records.PolicyLink,
        records.Grouped,
        records.Duplicate,
        records.EventRef,
        records.DeadLetter,
    )
    missing = [
        f"{kind.__name__}.{name}" for kind in kinds for name in kind.__struct_fields__ if f"`{name}`" not in page
    ]
    assert missing == []
