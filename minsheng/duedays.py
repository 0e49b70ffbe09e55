"""Days until something is due: the words that people are told them in, and whether it presses. Of whatever kind the
days are: by the calendar, as with consultations, or working days, as with applications for information."""

from __future__ import annotations

from typing import Literal

Press = Literal["soon", "late"]


def words_of(left: int, unit: str = "天") -> str:
    """What is left, or over, as people say it.

    Examples
    --------
    >>> words_of(3), words_of(0), words_of(-2, "个工作日")
    ('还有 3 天', '今天到期', '超期 2 个工作日')
    """
    return f"超期 {-left} {unit}" if left < 0 else f"还有 {left} {unit}" if left else "今天到期"


def press_of(left: int, warn: int) -> Press | None:
    """Whether it is late, or due within `warn` days; None where there is time yet."""
    return "late" if left < 0 else "soon" if left <= warn else None
