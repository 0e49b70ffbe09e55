"""Which addresses may be asked: public ones, and those networks that the operator's settings list.

A source's address, a link or a redirect may lead into the operator's own network, to services that trust whoever
reaches them. So every address is judged where it is about to be connected to: between the resolution of a name and the
connection, in Twisted's resolver. What was judged is what is connected to; a name that answers differently the second
time (DNS rebinding) is judged a second time.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from scrapy.exceptions import IgnoreRequest
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(map(ipaddress.IPv6Network, (
    "fec0::/10",  # site-local (RFC 3879)
    "::/96", "::ffff:0:0:0/96",  # IPv4 addresses in old forms (RFC 4291, 2765)
    "64:ff9b:1::/48",  # an operator's own translation to IPv4 (RFC 8215)
)))  # fmt: skip
"""What Python's `is_global` calls public, at least in some of its versions, and is not."""

PUBLIC_ONLY = "minsheng_public_only"
"""A request's mark: networks of the operator's own are not open to it."""


class AddressRefused(IgnoreRequest):
    """A host is where nothing may be asked."""


class AddressRule:
    """Public addresses, and those in `networks`.

    Parameters
    ----------
    networks:
        As `10.20.0.0/16`; also of addresses that are not public.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self.networks: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in networks)

    def allows(self, address: str) -> bool:
        """Whether a numeric address may be connected to."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        inner = _inside(found)
        if any(one in network for one in (found, inner) for network in self.networks if one.version == network.version):
            return True
        return _is_public(found) and _is_public(inner)


def _is_public(address: Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    )


def _inside(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for; otherwise itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


class _Judged:
    """The rule of the request under way, and the addresses that it refused."""

    def __init__(self, rule: AddressRule) -> None:
        self.rule = rule
        self.refused: list[str] = []


_current: ContextVar[_Judged | None] = ContextVar("judged_addresses", default=None)


@contextmanager
def judged(rule: AddressRule, host: str) -> Iterator[None]:
    """Let connections made in this block pass by `rule`.

    Raises
    ------
    AddressRefused
        In place of the error in the block, where an address of `host` was refused.
    """
    state = _Judged(rule)
    token = _current.set(state)
    try:
        yield
    except Exception as error:
        if state.refused:
            raise AddressRefused(
                f"{host} is at {', '.join(state.refused)}, no public address: "
                "list its network in crawl.allowed_networks"
            ) from error
        raise
    finally:
        _current.reset(token)


@implementer(IHostnameResolver)
class GuardedResolver:
    """Hands on only addresses that the rule of the request under way allows; none where no request is.

    Twisted resolves every host with it, numeric ones too, and connects to what it is handed.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def resolveHostName(  # noqa: N802 - Twisted's name
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> IHostResolution:
        receiver = _Receiver(resolutionReceiver, _current.get() or _Judged(AddressRule()))
        found: IHostResolution = self._inner.resolveHostName(
            receiver, hostName, portNumber, addressTypes, transportSemantics
        )
        return found


@implementer(IResolutionReceiver)
class _Receiver:
    def __init__(self, receiver: Any, state: _Judged) -> None:
        self._receiver = receiver
        self._state = state

    def resolutionBegan(self, resolutionInProgress: Any) -> None:  # noqa: N802, N803 - Twisted's names
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        if self._state.rule.allows(address.host):
            self._receiver.addressResolved(address)
        elif address.host not in self._state.refused:
            self._state.refused.append(address.host)

    def resolutionComplete(self) -> None:  # noqa: N802
        self._receiver.resolutionComplete()
