"""Teaches the pretrained encoder all heads at once.

    python -m training.finetune --folder RUN [--epochs 4] [--teacher] [--corrections FILE]

RUN holds tokenizer.json and checkpoint.pt of `training.pretrain`, or is empty: then the encoder that `training/base`
holds is taught. It gets heads.pt: the average of the weights over the last steps, of the epoch that is best on the
texts held back for choosing. After each epoch everything is saved in finetune.pt; started again, it goes on there.

With `--teacher` it is the larger encoder in RUN/teacher that learns; several with other seeds make a better teacher.
Without, and where RUN/teacher holds fine-tuned ones, the small encoder learns from their judgement too, of the labelled
texts and of as many others from corpus.npz.
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
from classifiers.encoder.characters import PAD
from classifiers.model import Text
from classifiers.scoring import macro_f1
from training.base import pretrained
from training.corrections import correction_tasks
from training.data import key
from training.distillation import TRUTH, Labels, Teacher, distance
from training.network import DEVICE, Classifier, Encoder, mixed
from training.pretrain import prepare
from training.tasks import Task, labels_of, tasks
from training.token_batches import STEP, Corpus, pairs

SEED = 20230516
BATCH_TOKENS = 16_384 if DEVICE.type == "cuda" else 3_072
RATE = 5e-4 if DEVICE.type == "cuda" else 3e-4
TEACHER_RATE = 2e-4
HEAD_RATE = 1e-3
WARM_UP = 0.06
SMOOTHING = 0.05
AVERAGE = 0.998
TOGETHER = 512 if DEVICE.type == "cuda" else 64
"""Texts that are scored in one go."""
SMALLEST = 4_000
"""A task with fewer examples is repeated up to so many an epoch, but at most `REPEAT` times."""
REPEAT = 4

NONE = -100
"""Stands for "has no label of this head"."""


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


def padded(rows: Sequence[list[int]]) -> torch.Tensor:
    """Ids of texts of any length, shape (texts, length), on the device."""
    longest = -(-max(map(len, rows)) // STEP) * STEP
    whole = np.full((len(rows), longest), PAD, np.int64)
    for place, row in enumerate(rows):
        whole[place, : len(row)] = row
    return torch.from_numpy(whole).to(DEVICE)


def tensors(ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, pairs and mask, as the network is given them."""
    return ids, pairs(ids), (ids != PAD).long()


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
    with torch.no_grad(), mixed():
        for start in range(0, len(order), TOGETHER):
            chosen = order[start : start + TOGETHER]
            scores = model.heads[head](model.pooled(*tensors(padded([rows[place] for place in chosen]))))
            for place, score in zip(chosen, scores.float().cpu().numpy(), strict=True):
                found[place] = score
    return np.stack([one for one in found if one is not None])


def choosing_score(model: Classifier, task: Task, labels: Labels, rows: Sequence[list[int]]) -> float:
    """Macro-F1 on a task's choosing part, whose tokens are `rows`; where only some labels occur in it, only they are
    chosen among."""
    names = labels[task.head]
    wanted = [example.label for example in task.choose]
    scores = judge(model, task.head, rows)
    if task.head == "sentiment" and "neutral" not in wanted:
        scores[:, names.index("neutral")] = -np.inf
    return macro_f1(wanted, [names[place] for place in scores.argmax(1)])


