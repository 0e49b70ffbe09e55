"""Teaches the pretrained encoder all heads at once.

    python -m training.finetune --folder RUN [--epochs 4]

RUN holds tokenizer.json and checkpoint.pt of `training.pretrain`, and gets heads.pt: the average of the weights over
the last steps, of the epoch that is best on the texts held back for choosing. Prints the scores on the held-out texts.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.functional import cross_entropy

from classifiers.encoder.characters import PAD, cut, normalise, pairs
from classifiers.model import Text
from training.network import BFLOAT16, Classifier, Encoder
from training.scores import macro_f1
from training.tasks import Task, labels_of, tasks

SEED = 20230516
BATCH_TOKENS = 4_096
RATE = 3e-4
HEAD_RATE = 1e-3
WARM_UP = 0.06
SMOOTHING = 0.05
AVERAGE = 0.998
SMALLEST = 4_000
"""A task with fewer examples is repeated up to so many an epoch, but at most `REPEAT` times."""
REPEAT = 4

Row = tuple[list[int], str, int]


class Reader:
    """Texts to token ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def ids(self, text: Text) -> list[int]:
        title, body = self._tokenizer.encode_batch([normalise(text.title[:200]), normalise(_ends(text.text))])
        return cut(title.ids, body.ids)


def _ends(text: str, most: int = 600) -> str:
    return text if len(text) <= most else text[: most - 100] + text[-100:]


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
        block = sorted(order[start : start + 4_000], key=lambda row: len(row[0]))
        batch: list[Row] = []
        for row in block:
            if batch and (len(batch) + 1) * len(row[0]) > BATCH_TOKENS:
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


def score(model: Classifier, task: Task, part: str, reader: Reader, labels: list[str]) -> dict[str, float]:
    """Accuracy and macro-F1 on one part of a task; where only some labels occur in it, only they are chosen among."""
    examples = getattr(task, part)
    wanted = [example.label for example in examples]
    scores = judge(model, task.head, [reader.ids(example.text) for example in examples])
    if task.head == "sentiment" and "neutral" not in wanted:
        scores[:, labels.index("neutral")] = -np.inf
    given = [labels[place] for place in scores.argmax(1)]
    right = sum(a == b for a, b in zip(wanted, given, strict=True)) / len(wanted)
    return {"accuracy": round(right, 4), "macro_f1": round(macro_f1(wanted, given), 4), "texts": len(wanted)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scratch", action="store_true", help="do not load the pretrained weights (for comparison)")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(SEED)
    shuffle = random.Random(SEED)
    tokenizer = Tokenizer.from_file(str(chosen.folder / "tokenizer.json"))
    reader = Reader(tokenizer)
    found = tasks()
    labels = labels_of(found)
    rows: list[Row] = []
    for task in found:
        made = [(reader.ids(one.text), task.head, labels[task.head].index(one.label)) for one in task.train]
        rows += made * min(REPEAT, max(1, SMALLEST // len(made)))
    pretrained = torch.load(chosen.folder / "checkpoint.pt", weights_only=True)
    encoder = Encoder(tokenizer.get_vocab_size(), **pretrained["shape"], dropout=0.1)
    if not chosen.scratch:
        own = {name[8:]: value for name, value in pretrained["model"].items() if name.startswith("encoder.")}
        encoder.load_state_dict(own)
    model = Classifier(encoder, {head: len(names) for head, names in labels.items()})
    optimizer = torch.optim.AdamW(
        [{"params": model.encoder.parameters(), "base": RATE}, {"params": model.heads.parameters(), "base": HEAD_RATE}],
        lr=RATE, weight_decay=0.01, fused=True,
    )  # fmt: skip
    averaged = copy.deepcopy(model)
    total = chosen.epochs * sum(1 for _ in epoch(rows, random.Random(0)))
    print(json.dumps({"examples": len(rows), "steps": total, "labels": labels}, ensure_ascii=False), flush=True)
    step, best, began = 0, -1.0, time.monotonic()
    for number in range(chosen.epochs):
        model.train()
        loss_sum = 0.0
        for batch in epoch(rows, shuffle):
            share = step / total
            scale = share / WARM_UP if share < WARM_UP else max(0.01, (1 - share) / (1 - WARM_UP))
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * scale
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
                pooled = model.pooled(*tensors([row[0] for row in batch]))
            loss = torch.zeros(())
            for head in sorted({row[1] for row in batch}):
                places = [place for place, row in enumerate(batch) if row[1] == head]
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
                    scores = model.heads[head](pooled[places])
                answers = torch.tensor([batch[place][2] for place in places])
                part = cross_entropy(scores.float(), answers, label_smoothing=SMOOTHING, reduction="sum")
                loss = loss + part / len(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            loss_sum += float(loss.detach())
            keep = min(AVERAGE, step / (step + 10))
            with torch.no_grad():
                for slow, quick in zip(averaged.parameters(), model.parameters(), strict=True):
                    slow.lerp_(quick, 1 - keep)
            if step % 200 == 0:
                spent = round((time.monotonic() - began) / 60, 1)
                print(json.dumps({"step": step, "minutes": spent, "loss": round(loss_sum / 200, 4)}), flush=True)
                loss_sum = 0.0
        scores = {f"{t.head}/{t.name}": score(averaged, t, "choose", reader, labels[t.head]) for t in found if t.choose}
        mean = sum(one["macro_f1"] for one in scores.values()) / len(scores)
        print(json.dumps({"epoch": number + 1, "choose": scores, "mean": round(mean, 4)}), flush=True)
        if mean > best:
            best = mean
            torch.save(
                {"model": averaged.state_dict(), "shape": pretrained["shape"], "labels": labels},
                chosen.folder / "heads.pt",
            )
    averaged.load_state_dict(torch.load(chosen.folder / "heads.pt", weights_only=True)["model"])
    for task in found:
        shown = score(averaged, task, "held_out", reader, labels[task.head])
        print(json.dumps({"held_out": f"{task.head}/{task.name}", **shown}), flush=True)


if __name__ == "__main__":
    main()
