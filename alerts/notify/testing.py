"""A test message by one channel, outside of the outbox: it says at once what the other side answered."""

from __future__ import annotations

import msgspec

from alerts.channels import DeliveryFailed, open_channel
from alerts.duty.book import BookShelf
from alerts.notices import TERMINAL, Notice
from minsheng.clock import CHINA, Clock
from minsheng.errors import WrongUse
from minsheng.problems import Problem
from minsheng.settings import ChannelSettings, Settings
from minsheng.store import Store


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the other side confirmed, after how many seconds, and what went wrong."""

    ok: bool
    seconds: float
    error: str = ""


def send_test(store: Store, settings: Settings, clock: Clock, name: str, *, person: str = "", to: str = "") -> Tested:
    """Send a test message.

    Parameters
    ----------
    person, to:
        A person of the duty book who has an address there, or an address; needed where the channel reaches one person
        at a time.

    Raises
    ------
    WrongUse
        Unknown channel or person, no address where one is needed, settings that can't be used.
    """
    channel = next((one for one in settings.notify.channels if one.name == name), None)
    if name == TERMINAL:
        channel = ChannelSettings(name=TERMINAL, url="terminal://")
    if channel is None:
        known = ", ".join(one.name for one in settings.notify.channels) or "none"
        raise WrongUse(Problem("channel-unknown", channel=name), f"there are: {known}, and {TERMINAL}")
    if person:
        to = _address(store, name, person)
    if channel.personal and not to:
        raise WrongUse(Problem("channel-personal", channel=name), "give --person or --to")
    opened = open_channel(channel, settings.notify.timeout, to=to)
    now = clock.now().astimezone(CHINA)
    notice = Notice(
        reason="test",
        level="blue",
        ticket="",
        subject=f"【测试】民声通知渠道 {name}，{now:%m月%d日 %H:%M}",
        why="这是一条测试消息，不代表任何舆情。收到即说明渠道可用。",
        to=to,
    )
    begun = clock.monotonic()
    try:
        opened.send(notice)
    except DeliveryFailed as error:
        return Tested(ok=False, seconds=clock.monotonic() - begun, error=str(error))
    return Tested(ok=True, seconds=clock.monotonic() - begun)


def _address(store: Store, name: str, person: str) -> str:
    book = BookShelf(store).current()
    found = next((one for one in book.people if person in (one.id, one.name)), None)
    if found is None:
        raise WrongUse(Problem("person-unknown", person=person), "see minsheng roster people")
    address = next((one.to for one in found.addresses if one.channel == name), None)
    if address is None:
        raise WrongUse(Problem("channel-no-address", person=found.name, channel=name), "add one to the duty book")
    return address
