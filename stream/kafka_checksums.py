"""Kafka's checksums, computed in C.

kafka-python computes them in Python, a tenth of a millisecond a kilobyte, at each write and each read, unless the
package `crc32c` is installed, which is under the LGPL. So it is given Google's, which is not.
"""

from __future__ import annotations

import google_crc32c
from kafka.record import util


def checksum(data: memoryview) -> int:
    """CRC-32C (Castagnoli) of some bytes."""
    return int(google_crc32c.value(bytes(data)))


def install() -> None:
    """Have kafka-python compute by `checksum`, in the whole process. What computes is the default of a parameter there:
    the function itself is imported by name all over the package."""
    util.calc_crc32c.__defaults__ = (checksum,)
