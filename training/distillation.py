"""A larger encoder's judgement of any text, for the small one to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch.nn.functional import kl_div, log_softmax, softmax

from training.network import BFLOAT16, DEVICE, Classifier, Encoder

HEAT = 2.0
"""Temperature at which both are compared: what is nearly as likely as the likeliest label says much about a text."""

PRECISION = torch.bfloat16 if BFLOAT16 else torch.float32

TRUTH = 0.3
"""The weight of the labels beside the teacher's judgement."""

Labels = Mapping[str, tuple[str, ...]]


class Teacher:
    """The mean of all fine-tuned larger encoders in a folder: each file heads*.pt is one.

    Parameters
    ----------
    labels:
        What the small encoder learns; the larger ones must have learnt the same.
    """

    def __init__(self, folder: Path, vocabulary: int, labels: Labels) -> None:
        self._members: list[Classifier] = []
        for path in sorted(folder.glob("heads*.pt")):
            state = torch.load(path, weights_only=True, map_location=DEVICE)
            if state["labels"] != {head: list(names) for head, names in labels.items()}:
                raise SystemExit(f"{path} has learnt other labels; fine-tune it again with --teacher, or remove it")
            encoder = Encoder(vocabulary, **state["shape"])
            member = Classifier(encoder, {head: len(names) for head, names in labels.items()})
            member.load_state_dict(state["model"])
            self._members.append(member.to(DEVICE, PRECISION).eval())

    def __bool__(self) -> bool:
        return bool(self._members)

    def judge(self, ids: torch.Tensor, pairs: torch.Tensor, mask: torch.Tensor) -> dict[str, torch.Tensor]:
        """Head → probabilities at `HEAT`, shape (texts, labels)."""
        with torch.no_grad():
            every = [member(ids, pairs, mask) for member in self._members]
        return {
            head: torch.stack([softmax(one[head].float() / HEAT, dim=1) for one in every]).mean(0) for head in every[0]
        }


def distance(scores: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """How far the scores are from the teacher's judgement, summed over the heads, a text: a divergence times heat²."""
    parts = [
        kl_div(log_softmax(scores[head].float() / HEAT, dim=1), wanted[head], reduction="batchmean") for head in wanted
    ]
    return torch.stack(parts).sum() * HEAT**2
