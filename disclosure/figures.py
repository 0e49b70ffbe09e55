"""What became of the applications, counted: each number with the list that it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from disclosure.model import OUTCOMES, REVIEWS, STATES, SUITS
from disclosure.register import IN_TIME, LATE, UNNAMED, Listed, Register


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number.

    Attributes
    ----------
    asked:
        What of `disclosure.register.Asked` lists exactly these, beside what the whole was asked for.
    """

    key: str
    title: str
    count: int
    asked: dict[str, str]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of a set of applications.

    Attributes
    ----------
    in_time, out_of_time:
        Answered in time; answered late, or not answered and late. Those still running count nowhere.
    workdays:
        Mean working days to an answer; None where none was given.
    steps:
        Extended, asked to be clearer, others asked.
    """

    received: int
    states: tuple[Figure, ...]
    outcomes: tuple[Figure, ...]
    in_time: Figure
    out_of_time: Figure
    workdays: float | None
    steps: tuple[tuple[str, int], ...]
    reviews: tuple[Figure, ...]
    suits: tuple[Figure, ...]

    @property
    def in_time_share(self) -> float | None:
        """Of those whose term is over or that are answered; None where there are none."""
        ended = self.in_time.count + self.out_of_time.count
        return self.in_time.count / ended if ended else None

    @property
    def reviewed(self) -> int:
        return sum(one.count for one in self.reviews)

    @property
    def sued(self) -> int:
        return sum(one.count for one in self.suits)

    @property
    def corrected(self) -> int:
        """Answers that a review put right (被纠错)."""
        return next(one.count for one in self.reviews if one.key == "corrected")

    @property
    def lost(self) -> int:
        """Answers that were lost in court (败诉)."""
        return next(one.count for one in self.suits if one.key == "corrected")


def count(register: Register, listed: Sequence[Listed]) -> Figures:
    """Count a list of the register."""
    answered = [one for one in listed if one.standing.state == "answered"]
    taken = [days for one in answered if (days := register.workdays_taken(one.application)) is not None]
    in_time = len(answered) - sum(one.standing.late for one in answered)
    late = sum(one.standing.late for one in listed)
    steps = {
        "延期": sum(one.application.extension_days is not None for one in listed),
        "要求补正": sum(one.application.correction_asked_on is not None for one in listed),
        "征求意见": sum(one.application.opinion_asked_on is not None for one in listed),
    }
    unnamed = sum(one.application.outcome is None for one in answered)
    outcomes = _figures(listed, "outcome", OUTCOMES, lambda one: one.application.outcome)
    return Figures(
        received=len(listed),
        states=_figures(listed, "state", STATES, lambda one: one.standing.state),
        outcomes=(
            *outcomes,
            Figure(key=UNNAMED, title="未注明", count=unnamed, asked={"outcome": UNNAMED}),
        ),
        in_time=Figure(key=IN_TIME, title="按期答复", count=in_time, asked={"state": IN_TIME}),
        out_of_time=Figure(key="late", title="超期", count=late, asked={"state": LATE}),
        workdays=sum(taken) / len(taken) if taken else None,
        steps=tuple(steps.items()),
        reviews=_figures(listed, "review", REVIEWS, lambda one: one.application.review),
        suits=_figures(listed, "litigation", SUITS, lambda one: one.application.litigation),
    )


def _figures(
    listed: Sequence[Listed], name: str, titles: Mapping[str, str], value: Callable[[Listed], str | None]
) -> tuple[Figure, ...]:
    counts = Counter(map(value, listed))
    return tuple(Figure(key=key, title=title, count=counts[key], asked={name: key}) for key, title in titles.items())
