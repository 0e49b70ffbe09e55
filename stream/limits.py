"""When a stage stops rather than send everything to the dead letters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from minsheng.errors import MinshengError

_WINDOW = 1000


class TooManyRejected(MinshengError):
    """So much of the input can't be handled that the cause is not the input: the stage stops, nothing is committed."""


class DeadLetterLimit:
    """Counts what is rejected, over batches.

    Parameters
    ----------
    run:
        So many rejected records in a row are too many.
    ratio:
        A larger share of the last 1,000 records is too many; 1 never is.
    """

    def __init__(self, run: int, ratio: float) -> None:
        self._run = run
        self._ratio = ratio
        self._in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=_WINDOW)

    def check(self, outcomes: Iterable[bool], stage: str, reason: str) -> None:
        """Count a batch, in its order.

        Parameters
        ----------
        outcomes:
            For each record, whether it was rejected.
        stage, reason:
            For the error: who rejects, and why the last record was.

        Raises
        ------
        TooManyRejected
        """
        hint = f"look at `minsheng deadletters list`, put the cause right, then start the stage again; it goes on at \
the same record. Last reason: {reason}"
        for rejected in outcomes:
            self._in_a_row = self._in_a_row + 1 if rejected else 0
            self._recent.append(rejected)
            if self._in_a_row >= self._run:
                raise TooManyRejected(f"stage {stage} stopped: {self._in_a_row} records in a row were rejected", hint)
            if rejected and len(self._recent) == _WINDOW and sum(self._recent) > self._ratio * _WINDOW:
                raise TooManyRejected(
                    f"stage {stage} stopped: {sum(self._recent)} of the last {_WINDOW} records were rejected", hint
                )
