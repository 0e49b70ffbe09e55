"""What the sample world consists of, read from the files in `sample/world`.

Every text there was written for this project. Times are distances back from "now" (`2d3h15m`), so that the world is
always three days old; `sample.timeline` turns them into moments.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

WORLD = Path(__file__).parent / "world"


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Anything that appears at a time; `ago` is how long before "now", e.g. `2d3h15m`."""

    ago: str


class Outlet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the sites that articles appear on.

    Attributes
    ----------
    id:
        Also the first part of its addresses.
    layout:
        Which template its pages have: `portal`, `government` or `old` (tables, GBK).
    feed:
        The format of its feed, if it has one.
    """

    id: str
    name: str
    layout: Literal["portal", "government", "old"]
    feed: Literal["rss", "atom"] | None = None
    charset: Literal["utf-8", "gbk"] = "utf-8"
    columns: tuple[str, ...]
    owner: str


class Article(Entry, frozen=True, kw_only=True):
    """A news article or a government page.

    Attributes
    ----------
    origin:
        The medium named as the source (来源); the outlet itself where empty.
    policy:
        Id of the policy whose own page this is.
    """

    outlet: str
    title: str
    text: str
    origin: str = ""
    editor: str = ""
    policy: str | None = None


class Post(Entry, frozen=True, kw_only=True):
    """A Weibo-like post; `of` is the `id` of the post that it reposts."""

    by: str
    text: str
    id: str | None = None
    of: str | None = None
    region: str = "云江"
    likes: int = 0
    comments: int = 0
    reposts: int = 0


class Reply(Entry, frozen=True, kw_only=True):
    """A department's answer to a message."""

    by: str
    text: str


class Message(Entry, frozen=True, kw_only=True):
    """A citizen's message on the message board."""

    by: str
    to: str
    kind: Literal["投诉", "求助", "咨询", "建议", "表扬", "举报"]
    area: str
    title: str
    text: str
    reply: Reply | None = None


class HotTerm(Entry, frozen=True, kw_only=True):
    """A term that is on the hot-search list from `ago` on."""

    word: str
    heat: int
    label: str = ""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `as_of` is the day that the dates in the policy files are written for."""

    as_of: date
    outlets: tuple[Outlet, ...]
    articles: tuple[Article, ...]
    posts: tuple[Post, ...]
    messages: tuple[Message, ...]
    hot: tuple[HotTerm, ...]


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a monitoring system should make of this world: for acceptance tests.

    Attributes
    ----------
    policy:
        The policy whose burst deserves a ticket.
    minimum_documents:
        So many documents at least belong to that burst.
    window_minutes:
        How long before "now" the burst starts.
    quiet:
        Policies with a burst in the same time that deserves no ticket, with the reason.
    """

    policy: str
    minimum_documents: int
    window_minutes: int
    quiet: dict[str, str]


T = TypeVar("T")


@functools.cache
def load_world() -> World:
    """Read the files. A mistake in one of them raises `msgspec.ValidationError`, which names the field."""
    base = _read(WORLD / "world.toml")
    return World(
        as_of=base["as_of"],
        outlets=msgspec.convert(base["outlets"], tuple[Outlet, ...]),
        articles=tuple(_articles()),
        posts=tuple(_posts()),
        messages=tuple(entry for table in _tables("messages") for entry in _entries(table, "messages", Message)),
        hot=msgspec.convert(_read(WORLD / "hot.toml")["hot"], tuple[HotTerm, ...]),
    )


def load_expected() -> Expected:
    return msgspec.convert(_read(WORLD / "expected.toml"), Expected)


def minutes(ago: str) -> int:
    """`2d3h15m` in minutes.

    Raises
    ------
    ValueError
        If it is not written so.
    """
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?", ago)
    if not ago or not found:
        raise ValueError(f"'{ago}' is no distance in time, write 2d3h15m")
    days, hours, rest = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + rest


def _articles() -> Iterator[Article]:
    for table in _tables("articles"):
        yield from _entries(table, "articles", Article)
        for copied in table.get("copies", ()):
            # A press release: one text that many outlets print under their own headlines.
            for place in copied["places"]:
                yield msgspec.convert({**place, "text": copied["text"], "origin": copied["origin"]}, Article)


def _posts() -> Iterator[Post]:
    for table in _tables("posts"):
        yield from _entries(table, "posts", Post)
        for wave in table.get("waves", ()):
            yield from _wave(wave)


def _wave(wave: dict[str, Any]) -> Iterator[Post]:
    """Advertising comes from templates in the world outside too.

    The numbers of openings, middles and endings have no common divisor, so that no combination comes twice.
    """
    first, last, count = minutes(wave["from"]), minutes(wave["until"]), wave["count"]
    for number in range(count):
        parts = (wave[name][number % len(wave[name])] for name in ("openings", "middles", "endings"))
        yield Post(
            ago=f"{first - (first - last) * number // (count - 1)}m",
            by=f"{wave['authors'][number % len(wave['authors'])]}{number // len(wave['authors']) or ''}",
            text="".join(parts),
            likes=number % 4,
        )


def _entries(table: dict[str, Any], name: str, kind: type[T]) -> tuple[T, ...]:
    return msgspec.convert(table.get(name, []), tuple[kind, ...])  # type: ignore[valid-type]


def _tables(folder: str) -> Iterator[dict[str, Any]]:
    for file in sorted((WORLD / folder).glob("*.toml")):
        yield _read(file)


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
