"""A report as one HTML page: nothing is loaded from outside; it reads on a phone, and it is what the PDF is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from jinja2 import DictLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from briefings import words
from briefings.columns import column_widths
from briefings.edition import LINE, Edition, whole
from briefings.head import Head
from briefings.looks import Look
from briefings.model import Figures
from briefings.periodical import periodical
from briefings.report import Block, Chart, Report, Section, Table
from minsheng.characters import as_it_reads
from minsheng.errors import WrongUse

PAGE = "report.html.j2"


LINES, POSTS = 12, 4
"""Lines and posts of each number's evidence in a page at most: the same posts stand behind many numbers."""
ROOM = 600
"""Lines of evidence that a page has in all, a post being three of them: a busy day has two hundred numbers, and what a
page leaves out its readers can open."""


def daily_html(figures: Figures, *, whole_lists: str = "") -> str:
    """The page of these figures, with the shipped look and no masthead of an issue; `whole_lists` as of `page_of`."""
    return page_of(periodical(figures), whole_lists=whole_lists)


def page_of(
    report: Report,
    head: Head | None = None,
    look: Look | None = None,
    *,
    evidence_base: str = "",
    whole_lists: str = "",
) -> str:
    """The page for screens.

    Parameters
    ----------
    evidence_base:
        What stands before a code in a number's link; without it the evidence is part of the page.
    whole_lists:
        Where the evidence is part of the page: what stands before a code in the link to all that is behind a number, of
        which the page shows the first. Without it, lines are left out only where a command gives all of them.

    Raises
    ------
    WrongUse
        Where the template has a mistake; the line is named.
    """
    return _render(
        whole(report), head or Head(), look or Look.read(), "screen", evidence_base or "#evidence-", whole_lists
    )


def printed_page(edition: Edition, head: Head, look: Look) -> str:
    """The page that the PDF is made of. Raises `WrongUse` as `page_of` does."""
    return _render(edition, head, look, "print", "")


def _render(
    edition: Edition,
    head: Head,
    look: Look,
    medium: Literal["screen", "print"],
    evidence_base: str,
    whole_lists: str = "",
) -> str:
    report = edition.report
    room = ROOM // max(len(report.evidence), 1) if whole_lists else LINES
    try:
        return _template(look.files[PAGE]).render(
            r=report,
            head=head,
            sections=[_section(section) for section in report.sections],
            edition=medium,
            density=edition.density if medium == "print" else "",
            shortened=edition.shortened,
            styles=look.files["report.css"] + look.files[f"{medium}.css"],
            evidence_base=evidence_base,
            whole_lists=whole_lists,
            most_lines=max(1, min(room, LINES)),
            most_posts=max(1, min(room // 3, POSTS)),
            codes={one.id: one.code for one in report.evidence},
            titles={one.id: one.title for one in report.evidence},
            kinds=words.KINDS,
            levels=words.LEVELS,
        )
    except TemplateSyntaxError as error:
        raise WrongUse(f"{PAGE}, line {error.lineno}: {error.message}", "mend the template, or take it away") from None
    except (TemplateError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise WrongUse(f"{PAGE}: {error}", "mend the template, or take it away to use the shipped one") from None


@lru_cache(maxsize=8)
def _template(text: str) -> Template:
    """A unit's own template gets words to set, never the machine behind them."""
    environment = ImmutableSandboxedEnvironment(
        loader=DictLoader({PAGE: text}),
        autoescape=True,
        finalize=lambda value: as_it_reads(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        day=words.day_words, time=words.time_words, duration=words.duration_words, chinese=words.number_words
    )
    return environment.get_template(PAGE)


def _section(section: Section) -> Mapping[str, Any]:
    """A section for the template: each block knows its kind, and charts that follow one another stand side by side."""
    blocks: list[dict[str, Any]] = []
    for block in section.blocks:
        if isinstance(block, Chart):
            if blocks and blocks[-1]["kind"] == "charts":
                blocks[-1]["charts"].append(block)
            else:
                blocks.append({"kind": "charts", "charts": [block]})
        else:
            blocks.append({"kind": _kind(block), **_fields(block)})
            if isinstance(block, Table):
                whole = LINE * 4 / 3  # its letters are three quarters as large
                blocks[-1]["widths"] = [round(100 * one / whole, 2) for one in column_widths(block, whole)]
    return {"title": section.title, "blocks": blocks}


def _kind(block: Block) -> str:
    return str(block.__struct_config__.tag)


def _fields(block: Block) -> dict[str, Any]:
    names: Sequence[str] = block.__struct_fields__
    return {name: getattr(block, name) for name in names}
