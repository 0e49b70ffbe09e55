"""Thins the fine-tuned encoder out to the one that ships, taught by the one it was made of.

    python -m training.thin --folder RUN [--minutes 60]

RUN holds tokenizer.json and heads.pt of `training.finetune`; it gets thin.pt. Of each feed-forward part the units are
kept that its output depends on most, of each attention head the directions of queries and keys that say most of which
position looks at which, and those of values that move the output most. Then the thin network learns to give the vectors
and the judgements that the whole one gives, of labelled and unlabelled texts alike. The embeddings stay as they are.
Every few minutes all is saved in thinning.pt; started again on the same heads.pt, it goes on there.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn.functional import mse_loss, softmax
from torch.utils.hooks import RemovableHandle

from classifiers.encoder.batches import token_ids
from training.data import sha256
from training.distillation import HEAT, distance
from training.finetune import BATCH_TOKENS, Row, choosing_score, epoch, padded, rows_of, tensors
from training.network import DEVICE, THIN, Classifier, Encoder, Shape, mixed
from training.pretrain import prepare
from training.tasks import Task, tasks
from training.token_batches import Corpus

SEED = 20261128
RATE = 5e-4
WARM_UP = 100
"""Steps."""
AVERAGE = 0.998
LOOKED_AT = 30
"""Batches by which it is told what to keep."""
LAYERS_WEIGHT, POOLED_WEIGHT = 1.0, 4.0
"""Of the squared distances between the two networks' vectors, beside the distance between their judgements."""
SAVE_SECONDS = 240


class Seen(NamedTuple):
    """What a layer of the whole network is given, over some texts.

    `moment` is the mean outer product of the vectors that attention reads, each with a 1 at its end; `mean` and
    `variance` are of the units of the feed-forward part, after its activation.
    """

    moment: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def whole(folder: Path) -> tuple[Classifier, dict[str, Any]]:
    """The fine-tuned network of a run, and the rest of its file."""
    state = torch.load(folder / "heads.pt", weights_only=True, map_location=DEVICE)
    vocabulary = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    sizes = {head: len(names) for head, names in state["labels"].items()}
    model = Classifier(Encoder(vocabulary, **state["shape"], dropout=0.0), sizes, dropout=0.0)
    model.load_state_dict(state.pop("model"))
    return model.to(DEVICE).eval(), state


def look(model: Classifier, batches: Sequence[torch.Tensor]) -> list[Seen]:
    """What each layer is given of these texts."""
    inside: list[torch.Tensor] = []
    vectors: dict[tuple[int, str], list[torch.Tensor]] = {}

    def keep(number: int, what: str, given: torch.Tensor) -> None:
        vectors.setdefault((number, what), []).append(given[inside[-1]].double().cpu())

    def watch(module: nn.Module, number: int, what: str) -> RemovableHandle:
        return module.register_forward_pre_hook(lambda _, given: keep(number, what, given[0]))

    hooks = []
    for number, layer in enumerate(model.encoder.bert.encoder.layer):
        hooks += [watch(layer.attention.self.value, number, "attention"), watch(layer.output.dense, number, "units")]
    with torch.no_grad():
        for ids in batches:
            given = tensors(ids)
            inside.append(given[2].bool())
            model.encoder(*given)
    for hook in hooks:
        hook.remove()
    found = []
    for number in range(len(model.encoder.bert.encoder.layer)):
        read, units = (torch.cat(vectors[number, what]).numpy() for what in ("attention", "units"))
        read = np.concatenate([read, np.ones((len(read), 1))], axis=1)
        found.append(Seen(read.T @ read / len(read), units.mean(0), units.var(0)))
    return found


def thinned(model: Classifier, shape: Shape, seen: Sequence[Seen]) -> Classifier:
    """A network of a thinner shape, as near to the given one as it comes without learning."""
    thin = Classifier(
        Encoder(model.encoder.characters.num_embeddings, **shape, dropout=0.0),
        {name: head[-1].out_features for name, head in model.heads.items()},
        dropout=0.0,
    )
    state = thin.state_dict()
    for name, value in model.state_dict().items():
        if state[name].shape == value.shape:
            state[name].copy_(value)
    thin.load_state_dict(state)
    layers = zip(thin.encoder.bert.encoder.layer, model.encoder.bert.encoder.layer, seen, strict=True)
    with torch.no_grad():
        for new, old, one in layers:
            _keep_units(new, old, one)
            root, back = _roots(one.moment)
            _keep_directions(new.attention.self, old.attention.self, root, back)
            _keep_values(new.attention, old.attention, root, back)
    return thin.to(DEVICE)


