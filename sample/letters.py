"""The sample world's messages as citizens' letters by e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import format_datetime

from sample.content import Message
from sample.timeline import Dated

HOST = "yunjiang.example"


def letters(items: Iterable[Dated[Message]]) -> list[bytes]:
    """The messages as mails, oldest first."""
    return [letter(item) for item in sorted(items, key=lambda item: item.at)]


def letter(item: Dated[Message]) -> bytes:
    """A message as the mail of whoever wrote it."""
    mail = EmailMessage()
    mail["Message-ID"] = f"<{item.at:%Y%m%d%H%M}.{len(item.entry.text)}@{HOST}>"
    mail["Date"] = format_datetime(item.at)
    mail["From"] = f"{item.entry.by} <citizen@{HOST}>"
    mail["To"] = f"letters@{HOST}"
    mail["Subject"] = item.entry.title
    mail.set_content(item.entry.text)
    return mail.as_bytes()
