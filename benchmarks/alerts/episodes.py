# ruff: noqa: E501 - phrases stand on one line each
"""What is injected into the background: policies with a past, bursts that must alarm, and bursts that must not."""

from __future__ import annotations

import csv
import gzip
import math
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import NamedTuple, TypeVar

from benchmarks.alerts.background import DAYS, Half, messages_left_over
from benchmarks.alerts.matters import (
    ADVERTISING,
    CITIES,
    FACES,
    FEELINGS,
    FESTIVAL,
    MATTERS,
    MENTIONS,
    OPENINGS,
    PRESS,
    Matter,
)
from benchmarks.mixed import data_folder
from classifiers.model import Text
from minsheng.clock import CHINA
from minsheng.policies import Policy
from minsheng.records import Kind
from training.hot_issues import hot_texts
from training.labels.reading import text_hash

_T = TypeVar("_T")

END: dict[Half, datetime] = {
    "develop": datetime(2026, 3, 10, tzinfo=CHINA),
    "report": datetime(2026, 4, 14, tzinfo=CHINA),
}
"""The end of the day at the full rate, a Monday."""

PAST_DAYS = 28
"""Before the days at the full rate only the policies' own chatter is there, so that they have a past."""

WANTED = ("sudden", "slow", "severe", "sarcastic")
UNWANTED = ("weekly", "festival", "marketing", "press", "repeater")
COUNTS = {"sudden": 10, "slow": 10, "severe": 9, "sarcastic": 9, "weekly": 4, "festival": 4, "marketing": 4, "press": 3,
          "repeater": 3}  # fmt: skip

RATES = (3.0, 8.0, 20.0, 40.0)
"""Documents a day that a policy is usually named in."""


class Draft(NamedTuple):
    """A document before it is judged. `read` is what the model is shown where that is not the whole text: of chatter the
    words without the policy's name that was added."""

    key: str
    at: datetime
    kind: Kind
    source: str
    author: str
    title: str
    text: str
    reach: int = 0
    read: Text | None = None
    episode: str | None = None


class Episode(NamedTuple):
    """One burst; `wanted` says whether it must alarm."""

    id: str
    kind: str
    wanted: bool
    policy: str
    start: datetime
    end: datetime


class Injected(NamedTuple):
    policies: list[Policy]
    episodes: list[Episode]
    drafts: list[Draft]


class _Place(NamedTuple):
    policy: Policy
    matter: Matter


def injected(half: Half) -> Injected:
    """Everything that is injected into one half's background; the same each time."""
    pick = random.Random(f"episodes {half}")
    end = END[half]
    full = end - timedelta(days=DAYS[half])
    places = [
        _Place(
            Policy(
                id=f"{matter.name}-{number}",
                title=matter.title.format(city=city),
                aliases=(matter.alias.format(city=city),),
                department=f"{city}市人民政府办公室",
                topics=(matter.topic,),
                released_on=date(2025, 6, 1),
            ),
            matter,
        )
        for matter in MATTERS[half]
        for number, city in enumerate(CITIES[half])
    ]
    drafts: list[Draft] = []
    pools = _pools(half, pick)
    for place in places:
        drafts += _chatter(half, place, full - timedelta(days=PAST_DAYS), end, pick, pools)
    order = list(places)
    pick.shuffle(order)
    episodes = []
    kinds = [kind for kind, count in COUNTS.items() for _ in range(count)]
    for number, (kind, place) in enumerate(zip(kinds, order, strict=False)):
        episode = f"{kind}-{number}"
        made = list(_EPISODES[kind](half, place, full, end, pick))
        made = [draft._replace(episode=episode, key=f"{episode}-{index}") for index, draft in enumerate(made)]
        within = [draft for draft in made if full - timedelta(days=2) <= draft.at < end]
        episodes.append(
            Episode(
                episode, kind, kind in WANTED, place.policy.id, min(d.at for d in within), max(d.at for d in within)
            )
        )
        drafts += [draft for draft in made if draft.at < end]
    drafts.sort(key=lambda draft: (draft.at, draft.key))
    return Injected([place.policy for place in places], episodes, drafts)