class Run:
    """A fine-tuning run in a folder: goes on after the last whole epoch.

    Parameters
    ----------
    folder:
        Holds tokenizer.json and checkpoint.pt, or nothing.
    found:
        What to learn.
    epochs:
        How many in all; the learning rate falls to nothing over them.
    rate:
        The encoder's highest learning rate.
    seed:
        Of the order of texts and of the new weights. With another than 0 the files are heads-SEED.pt and so on.
    scratch:
        Don't load the pretrained weights, for comparison.
    corpus:
        Unlabelled texts, where there is a teacher in the folder.
    """

    def __init__(
        self, folder: Path, found: Sequence[Task], epochs: int, *, rate: float = RATE, seed: int = 0,
        scratch: bool = False, corpus: Corpus | None = None,
    ) -> None:  # fmt: skip
        self._folder, self._found, self._epochs, self._seed = folder, found, epochs, seed
        self._suffix = f"-{seed}" if seed else ""
        torch.manual_seed(SEED + seed)
        weights, self._shape = pretrained(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._labels = labels_of(found)
        self._rows = rows_of(found, self._labels, self._tokenizer)
        self._chosen_on = {id(one): token_ids(self._tokenizer, [row.text for row in one.choose]) for one in found}
        encoder = Encoder(self._tokenizer.get_vocab_size(), **self._shape, dropout=0.1)
        if not scratch:
            encoder.load_state_dict(weights)
        self._model = Classifier(encoder, {head: len(names) for head, names in self._labels.items()}).to(DEVICE)
        self._teacher = Teacher(folder / "teacher", self._tokenizer.get_vocab_size(), self._labels)
        if self._teacher and corpus is None:
            raise ValueError("a teacher needs texts to judge")
        self._others = corpus.judged(np.random.default_rng(SEED), BATCH_TOKENS) if corpus else None
        self._averaged = copy.deepcopy(self._model)
        self._optimizer = torch.optim.AdamW(
            [
                {"params": self._model.encoder.parameters(), "base": rate},
                {"params": self._model.heads.parameters(), "base": HEAD_RATE},
            ],
            lr=rate, weight_decay=0.01, fused=True,
        )  # fmt: skip
        self._steps = epochs * sum(1 for _ in epoch(self._rows, random.Random(0)))
        self._step, self._done, self._best = 0, 0, -1.0
        self._load()

    def learn(self) -> None:
        """All epochs that are left."""
        count = {"rows": len(self._rows), "steps": self._steps, "labels": self._labels}
        print(json.dumps(count, ensure_ascii=False), flush=True)
        while self._done < self._epochs:
            self._epoch(random.Random(SEED + self._done + 1000 * self._seed))
            self._done += 1
            scores = {f"{one.head}/{one.name}": self._score(one) for one in self._found if one.choose}
            mean = sum(scores.values()) / len(scores)
            shown = {name: round(value, 4) for name, value in scores.items()}
            print(json.dumps({"epoch": self._done, "macro_f1": shown, "mean": round(mean, 4)}), flush=True)
            if mean > self._best:
                self._best = mean
                self._save("heads", {"model": self._averaged.state_dict()})
            self._save("finetune", self._state())

    def _epoch(self, shuffle: random.Random) -> None:
        self._model.train()
        began, loss_sum = time.monotonic(), torch.zeros((), device=DEVICE)
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
            loss_sum += loss.detach()
            keep = min(AVERAGE, self._step / (self._step + 10))
            with torch.no_grad():
                torch._foreach_lerp_(list(self._averaged.parameters()), list(self._model.parameters()), 1 - keep)
            if self._step % 200 == 0:
                spent = round((time.monotonic() - began) / 60, 2)
                line = {"step": self._step, "minutes": spent, "loss": round(float(loss_sum) / 200, 4)}
                print(json.dumps(line), flush=True)
                loss_sum.zero_()

    def _loss(self, batch: Sequence[Row]) -> torch.Tensor:
        given = tensors(padded([row.ids for row in batch]))
        answers = torch.tensor([[row.answers.get(head, NONE) for row in batch] for head in self._labels]).to(DEVICE)
        with mixed():
            scores = self._model(*given)
        parts = [
            cross_entropy(scores[head].float(), wanted, label_smoothing=SMOOTHING, reduction="sum", ignore_index=NONE)
            for head, wanted in zip(self._labels, answers, strict=True)
        ]
        loss = torch.stack(parts).sum() / len(batch)
        if not self._teacher or self._others is None:
            return loss
        others = tensors(next(self._others))
        with mixed():
            beside = self._model(*others)
        return (
            TRUTH * loss
            + distance(scores, self._teacher.judge(*given))
            + distance(beside, self._teacher.judge(*others))
        )  # fmt: skip

    def _score(self, task: Task) -> float:
        return choosing_score(self._averaged, task, self._labels, self._chosen_on[id(task)])

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
        part = self._folder / f"{name}{self._suffix}.part"
        torch.save(
            {**state, "shape": self._shape, "labels": {head: list(one) for head, one in self._labels.items()}}, part
        )
        part.rename(part.with_suffix(".pt"))

    def _load(self) -> None:
        path = self._folder / f"finetune{self._suffix}.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=DEVICE)
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
    parser.add_argument("--teacher", action="store_true", help="the larger encoder, for distillation")
    parser.add_argument("--seed", type=int, default=0, help="another member of the teacher")
    parser.add_argument("--scratch", action="store_true", help="do not load the pretrained weights (for comparison)")
    parser.add_argument("--corrections", type=Path, help="what `minsheng labels export` wrote: learnt from as well")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    found = tasks()
    if chosen.corrections:
        held_out = {key(one.text) for task in found for one in task.held_out}
        found += correction_tasks(chosen.corrections, held_out)
    folder = chosen.folder / "teacher" if chosen.teacher else chosen.folder
    corpus = None
    if not chosen.teacher and list((folder / "teacher").glob("heads*.pt")):
        corpus = Corpus(*prepare(folder), DEVICE)
    rate = TEACHER_RATE if chosen.teacher else RATE
    Run(
        folder, found, chosen.epochs, rate=rate, seed=chosen.seed, scratch=chosen.scratch, corpus=corpus
    ).learn()  # fmt: skip


if __name__ == "__main__":
    main()
