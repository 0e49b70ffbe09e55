"""Teaches the encoder the language: guess the masked characters of unlabelled texts.

    python -m training.pretrain --folder RUN [--minutes 120]

RUN holds tokenizer.json (see `training.vocabulary`) and gets corpus.npz (the texts as ids) and checkpoint.pt, saved
every few minutes; started again, it goes on where it was. The learning rate follows the share of `--minutes` used, so
the time given is the time taken, on any machine.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from classifiers.encoder.characters import CLS, MASK, PAD, SEP, SPECIAL, normalise, pairs
from training.corpus import pieces
from training.network import BFLOAT16, Encoder, MaskedModel

SEED = 20230516
BATCH_TOKENS = 3_072
MASKED = 0.2
SPANS = (0.4, 0.35, 0.25)
"""Shares of masked runs of one, two and three characters: words, mostly."""
MASKED_CODES = 0.5
"""Emoji codes are masked more often: to guess [怒] or [哈哈] from the words is half of judging the mood."""
SHALLOW = 0.35
"""Share of the time in which half of the layers learn, twice as fast; then the layers are doubled."""
PEAK_RATE = 1e-3
WARM_UP = 0.03
SAVE_SECONDS = 300

_LAYER = re.compile(r"\.layer\.(\d+)\.")


def prepare(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All pieces as ids, one after the other, and where each begins; made once."""
    made = folder / "corpus.npz"
    if not made.exists():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        ids: list[np.ndarray] = []
        held: list[str] = []

        def flush() -> None:
            ids.extend(np.array(one.ids, np.uint16) for one in tokenizer.encode_batch(held) if len(one.ids) >= 5)
            held.clear()

        for piece in pieces():
            held.append(normalise(piece))
            if len(held) == 20_000:
                flush()
        flush()
        starts = np.concatenate([[0], np.cumsum([len(one) for one in ids])])
        np.savez(made, ids=np.concatenate(ids), starts=starts)
    data = np.load(made)
    return data["ids"], data["starts"]


