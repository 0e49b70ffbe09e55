"""Persons' labels with their texts as a file: a training set, and a record of where the models were wrong."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from classifiers.corrections import Correction
from classifiers.model import HEADS
from classifiers.text_key import document_key
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from minsheng.records import Assessed
from search.index import Index

ENDINGS = (".jsonl", ".jsonl.gz", ".csv", ".csv.gz")

_CHUNK = 500


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One label with the text that it was given to.

    Attributes
    ----------
    text_key:
        As `Correction.text_key`, of the text that stands here.
    policies:
        The policies that the document is linked to without doubt: what a stance is one to.
    changed:
        True where the text is not the one that the person looked at.
    """

    title: str
    text: str
    head: str
    label: str
    model_label: str | None
    model_score: float | None
    model_version: str | None
    by: str
    at: str
    reason: str
    document_id: str
    text_key: str
    policies: tuple[str, ...]
    changed: bool


def check_name(path: Path) -> None:
    """Raises `WrongUse` where the file's name says nothing of its format."""
    if not path.name.endswith(ENDINGS):
        raise WrongUse(f"{path.name}: in which format?", f"end the name with {', '.join(ENDINGS)}")


def rows(corrections: Sequence[Correction], index: Index, who: Callable[[str], str]) -> list[Row]:
    """The labels whose documents the index has, in their order.

    Parameters
    ----------
    who:
        What is written for the name of a person.
    """
    made = []
    for start in range(0, len(corrections), _CHUNK):
        chunk = corrections[start : start + _CHUNK]
        found = index.get(sorted({one.document_id for one in chunk}))
        made += [_row(one, found[one.document_id].assessed, who) for one in chunk if one.document_id in found]
    return made


def write(path: Path, made: Sequence[Row]) -> None:
    """Write the rows in the format that the name ends with. The same rows give the same bytes."""
    check_name(path)
    content = _lines(made) if ".jsonl" in path.name else _csv(made)
    path.write_bytes(gzip.compress(content, mtime=0) if path.name.endswith(".gz") else content)


def _row(one: Correction, record: Assessed, who: Callable[[str], str]) -> Row:
    document = record.document
    key = document_key(document)
    assert one.label is not None
    return Row(
        title=document.title,
        text=document.text,
        head=one.head,
        label=one.label,
        model_label=one.model_label,
        model_score=one.model_score,
        model_version=one.model_version,
        by=who(one.set_by),
        at=one.set_at.astimezone(CHINA).isoformat(timespec="seconds"),
        reason=one.reason,
        document_id=document.id,
        text_key=key,
        policies=tuple(sorted({link.policy_id for link in record.policies if not link.ambiguous})),
        changed=key != one.text_key,
    )


def _lines(made: Sequence[Row]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in made)


def _csv(made: Sequence[Row]) -> bytes:
    """A column for each head that occurs, beside `head` and `label`: so each head's column is a label column."""
    heads = [head for head in HEADS if any(row.head == head for row in made)]
    others = [name for name in Row.__struct_fields__ if name not in ("title", "text")]
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, ["title", "text", *heads, *others])
    writer.writeheader()
    for row in made:
        plain: dict[str, Any] = msgspec.structs.asdict(row)
        plain |= {"policies": " ".join(row.policies), "changed": "yes" if row.changed else ""}
        writer.writerow({**plain, **{head: row.label if row.head == head else "" for head in heads}})
    return written.getvalue().encode("utf-8", "replace")
