"""Kafka's checksums come from C, and are the same."""

from __future__ import annotations

import importlib
import random

import google_crc32c
from kafka.record import _crc32c, default_records, util

from stream.kafka_checksums import checksum

importlib.import_module("stream.kafka")  # has them computed so


def test_records_are_checked_by_a_checksum_in_c() -> None:
    assert google_crc32c.implementation == "c"
    assert default_records.calc_crc32c is util.calc_crc32c
    assert util.calc_crc32c.__defaults__ == (checksum,)


def test_the_checksums_are_kafkas() -> None:
    assert util.calc_crc32c(memoryview(b"123456789")) == 0xE3069283  # the check value of CRC-32C
    draw = random.Random(1)
    for size in (0, 1, 7, 1_000, 70_000):
        data = bytearray(draw.randbytes(size))
        assert util.calc_crc32c(memoryview(data)) == _crc32c.crc(data)
