"""JSON lines to judged JSON lines: one out for each one in, in order, whatever stands in it."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from classifiers.model import EVERY_MODEL, Model, Text, judge_with
from minsheng.errors import BadInput
from minsheng.records import MAX_TEXT

if TYPE_CHECKING:
    from classifiers.linking import PolicyLinker  # brings the database library along, which most runs don't need

LONGEST_LINE = 900_000
"""Bytes; enough for `MAX_TEXT` Chinese characters and what stands around them. Longer lines are never held whole."""

_CHUNK = 65_536
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


class Source(NamedTuple):
    """Opened input: `size` in bytes (None: unknown), `position` the bytes of it read so far."""

    stream: IO[bytes]
    size: int | None
    position: Callable[[], int]
    file: IO[bytes] | None

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self.file is not None:
            self.file.close()


def open_lines(path: Path | None) -> Source:
    """Open a file (`.gz` is unpacked), or standard input for None. Raises OSError."""
    if path is None:
        return Source(sys.stdin.buffer, None, lambda: 0, None)
    file = path.open("rb")
    stream = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file
    return Source(stream, path.stat().st_size, file.tell, file)


def read_batches(stream: IO[bytes]) -> Iterator[list[bytes | None]]:
    """The lines as they come in, without their ends; None stands for one longer than `LONGEST_LINE`.

    What a slow writer has sent is given on at once: a batch never waits to become full.
    """
    pending = b""
    too_long = False
    read_some: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    while chunk := read_some(_CHUNK):
        *whole, rest = chunk.split(b"\n")
        if whole:
            first = pending + whole[0]
            batch: list[bytes | None] = [None if too_long or len(first) > LONGEST_LINE else first, *whole[1:]]
            pending, too_long = rest, False
            yield batch
        elif not too_long:
            pending += rest
        if len(pending) > LONGEST_LINE:
            pending, too_long = b"", True
    if pending or too_long:
        yield [None if too_long else pending]


class LineClassifier:
    """Judges lines.

    Parameters
    ----------
    model:
        Judges the texts.
    linker:
        Finds the policies; None leaves `policies` away.

    Attributes
    ----------
    lines, errors:
        How many lines have been judged so far, and how many of them could not be.
    """

    def __init__(self, model: Model, linker: PolicyLinker | None = None) -> None:
        self._model = model
        self._linker = linker
        self.lines = 0
        self.errors = 0

    def classify(self, batch: Sequence[bytes | None]) -> list[bytes]:
        """For each line, the line with what was found, or with `error`."""
        results: list[dict[str, Any]] = []
        readable: list[tuple[dict[str, Any], Text]] = []
        for line in batch:
            self.lines += 1
            try:
                result = _read(line)
                readable.append((result, _text_of(result)))
            except BadInput as error:
                self.errors += 1
                result = {**_fields_of(line), "error": error.message, "line": self.lines}
            results.append(result)
        judged = judge_with(self._model, [text for _, text in readable])
        for (result, text), heads in zip(readable, judged, strict=True):
            result.update({head: heads[head] for head in (*EVERY_MODEL, "harm", "advert") if head in heads})
            if self._linker is not None:
                url = result.get("url")
                links = self._linker.link(text.title, text.text, url if isinstance(url, str) else None)
                result["policies"] = [
                    {
                        "id": link.policy_id,
                        "reason": link.reason,
                        "field": link.field,
                        "span": link.span,
                        "matched": link.matched,
                        "confidence": link.confidence,
                    }
                    for link in links
                ]
                if "stance" in heads and any(not link.ambiguous for link in links):
                    result["stance"] = heads["stance"]
        return [msgspec.json.encode(result) for result in results]


def _read(line: bytes | None) -> dict[str, Any]:
    if line is None:
        raise BadInput(f"the line is longer than {LONGEST_LINE:,} bytes")
    line = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not line:
        raise BadInput("the line is empty")
    try:
        value = msgspec.json.decode(line)
        msgspec.json.encode(value)  # what can't be written again (a lone surrogate) must not break the output
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if _SURROGATE.search(line):
            raise BadInput("not a JSON line: a surrogate without its other half is no character") from error
        raise BadInput(f"not a JSON line: {error}") from error
    if not isinstance(value, dict):
        raise BadInput("the line is no JSON object")
    return value


def _text_of(value: dict[str, Any]) -> Text:
    text, title = value.get("text"), value.get("title")
    if text is None:
        raise BadInput("`text` is missing")
    if not isinstance(text, str) or not isinstance(title, str | None):
        raise BadInput("`text` and `title` must be strings")
    if not text.strip() and not (title or "").strip():
        raise BadInput("`text` is empty")
    if len(text) + len(title or "") > MAX_TEXT:
        raise BadInput(f"`text` is longer than {MAX_TEXT:,} characters")
    return Text(title or "", text)


def _fields_of(line: bytes | None) -> dict[str, Any]:
    """What an unusable line says of itself, where it is an object of bearable length: its id above all."""
    try:
        fields = _read(line)
    except BadInput:
        return {}
    return {name: value for name, value in fields.items() if not (isinstance(value, str) and len(value) > MAX_TEXT)}
