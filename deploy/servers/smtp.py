"""An SMTP server that keeps what it is sent, for trying out notices by mail."""

from __future__ import annotations

import smtplib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.servers.process import HOST, Server


class SMTPServer(Server):
    """Takes every message and puts it into the Maildir `mail` in its folder. `address` is an Apprise mail address."""

    name = "smtp"

    @property
    def address(self) -> str:
        return f"mailto://{HOST}:{self.port}?from=minsheng@example.test&to=duty@example.test"

    @classmethod
    def fetch(cls, cache: Path) -> None:
        return  # aiosmtpd is among the development tools

    def prepare(self) -> None:
        return

    def command(self) -> Sequence[str]:
        handler = ["-c", "aiosmtpd.handlers.Mailbox", str(self.folder / "mail")]
        return [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"{HOST}:{self.port}", *handler]

    def answers(self) -> bool:
        with smtplib.SMTP(HOST, self.port, timeout=5) as client:
            return client.noop()[0] == 250

    def settings(self) -> Mapping[str, str]:
        return {"MINSHENG_NOTIFY__CHANNELS": f'[{{ name = "mail", url = "{self.address}" }}]'}
