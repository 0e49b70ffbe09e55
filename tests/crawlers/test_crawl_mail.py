"""Mail folders, on a real IMAP server: Twisted's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from crawlers.backfills import Window
from crawlers.checking import check
from crawlers.health import states
from crawlers.logins import Logins
from crawlers.mailbox import from_utf7, utf7
from crawlers.run import RunReport
from crawlers.sources import load_sources, make_source
from minsheng.clock import CHINA
from minsheng.errors import WrongUse
from sample.mailbox import MailServer
from tests.crawlers.conftest import NOW, Crawling

FOLDER = "民声来信"


def mail(number: int, text: str = "水费又扣了两次，电话13800138000。", **more: str) -> bytes:
    one = EmailMessage()
    one["Message-ID"] = f"<{number}@yunjiang.example>"
    one["Date"] = more.get("date", f"Mon, 23 Nov 2026 12:{number % 60:02d}:00 +0800")
    one["From"] = "老周 <zhou@yunjiang.example>"
    one["Subject"] = f"第{number}封来信"
    one.set_content(text)
    return one.as_bytes()


class Office:
    """A mailbox and the source that reads it."""

    def __init__(self, crawling: Crawling, **served: Any) -> None:
        self.crawling = crawling
        self.mails = [mail(number) for number in range(1, 4)]
        self.server = MailServer({"INBOX": lambda: self.mails, FOLDER: lambda: self.mails}, **served)
        self.password(self.server.password)
        self.write()

    def write(self, **options: Any) -> None:
        self.crawling.source("one", "mail", self.server.url, **{"user": "letters", "folder": FOLDER, **options})

    def password(self, words: str) -> None:
        logins = Logins.from_settings(self.crawling.settings, self.crawling.store)
        logins.give_password("one", words, NOW)

    def run(self) -> RunReport:
        return self.crawling.run()

    def titles(self) -> list[str]:
        return sorted(document.title for document in self.crawling.documents())


@pytest.fixture
def office(crawling: Crawling) -> Iterator[Office]:
    opened = Office(crawling)
    yield opened
    opened.server.stop()


def test_mails_are_read_once_and_stay_as_they_were(office: Office) -> None:
    report = office.run()
    assert (report.ok, report.error, report.new) == (True, "", 3)
    assert office.titles() == ["第1封来信", "第2封来信", "第3封来信"]
    document = office.crawling.documents()[0]
    assert (document.kind, document.text, document.published_estimated) == (
        "message",
        "水费又扣了两次，电话[电话]。",
        False,
    )
    assert document.author_key is not None
    office.mails.append(mail(4))
    assert office.run().new == 1
    assert office.run().items == 0
    # Opened for reading only, and nothing is marked as read.
    commands = " ".join(office.server.asked)
    assert "EXAMINE" in commands
    assert "BODY.PEEK[]" in commands
    assert not any(word in commands for word in ("SELECT ", "STORE", "EXPUNGE", "BODY[]", "RFC822 "))
    assert sum("BODY.PEEK" in command for command in office.server.asked) == 2


def test_a_folder_numbered_anew_is_read_anew_and_nothing_twice(office: Office) -> None:
    office.run()
    office.server.validity = 2
    del office.mails[0]
    office.mails.append(mail(9))
    report = office.run()
    assert (report.new, report.unchanged) == (1, 2)
    assert len(office.crawling.documents()) == 4


def test_a_run_takes_some_and_the_next_goes_on(office: Office) -> None:
    office.mails[:] = [mail(number) for number in range(1, 51)]
    office.write(most=30)
    assert [office.run().new for _ in range(3)] == [30, 20, 0]


def test_what_goes_wrong_is_told(office: Office) -> None:
    office.password("falsch")
    report = office.run()
    assert (report.ok, report.fault) == (False, "login")
    assert "does not take the user and password" in report.error
    assert "falsch" not in report.error
    assert [state.state for state in states(office.crawling.store, office.crawling.clock)] == ["cookie"]
    office.password(office.server.password)
    office.write(folder="信访")
    report = office.run()
    assert not report.ok
    assert "has no folder 信访" in report.error
    assert FOLDER in report.error
    office.write()
    office.server.stop()
    assert "can't be reached" in office.run().error
    Logins.from_settings(office.crawling.settings, office.crawling.store).forget("one")
    assert "there is no password for letters" in office.run().error


def test_a_mail_that_is_too_large_or_broken_does_not_hold_up_the_others(office: Office) -> None:
    office.crawling.crawl["max_body"] = 4000
    office.mails.insert(1, mail(7, "长" * 5000))
    office.mails.insert(2, b"\xff\xfe no mail at all")
    report = office.run()
    # What has no head is taken for the words of a mail: nothing is lost.
    assert (report.ok, report.new) == (True, 4)
    assert report.rejected == {"larger than crawl.max_body": 1}
    assert office.run().items == 0


def test_addresses_of_ones_own_network_must_be_listed(office: Office) -> None:
    office.crawling.crawl["allowed_networks"] = ()
    report = office.run()
    assert not report.ok
    assert "crawl.allowed_networks" in report.error
    assert office.server.asked == []


def test_a_check_shows_the_newest_and_stores_nothing(office: Office) -> None:
    office.run()
    source = load_sources(office.crawling.store)[0]
    looked = check(source, office.crawling.settings, office.crawling.clock, limit=2, store=office.crawling.store)
    assert looked.report.ok
    assert sorted(one.title for one in looked.documents) == ["第2封来信", "第3封来信"]


def test_a_backfill_takes_the_days_that_were_asked_for(office: Office) -> None:
    office.mails.append(mail(5, date="Tue, 20 Oct 2026 09:00:00 +0800"))
    window = Window(datetime(2026, 10, 1, tzinfo=CHINA), datetime(2026, 11, 1, tzinfo=CHINA))
    assert office.crawling.stage.backfill("one", window).new == 1
    assert office.run().new == 3  # the place of the daily runs is its own


def certificate(folder: Path) -> tuple[Path, Any]:
    """A certificate for this machine in one file with its key, and Twisted's context for it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from twisted.internet.ssl import DefaultOpenSSLContextFactory

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "cert.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return file, DefaultOpenSSLContextFactory(str(secret), str(file))


@pytest.mark.parametrize("secure", [True, False], ids=["from the start", "STARTTLS"])
def test_tls_and_its_certificate(
    secure: bool, crawling: Crawling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = certificate(tmp_path)
    office = Office(crawling, context=context, secure=secure)
    assert "certificate is not trusted" in office.run().error
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert office.run().new == 3
    assert secure or "STARTTLS" in office.server.asked
    office.server.stop()


@pytest.mark.parametrize("name", ["INBOX", FOLDER, "A&B", "来信/2026 年", "~peter/mail/台北/日本語"])
def test_names_of_folders(name: str) -> None:
    assert from_utf7(utf7(name)) == name
    assert utf7("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"  # the example of RFC 3501


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "https://h.example/", "options": {"user": "a"}}, "imaps://host/path"),
        ({"url": "imaps://h.example"}, "user is missing"),
        ({"url": "imaps://h.example", "options": {"user": "a", "most": 0}}, "most must be"),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongUse) as raised:
        make_source({"id": "one", "kind": "mail", **values}, "file")
    assert words in f"{raised.value.message} {raised.value.hint}"
