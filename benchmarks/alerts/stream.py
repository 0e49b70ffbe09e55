"""The whole stream of one half, judged, linked and grouped: what the alert stage gets.

The encoder is not run on what is on disk already, everything else is the shipped code: the policy linker, the grouping
memory and the observation of each document.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.alerts.background import A_DAY, DAYS, SHARES, Half, texts
from benchmarks.alerts.episodes import END, Draft, Episode, daily_share, injected, moments
from benchmarks.alerts.judgements import Judged
from classifiers.linking import PolicyLinker
from classifiers.model import Text
from classifiers.places import places_in
from grouping.memory import Memory
from minsheng.policies import Policy
from minsheng.records import Assessed, Document, Engagement, EventRef, Grouped, document_id
from minsheng.settings import GroupSettings


class Stream(NamedTuple):
    """Grouped documents in order, the policies they may name, the episodes among them, and document → episode."""

    records: list[Grouped]
    policies: list[Policy]
    episodes: list[Episode]
    episode_of: dict[str, str]


def stream(half: Half, *, scale: float = 1.0) -> Stream:
    """The stream of one half; `scale` thins the background for a quick look."""
    made = injected(half)
    drafts = sorted([*made.drafts, *_background(half, scale)], key=lambda draft: (draft.at, draft.key))
    episode_of = {document_id(draft.source, draft.key): draft.episode for draft in drafts if draft.episode}
    judged = Judged()
    stored = _file(half, scale, made.drafts, judged.versions)
    if stored.exists():
        records = msgspec.msgpack.decode(stored.read_bytes(), type=list[Grouped])
    else:
        records = list(_grouped(drafts, made.policies, judged))
        stored.write_bytes(msgspec.msgpack.encode(records))
    return Stream(records, made.policies, made.episodes, episode_of)


def _file(half: Half, scale: float, drafts: list[Draft], versions: str) -> Path:
    folder = Path(os.environ.get("MINSHENG_BENCH_CACHE") or Path(tempfile.gettempdir()) / "minsheng-bench")
    import hashlib

    digest = hashlib.sha256(repr(drafts).encode())
    root = Path(__file__).parents[2]
    for part in (*sorted((root / "grouping").glob("*.py")), *sorted((root / "classifiers").glob("linking*.py"))):
        digest.update(part.read_bytes())
    digest.update(f"{versions} {half} {scale} {A_DAY} {DAYS[half]} {SHARES}".encode())
    return folder / f"stream-{half}-{digest.hexdigest()[:16]}.msgpack"


def _background(half: Half, scale: float) -> Iterator[Draft]:
    pick = random.Random(f"background {half}")
    start = END[half] - timedelta(days=DAYS[half])
    said = [one for listed in texts(half).values() for one in listed]
    pick.shuffle(said)
    said = said[: int(len(said) * scale)]
    for number, (one, at) in enumerate(zip(said, moments(start, END[half], len(said), pick, daily_share), strict=True)):
        source = {"post": "weibo", "hot-search": "hot", "news": "news", "message": "board"}[one.kind]
        author = "" if one.kind in ("news", "hot-search") else f"u{int(pick.paretovariate(0.6) * 40) % 400_000}"
        yield Draft(
            f"b{number}", at, one.kind, f"{source}-{number % 4}", author, one.text.title, one.text.text,
            int(pick.expovariate(1 / 8)),
        )  # fmt: skip


def _grouped(drafts: list[Draft], policies: list[Policy], judged: Judged) -> Iterator[Grouped]:
    linker = PolicyLinker(policies)
    settings = GroupSettings()
    memory = Memory(
        timedelta(days=settings.window_days), max_texts=settings.max_texts, max_documents=settings.max_documents
    )
    began = time.perf_counter()
    for start in range(0, len(drafts), 8192):
        part = drafts[start : start + 8192]
        heads = judged.of([draft.read or Text(draft.title, draft.text) for draft in part])
        for draft, found in zip(part, heads, strict=True):
            assessed = _assessed(draft, found, linker)
            placed = memory.place(assessed)
            yield Grouped(
                assessed=assessed,
                duplicate=placed.member.duplicate(),
                event=EventRef(
                    id=memory.today(placed.member.event),
                    similarity=placed.member.event_similarity,
                    merged=tuple(merge.event for merge in placed.merges),
                ),
            )
        done = start + len(part)
        print(f"grouped {done} of {len(drafts)}, {done / (time.perf_counter() - began):.0f}/s", flush=True)


def _assessed(draft: Draft, heads: dict[str, Any], linker: PolicyLinker) -> Assessed:
    document = Document(
        id=document_id(draft.source, draft.key), source=draft.source, kind=draft.kind, native_id=draft.key,
        title=draft.title, text=draft.text, published_at=draft.at, fetched_at=draft.at + timedelta(seconds=20),
        author_key=draft.author or None, engagement=Engagement(likes=draft.reach),
    )  # fmt: skip
    links = tuple(linker.link(draft.title, draft.text, None))
    return Assessed(
        document=document,
        sentiment=heads["sentiment"],
        emotion=heads["emotion"],
        topic=heads["topic"],
        request=heads["request"],
        harm=heads.get("harm"),
        advert=heads.get("advert"),
        policies=links,
        places=tuple("".join(place.path) for place in places_in(draft.title, draft.text)),
        assessed_at=draft.at + timedelta(seconds=21),
    )