def daily_share(at: datetime) -> float:
    """How much is written at this hour, 1 on the mean of a day: little at night, most in the evening."""
    hour = at.astimezone(CHINA).hour + at.minute / 60
    return 1 + 0.75 * math.sin((hour - 10) / 24 * 2 * math.pi) + 0.2 * math.sin((hour - 7) / 12 * 2 * math.pi)


def moments(start: datetime, end: datetime, count: int, pick: random.Random, share: Callable[[datetime], float]) -> list[datetime]:  # fmt: skip
    """`count` times between the two, denser where `share` is larger (at most about 2)."""
    span = (end - start).total_seconds()
    found: list[datetime] = []
    while len(found) < count:
        at = start + timedelta(seconds=round(pick.random() * span))
        if pick.random() * 2 < share(at):
            found.append(at)
    return sorted(found)


def _chatter(
    half: Half, place: _Place, start: datetime, end: datetime, pick: random.Random, pools: _Pools
) -> Iterator[Draft]:
    rate = pick.choice(RATES)
    alias = place.policy.aliases[0]
    day = start
    number = 0
    while day < end:
        workday = day.astimezone(CHINA).weekday() < 5
        count = _poisson(rate * (1.15 if workday else 0.6), pick)
        for at in moments(day, day + timedelta(days=1), count, pick, daily_share):
            number += 1
            draw = pick.random()
            key, author = f"c-{place.policy.id}-{number}", f"u{pick.randrange(400_000)}"
            if draw < 0.35:
                letter = next(pools.letters)
                yield Draft(key, at, "message", "board", letter.author, letter.title, f"{letter.text}（{alias}）", read=Text(letter.title, letter.text))  # fmt: skip
            elif draw < 0.75:
                words = next(pools.posts)
                said = pick.choice(MENTIONS[half]).format(alias=alias)
                yield Draft(key, at, "post", f"weibo-{number % 4}", author, "", f"{said} {words}", pick.randrange(20), Text("", words))  # fmt: skip
            else:
                title = next(pools.news)
                yield Draft(key, at, "news", f"news-{number % 12}", "", f"{title} {alias}", title, read=Text(title, ""))
        day += timedelta(days=1)


def _sudden(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=5)
    count = pick.randint(60, 150)
    span = timedelta(hours=pick.uniform(1.5, 3))
    yield from _complaints(half, place, _growing(start, span, count, pick), pick)
    for number in range(2):
        what = pick.choice(place.matter.what)
        yield _news(
            place, start + span * pick.uniform(0.4, 0.9), number, f"{what}？{place.policy.aliases[0]}引争议", pick
        )


