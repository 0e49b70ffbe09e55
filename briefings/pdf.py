"""A report as PDF, by WeasyPrint: it lays pages out by CSS, and needs no browser."""

from __future__ import annotations

from typing import Any

from briefings.edition import PAGES, editions, printed
from briefings.fonts import installed_fonts
from briefings.head import Head
from briefings.html import printed_page
from briefings.looks import Look
from briefings.report import Report
from minsheng.errors import MinshengError
from minsheng.problems import Problem

NO_LIBRARIES = "on Debian and Ubuntu: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
NO_FONTS = "on Debian and Ubuntu: apt-get install fonts-noto-cjk"


_FULLER = 4
"""Editions fuller than the one that fits by count that are tried: counting is careful."""


def pdf_of(report: Report, head: Head | None = None, look: Look | None = None) -> bytes:
    """The PDF. A daily briefing is shortened until it has no more pages than it may.

    Raises
    ------
    MinshengError
        Where the system's libraries or a font with Chinese characters are missing: which to install is said.
    WrongUse
        Where the template has a mistake.
    """
    head, look = head or Head(), look or Look.read()
    html = _weasyprint().HTML
    if not installed_fonts():
        raise MinshengError(Problem("font-missing"), NO_FONTS)
    first = printed(report)
    rest = list(editions(report))
    place = next((number for number, one in enumerate(rest) if one == first), 0)
    document = None
    for edition in rest[max(0, place - _FULLER) :]:
        document = html(string=printed_page(edition, head, look), url_fetcher=_nothing).render()
        if len(document.pages) <= PAGES.get(report.kind, len(document.pages)):
            break
    assert document is not None
    content: bytes = document.write_pdf(pdf_identifier=b"minsheng")
    return content


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        missing = str(error).split("\n")[0]
        raise MinshengError(Problem("pdf-impossible", reason=missing), NO_LIBRARIES) from None
    return weasyprint


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    """A briefing loads nothing: what a template or a post names stays where it is."""
    raise ValueError(f"{url} is not loaded")
