"""Text as numbers, so that numpy reads all of it at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def code_points(text: str) -> NDArray[np.uint32]:
    """One number a character; lone surrogates are characters too. Not to be written to.

    Examples
    --------
    >>> code_points("a医𠮷").tolist()
    [97, 21307, 134071]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