def _keep_units(new: nn.Module, old: nn.Module, seen: Seen) -> None:
    """The units that move the output most; what the others give on the mean goes into the bias."""
    output = old.output.dense.weight.double().cpu().numpy()
    kept = np.argsort(-seen.variance * np.square(output).sum(0), kind="stable")[: new.intermediate.dense.out_features]
    dropped = np.setdiff1d(np.arange(output.shape[1]), kept)
    new.intermediate.dense.weight.copy_(old.intermediate.dense.weight[kept])
    new.intermediate.dense.bias.copy_(old.intermediate.dense.bias[kept])
    new.output.dense.weight.copy_(old.output.dense.weight[:, kept])
    lost = torch.from_numpy(output[:, dropped] @ seen.mean[dropped])
    new.output.dense.bias.copy_(old.output.dense.bias + lost.to(old.output.dense.bias))


def _roots(moment: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A root R of the moment (RR' is the moment), and its inverse."""
    values, basis = np.linalg.eigh(moment)
    root = basis * np.sqrt(np.maximum(values, 1e-6))
    return root, np.linalg.inv(root)


def _keep_directions(
    new: nn.Module, old: nn.Module, root: NDArray[np.float64], back: NDArray[np.float64]
) -> None:  # fmt: skip
    """The directions of each head's queries and keys that carry most of their products, of vectors as they come: the
    best product x'Mx of a rank is the one whose R'MR has the largest of all singular values, and no others."""
    if new.query.out_features == old.query.out_features:
        return
    heads = new.num_attention_heads
    before, after = old.query.out_features // heads, new.query.out_features // heads
    query, key = _with_bias(old.query), _with_bias(old.key)
    for head in range(heads):
        rows = slice(head * before, (head + 1) * before)
        product = query[rows].T @ key[rows] / np.sqrt(before)
        left, strength, right = np.linalg.svd(root.T @ product @ root)
        part = np.sqrt(strength[:after])[:, None] * after**0.25
        _set_rows(new.query, head * after, part * left.T[:after] @ back)
        _set_rows(new.key, head * after, part * right[:after] @ back)


def _keep_values(
    new: nn.Module, old: nn.Module, root: NDArray[np.float64], back: NDArray[np.float64]
) -> None:  # fmt: skip
    """The directions of each head's values that move the output most, of vectors as they come."""
    if new.self.value.out_features == old.self.value.out_features:
        return
    heads = new.self.num_attention_heads
    before, after = old.self.value.out_features // heads, new.self.value.out_features // heads
    value, output = _with_bias(old.self.value), old.output.dense.weight.double().cpu().numpy()
    for head in range(heads):
        rows = slice(head * before, (head + 1) * before)
        left, strength, right = np.linalg.svd(output[:, rows] @ value[rows] @ root, full_matrices=False)
        part = np.sqrt(strength[:after])
        _set_rows(new.self.value, head * after, part[:, None] * right[:after] @ back)
        made = torch.from_numpy(left[:, :after] * part).to(new.output.dense.weight)
        new.output.dense.weight[:, head * after : (head + 1) * after] = made
    new.output.dense.bias.copy_(old.output.dense.bias)


def _with_bias(layer: nn.Module) -> NDArray[np.float64]:
    """Weight and bias as one matrix, for vectors with a 1 at their end."""
    found: NDArray[np.float64] = torch.cat([layer.weight, layer.bias[:, None]], dim=1).double().cpu().numpy()
    return found


def _set_rows(layer: nn.Module, first: int, rows: NDArray[np.float64]) -> None:
    """Put rows of `_with_bias` back, from `first` on."""
    made = torch.from_numpy(rows).to(layer.weight)
    layer.weight[first : first + len(rows)], layer.bias[first : first + len(rows)] = made[:, :-1], made[:, -1]


class Run:
    """A thinning run in a folder: goes on where the last one stopped.

    Parameters
    ----------
    folder:
        Holds tokenizer.json and heads.pt.
    found:
        Whose texts are learnt from, beside the corpus's, and scored on after.
    corpus:
        Unlabelled texts.
    seconds:
        The time to take, in all.
    shape:
        What is other about the thin network.
    """

    def __init__(
        self, folder: Path, found: Sequence[Task], corpus: Corpus, seconds: float, shape: Shape = THIN
    ) -> None:
        self._folder, self._found, self._seconds = folder, found, seconds
        torch.manual_seed(SEED)
        self._whole, rest = whole(folder)
        self._labels = {head: tuple(names) for head, names in rest["labels"].items()}
        self._shape = {**rest["shape"], **shape}
        self._made_of = sha256(folder / "heads.pt")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._chosen_on = {id(one): token_ids(tokenizer, [row.text for row in one.choose]) for one in found}
        batches = corpus.judged(np.random.default_rng(SEED), BATCH_TOKENS)
        seen = look(self._whole, [next(batches) for _ in range(LOOKED_AT)])
        self._model = thinned(self._whole, self._shape, seen)
        self._averaged = copy.deepcopy(self._model)
        self._learns = [*self._model.encoder.bert.encoder.parameters(), *self._model.heads.parameters()]
        self._optimizer = torch.optim.AdamW(self._learns, lr=RATE, weight_decay=0.0, fused=True)
        self._step, self._used = 0, 0.0
        self._load()
        self._batches = _in_turn(rows_of(found, self._labels, tokenizer), batches, random.Random(SEED + self._step))

    def learn(self) -> dict[str, float]:
        """Until the time is over; thin.pt is written. Returns the macro-F1 of each task on its choosing part."""
        began, saved = time.monotonic() - self._used, time.monotonic()
        sums = torch.zeros(2, device=DEVICE)
        while (used := time.monotonic() - began) < self._seconds:
            share = min(1.0, (self._step + 1) / WARM_UP) * max(0.01, 1 - used / self._seconds)
            for group in self._optimizer.param_groups:
                group["lr"] = RATE * share
            sums += self._learn(next(self._batches))
            self._step += 1
            if self._step % 200 == 0:
                judgement, vectors = (sums / 200).tolist()
                line = {"step": self._step, "minutes": round(used / 60, 1), "judgement": round(judgement, 4)}
                print(json.dumps({**line, "vectors": round(vectors, 4)}), flush=True)
                sums.zero_()
            if time.monotonic() - saved > SAVE_SECONDS:
                saved, self._used = time.monotonic(), used
                self._save("thinning", self._state())
        self._used = self._seconds
        self._save("thinning", self._state())
        self._save("thin", {"model": self._averaged.state_dict()})
        return {
            f"{one.head}/{one.name}": round(
                choosing_score(self._averaged, one, self._labels, self._chosen_on[id(one)]), 4
            )
            for one in self._found
            if one.choose
        }

    def _learn(self, ids: torch.Tensor) -> torch.Tensor:
        """One step. Returns how far the judgements and the vectors were from the whole network's."""
        given = tensors(ids)
        with torch.no_grad(), mixed():
            wanted_vectors, wanted_pooled, wanted = _both(self._whole, given)
        with mixed():
            vectors, pooled, scores = _both(self._model, given)
        inside = given[2].bool()
        judgement = distance(scores, {head: softmax(one.float() / HEAT, dim=1) for head, one in wanted.items()})
        layers = [
            mse_loss(one[inside].float(), other[inside].float())
            for one, other in zip(vectors[1:-1], wanted_vectors[1:-1], strict=True)
        ]
        apart = LAYERS_WEIGHT * sum(layers, torch.zeros((), device=DEVICE))
        apart = apart + POOLED_WEIGHT * mse_loss(pooled.float(), wanted_pooled.float())
        self._optimizer.zero_grad(set_to_none=True)
        (judgement + apart).backward()
        torch.nn.utils.clip_grad_norm_(self._learns, 1.0)
        self._optimizer.step()
        keep = min(AVERAGE, (self._step + 1) / (self._step + 11))
        with torch.no_grad():
            torch._foreach_lerp_(list(self._averaged.parameters()), list(self._model.parameters()), 1 - keep)
        return torch.stack([judgement.detach(), apart.detach()])

    def _state(self) -> dict[str, Any]:
        return {
            "current": self._model.state_dict(),
            "model": self._averaged.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "used": self._used,
        }

    def _save(self, name: str, state: dict[str, Any]) -> None:
        part = self._folder / f"{name}.part"
        labels = {head: list(names) for head, names in self._labels.items()}
        torch.save({**state, "shape": self._shape, "labels": labels, "made_of": self._made_of}, part)
        part.rename(part.with_suffix(".pt"))

    def _load(self) -> None:
        path = self._folder / "thinning.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=DEVICE)
        if state["shape"] != self._shape or state["made_of"] != self._made_of:
            print(json.dumps({"begun_anew": "thinning.pt is of another heads.pt, or of another shape"}), flush=True)
            return
        self._model.load_state_dict(state["current"])
        self._averaged.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._step, self._used = state["step"], state["used"]


def _both(
    model: Classifier, given: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> tuple[list[torch.Tensor], torch.Tensor, dict[str, torch.Tensor]]:
    """The vectors before and after each layer, the pooled ones, and the scores of each head."""
    vectors = model.encoder.after_each_layer(*given)
    pooled = model.joined(vectors[-1], given[2])
    return vectors, pooled, {name: head(pooled) for name, head in model.heads.items()}


def _in_turn(rows: Sequence[Row], others: Iterator[torch.Tensor], shuffle: random.Random) -> Iterator[torch.Tensor]:
    """Batches of labelled texts and of others in turn, without end."""
    while True:
        for batch in epoch(rows, shuffle):
            yield padded([row.ids for row in batch])
            yield next(others)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    corpus = Corpus(*prepare(chosen.folder), DEVICE)
    print(json.dumps(Run(chosen.folder, tasks(), corpus, chosen.minutes * 60).learn()))


if __name__ == "__main__":
    main()
