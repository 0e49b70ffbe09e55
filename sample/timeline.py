"""When the things of the sample world happen.

Two ways: everything up to "now" is there at once; or live, where the world's last hour plays out in `LIVE_SECONDS` from
the anchor on, and things carry the times at which they really appear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from minsheng.clock import CHINA
from minsheng.policies.reading import read_policies
from sample.content import WORLD, Article, Entry, HotTerm, Message, Post, Reply, World, minutes

LIVE_SECONDS = 90.0
"""How long the last hour takes in live mode."""

_LAST_HOUR = 60

E = TypeVar("E", bound=Entry)


class Dated(msgspec.Struct, Generic[E], frozen=True):
    """Something of the world, and the moment at which it appears (China time)."""

    at: datetime
    entry: E


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """The world around one anchor, each list with the newest first."""

    articles: tuple[Dated[Article], ...]
    posts: tuple[Dated[Post], ...]
    messages: tuple[Dated[Message], ...]
    hot: tuple[Dated[HotTerm], ...]
    replies: Mapping[int, Dated[Reply]]
    """Place of a message in `messages` → its answer."""


def moment(ago: str, anchor: datetime, *, live: bool) -> datetime:
    """When something that lies `ago` back happens, in China time.

    Parameters
    ----------
    anchor:
        "Now"; in live mode the moment at which the last hour starts to play.
    """
    back = minutes(ago)
    if not live:
        at = anchor - timedelta(minutes=back)
    elif back > _LAST_HOUR:
        at = anchor - timedelta(minutes=back - _LAST_HOUR)
    else:
        at = anchor + timedelta(seconds=(_LAST_HOUR - back) / _LAST_HOUR * LIVE_SECONDS)
    return at.astimezone(CHINA)


def arrange(world: World, anchor: datetime, *, live: bool) -> Scene:
    """Put every thing of the world at its moment. The same anchor gives the same scene."""
    day = anchor.astimezone(CHINA).date()
    numbers = moved_numbers(world, day)

    def dated(entry: E) -> Dated[E]:
        return Dated(moment(entry.ago, anchor, live=live), _filled(entry, day, numbers))

    def all_of(entries: tuple[E, ...]) -> tuple[Dated[E], ...]:
        return tuple(sorted(map(dated, entries), key=lambda item: item.at, reverse=True))

    messages = all_of(world.messages)
    return Scene(
        articles=all_of(world.articles),
        posts=all_of(world.posts),
        messages=messages,
        hot=all_of(world.hot),
        replies={place: dated(item.entry.reply) for place, item in enumerate(messages) if item.entry.reply is not None},
    )


def moved_day(day: date, world: World, today: date) -> date:
    """A date of the policy files, moved by the days that have passed since they were written."""
    return day + (today - world.as_of)


def moved_numbers(world: World, today: date) -> dict[str, str]:
    """文号 as in the policy files → 文号 with the year that its moved release falls into."""
    moved = {}
    for policy in read_policies(WORLD / "policies"):
        day = policy.released_on or policy.consultation_opens
        if policy.number and day:
            year = moved_day(day, world, today).year
            moved[policy.number] = re.sub(r"〔\d{4}〕", f"〔{year}〕", policy.number)
    return moved


def _filled(entry: E, today: date, numbers: Mapping[str, str]) -> E:
    """Texts name days as `{day:-2}`, and policies by the 文号 of their files."""

    def day(found: re.Match[str]) -> str:
        named = today + timedelta(days=int(found[1]))
        return f"{named.month}月{named.day}日"

    changes = {}
    for field in ("title", "text"):
        text = getattr(entry, field, None)
        if text is not None:
            text = re.sub(r"\{day:([+-]?\d+)\}", day, text)
            for written, moved in numbers.items():
                text = text.replace(written, moved)
            changes[field] = text
    return msgspec.structs.replace(entry, **changes)
