"""Dead letters: what a stage could not handle, kept with its reason, listed and sent again."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from minsheng.clock import Clock
from minsheng.errors import BadInput, WrongUse
from minsheng.logs import get_logger
from minsheng.records import DeadLetter, Document, decode, encode
from stream.log import DEAD_LETTERS, DOCUMENTS, Log, Message, Received

logger = get_logger(__name__)

_MAX_REASON = 2000
_RESEND_BATCH = 500


def dead_letter(stage: str, message: Received, reason: str, at: datetime) -> DeadLetter:
    """What is kept of a message that `stage` could not handle. Its id says where it stood, so that a message that is
    rejected twice is listed once."""
    try:
        value, encoded = message.value.decode(), False
    except UnicodeDecodeError:
        value, encoded = base64.b64encode(message.value).decode("ascii"), True
    return DeadLetter(
        id=f"{stage}-{message.topic}-{message.partition}-{message.offset}",
        stage=stage,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        reason=reason[:_MAX_REASON].encode("utf-8", "replace").decode(),
        value=value,
        encoding="base64" if encoded else "utf-8",
        # A key with lone surrogates is no UTF-8, as JSON has to be.
        key=None if message.key is None else message.key.encode("utf-8", "replace").decode(),
        at=at,
    )


def dead_letter_message(letter: DeadLetter) -> Message:
    return Message(DEAD_LETTERS, letter.id, encode(letter))


def list_dead_letters(log: Log, *, include_resent: bool = False, stage: str | None = None) -> list[DeadLetter]:
    """The dead letters, oldest first.

    Parameters
    ----------
    include_resent:
        Also those that were sent again and have not been rejected at the same place since.
    stage:
        Only those of this stage.
    """
    newest: dict[str, DeadLetter] = {}
    for message in log.read(DEAD_LETTERS):
        try:
            letter = decode(DeadLetter, message.value)
        except BadInput as error:
            logger.warning("dead_letter_unreadable", offset=message.offset, reason=error.message)
            continue
        newest.pop(letter.id, None)
        newest[letter.id] = letter
    return [
        letter
        for letter in newest.values()
        if (include_resent or letter.resent_at is None) and (stage is None or letter.stage == stage)
    ]


def resend(log: Log, ids: Collection[str] | None, clock: Clock) -> list[DeadLetter]:
    """Send dead letters to the topic they came from again.

    Parameters
    ----------
    ids:
        Which; None for all that were not sent again yet.

    Returns
    -------
    Those that were sent. Killed half-way, a letter may be sent twice: that has no effect the second time.

    Raises
    ------
    WrongUse
        If there is no letter of one of the ids; nothing is sent then.
    """
    letters = list_dead_letters(log, include_resent=ids is not None)
    if ids is not None:
        known = {letter.id for letter in letters}
        missing = [name for name in ids if name not in known]
        if missing:
            raise WrongUse(f"there is no dead letter {missing[0]}", "see: minsheng deadletters list")
        letters = [letter for letter in letters if letter.id in set(ids)]
    producer = log.producer()
    try:
        for start in range(0, len(letters), _RESEND_BATCH):
            chunk = letters[start : start + _RESEND_BATCH]
            producer.send(_originals(chunk))
            now = clock.now()
            producer.send(dead_letter_message(msgspec.structs.replace(letter, resent_at=now)) for letter in chunk)
    finally:
        producer.close()
    return letters


def _originals(letters: Iterable[DeadLetter]) -> list[Message]:
    messages = []
    for letter in letters:
        value = base64.b64decode(letter.value) if letter.encoding == "base64" else letter.value.encode()
        messages.append(Message(letter.topic, letter.key or letter.id, value, partition_key=_source(letter, value)))
    return messages


def _source(letter: DeadLetter, value: bytes) -> str | None:
    """The source of a document, so that it goes to the partition of its kind again; None where it can't be read."""
    if letter.topic != DOCUMENTS:
        return None
    try:
        return decode(Document, value).source
    except BadInput:
        return None
