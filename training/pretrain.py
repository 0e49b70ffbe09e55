"""Teaches the encoder the language: guess the masked characters of unlabelled texts.

    python -m training.pretrain --folder RUN [--minutes 120] [--teacher]

RUN holds tokenizer.json (see `training.vocabulary`) and gets corpus.npz (the texts as ids) and checkpoint.pt, saved
every few minutes; started again, it goes on where it was. The learning rate follows the share of `--minutes` used, so
the time given is the time taken, on any machine. With `--teacher` it is a larger encoder that learns, in RUN/teacher.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from classifiers.encoder.characters import normalise
from training.corpus import pieces
from training.network import DEVICE, STUDENT, TEACHER, Encoder, MaskedModel, Shape, mixed
from training.token_batches import Corpus, Masked

SEED = 20230516
BATCH_TOKENS = 65_536 if DEVICE.type == "cuda" else 3_072
SHALLOW = 0.35
"""Share of the time in which half of the layers learn, twice as fast; then the layers are doubled."""
COMMON = 4_000
"""Tokens: the commonest characters come first."""
PEAK_RATE = 1e-3
TEACHER_RATE = 5e-4
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


def first_character(tokenizer: Tokenizer) -> int:
    """The first id of a single character; below it are special tokens and emoji codes."""
    return min(number for token, number in tokenizer.get_vocab().items() if len(token) == 1)


def scale(share: float) -> float:
    """The part of the highest learning rate after this share of the time: up quickly, then down in a straight line."""
    return share / WARM_UP if share < WARM_UP else max(0.02, (1 - share) / (1 - WARM_UP))


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
    rate:
        The highest learning rate.
    """

    def __init__(self, folder: Path, shape: Shape, seconds: float, rate: float = PEAK_RATE) -> None:
        self._saved = folder / "checkpoint.pt"
        self._rate = rate
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._vocabulary = tokenizer.get_vocab_size()
        self._codes = first_character(tokenizer)
        self._common = min(COMMON, self._vocabulary)
        self._shape, self._total = shape, seconds
        self._step, self._used, self._seen = 0, 0.0, 0
        state = torch.load(self._saved, weights_only=True, map_location=DEVICE) if self._saved.exists() else None
        if state is None:
            self._build(max(1, shape["layers"] // 2))
        else:
            self._build(state["shape"]["layers"])
            self._model.load_state_dict(state["model"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._used, self._seen = state["step"], state["seconds"], state["tokens"]

    def _build(self, layers: int) -> None:
        self._layers = layers
        encoder = Encoder(self._vocabulary, **{**self._shape, "layers": layers}, dropout=0.0)
        if DEVICE.type == "cuda":
            encoder.transform = torch.compile(encoder.transform, dynamic=False)
        self._model = MaskedModel(encoder).to(DEVICE)
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
        corpus = Corpus(ids, starts, DEVICE)
        before = last_save = time.monotonic()
        sums = torch.zeros(3, device=DEVICE)
        seen = torch.zeros((), device=DEVICE, dtype=torch.int64)
        for whole in corpus.batches(np.random.default_rng(SEED + self._step), BATCH_TOKENS):
            share = min(1.0, self._used / self._total)
            if share >= SHALLOW and self._layers < self._shape["layers"]:
                self._deepen()
            for group in self._optimizer.param_groups:
                group["lr"] = self._rate * scale(share)
            batch = Masked(whole, self._codes, self._common)
            with mixed():
                scores = self._model(batch.ids, batch.pairs, batch.mask, batch.places)
            loss = torch.nn.functional.cross_entropy(scores.float(), batch.answers)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()
            self._step += 1
            seen += batch.mask.sum()
            asked = len(batch.answers)
            right = (scores.detach().argmax(1) == batch.answers).sum()
            sums += torch.stack([loss.detach() * asked, right.float(), torch.full((), float(asked), device=DEVICE)])
            now = time.monotonic()
            self._used += now - before
            before = now
            if self._step % 100 == 0:
                self._seen += int(seen)
                seen.zero_()
                loss_sum, right_sum, asked_sum = sums.tolist()
                sums.zero_()
                line = {
                    "step": self._step,
                    "minutes": round(self._used / 60, 2),
                    "layers": self._layers,
                    "tokens_per_second": round(self._seen / self._used),
                    "loss": round(loss_sum / asked_sum, 4),
                    "accuracy": round(right_sum / asked_sum, 4),
                    "epochs": round(self._seen / corpus.tokens, 2),
                }  # fmt: skip
                print(json.dumps(line), flush=True)
            if now - last_save > SAVE_SECONDS or self._used >= self._total:
                last_save = now
                self._seen += int(seen)
                seen.zero_()
                self._save()
            if self._used >= self._total:
                break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--teacher", action="store_true", help="the larger encoder, for distillation")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(SEED)
    ids, starts = prepare(chosen.folder)
    print(json.dumps({"texts": len(starts) - 1, "tokens": int(starts[-1])}), flush=True)
    folder, shape, rate = chosen.folder, STUDENT, PEAK_RATE
    if chosen.teacher:
        folder, shape, rate = chosen.folder / "teacher", TEACHER, TEACHER_RATE
        folder.mkdir(exist_ok=True)
        shutil.copyfile(chosen.folder / "tokenizer.json", folder / "tokenizer.json")
    Run(folder, shape, chosen.minutes * 60, rate).learn(ids, starts)


if __name__ == "__main__":
    main()