def _slow(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    span = timedelta(hours=pick.uniform(18, 30))
    start = max(full - timedelta(hours=14), end - span - timedelta(hours=pick.uniform(1, 12)))
    yield from _complaints(half, place, _growing(start, span, pick.randint(45, 70), pick, bend=1.3), pick)


def _severe(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=5)
    what = pick.choice(place.matter.grave)
    count = pick.randint(5, 9)
    span = timedelta(hours=pick.uniform(1, 3))
    for number, at in enumerate(_growing(start, span, count, pick, bend=1.0)):
        said = what if pick.random() < 0.7 else pick.choice(place.matter.grave)
        clauses = [_named(half, place, pick), said, pick.choice(FEELINGS[half])]
        yield _post(place, at, number, "，".join(clauses), pick)
    yield _news(place, start + span * 0.8, 0, f"{place.policy.title[:2]}一起事故引关注：{what}", pick)


def _sarcastic(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=6)
    span = timedelta(hours=pick.uniform(2, 4))
    for number, at in enumerate(_growing(start, span, pick.randint(35, 70), pick)):
        clauses = [pick.choice(place.matter.irony)]
        if pick.random() < 0.7:
            clauses.insert(0, pick.choice(place.matter.what))
        if pick.random() < 0.5:
            clauses.insert(pick.randrange(2), pick.choice(place.matter.detail))
        opening = pick.choice(OPENINGS[half]) if pick.random() < 0.3 else ""
        face = pick.choice(FACES[half]) if pick.random() < 0.7 else ""
        text = f"{opening}{_named(half, place, pick)}，{'，'.join(clauses)}{face}"
        yield _post(place, at, number, text, pick)


def _weekly(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    """The same at the same hour of each week, also in the weeks before."""
    last = _daytime(full, end, pick, room=5)
    usual = pick.randint(25, 40)
    for week in range(4, -1, -1):
        count = round(usual * pick.uniform(0.85, 1.15))
        start = last - timedelta(weeks=week)
        times = moments(start, start + timedelta(hours=2), count, pick, lambda _: 1.5)
        for number, at in enumerate(times):
            if pick.random() < 0.5:
                text = f"{_named(half, place, pick)}，{pick.choice(place.matter.routine)}"
            else:
                text = f"{pick.choice(place.matter.routine)}，{pick.choice(place.matter.what)}，{pick.choice(FEELINGS[half])}"
                text = f"{_named(half, place, pick)}，{text}"
            yield _post(place, at, 1000 * week + number, text, pick)


def _festival(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=8)
    alias = place.policy.aliases[0]
    for number, at in enumerate(_growing(start, timedelta(hours=6), pick.randint(150, 300), pick)):
        first, second = pick.sample(FESTIVAL[half], 2)
        yield _post(
            place, at, number, f"{first}，{second} #{alias}宣传周#{pick.choice('🎉🌕✨')}{pick.randrange(99)}", pick
        )


def _marketing(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=6)
    alias = place.policy.aliases[0]
    accounts = [f"ad-{place.policy.id}-{number}" for number in range(15)]
    for number, at in enumerate(_growing(start, timedelta(hours=pick.uniform(3, 5)), pick.randint(120, 200), pick)):
        first, second = pick.sample(ADVERTISING[half], 2)
        text = f"{alias}来了！{first}，{second}，编号{pick.randrange(9999)}"
        yield _post(place, at, number, text, pick, author=pick.choice(accounts))


def _press(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=6)
    city = place.policy.title[:2]
    body = pick.choice(PRESS[half]).format(city=city, title=place.policy.title)
    for number in range(40):
        at = start + timedelta(minutes=round(240 * pick.random() ** 1.5))
        head = f"{city}市出台《{place.policy.title}》"
        text = f"{body}（来源：{city}发布 编辑：{pick.choice('张王李赵陈')}{pick.choice('伟芳敏静磊')}）"
        yield Draft(f"p{number}", at, "news", f"site-{number}", "", head, text, pick.randrange(30))


def _repeater(half: Half, place: _Place, full: datetime, end: datetime, pick: random.Random) -> Iterator[Draft]:
    start = _daytime(full, end, pick, room=6)
    author = f"one-{place.policy.id}"
    times = _growing(start, timedelta(hours=5), pick.randint(30, 45), pick, bend=1.0)
    for number, draft in enumerate(_complaints(half, place, times, pick)):
        yield draft._replace(author=author, kind="post", source="weibo-1", title="", key=f"r{number}")


_EPISODES: dict[str, Callable[[Half, _Place, datetime, datetime, random.Random], Iterator[Draft]]] = {
    "sudden": _sudden, "slow": _slow, "severe": _severe, "sarcastic": _sarcastic, "weekly": _weekly,
    "festival": _festival, "marketing": _marketing, "press": _press, "repeater": _repeater,
}  # fmt: skip


def _complaints(half: Half, place: _Place, times: list[datetime], pick: random.Random) -> Iterator[Draft]:
    said: list[Draft] = []
    for number, at in enumerate(times):
        if said and pick.random() < 0.12:
            # A repost: the same words by somebody else.
            yield pick.choice(said)._replace(at=at, author=f"u{pick.randrange(400_000)}", source=f"weibo-{number % 4}")
            continue
        clauses = [pick.choice(place.matter.what), pick.choice(place.matter.detail), pick.choice(FEELINGS[half])]
        if pick.random() < 0.5:
            clauses.insert(1, pick.choice(place.matter.what))
        clauses = list(dict.fromkeys(clauses))
        draw = pick.random()
        name = f"{_named(half, place, pick)}，" if draw < 0.85 else ""
        text = f"{pick.choice(OPENINGS[half])}{name}{'，'.join(clauses)}"
        if said and pick.random() < 0.15:
            draft = _post(place, at, number, text, pick, author=pick.choice(said).author)  # somebody speaks again
        elif draw > 0.9:
            author = f"u{pick.randrange(400_000)}"
            draft = Draft(f"d{number}", at, "message", "board", author, f"{name}{clauses[0]}"[:30], text)
        else:
            draft = _post(place, at, number, text, pick)
        said.append(draft)
        yield draft


def _named(half: Half, place: _Place, pick: random.Random) -> str:
    alias = place.policy.aliases[0]
    forms = {"develop": ("{}", "#{}#", "关于{}", "说说{}"), "report": ("{}", "#{}#", "又是{}", "这个{}")}
    return pick.choice(forms[half]).format(alias)


def _post(place: _Place, at: datetime, number: int, text: str, pick: random.Random, author: str = "") -> Draft:
    source = pick.choice(("weibo-0", "weibo-1", "weibo-2", "weibo-3", "forum-0", "forum-1"))
    reach = int(pick.expovariate(1 / 12))
    return Draft(f"p{number}", at, "post", source, author or f"u{pick.randrange(400_000)}", "", text, reach)


def _news(place: _Place, at: datetime, number: int, title: str, pick: random.Random) -> Draft:
    text = f"{title}。记者就此联系{place.policy.department}，截至发稿未获回应。"
    return Draft(f"n{number}", at, "news", f"news-{pick.randrange(12)}", "", title, text, pick.randrange(200))


def _growing(start: datetime, span: timedelta, count: int, pick: random.Random, bend: float = 1.6) -> list[datetime]:
    """Times that come ever faster: the n-th is at (n / count) ** (1 / bend) of the span, more or less."""
    shares = sorted(pick.random() ** (1 / bend) for _ in range(count))
    first = shares[0]
    return [start + timedelta(seconds=round((share - first) * span.total_seconds())) for share in shares]


def _daytime(full: datetime, end: datetime, pick: random.Random, room: float) -> datetime:
    """A time of day when people write, with `room` hours left before the end."""
    while True:
        at = full + timedelta(seconds=pick.randrange(int((end - full).total_seconds() - room * 3600)))
        if 8 <= at.astimezone(CHINA).hour < 21:
            return at


def _poisson(mean: float, pick: random.Random) -> int:
    limit, product, count = math.exp(-mean), pick.random(), 0
    while product > limit:
        product *= pick.random()
        count += 1
    return count


def _dealt(all_of: Sequence[_T], pick: random.Random) -> Iterator[_T]:
    """Endless, without replacement: a text comes again only after all others came.

    Drawn with replacement a letter would come from several people, and what several people write to an office in the
    same words is just what must alarm.
    """
    while True:
        yield from pick.sample(all_of, len(all_of))


class _Letter(NamedTuple):
    author: str
    title: str
    text: str


class _Pools(NamedTuple):
    """What the policies' usual voices say, of all policies of a half together."""

    letters: Iterator[_Letter]
    posts: Iterator[str]
    news: Iterator[str]


def _pools(half: Half, pick: random.Random) -> _Pools:
    return _Pools(_dealt(_letters(half), pick), _dealt(_chatter_posts(half), pick), _dealt(_headlines(half), pick))


def _letters(half: Half) -> list[_Letter]:
    """Letters by their real authors, without those of the gold list's hot issues (an alarm of them would be right), and
    the ones that the background leaves over, each by somebody else."""
    hot = hot_texts()
    with gzip.open(data_folder() / "messages_unlabelled.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        found = [
            _Letter(f"m{row['author_hash']}", row["title"].strip(), row["text"].strip()[:120])
            for row in csv.DictReader(lines)
            if text_hash(Text(row["title"], row["text"])) not in hot
        ]
    left = [
        _Letter(f"l{number}", said.text.title, said.text.text[:120]) for number, said in enumerate(messages_left_over())
    ]
    both = [*found, *left]
    return both[::2] if half == "develop" else both[1::2]


def _chatter_posts(half: Half) -> list[str]:
    start = 80_000 if half == "develop" else 100_000
    with gzip.open(data_folder() / "text_weibo_2020.txt.gz", "rt", encoding="utf-8") as lines:
        return [line.strip()[:80] for line in islice(lines, start, start + 20_000) if len(line) > 20]


def _headlines(half: Half) -> list[str]:
    start = 120_000 if half == "develop" else 140_000
    with gzip.open(data_folder() / "text_hot_search.txt.gz", "rt", encoding="utf-8") as lines:
        return [line.strip()[:40] for line in islice(lines, start, start + 20_000) if len(line) > 6]
