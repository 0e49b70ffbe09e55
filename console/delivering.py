"""One POST to an address that a user has given, which may lead nowhere but out: the rules of the crawler hold for it.

The name is resolved here, each address is judged, and the one that was judged is connected to: a name that answers
differently the second time gains nothing. Redirects are not followed, proxies not asked, and little of the answer is
read.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3

from crawlers.addresses import AddressRule
from minsheng.problems import Problem

SECONDS = 10.0
MOST_READ = 2_048


class Refused(Exception):
    """Nothing was sent, or no answer came. The text names the host alone: paths of such addresses are secrets."""


class Sender:
    """Sends by a rule on addresses."""

    def __init__(self, rule: AddressRule, seconds: float = SECONDS) -> None:
        self._rule = rule
        self._seconds = seconds

    def check(self, url: str) -> str:
        """The host of an address that may be sent to. Raises `Refused`."""
        host, port, _ = _parts(url)
        self._address(host, port)
        return host

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send, and return the status of the answer. Raises `Refused`."""
        host, port, target = _parts(url)
        address = self._address(host, port)
        named = f"[{host}]" if ":" in host else host
        default = port == (443 if url.startswith("https:") else 80)
        sent = {"User-Agent": "minsheng", "Host": named if default else f"{named}:{port}", **headers}
        timeout = urllib3.Timeout(connect=self._seconds, read=self._seconds)
        pool: urllib3.HTTPConnectionPool
        if url.startswith("https:"):
            pool = urllib3.HTTPSConnectionPool(
                address, port, timeout=timeout, ssl_context=ssl.create_default_context(), server_hostname=host,
                assert_hostname=host,
            )  # fmt: skip
        else:
            pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
        try:
            answer = pool.urlopen(
                "POST", target, body=body, headers=sent, retries=False, redirect=False, preload_content=False
            )
            try:
                answer.read(MOST_READ)
                return int(answer.status)
            finally:
                answer.close()
        except urllib3.exceptions.TimeoutError:
            raise Refused(Problem("host-slow", host=host, seconds=self._seconds)) from None
        except urllib3.exceptions.HTTPError as error:
            raise Refused(Problem("host-away", host=host, reason=type(error).__name__)) from None
        finally:
            pool.close()

    def _address(self, host: str, port: int) -> str:
        try:
            found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            raise Refused(Problem("host-unknown", host=host)) from None
        bad = [address for address in found if not self._rule.allows(address)]
        if bad or not found:
            raise Refused(Problem("host-private", host=host))
        return found[0]


def _parts(url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Refused(Problem("address-broken")) from None
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= 2_000
    if parts.scheme not in ("http", "https") or not host or not plain or parts.username or parts.password:
        raise Refused(Problem("address-wrong"))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return host, port or (443 if parts.scheme == "https" else 80), target
