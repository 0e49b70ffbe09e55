"""What every page is given: the parts of the system, opened once, and the books over them."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from answers.contradictions import Finding
from answers.search import AnswerSearch
from briefings.gather import gather
from briefings.model import Figures
from briefings.period import daily_briefing
from classifiers.corrections import CorrectionBook
from console.accounts import User, UserBook
from console.api.limits import Buckets, RateLimit, SharedBuckets
from console.api.repeats import Repeats
from console.audit import AuditLog
from console.audit_checks import AuditChecks
from console.boards import Boards
from console.delivering import Sender
from console.figures import ConsoleFigures
from console.keys import Keys
from console.layers import Layers
from console.live import Pulse
from console.remembering import Remembered
from console.scope import View, Views
from console.sessions import SessionBook
from console.single_sign_on import SingleSignOn
from console.tokens import TokenBook
from console.units import UnitBook
from console.webhooks import WebhookBook
from crawlers.addresses import AddressRule
from grouping.hot_documents import HotWords
from minsheng.clock import Clock
from minsheng.policies import PolicyRegister
from minsheng.settings import Settings
from minsheng.store import Store
from search.index import Index, Page, Search
from stream.log import Log

BRIEFING_SECONDS = 60.0
BRIEFING_LONGER = 240.0
"""Figures of a day of 100,000 texts take seconds: a leader gets those of minutes ago, with the time they are of."""
LIKENESS_SECONDS = 900.0
"""Answers, kept as they are, are held against each other so often: 400 of them, each with each."""
INCOMING_SECONDS = 5.0
"""How long the newest posts are shared by all desks that see and have chosen the same."""
WATCHED_SECONDS = 600.0
"""Reading the newest posts, which a desk asks for all the time, is written down so often."""
STRANGERS_PER_MINUTE = 60
"""Requests to the API without a good token that one address may send a minute."""


class Console:
    """The parts. They belong to the caller, who closes them.

    Parameters
    ----------
    shared:
        A folder for what several consoles on one machine keep together; None: this is the only one there.
    """

    def __init__(
        self, settings: Settings, store: Store, index: Index, log: Log, clock: Clock, *, shared: Path | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self.index = index
        self.log = log
        self.clock = clock
        self.keys = Keys.from_settings(settings)
        self.users = UserBook(store, self.keys, clock)
        self.sessions = SessionBook(store, settings.console, clock)
        self.answers = AnswerSearch(store, clock)
        self.corrections = CorrectionBook(store, clock)
        self.tokens = TokenBook(store, clock)
        self.repeats = Repeats(store, clock)
        self.rate_limit = RateLimit(clock, settings.console.api_per_minute, _buckets(shared, "callers"))
        self.strangers = RateLimit(clock, STRANGERS_PER_MINUTE, _buckets(shared, "strangers"))
        self.units = UnitBook(store, clock)
        self.single_sign_on = SingleSignOn(settings.sso, store, clock, self.users, self.units)
        self.audit = AuditLog(store, clock)
        self.audit_checks = AuditChecks(store, clock, self.keys, self.audit)
        self.webhooks = WebhookBook(store, clock, self.keys, Sender(AddressRule(settings.crawl.allowed_networks)))
        self.figures = ConsoleFigures(store, clock)
        self.views = Views(store, index, clock, PolicyRegister(store, clock).all)
        self.boards = Boards(clock)
        self.pulse = Pulse(store, clock)
        self.incoming = Remembered[Page](clock, INCOMING_SECONDS)
        self.watching = Remembered[None](clock, WATCHED_SECONDS)
        self.stopping = threading.Event()
        self.widened = Remembered[Search](clock, BRIEFING_SECONDS)
        self.hot_words = Remembered[HotWords](clock, BRIEFING_SECONDS)
        self.layers = Remembered[Layers](clock, BRIEFING_SECONDS)
        self.likenesses = Remembered[list[Finding]](clock, LIKENESS_SECONDS)
        self._briefings = Remembered[Figures](clock, BRIEFING_SECONDS, BRIEFING_LONGER)

    def view_of(self, user: User) -> View:
        """What a user may see now."""
        tree = self.units.tree()
        return self.views.of(lambda policies: tree.grant(user.unit_id, policies))

    def briefing(self, day: date, view: View) -> Figures:
        """The daily briefing of what a viewer may see: of this minute, or of the last five while a new one is made."""
        return self._briefings.get(f"{day} {view.grant!r}", lambda: self._make_briefing(day, view))

    def _make_briefing(self, day: date, view: View) -> Figures:
        facts = gather(self.store, self.log, day, self.clock, self.settings.path("plans"))
        if not view.grant.everything:
            mine = view.own_numbers([one.number for one in facts.tickets])
            # Titles of events and reasons of dead letters may quote texts of others.
            facts = replace(
                facts, tickets=tuple(one for one in facts.tickets if one.number in mine), dead_letters=(),
                event_titles={},
            )  # fmt: skip
        return daily_briefing(
            day,
            index=view.index,
            policies=list(view.policies.values()),
            facts=facts,
            unit=self.settings.briefing.unit,
            clock=self.clock,
            release_days=self.settings.alert.release_days,
        )


def _buckets(shared: Path | None, name: str) -> Buckets | None:
    return SharedBuckets(shared / f"{name}.buckets") if shared is not None else None
