"""Labels that persons set in the console and by the API."""

from __future__ import annotations

from classifiers.corrections import CurrentLabels
from classifiers.relabel import Relabeller
from console.parts import Console
from minsheng.policies import PolicyRegister
from minsheng.records import Assessed, Document


def relabeller(console: Console) -> Relabeller:
    """Sets labels on the console's parts. The model is loaded only where a document is judged again."""
    register = PolicyRegister(console.store, console.clock)

    def assess(document: Document) -> Assessed:
        from classifiers.load import load_model
        from classifiers.stage import assess_one

        labels = CurrentLabels(console.corrections)
        return assess_one(document, load_model(console.settings), register, console.clock, labels, console.index)

    return Relabeller(
        console.corrections,
        console.index,
        console.log,
        console.clock,
        assess,
        lambda: {policy.id for policy in register.all()},
    )
