"""Reading a folder of a mail server (IMAP4rev1, RFC 3501) without changing anything there.

The folder is opened with EXAMINE and mails are taken with BODY.PEEK: nothing is marked as read, moved or removed.
"""

from __future__ import annotations

import base64
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from crawlers.addresses import AddressRefused, AddressRule
from crawlers.faults import LoginEnded
from minsheng.clock import CHINA
from minsheng.errors import BadInput

PORTS = {"imaps": 993, "imap": 143}
AT_A_TIME = 20
"""Mails fetched in one answer."""
_UID = re.compile(rb"UID (\d+)")
_OCTETS = re.compile(rb"RFC822\.SIZE (\d+)")
_NAME = re.compile(rb'(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))$')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Mail(NamedTuple):
    """A mail by its number in the folder; its raw form, None where it is larger than is taken."""

    uid: int
    raw: bytes | None


class Mailbox:
    """A folder, opened for reading until closed.

    Parameters
    ----------
    url:
        `imaps://host[:port]`, with TLS from the start, or `imap://host[:port]`, with TLS by STARTTLS; on this machine
        itself also without.
    folder:
        Its name as people see it; the server's own form of it is made here.
    rule:
        Which addresses may be connected to.
    timeout:
        Seconds that each answer may take.

    Raises
    ------
    LoginEnded
        If the server does not take user and password.
    BadInput
        If the server can't be reached, has no such folder, or offers no TLS.
    """

    def __init__(self, url: str, user: str, password: str, folder: str, rule: AddressRule, timeout: float) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        where = f"{host}:{port}"
        try:
            address = _judged(host, port, rule)
            self._server = _connected(parts.scheme, host, address, port, timeout)
        except AddressRefused as error:
            raise BadInput(str(error)) from error
        except (OSError, imaplib.IMAP4.error) as error:
            raise BadInput(f"{where}: the mail server can't be reached: {_said(error)}") from error
        try:
            self._log_in(user, password, where)
            self.validity = self._open(folder, where)
        except BaseException:
            self.close()
            raise

    def _log_in(self, user: str, password: str, where: str) -> None:
        try:
            self._server.login(_quoted(user), password)
        except imaplib.IMAP4.abort as error:
            raise BadInput(f"{where}: the mail server hung up: {_said(error)}") from error
        except imaplib.IMAP4.error as error:
            raise LoginEnded(
                f"{where} does not take the user and password: {_said(error)}",
                "give the password again: minsheng sources login ID; many services want one made for mail programs",
            ) from error
        except OSError as error:
            raise BadInput(f"{where}: the mail server hung up: {_said(error)}") from error

    def _open(self, folder: str, where: str) -> int:
        """Open the folder for reading. Returns its UIDVALIDITY: with another one, all numbers are others."""
        try:
            status, answer = self._server.select(_quoted(utf7(folder)), readonly=True)
        except (imaplib.IMAP4.error, OSError) as error:
            raise BadInput(f"{where}: the folder {folder} can't be opened: {_said(error)}") from error
        if status != "OK":
            names = ", ".join(self.folders()[:20])
            raise BadInput(f"{where} has no folder {folder}", f"it has: {names}" if names else "")
        _, said = self._server.response("UIDVALIDITY")
        number = said[0] if said else None
        if not number:
            raise BadInput(f"{where}: the server gives no UIDVALIDITY for {folder}: {answer!r}")
        return int(number)

    def folders(self) -> list[str]:
        """The folders' names, as people see them."""
        with suppress(imaplib.IMAP4.error, OSError):
            _, lines = self._server.list()
            names = (_NAME.search(line) for line in lines if isinstance(line, bytes))
            return [from_utf7((name[1] or name[2]).decode("ascii", "replace")) for name in names if name]
        return []

    def numbers(self, after: int = 0, since: datetime | None = None, until: datetime | None = None) -> list[int]:
        """The numbers of the folder's mails, lowest first.

        Parameters
        ----------
        after:
            Only higher ones.
        since, until:
            Only mails whose Date is in these days, as far as the server knows it.
        """
        wanted = [f"UID {after + 1}:*"]
        if since is not None:
            wanted.append(f"SENTSINCE {_day(since)}")
        if until is not None:
            wanted.append(f"SENTBEFORE {_day(until)}")
        answer = self._ask("SEARCH", *wanted)
        # `n:*` always means the last mail, too.
        found = {int(number) for line in answer if isinstance(line, bytes) for number in line.split()}
        return sorted(number for number in found if number > after)

    def mails(self, numbers: Sequence[int], largest: int) -> Iterator[list[Mail]]:
        """The mails, some at a time; one that has more than `largest` octets without its words."""
        for start in range(0, len(numbers), AT_A_TIME):
            some = numbers[start : start + AT_A_TIME]
            sizes = self._sizes(some)
            small = [uid for uid in some if uid in sizes and sizes[uid] <= largest]
            whole = self._whole(small)
            yield [Mail(uid, whole.get(uid)) for uid in some if uid in whole or sizes.get(uid, 0) > largest]

    def _sizes(self, numbers: Sequence[int]) -> dict[int, int]:
        sizes: dict[int, int] = {}
        for line in self._ask("FETCH", _set(numbers), "(UID RFC822.SIZE)"):
            text = line if isinstance(line, bytes) else b" ".join(line or ())
            uid, size = _UID.search(text), _OCTETS.search(text)
            if uid and size:
                sizes[int(uid[1])] = int(size[1])
        return sizes

    def _whole(self, numbers: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        if not numbers:
            return found
        answer = self._ask("FETCH", _set(numbers), "(UID BODY.PEEK[])")
        for place, part in enumerate(answer):
            if not isinstance(part, tuple):
                continue
            # The number stands before the words, or behind them in what follows.
            behind = answer[place + 1] if place + 1 < len(answer) else b""
            uid = _UID.search(part[0]) or _UID.search(behind if isinstance(behind, bytes) else b"")
            if uid:
                found[int(uid[1])] = part[1]
        return found

    def _ask(self, command: str, *words: str) -> list[Any]:
        try:
            status, answer = self._server.uid(command, *words)
        except (imaplib.IMAP4.error, OSError) as error:
            raise BadInput(f"the mail server broke off: {_said(error)}") from error
        if status != "OK":
            raise BadInput(f"the mail server refuses {command}: {answer!r}"[:300])
        return [part for part in answer if part is not None]

    def close(self) -> None:
        with suppress(imaplib.IMAP4.error, OSError):
            self._server.logout()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _judged(host: str, port: int, rule: AddressRule) -> str:
    """The numeric address that is connected to, once it may be."""
    found = [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [address for address in found if rule.allows(address)]
    if not allowed:
        raise AddressRefused(
            f"{host} is at {', '.join(dict.fromkeys(found))}, no public address: "
            "list its network in crawl.allowed_networks"
        )
    return allowed[0]


def _connected(scheme: str, host: str, address: str, port: int, timeout: float) -> imaplib.IMAP4:
    """Connected to the judged address, with TLS for the host's name."""

    class Plain(imaplib.IMAP4):
        def _create_socket(self, timeout: float | None) -> socket.socket:
            return socket.create_connection((address, port), timeout)

    class Secure(imaplib.IMAP4_SSL):
        def _create_socket(self, timeout: float | None) -> socket.socket:
            plain = socket.create_connection((address, port), timeout)
            return self.ssl_context.wrap_socket(plain, server_hostname=host)

    context = ssl.create_default_context()
    if scheme == "imaps":
        return Secure(host, port, ssl_context=context, timeout=timeout)
    server = Plain(host, port, timeout=timeout)
    if "STARTTLS" in server.capabilities:
        server.starttls(context)
    elif not address.startswith("127.") and address != "::1":
        server.logout()
        raise imaplib.IMAP4.error("it offers no TLS, and the password is not sent without: use imaps://")
    return server


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if error.args and isinstance(error.args[0], bytes):
        return error.args[0].decode("utf-8", "replace")[:200]
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _set(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _day(time: datetime) -> str:
    local = time.astimezone(CHINA)
    return f"{local.day:02d}-{_MONTHS[local.month - 1]}-{local.year}"


def utf7(name: str) -> str:
    """A folder's name in the form of the protocol (RFC 3501, 5.1.3).

    Examples
    --------
    >>> utf7("来信"), utf7("A&B")
    ('&Z2VP4Q-', 'A&-B')
    """
    parts = re.split(r"([^\x20-\x7e]+)", name)
    return "".join(
        part.replace("&", "&-")
        if place % 2 == 0
        else "&" + base64.b64encode(part.encode("utf-16-be")).rstrip(b"=").decode().replace("/", ",") + "-"
        for place, part in enumerate(parts)
    )


def from_utf7(name: str) -> str:
    """The name that a server's form stands for; itself where it is none."""

    def words(match: re.Match[str]) -> str:
        if not match[1]:
            return "&"
        coded = match[1].replace(",", "/")
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")

    try:
        return re.sub(r"&([^-]*)-", words, name.replace('\\"', '"').replace("\\\\", "\\"))
    except ValueError:
        return name
