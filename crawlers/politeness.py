"""How requests are made: who we say we are, how often a host is asked, and what is too large."""

from __future__ import annotations

from minsheng import __version__
from minsheng.settings import CrawlSettings

ROBOTS_NAME = "Minsheng"
ADDRESS = "https://github.com/minsheng/minsheng"


def user_agent(settings: CrawlSettings) -> str:
    """An honest one, with the operator's contact."""
    return f"{ROBOTS_NAME}/{__version__}" + (f" (+{settings.contact})" if settings.contact else "")
