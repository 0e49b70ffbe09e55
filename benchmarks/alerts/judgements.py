"""The shipped model's judgements of the texts of the benchmark, kept on disk so that a text is judged once.

The cache lies outside the checkout, in `MINSHENG_BENCH_CACHE` or the system's folder for temporary files, and is keyed
by the model's versions: another model judges anew.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from classifiers.load import load_model
from classifiers.model import EVERY_MODEL, Model, Text, judge_with
from minsheng.records import Judgement
from minsheng.settings import Settings

BATCH = 256
KEPT = (*EVERY_MODEL, "harm", "advert")

Heads = dict[str, Judgement]

_decoder = msgspec.json.Decoder(Heads)


class Judged:
    """Texts → judgements of the shipped model, whose `versions` these are."""

    def __init__(self) -> None:
        folder = Path(os.environ.get("MINSHENG_BENCH_CACHE") or Path(tempfile.gettempdir()) / "minsheng-bench")
        folder.mkdir(parents=True, exist_ok=True)
        self._model: Model | None = None
        self._database = sqlite3.connect(folder / "judgements.db", timeout=60)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("create table if not exists judged (key blob primary key, heads blob) without rowid")
        self.versions = repr(sorted(self.model.versions.items()))
        self._salt = self.versions.encode()

    @property
    def model(self) -> Model:
        if self._model is None:
            self._model = load_model(Settings())
        return self._model

    def of(self, texts: Sequence[Text]) -> list[Heads]:
        """The judgements of these texts, in their order."""
        keys = [self._key(text) for text in texts]
        found = self._find(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        # Texts of like length together: a batch takes as long as its longest one.
        left = sorted(missing.items(), key=lambda item: len(item[1].title) + len(item[1].text))
        for start in range(0, len(left), BATCH):
            part = left[start : start + BATCH]
            for (key, _), heads in zip(part, judge_with(self.model, [text for _, text in part]), strict=True):
                found[key] = {head: heads[head] for head in KEPT if head in heads}
            rows = [(key, msgspec.json.encode(found[key])) for key, _ in part]
            self._database.executemany("insert or ignore into judged values (?, ?)", rows)
            self._database.commit()
        return [found[key] for key in keys]

    def _key(self, text: Text) -> bytes:
        digest = hashlib.sha256(self._salt)
        digest.update(f"{text.title}\n{text.text}".encode("utf-8", "surrogatepass"))
        return digest.digest()[:16]

    def _find(self, keys: Iterable[bytes]) -> dict[bytes, Heads]:
        listed = list(dict.fromkeys(keys))
        found: dict[bytes, Heads] = {}
        for start in range(0, len(listed), 500):
            part = listed[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"select key, heads from judged where key in ({marks})"
            found.update((key, _decoder.decode(heads)) for key, heads in self._database.execute(query, part))
        return found