def batches(
    ids: np.ndarray, starts: np.ndarray, random: np.random.Generator, codes: int
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless masked batches of texts of about the same length."""
    lengths = np.diff(starts)
    while True:
        order = random.permutation(len(lengths))
        for block in np.array_split(order, max(1, len(order) // 20_000)):
            by_length = block[np.argsort(lengths[block], kind="stable")]
            cuts, first = [], 0
            while first < len(by_length):
                size = max(1, BATCH_TOKENS // int(lengths[by_length[min(first + 256, len(by_length) - 1)]] + 2))
                cuts.append(by_length[first : first + size])
                first += size
            for chosen in random.permutation(np.array(cuts, dtype=object)):
                yield masked([ids[starts[one] : starts[one + 1]] for one in chosen], random, codes)


def masked(texts: list[np.ndarray], random: np.random.Generator, codes: int) -> dict[str, torch.Tensor]:
    """One batch: runs of characters masked (80 %), replaced by any character (10 %), or left (10 %).

    Tokens below `codes` are special ones and emoji codes.
    """
    longest = max(len(text) for text in texts) + 2
    whole = np.full((len(texts), longest), PAD, np.int64)
    for row, text in enumerate(texts):
        whole[row, 0] = CLS
        whole[row, 1 : len(text) + 1] = text
        whole[row, len(text) + 1] = SEP
    open_to = whole >= len(SPECIAL)
    run = random.choice(3, size=whole.shape, p=SPANS) + 1
    mean = sum((size + 1) * share for size, share in enumerate(SPANS))
    begins = (random.random(whole.shape) < MASKED / mean) & open_to
    chosen = begins.copy()
    chosen[:, 1:] |= begins[:, :-1] & (run[:, :-1] >= 2)
    chosen[:, 2:] |= begins[:, :-2] & (run[:, :-2] >= 3)
    chosen |= (whole < codes) & (random.random(whole.shape) < MASKED_CODES)
    chosen &= open_to
    draw = random.random(whole.shape)
    given = whole.copy()
    given[chosen & (draw < 0.8)] = MASK
    other = chosen & (draw >= 0.8) & (draw < 0.9)
    given[other] = random.integers(len(SPECIAL), 4_000, size=int(other.sum()))
    places = np.flatnonzero(chosen)
    return {
        "ids": torch.from_numpy(given),
        "pairs": torch.from_numpy(pairs(given)),
        "mask": torch.from_numpy((whole != PAD).astype(np.int64)),
        "places": torch.from_numpy(places),
        "answers": torch.from_numpy(whole.reshape(-1)[places]),
    }


def first_character(tokenizer: Tokenizer) -> int:
    """The first id of a single character; below it are special tokens and emoji codes."""
    return min(number for token, number in tokenizer.get_vocab().items() if len(token) == 1)


def rate(share: float) -> float:
    """The learning rate after this share of the time: up quickly, then down in a straight line."""
    return PEAK_RATE * (share / WARM_UP if share < WARM_UP else max(0.02, (1 - share) / (1 - WARM_UP)))


def optimiser(model: MaskedModel) -> torch.optim.AdamW:
    """AdamW without decay on biases and norms."""
    decayed = [one for one in model.parameters() if one.dim() > 1]
    plain = [one for one in model.parameters() if one.dim() <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
        lr=1e-4,
        betas=(0.9, 0.98),
        fused=True,
    )


def doubled(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of a network with twice as many layers: the learnt ones, and the same once more on top of them."""
    layers = 1 + max(int(found[1]) for name in state if (found := _LAYER.search(name)))
    more = {
        _LAYER.sub(lambda found: f".layer.{int(found[1]) + layers}.", name): value.clone()
        for name, value in state.items()
        if _LAYER.search(name)
    }
    return {**state, **more}


class Run:
    """A pretraining run in a folder: goes on where the last one stopped.

    Parameters
    ----------
    folder:
        Holds tokenizer.json and gets corpus.npz and checkpoint.pt.
    shape:
        Arguments of `Encoder`.
    seconds:
        The time to take, in all.
    """

    def __init__(self, folder: Path, shape: dict[str, int], seconds: float) -> None:
        self._saved = folder / "checkpoint.pt"
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._vocabulary = tokenizer.get_vocab_size()
        self._codes = first_character(tokenizer)
        self._shape, self._total = shape, seconds
        self._step, self._used, self._seen = 0, 0.0, 0
        state = torch.load(self._saved, weights_only=True) if self._saved.exists() else None
        if state is None:
            self._build(shape["layers"] // 2)
        else:
            self._build(state["shape"]["layers"])
            self._model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._used, self._seen = state["step"], state["seconds"], state["tokens"]

    def _build(self, layers: int) -> None:
        self._layers = layers
        self._model = MaskedModel(Encoder(self._vocabulary, **{**self._shape, "layers": layers}, dropout=0.0))
        self._optimizer = optimiser(self._model)

    def _deepen(self) -> None:
        learnt = self._model.state_dict()
        self._build(self._shape["layers"])
        self._model.load_state_dict(doubled(learnt))

    def _save(self) -> None:
        part = self._saved.with_suffix(".part")
        torch.save(
            {
                "model": self._model.state_dict(), "optimizer": self._optimizer.state_dict(), "step": self._step,
                "seconds": self._used, "tokens": self._seen, "shape": {**self._shape, "layers": self._layers},
            },
            part,
        )  # fmt: skip
        part.rename(self._saved)

    def learn(self, ids: np.ndarray, starts: np.ndarray) -> None:
        """Learn until the time is used up; prints a line every hundred steps."""
        before = last_save = time.monotonic()
        loss_sum = right = asked = 0.0
        for batch in batches(ids, starts, np.random.default_rng(SEED + self._step), self._codes):
            share = min(1.0, self._used / self._total)
            if share >= SHALLOW and self._layers < self._shape["layers"]:
                self._deepen()
            for group in self._optimizer.param_groups:
                group["lr"] = rate(share)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
                scores = self._model(batch["ids"], batch["pairs"], batch["mask"], batch["places"])
            loss = torch.nn.functional.cross_entropy(scores.float(), batch["answers"])
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            self._step += 1
            self._seen += int(batch["mask"].sum())
            loss_sum += float(loss.detach()) * len(batch["answers"])
            right += float((scores.detach().argmax(1) == batch["answers"]).sum())
            asked += len(batch["answers"])
            now = time.monotonic()
            self._used += now - before
            before = now
            if self._step % 100 == 0:
                line = {
                    "step": self._step,
                    "minutes": round(self._used / 60, 1),
                    "layers": self._layers,
                    "tokens_per_second": round(self._seen / self._used),
                    "loss": round(loss_sum / asked, 4),
                    "accuracy": round(right / asked, 4),
                    "epochs": round(self._seen / starts[-1], 2),
                }  # fmt: skip
                print(json.dumps(line), flush=True)
                loss_sum = right = asked = 0.0
            if now - last_save > SAVE_SECONDS or self._used >= self._total:
                last_save = now
                self._save()
            if self._used >= self._total:
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(SEED)
    ids, starts = prepare(chosen.folder)
    print(json.dumps({"texts": len(starts) - 1, "tokens": int(starts[-1])}), flush=True)
    shape = {
        "hidden": chosen.hidden,
        "layers": chosen.layers,
        "heads": chosen.hidden // 64,
        "feed_forward": 4 * chosen.hidden,
    }  # fmt: skip
    Run(chosen.folder, shape, chosen.minutes * 60).learn(ids, starts)


if __name__ == "__main__":
    main()
