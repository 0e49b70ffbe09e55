"""Teaches the pretrained encoder all heads at once.

    python -m training.finetune --folder RUN [--epochs 4]

RUN holds tokenizer.json and checkpoint.pt of `training.pretrain`, and gets heads.pt: the average of the weights over
the last steps, of the epoch that is best on the texts held back for choosing. After each epoch everything is saved in
finetune.pt; started again, it goes on there.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy

from classifiers.encoder.batches import token_ids
from classifiers.encoder.characters import PAD, pairs
from classifiers.model import Text
from classifiers.scoring import macro_f1
from training.network import BFLOAT16, Classifier, Encoder
from training.tasks import Task, labels_of, tasks

SEED = 20230516
BATCH_TOKENS = 3_072
RATE = 3e-4
HEAD_RATE = 1e-3
WARM_UP = 0.06
SMOOTHING = 0.05
AVERAGE = 0.998
SMALLEST = 4_000
"""A task with fewer examples is repeated up to so many an epoch, but at most `REPEAT` times."""
REPEAT = 4

Labels = Mapping[str, tuple[str, ...]]


class Row(NamedTuple):
    """A text's tokens, and the number of its label for each head that has one."""

    ids: list[int]
    answers: dict[str, int]


def rows_of(found: Sequence[Task], labels: Labels, tokenizer: Tokenizer) -> list[Row]:
    """Each text once with all that is known of it; the texts of small tasks several times."""
    answers: dict[Text, dict[str, int]] = {}
    times: dict[Text, int] = {}
    for task in found:
        repeat = min(REPEAT, max(1, SMALLEST // max(1, len(task.train))))
        for one in task.train:
            answers.setdefault(one.text, {})[task.head] = labels[task.head].index(one.label)
            times[one.text] = max(times.get(one.text, 1), repeat)
    texts = list(answers)
    ids = token_ids(tokenizer, texts)
    return [row for text, own in zip(texts, ids, strict=True) for row in [Row(own, answers[text])] * times[text]]


def tensors(rows: Sequence[list[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, pairs and mask of texts of any length."""
    whole = np.full((len(rows), max(map(len, rows))), PAD, np.int64)
    for place, row in enumerate(rows):
        whole[place, : len(row)] = row
    return torch.from_numpy(whole), torch.from_numpy(pairs(whole)), torch.from_numpy((whole != PAD).astype(np.int64))


def epoch(rows: Sequence[Row], shuffle: random.Random) -> Iterator[list[Row]]:
    """Batches of texts of about the same length, of all heads mixed."""
    order = list(rows)
    shuffle.shuffle(order)
    cuts: list[list[Row]] = []
    for start in range(0, len(order), 4_000):
        block = sorted(order[start : start + 4_000], key=lambda row: len(row.ids))
        batch: list[Row] = []
        for row in block:
            if batch and (len(batch) + 1) * len(row.ids) > BATCH_TOKENS:
                cuts.append(batch)
                batch = []
            batch.append(row)
        cuts.append(batch)
    shuffle.shuffle(cuts)
    yield from cuts


def judge(model: Classifier, head: str, rows: Sequence[list[int]]) -> np.ndarray:
    """Scores before the softmax, shape (texts, labels), in the order of `rows`."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    found: list[np.ndarray | None] = [None] * len(rows)
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            scores = model.heads[head](model.pooled(*tensors([rows[place] for place in chosen]))).float().numpy()
            for place, score in zip(chosen, scores, strict=True):
                found[place] = score
    return np.stack([one for one in found if one is not None])


class Run:
    """A fine-tuning run in a folder: goes on after the last whole epoch.

    Parameters
    ----------
    folder:
        Holds tokenizer.json and checkpoint.pt.
    found:
        What to learn.
    epochs:
        How many in all; the learning rate falls to nothing over them.
    scratch:
        Don't load the pretrained weights, for comparison.
    """

    def __init__(self, folder: Path, found: Sequence[Task], epochs: int, *, scratch: bool = False) -> None:
        self._folder, self._found, self._epochs = folder, found, epochs
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._labels = labels_of(found)
        self._rows = rows_of(found, self._labels, self._tokenizer)
        pretrained = torch.load(folder / "checkpoint.pt", weights_only=True)
        self._shape = pretrained["shape"]
        encoder = Encoder(self._tokenizer.get_vocab_size(), **self._shape, dropout=0.1)
        if not scratch:
            own = {name[8:]: value for name, value in pretrained["model"].items() if name.startswith("encoder.")}
            encoder.load_state_dict(own)
        self._model = Classifier(encoder, {head: len(names) for head, names in self._labels.items()})
        self._averaged = copy.deepcopy(self._model)
        self._optimizer = torch.optim.AdamW(
            [
                {"params": self._model.encoder.parameters(), "base": RATE},
                {"params": self._model.heads.parameters(), "base": HEAD_RATE},
            ],
            lr=RATE, weight_decay=0.01, fused=True,
        )  # fmt: skip
        self._steps = epochs * sum(1 for _ in epoch(self._rows, random.Random(0)))
        self._step, self._done, self._best = 0, 0, -1.0
        self._load()

    def learn(self) -> None:
        """All epochs that are left."""
        count = {"rows": len(self._rows), "steps": self._steps, "labels": self._labels}
        print(json.dumps(count, ensure_ascii=False), flush=True)
        while self._done < self._epochs:
            self._epoch(random.Random(SEED + self._done))
            self._done += 1
            scores = {f"{one.head}/{one.name}": self._score(one) for one in self._found if one.choose}
            mean = sum(scores.values()) / len(scores)
            shown = {name: round(value, 4) for name, value in scores.items()}
            print(json.dumps({"epoch": self._done, "macro_f1": shown, "mean": round(mean, 4)}), flush=True)
            if mean > self._best:
                self._best = mean
                self._save("heads.pt", {"model": self._averaged.state_dict()})
            self._save("finetune.pt", self._state())

    def _epoch(self, shuffle: random.Random) -> None:
        self._model.train()
        began, loss_sum = time.monotonic(), 0.0
        for batch in epoch(self._rows, shuffle):
            share = self._step / self._steps
            scale = share / WARM_UP if share < WARM_UP else max(0.01, (1 - share) / (1 - WARM_UP))
            for group in self._optimizer.param_groups:
                group["lr"] = group["base"] * scale
            loss = self._loss(batch)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            self._step += 1
            loss_sum += float(loss.detach())
            keep = min(AVERAGE, self._step / (self._step + 10))
            with torch.no_grad():
                for slow, quick in zip(self._averaged.parameters(), self._model.parameters(), strict=True):
                    slow.lerp_(quick, 1 - keep)
            if self._step % 200 == 0:
                spent = round((time.monotonic() - began) / 60, 1)
                print(json.dumps({"step": self._step, "minutes": spent, "loss": round(loss_sum / 200, 4)}), flush=True)
                loss_sum = 0.0

    def _loss(self, batch: Sequence[Row]) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
            pooled = self._model.pooled(*tensors([row.ids for row in batch]))
        loss = torch.zeros(())
        for head in sorted({head for row in batch for head in row.answers}):
            places = [place for place, row in enumerate(batch) if head in row.answers]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
                scores = self._model.heads[head](pooled[places])
            answers = torch.tensor([batch[place].answers[head] for place in places])
            part = cross_entropy(scores.float(), answers, label_smoothing=SMOOTHING, reduction="sum")
            loss = loss + part / len(batch)
        return loss

    def _score(self, task: Task) -> float:
        """Macro-F1 on the choosing part; where only some labels occur in it, only they are chosen among."""
        labels = self._labels[task.head]
        wanted = [example.label for example in task.choose]
        scores = judge(self._averaged, task.head, token_ids(self._tokenizer, [one.text for one in task.choose]))
        if task.head == "sentiment" and "neutral" not in wanted:
            scores[:, labels.index("neutral")] = -np.inf
        return macro_f1(wanted, [labels[place] for place in scores.argmax(1)])

    def _state(self) -> dict[str, Any]:
        return {
            "current": self._model.state_dict(),
            "model": self._averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "done": self._done,
            "best": self._best,
        }

    def _save(self, name: str, state: Mapping[str, Any]) -> None:
        part = self._folder / f"{name}.part"
        torch.save(
            {**state, "shape": self._shape, "labels": {head: list(one) for head, one in self._labels.items()}}, part
        )
        part.rename(self._folder / name)

    def _load(self) -> None:
        path = self._folder / "finetune.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["labels"] != {head: list(one) for head, one in self._labels.items()}:
            raise SystemExit(f"{path} is of another run, with other labels; remove it to begin anew")
        self._model.load_state_dict(state["current"])
        self._averaged.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._step, self._done, self._best = state["step"], state["done"], state["best"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scratch", action="store_true", help="do not load the pretrained weights (for comparison)")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(SEED)
    Run(chosen.folder, tasks(), chosen.epochs, scratch=chosen.scratch).learn()


if __name__ == "__main__":
    main()
