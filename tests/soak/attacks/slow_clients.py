"""Clients that say nothing, or drip, while others are served."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from audit_core.web.limits.connections import ConnectionLimits
from audit_core.web.limits.open_sockets import SocketLimits
from audit_core.web.limits.slow_bodies import GRACE_S
from audit_core.web.security.identity import SESSION_COOKIE
from tests.browser.prepared import ADMIN, prepare
from tests.soak.attack import Held, Scale
from tests.soak.tab import Tab, opened_tab, session_secret, texts_of
from tests.support.app_process import running

EACH = {Scale.SMALL: 12, Scale.FULL: 60}
"""How many of each kind."""
DRIPS = {Scale.SMALL: 8, Scale.FULL: 90}
"""How many times, in as many half seconds, each sends one byte."""
FLOOD = {Scale.SMALL: 100, Scale.FULL: 5_000}
"""How many requests of each kind that is refused with a line for the operator."""
FEW = 40
"""More lines than one of each kind, and one more of each for every minute of this attack."""
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "
BODY = (
    b"POST /api/v1/entries HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
    b"Content-Length: 1000000\r\n\r\n"
)
OTHER_HOST = b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n"
FOREIGN = (
    b"GET /_stcore/stream HTTP/1.1\r\nHost: %s\r\nOrigin: https://elsewhere.example\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
MARGIN_S = 15.0


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Silent connections, heads and bodies that drip, and sockets that never speak."""
    prepared = prepare(folder)
    with running(prepared.environment, folder / "app.log") as url, ExitStack() as stack:
        secret = session_secret(prepared, ADMIN)
        tab = stack.enter_context(opened_tab(url, secret))
        tab.run()
        body = BODY % prepared.token.encode()
        silent, heads, bodies = (
            [_opened(url, begun, stack) for _ in range(EACH[scale])] for begun in (b"", HEAD, body)
        )
        sockets = [stack.enter_context(opened_tab(url)) for _ in range(min(EACH[scale], 40))]
        started, slowest = time.monotonic(), 0.0
        client = stack.enter_context(httpx.Client(base_url=url, cookies={SESSION_COOKIE: secret}))
        for _ in range(DRIPS[scale]):
            for connection in (*heads, *bodies):
                with suppress(OSError):
                    connection.send(b"a")
            for path in ("/api/health", "/api/v1/head"):
                asked = time.monotonic()
                assert client.get(path, timeout=30).status_code == 200
                slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.5)
        assert "Overview" in texts_of(tab.run())
        yield Held(
            "whoever asks is answered while others say nothing or drip",
            f"{4 * len(silent)} slow clients, the slowest answer took {slowest:.2f} s",
        )
        yield _crowd(url)
        yield _told(url, folder / "app.log", FLOOD[scale])
        if scale is Scale.FULL:
            yield _all_closed(started, silent, heads, bodies, sockets)


def _opened(url: str, begun: bytes, stack: ExitStack) -> socket.socket:
    parts = urlsplit(url)
    connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port), 30))
    connection.sendall(begun)
    return connection


def _crowd(url: str) -> Held:
    """More connections of one address than it may have."""
    most = ConnectionLimits().of_address
    with ExitStack() as stack:
        crowd = [_opened(url, b"", stack) for _ in range(most + 20)]
        time.sleep(1)
        # Not `select.select`, which cannot look at a descriptor above 1,023.
        poll = select.poll()
        for connection in crowd:
            poll.register(connection, select.POLLIN)
        ended = poll.poll(0)
        assert 20 <= len(ended) < most
    return Held(
        "one address has a bounded number of connections",
        f"{len(ended)} of {len(crowd)} were not taken, {most} are",
    )


def _told(url: str, log: Path, number: int) -> Held:
    """Refusals that are told the operator, far more of them than anybody could read."""
    address = urlsplit(url).netloc
    foreign = FOREIGN % address.encode()
    before = len(log.read_bytes().splitlines())
    for _ in range(number):
        for request in (b"no request\r\n\r\n", OTHER_HOST, foreign):
            with ExitStack() as stack:
                _opened(url, request, stack).recv(1_000)
    written = len(log.read_bytes().splitlines()) - before
    assert written < FEW, log.read_text(encoding="utf-8", errors="replace")[-4_000:]
    return Held(
        "a flood of refused requests takes few lines at the terminal",
        f"{3 * number:,} requests, {written} lines",
    )


def _all_closed(
    started: float,
    silent: list[socket.socket],
    heads: list[socket.socket],
    bodies: list[socket.socket],
    sockets: list[Tab],
) -> Held:
    longest = max(ConnectionLimits().head_s, GRACE_S, SocketLimits().silent_s) + MARGIN_S
    left = 0
    for connection in (*silent, *heads, *bodies):
        connection.settimeout(max(0.5, started + longest - time.monotonic()))
        try:
            while connection.recv(4_000):
                pass
        except TimeoutError:
            left += 1
        except ConnectionError:
            pass
    open_sockets = sum(tab.closed_with(timeout=0.5) is None for tab in sockets)
    assert (left, open_sockets) == (0, 0)
    return Held(
        "none of them is still there",
        f"{len(silent) + len(heads) + len(bodies)} connections and {len(sockets)} websockets "
        f"closed within {longest:g} s",
    )
