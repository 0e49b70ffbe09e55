"""Every page of the documentation is reached from the README, and no link leads nowhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)


@cache
def links(page: Path) -> list[tuple[Path, str]]:
    """The files that a page leads to within the repository, each with the place in it."""
    found = []
    for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in link and not link.startswith("mailto:"):
            file, _, place = link.partition("#")
            found.append(((page.parent / file).resolve() if file else page, place))
    return found


@cache
def places(page: Path) -> set[str]:
    """The anchors that the headings of a page give, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_leads_nowhere(page: Path) -> None:
    wrong = []
    for file, place in links(page):
        if not file.exists() or (place and file.suffix == ".md" and place not in places(file)):
            wrong.append(f"{file.relative_to(ROOT)}#{place}")
    assert wrong == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, to_read = set[Path](), [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            to_read += [file for file, _ in links(page) if file.exists()]
    assert sorted(page.relative_to(ROOT).as_posix() for page in PAGES if page not in reached) == []
