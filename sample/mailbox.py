"""The sample world's mailbox: citizens' letters by e-mail, on a real IMAP server (Twisted's, which comes with Scrapy).

It is read-only in effect: what readers mark is forgotten.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from threading import Event
from types import TracebackType
from typing import Any, Self

from crawlers.reactor import crawl_loop
from minsheng.errors import WrongUse
from sample.letters import letters
from sample.site import Site

USER, PASSWORD = "letters", "yunjiang"
FOLDER = "民声来信"


class MailServer:
    """Serves folders of mails on a port of this machine until stopped.

    Parameters
    ----------
    folders:
        Folder → what gives its mails, in the order of their numbers, whenever it is opened.
    validity:
        The folders' UIDVALIDITY; may be changed while it serves.
    context:
        Twisted's context factory: TLS is offered by STARTTLS, or spoken from the start with `secure`.
    """

    def __init__(
        self,
        folders: dict[str, Callable[[], Sequence[bytes]]],
        port: int = 0,
        *,
        user: str = USER,
        password: str = PASSWORD,
        validity: int = 1,
        context: Any = None,
        secure: bool = False,
    ) -> None:
        self.folders = folders
        self.user, self.password, self.validity = user, password, validity
        self.asked: list[str] = []  # the commands that were given, without passwords
        self._context, self._secure = context, secure
        self.port = self._in_reactor(lambda: self._listen(port))
        self.url = f"{'imaps' if secure else 'imap'}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._in_reactor(self._listening.stopListening)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _listen(self, port: int) -> int:
        from twisted.internet import reactor as running

        reactor: Any = running
        factory = _factory(self, None if self._secure else self._context)
        if self._secure:
            self._listening: Any = reactor.listenSSL(port, factory, self._context, interface="127.0.0.1")
        else:
            self._listening = reactor.listenTCP(port, factory, interface="127.0.0.1")
        found: int = self._listening.getHost().port
        return found

    def _in_reactor(self, action: Callable[[], Any]) -> Any:
        """The action's result, from the thread that Twisted runs in."""
        done = Event()
        result: list[Any] = []

        def act() -> None:
            try:
                result.append(action())
            except Exception as error:
                result.append(error)
            done.set()

        crawl_loop().call_soon_threadsafe(act)
        done.wait()
        if isinstance(result[0], Exception):
            raise WrongUse(f"the sample's mailbox can't be served: {result[0]}") from result[0]
        return result[0]


def _in_days(raw: bytes, days: Mapping[str, str]) -> bool:
    """Whether a mail's own day is within those of a search."""
    sent = parsedate_to_datetime(str(BytesParser().parsebytes(raw)["Date"])).date() if days else date.min
    limits = {name: datetime.strptime(day, "%d-%b-%Y").date() for name, day in days.items()}  # noqa: DTZ007
    return limits.get("SENTSINCE", date.min) <= sent < limits.get("SENTBEFORE", date.max)


