"""Folders of mail servers: letters that reach an office by e-mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from crawlers.addresses import AddressRule
from crawlers.admission import Found
from crawlers.columns import found_in
from crawlers.faults import LoginEnded
from crawlers.host_rules import HostResting
from crawlers.intake import PageMark
from crawlers.mailbox import Mail, Mailbox
from crawlers.politeness import HostGate
from crawlers.rows import read_mail
from crawlers.spiders.base import Harvest, Options, SourceSpider
from minsheng.records import Kind


class MailOptions(Options, frozen=True, kw_only=True):
    """Options of a mail folder."""

    user: str = ""  # whose mailbox it is, as the server wants it
    folder: str = "INBOX"  # the folder that is read
    most: int = 500  # mails read in one run; the next run goes on behind them
    kind: Kind = "message"  # what the mails are

    def __post_init__(self) -> None:
        if not self.user:
            raise ValueError("user is missing: whose mailbox is it?")
        if not 1 <= self.most <= 100_000:
            raise ValueError("most must be between 1 and 100000")


class MailSpider(SourceSpider):
    """Reads what is new in a folder; the mails stay there, unread where they were."""

    kind = "mail"
    summary = "folders of mail servers (IMAP)"
    schemes: ClassVar[tuple[str, ...]] = ("imap", "imaps")
    Options = MailOptions

    async def requests(self) -> AsyncIterator[Any]:
        if not self.run.login:
            raise LoginEnded(
                f"there is no password for {self.options.user}", f"give it: minsheng sources login {self.source.id}"
            )
        settings = self.crawler.settings
        gate: HostGate = settings["MINSHENG_HOST_GATE"]
        try:
            async with gate.pass_through(self.source.url):
                box = await asyncio.to_thread(
                    Mailbox,
                    self.source.url,
                    self.options.user,
                    self.run.login,
                    self.options.folder,
                    AddressRule(settings["MINSHENG_ALLOWED_NETWORKS"]),
                    settings.getfloat("DOWNLOAD_TIMEOUT"),
                )
                try:
                    async for harvest in self._harvests(box, settings.getint("DOWNLOAD_MAXSIZE")):
                        yield harvest
                finally:
                    await asyncio.to_thread(box.close)
        except HostResting as resting:
            self.run.rests(resting)
            raise

    async def _harvests(self, box: Mailbox, largest: int) -> AsyncIterator[Harvest]:
        window = self.run.window
        known = None if window is not None else await self.run.page(self._key)
        after = _place(known, box.validity)
        since, until = window if window is not None else (None, None)
        numbers = await asyncio.to_thread(box.numbers, after, since, until)
        self.run.answered(self.source.url)
        self.run.report.looked = True
        if self.run.looking:
            numbers = numbers[::-1]  # the newest tell best what there is
        elif window is None:
            numbers = numbers[: self.options.most]
        numbers = [number for number in numbers if self.run.claim(f"{self._key}{number}")]
        batches = box.mails(numbers, largest)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            found = [one for mail in batch if (one := self._found(mail)) is not None]
            for one in found:
                self.run.lead(None, one.title or one.text[:60], one.published)
            # The place is stored with the mails up to it: what was cut off goes on there.
            mark = None
            if window is None and batch:
                mark = PageMark(self.source.id, self._key, etag=f"{box.validity}:{batch[-1].uid}")
            yield Harvest(found=found, page=mark)

    @property
    def _key(self) -> str:
        return f"{self.source.url}#{self.options.folder}"

    def _found(self, mail: Mail) -> Found | None:
        where = f"mail {mail.uid}"
        if mail.raw is None:
            self.run.refused("larger than crawl.max_body", where)
            return None
        row = read_mail(mail.uid, mail.raw)
        if row.problem:
            self.run.refused("not readable as a mail", f"{where}: {row.problem}")
            return None
        values: dict[str, str] = dict(row.values)
        # A mail without an id of its own, which only broken programs write, is known by what it says.
        key = values["native_id"] or f"{values['published_at']} {values['title']} {values['text'][:200]}"
        return found_in(
            lambda field: values.get(field, ""), key, self.options.kind, values["title"], values["text"], None
        )


def _place(known: PageMark | None, validity: int) -> int:
    """The number of the last mail that was read; 0 where the server has numbered the folder anew since."""
    before, _, uid = (known.etag or "" if known is not None else "").partition(":")
    return int(uid) if uid.isdecimal() and before == str(validity) else 0
