"""Where this server may be sent by people who do not run it. Pure.

Somebody who may name an address that this server then asks must not reach what only this server
can: itself, its own network, and the services by which clouds hand credentials to a machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from audit_core.domain.errors import AuditError
from audit_core.domain.ip_addresses import plain_network, read_address

Network = IPv4Network | IPv6Network

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""Addresses that a gateway translates to the IPv4 address in their last 32 bits (RFC 6052)."""
_INTERNAL: tuple[Network, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2002::/16"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("fec0::/10"),
)
"""What `is_global` calls public, in some versions of Python at least, and is not: protocol
assignments (one cloud has its metadata there), another cloud's service for its machines, tunnels
that end at an IPv4 address of somebody's choice, and the private addresses of early IPv6."""


class OutgoingRefused(AuditError):
    """An address that this server may not be sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingPolicy:
    """Public addresses by HTTPS, and whatever the operator names besides."""

    networks: tuple[Network, ...] = ()
    """Networks that may be reached although they are not public, also without encryption."""
    unencrypted: bool = False
    """Whether public addresses may be reached without encryption: for services that are told
    nothing secret, and whose answers are signed."""

    def require(self, host: str, address: str, *, encrypted: bool) -> None:
        """Raises `OutgoingRefused` unless a connection to `address`, which `host` resolved to, may
        be made. The address is not repeated: who asked need not learn what a name means here."""
        reached = _reached(address)
        if any(reached in plain_network(network) for network in self.networks):
            return
        if not _is_public(reached):
            raise OutgoingRefused(
                f"{host} leads to an address that is not public, and this server may not be sent "
                "there.",
                "Give a public address, or have whoever runs this server name the network in "
                "SANDTRAIL_OUTGOING_NETWORKS.",
            )
        if not encrypted and not self.unencrypted:
            raise unencrypted(host)

    def require_scheme(self, host: str, scheme: str) -> None:
        """Raises `OutgoingRefused` if no address may be reached by this scheme, whatever the host
        resolves to."""
        if scheme != "https" and not self.networks and not self.unencrypted:
            raise unencrypted(host)


def unencrypted(host: str) -> OutgoingRefused:
    """Why a public address is not asked by HTTP."""
    return OutgoingRefused(
        f"{host} would be reached without encryption.",
        "Give an address that begins with https://.",
    )


def _reached(address: str) -> IPv4Address | IPv6Address:
    """Where a connection to an address ends."""
    found = read_address(address)
    if isinstance(found, IPv6Address) and found in _TRANSLATED:
        return IPv4Address(int(found) & 0xFFFF_FFFF)
    return found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    closed = (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or any(address in network for network in _INTERNAL)
    )
    return not closed
