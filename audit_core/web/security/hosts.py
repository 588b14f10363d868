"""Which names this app answers to. Pure: decides, does nothing.

A page of another site can have its own name point to this machine (DNS rebinding); the browser
then counts the app as that site's own. Such a request gives itself away by its Host header.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHosts:
    """The names that requests may be for, whatever the port."""

    names: tuple[str, ...] = ()
    """In lower case; `*.example.org` stands for every name below example.org, `*` for any.
    Empty: only the names of this machine, see `own`."""
    own: frozenset[str] = frozenset()
    """What this machine calls itself."""

    def allows(self, host: str | None) -> bool:
        """Whether a Host header is for this app.

        Addresses are: no name of another site is one. So are `localhost` and names below it,
        which browsers never look up elsewhere.
        """
        name = name_of(host)
        if name is None:
            return "*" in self.names
        if _is_address(name) or name == "localhost" or name.endswith(".localhost"):
            return True
        return name in self.own or any(_fits(name, pattern) for pattern in self.names)


def name_of(host: str | None) -> str | None:
    """The name in a Host header, without port and final dot; `None` for what is none."""
    try:
        parts = urlsplit(f"//{host or ''}")
        _ = parts.port
    except ValueError:
        return None
    if not parts.hostname or "@" in parts.netloc or parts.netloc != host:
        return None
    return parts.hostname.lower().removesuffix(".")


def _fits(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in ("*", name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
