"""Which address a request comes from when there are proxies in front of the app.

A forwarding header is worth what its last writer is worth: anybody can send one. So it is read
from the right, each hop believed only because the hop after it is a proxy that the operator named,
and the first address that is not such a proxy is the client. Without named proxies, and from any
other peer, the header means nothing and the peer itself is the client.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers

from audit_core.runtime.settings import ForwardedHeader, Network

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_SCHEMES: Mapping[str, Mapping[str, str]] = {
    "http": {"http": "http", "https": "https"},
    "websocket": {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"},
}
_PARAMETER = re.compile(r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)=("(?:[^"\\]|\\.)*"|[^";,\s]*)\s*')


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedProxies:
    """The proxies that the operator named, and the one header that they set."""

    networks: tuple[Network, ...] = ()
    header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR
    """Only this one is read: a proxy passes on, unread, whatever a client puts into the other."""

    def __contains__(self, address: object) -> bool:
        return isinstance(address, IPAddress) and any(
            address in network for network in self.networks
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    """One element of a forwarding header."""

    address: IPAddress | None = None
    """`None` for what is no address, like `unknown`."""
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where a request came from, as far as it can be believed."""

    address: str | None
    """`None` where the server knows no peer."""
    scheme: str | None = field(default=None)
    """`http` or `https` as the nearest proxy says; `None` when no proxy may say it."""


def client_of(peer: str | None, headers: Headers, proxies: TrustedProxies) -> Client:
    """The client of a request that arrived from `peer`, the other end of the connection."""
    nearest = parse_address(peer)
    if nearest not in proxies:
        return Client(address=peer if nearest is None else str(nearest))
    hops = _hops(headers, proxies.header)
    client = nearest
    for hop in reversed(hops):
        if hop.address is None:
            break  # Told by a proxy that does not know itself: what lies beyond is hearsay.
        client = hop.address
        if client not in proxies:
            break
    return Client(address=str(client), scheme=hops[-1].scheme if hops else None)


def with_client(scope: MutableMapping[str, Any], proxies: TrustedProxies) -> dict[str, Any]:
    """The ASGI scope with the client's address and scheme in place of the last proxy's."""
    peer = scope.get("client")
    client = client_of(peer[0] if peer else None, Headers(scope=scope), proxies)
    changed = dict(scope)
    if client.address is not None and peer and client.address != peer[0]:
        changed["client"] = (client.address, 0)
    scheme = _SCHEMES.get(scope["type"], {}).get(client.scheme or "")
    if scheme is not None:
        changed["scheme"] = scheme
    return changed


def parse_address(text: str | None) -> IPAddress | None:
    """An address with or without a port, in brackets or not; `None` for anything else.

    An IPv4 address written as IPv6 is the IPv4 address.
    """
    if not text:
        return None
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _hops(headers: Headers, header: ForwardedHeader) -> Sequence[_Hop]:
    """The hops as the header tells them, the nearest one last."""
    if header is ForwardedHeader.FORWARDED:
        return [
            _forwarded_hop(element)
            for line in headers.getlist("forwarded")
            for element in _elements(line)
        ]
    hops = [
        _Hop(address=parse_address(part))
        for line in headers.getlist("x-forwarded-for")
        for part in line.split(",")
    ]
    schemes = [
        part.strip().lower()
        for line in headers.getlist("x-forwarded-proto")
        for part in line.split(",")
    ]
    if not schemes:
        return hops
    nearest = hops[-1] if hops else _Hop()
    return [*hops[:-1], _Hop(address=nearest.address, scheme=schemes[-1])]


def _elements(line: str) -> Iterator[str]:
    """The elements of a Forwarded header (RFC 7239): a comma within quotes parts nothing."""
    for match in re.finditer(r'(?:"(?:[^"\\]|\\.)*"|[^,"]|")+', line):
        yield match.group()


def _forwarded_hop(element: str) -> _Hop:
    parameters: dict[str, str] = {}
    for pair in re.findall(r'(?:"(?:[^"\\]|\\.)*"|[^;"]|")+', element):
        if match := _PARAMETER.fullmatch(pair):
            name, value = match.groups()
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            parameters[name.lower()] = value
    scheme = parameters.get("proto")
    return _Hop(
        address=parse_address(parameters.get("for")),
        scheme=None if scheme is None else scheme.lower(),
    )