def _factory(owner: MailServer, context: Any) -> Any:
    from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
    from twisted.cred.portal import IRealm, Portal
    from twisted.internet.protocol import Factory
    from twisted.mail import imap4
    from zope.interface import implementer  # type: ignore[import-untyped]

    @implementer(imap4.IMessage, imap4.IMessageFile)
    class Letter:
        def __init__(self, uid: int, raw: bytes) -> None:
            self.uid, self.raw = uid, raw
            self.parsed = BytesParser().parsebytes(raw)

        def getUID(self) -> int:  # noqa: N802 - these and all below: Twisted's names
            return self.uid

        def getFlags(self) -> list[str]:  # noqa: N802
            return []

        def getInternalDate(self) -> str:  # noqa: N802
            return str(self.parsed["Date"])

        def getHeaders(self, negate: bool, *names: str) -> dict[str, str]:  # noqa: N802
            wanted = {name.lower() for name in names}
            return {key.lower(): str(value) for key, value in self.parsed.items() if (key.lower() in wanted) != negate}

        def getBodyFile(self) -> io.BytesIO:  # noqa: N802
            return io.BytesIO(self.raw.partition(b"\n\n")[2])

        def open(self) -> io.BytesIO:
            return io.BytesIO(self.raw)

        def getSize(self) -> int:  # noqa: N802
            return len(self.raw)

        def isMultipart(self) -> bool:  # noqa: N802
            return False

        def getSubPart(self, part: int) -> Any:  # noqa: N802
            raise IndexError(part)

    @implementer(imap4.IMailbox, imap4.ISearchableMailbox)
    class Folder:
        def __init__(self, mails: Callable[[], Sequence[bytes]]) -> None:
            self._mails = mails

        def getUIDValidity(self) -> int:  # noqa: N802
            return owner.validity

        def getUIDNext(self) -> int:  # noqa: N802
            return self.getMessageCount() + 1

        def getUID(self, message: int) -> int:  # noqa: N802
            return message

        def getMessageCount(self) -> int:  # noqa: N802
            return len(self._mails())

        def getRecentCount(self) -> int:  # noqa: N802
            return 0

        getUnseenCount = getMessageCount  # noqa: N815

        def isWriteable(self) -> bool:  # noqa: N802
            return False

        def getFlags(self) -> list[str]:  # noqa: N802
            return ["\\Seen"]

        def getHierarchicalDelimiter(self) -> str:  # noqa: N802
            return "/"

        def requestStatus(self, names: Iterable[str]) -> Any:  # noqa: N802
            return imap4.statusRequestHelper(self, names)

        def addListener(self, listener: Any) -> None:  # noqa: N802
            pass

        removeListener = addListener  # noqa: N815

        def fetch(self, messages: Any, uid: bool) -> list[tuple[int, Letter]]:
            mails = self._mails()
            messages.last = len(mails)
            return [(number, Letter(number, mails[number - 1])) for number in messages if 1 <= number <= len(mails)]

        def search(self, query: Sequence[Any], uid: bool) -> list[int]:
            """Twisted's own search can't read days that come as bytes."""
            words = [word.decode() if isinstance(word, bytes) else str(word) for word in query]
            first = int(words[words.index("UID") + 1].partition(":")[0]) if "UID" in words else 1
            mails = self._mails()
            found = range(min(first, len(mails)), len(mails) + 1) if mails else range(0)
            days: dict[str, str] = {
                name: words[words.index(name) + 1] for name in ("SENTSINCE", "SENTBEFORE") if name in words
            }
            return [number for number in found if _in_days(mails[number - 1], days)]

        def store(self, messages: Any, flags: Any, mode: int, uid: bool) -> dict[int, Any]:
            return {}

    @implementer(IRealm)
    class Realm:
        def requestAvatar(self, name: bytes, mind: Any, *interfaces: Any) -> Any:  # noqa: N802
            account = imap4.MemoryAccount(name)
            for folder, mails in owner.folders.items():
                account.addMailbox(folder, Folder(mails))
            return imap4.IAccount, account, lambda: None

    class Server(imap4.IMAP4Server):
        def lineReceived(self, line: bytes) -> None:  # noqa: N802
            words = line.decode("latin-1").split(" ", 2)
            if len(words) > 1:
                shown = " ".join(words[1:]) if words[1].upper() not in ("LOGIN", "AUTHENTICATE") else words[1]
                owner.asked.append(shown)
            super().lineReceived(line)

    class Mails(Factory):
        noisy = False

        def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
            checker = InMemoryUsernamePasswordDatabaseDontUse()
            checker.addUser(owner.user.encode(), owner.password.encode())
            server: Any = Server(contextFactory=context)
            realm: Any = Realm()
            users: Any = checker
            server.portal = Portal(realm, [users])
            server.factory = self
            return server

    return Mails()


def sample_mailbox(site: Site, port: int) -> MailServer:
    """The sample site's messages as mails, each there from its time on."""

    def visible() -> list[bytes]:
        now = site.clock.now()
        return letters(item for item in site.scene.messages if item.at <= now)

    return MailServer({"INBOX": list, FOLDER: visible}, port)
