"""Connections that say nothing, or drip: how many there may be, and for how long.

Uvicorn waits without limit for the head of a request, takes any number of connections, and holds
a websocket's message in memory whole, up to the largest of anybody. `streamlit run` has no option
for any of this, so the protocols of the server that runs are exchanged for these.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from audit_core.web.client_log import LOGGER
from audit_core.web.errors import ErrorCode, refusal
from audit_core.web.security.forwarded import IPAddress, parse_address
from audit_core.web.security.frames import MAX_ANONYMOUS_FRAME_BYTES
from audit_core.web.security.headers import FIXED

MESSAGE_LIMIT = "sandtrail.message_limit"
"""Extension of a websocket's scope: a function that takes the most bytes that a message may have.
It is called once it is known whose the socket is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Bounds of connections."""

    head_s: float = 20.0
    """Within how many seconds the whole head of a request has come, and its connection says
    something at all."""
    of_address: int = 256
    """How many an address may have open; a trusted proxy any number. A browser has about six,
    and one for each tab."""
    in_all: int = 2_000
    """Beyond it the oldest one without a request makes room, if there is one. Each takes a file
    descriptor; where the process may open fewer files, that is the bound."""


class Connections:
    """All open connections of a server. Used on the event loop only."""

    def __init__(
        self, limits: ConnectionLimits, trusted: Callable[[IPAddress | None], bool]
    ) -> None:
        self.limits = limits
        self._trusted = trusted
        self._address_of: dict[asyncio.BaseTransport, str] = {}
        self._of_address: Counter[str] = Counter()
        # In order of arrival: those whose request has not come.
        self._waiting: dict[asyncio.BaseTransport, None] = {}

    @property
    def count(self) -> int:
        """How many are open. May be asked from any thread."""
        return len(self._address_of)

    def open(self, transport: asyncio.Transport, address: str) -> bool:
        """Whether a new connection may stay."""
        crowded = self._of_address[address] >= self.limits.of_address
        if crowded and not self._trusted(parse_address(address)):
            LOGGER.warning(
                "Refused a connection of %s: it has %s open. If it is a proxy, name it in "
                "SANDTRAIL_TRUSTED_PROXIES.",
                address,
                self.limits.of_address,
            )
            return False
        if len(self._address_of) >= self.limits.in_all:
            oldest = next(iter(self._waiting), None)
            if not isinstance(oldest, asyncio.Transport):
                LOGGER.warning(
                    "Refused a connection of %s: %s are busy.", address, self.limits.in_all
                )
                return False
            self.close(oldest)
            oldest.abort()
        self._address_of[transport] = address
        self._of_address[address] += 1
        self.wait(transport)
        return True

    def wait(self, transport: asyncio.BaseTransport) -> None:
        """The connection waits for a request."""
        if transport in self._address_of:
            self._waiting[transport] = None

    def serve(self, transport: asyncio.BaseTransport) -> None:
        """The head of a request has come."""
        self._waiting.pop(transport, None)

    def close(self, transport: asyncio.BaseTransport) -> None:
        """The connection is closed. Telling so twice is harmless."""
        self._waiting.pop(transport, None)
        address = self._address_of.pop(transport, None)
        if address is not None:
            self._of_address[address] -= 1
            if self._of_address[address] <= 0:
                del self._of_address[address]


class _Http(H11Protocol):
    """HTTP/1.1 whose head of a request has come by a time."""

    tracked: Connections
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self.tracked.open(transport, self.client[0] if self.client else ""):
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self.tracked.close(self.transport)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request, or has a head beyond the server's limits."""
        body = refusal(
            ErrorCode.INVALID_REQUEST,
            "The request cannot be read: it is not HTTP, or its headers are too large.",
            "Send less than 64 kB of headers. A browser that does not: clear the cookies of this "
            "site.",
            headers={**dict(FIXED), "cache-control": "no-store", "connection": "close"},
        )
        for event in (
            h11.Response(status_code=400, headers=body.raw_headers, reason=b"Bad Request"),
            h11.Data(data=bytes(body.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._head_came()

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._head_came()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        # Before: a request that has come already is begun within.
        self._await_head()
        super().on_response_complete()

    def _await_head(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self.tracked.wait(self.transport)
        self._late = self.loop.call_later(self.tracked.limits.head_s, self.transport.abort)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self.tracked.serve(self.transport)


class _WebSocket(WebSocketsSansIOProtocol):
    """A websocket whose messages are small until it is known whose it is."""

    tracked: Connections

    def connection_lost(self, exc: Exception | None) -> None:
        self.tracked.close(self.transport)
        super().connection_lost(exc)

    def handle_connect(self, event: Any) -> None:
        self.conn.max_message_size = MAX_ANONYMOUS_FRAME_BYTES
        super().handle_connect(event)
        if not self.close_sent:
            # The app runs later, from a task that was made just now.
            extensions = dict(self.scope.get("extensions") or {})
            self.scope["extensions"] = {**extensions, MESSAGE_LIMIT: self._limit}  # type: ignore[dict-item]

    def _limit(self, max_bytes: int) -> None:
        self.conn.max_message_size = max_bytes


def limit_connections(
    config: Config,
    *,
    trusted: Container[object] = (),
    limits: ConnectionLimits | None = None,
) -> Connections | None:
    """Have a server that is starting up hold these limits. Returns its connections.

    `trusted` holds the addresses whose connections are not counted singly. To be called before
    the server listens. A server with other protocols than the pinned Uvicorn's is left as it is,
    with a line for the operator.
    """
    protocols = (config.http_protocol_class, config.ws_protocol_class)
    if protocols[0] is not H11Protocol or protocols[1] is not WebSocketsSansIOProtocol:
        LOGGER.warning(
            "The server uses %s: connections that drip are not closed; let a proxy do so.",
            protocols,
        )
        return None
    tracked = Connections(limits or ConnectionLimits(), trusted.__contains__)
    config.http_protocol_class = type("Http", (_Http,), {"tracked": tracked})
    config.ws_protocol_class = type("WebSocket", (_WebSocket,), {"tracked": tracked})
    return tracked
