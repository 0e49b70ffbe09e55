"""How single hosts may be asked: pace, budget, hours and written permissions from the settings, and pauses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from minsheng.clock import CHINA
from minsheng.settings import CrawlSettings, HostSettings, hours_of


class HostResting(Exception):
    """A host is not asked now.

    Attributes
    ----------
    until:
        When it may be asked again.
    refused:
        It refuses us; otherwise it is our own rule.
    """

    def __init__(self, reason: str, until: datetime, *, refused: bool) -> None:
        super().__init__(f"{reason}; asked again from {until.astimezone(CHINA):%m-%d %H:%M}")
        self.until = until
        self.refused = refused


class Pause(NamedTuple):
    """A host is left alone until then, for the so-many-eth time in a row."""

    until: datetime
    times: int
    reason: str


class HostRule(NamedTuple):
    """How one host may be asked.

    Attributes
    ----------
    delay:
        Seconds between the starts of two requests.
    concurrency:
        Requests under way at a time.
    daily:
        Requests a day, China time; 0: as many as the pace allows.
    hours:
        The only hours in which it is asked, China time; None: always.
    permission:
        The owner's written permission to pass over robots.txt; empty: there is none.
    """

    delay: float
    concurrency: int
    daily: int = 0
    hours: tuple[time, time] | None = None
    permission: str = ""

    def opens_at(self, now: datetime) -> datetime:
        """The next moment within its hours: `now`, if it is one."""
        if self.hours is None:
            return now
        begin, end = self.hours
        local = now.astimezone(CHINA)
        clock = local.time()
        inside = begin <= clock < end if begin < end else clock >= begin or clock < end
        if inside:
            return now
        opening = datetime.combine(local.date(), begin, CHINA)
        return opening if opening > local else opening + timedelta(days=1)


class HostRules:
    """The rule of each host: the first entry of `crawl.hosts` that names it, over the general settings."""

    def __init__(self, general: HostRule, entries: Sequence[HostSettings] = ()) -> None:
        self._general = general
        self._entries = entries
        self._found: dict[str, HostRule] = {}

    @classmethod
    def from_settings(cls, settings: CrawlSettings) -> Self:
        general = HostRule(settings.per_host_delay, settings.per_host_concurrency, settings.per_host_daily)
        return cls(general, settings.hosts)

    @property
    def loosest(self) -> HostRule:
        """The shortest delay and the most requests at a time that any host has."""
        delays = [entry.delay for entry in self._entries if entry.delay is not None]
        counts = [entry.concurrency for entry in self._entries if entry.concurrency]
        general = self._general
        return HostRule(min(general.delay, *delays, general.delay), max(general.concurrency, *counts, 1))

    def __getitem__(self, host: str) -> HostRule:
        """The rule of `host`, which may end in a port."""
        if host not in self._found:
            self._found[host] = self._rule(host)
        return self._found[host]

    def _rule(self, host: str) -> HostRule:
        entry = next((one for one in self._entries if _names(one.host.lower(), host)), None)
        if entry is None:
            return self._general
        general = self._general
        return HostRule(
            general.delay if entry.delay is None else entry.delay,
            entry.concurrency or general.concurrency,
            general.daily if entry.daily is None else entry.daily,
            hours_of(entry.hours) if entry.hours else None,
            entry.robots_permission,
        )


def _names(pattern: str, host: str) -> bool:
    """`.example.org` names the host and all below it; `example.org` the host at any port, `example.org:81` at that."""
    bare = host if ":" in pattern and not pattern.startswith("[") else host.partition(":")[0]
    return bare == pattern.lstrip(".") or (pattern.startswith(".") and bare.endswith(pattern))


def host_of(url: str) -> str:
    """The host that an address names, with its port where it names one."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()
