"""Which applications ask the same: by the encoder's vectors of what is asked, within one department.

Only within one: the Regulations (Article 44) speak of what many ask of the same office. The first application on a
matter leads it, and the others are compared with it; so the same register gives the same matters, in whatever order its
files came in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from answers.encoding import Encoded, TextEncoder, encoder, likeness
from disclosure.tables import applications
from minsheng.store import Store

SAME = 0.48
"""From this likeness on two applications ask the same, by applications we wrote: see docs/reference/disclosure.md."""
NEAR = 0.35
"""Texts whose whole vectors are less near than this are not compared word by word: none of ours was alike."""
LONGEST = 200
"""Characters of an application that are compared: what comes after is reasons and how to send it."""

_FORM = re.compile(
    r"(?:本人|我|现|兹|特|拟|请|依法|根据《[^》]*》(?:第[\d一二三四五六七八九十]+条)?(?:的?规定)?|[,，])*"
    r"(?:向(?:贵|你)[局委办厅单位府机关]+)?(?:申请|请求|要求|希望|请)(?:依法)?(?:公开|获取|提供|查阅|了解)"
)
_TAIL = re.compile(r"的?(?:相关|有关|全部|所有|具体)?(?:政府)?(?:信息|材料|资料|情况|文件)(?:公开)?(?:申请)?[。.]?$")


def essence(title: str, content: str) -> str:
    """What is asked for, without the words that every application has.

    Examples
    --------
    >>> essence("", "本人依法申请公开东河村征地补偿安置方案的相关信息。")
    '东河村征地补偿安置方案'
    """
    text = " ".join((title or content).split())[:LONGEST]
    text = _FORM.sub("", text).removeprefix("关于")
    return _TAIL.sub("", text) or text


def group(texts: Sequence[str], model: TextEncoder) -> list[int]:
    """For each text the place of the first one that asks the same; its own where none before does."""
    distinct = list(dict.fromkeys(texts))
    vectors = dict(zip(distinct, model.encode(distinct), strict=True))
    first = {text: place for place, text in reversed(list(enumerate(texts)))}
    leaders: list[str] = []
    wholes = np.zeros((len(distinct), model.dimensions), np.float32)
    led_by: dict[str, str] = {}
    for text in distinct:
        near = np.flatnonzero(wholes[: len(leaders)] @ vectors[text].whole >= NEAR)
        best = _nearest(vectors[text], [(leaders[place], vectors[leaders[place]]) for place in near])
        if best is None:
            wholes[len(leaders)] = vectors[text].whole
            leaders.append(text)
        led_by[text] = best or text
    return [first[led_by[text]] for text in texts]


def _nearest(one: Encoded, others: Sequence[tuple[str, Encoded]]) -> str | None:
    like, text = max(((likeness(one, other), text) for text, other in others), default=(0.0, ""))
    return text if like >= SAME else None


def compare_new(store: Store, model: TextEncoder | None = None) -> int:
    """Say of every application which matter it belongs to, in the departments that have one not compared yet.

    Returns
    -------
    How many applications these departments have.
    """
    with store.read() as connection:
        new = sa.select(applications.c.department).where(applications.c.matter.is_(None)).distinct()
        departments = list(connection.scalars(new))
    return sum(_compare(store, department, model or encoder()) for department in sorted(departments))


def _compare(store: Store, department: str, model: TextEncoder) -> int:
    with store.read() as connection:
        rows = connection.execute(
            sa.select(
                applications.c.id, applications.c.title, applications.c.content, applications.c.matter
            )
            .where(applications.c.department == department)
            .order_by(applications.c.received_on, applications.c.number)
        ).all()  # fmt: skip
    matters = group([essence(row.title, row.content) for row in rows], model)
    wanted: dict[int, list[int]] = {}
    for row, place in zip(rows, matters, strict=True):
        if row.matter != rows[place].id:
            wanted.setdefault(rows[place].id, []).append(row.id)
    with store.begin() as connection:
        for matter, members in wanted.items():
            for start in range(0, len(members), 500):
                chosen = applications.c.id.in_(members[start : start + 500])
                connection.execute(applications.update().where(chosen).values(matter=matter))
    return len(rows)
