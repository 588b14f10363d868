"""Applications on a real server, and requests as bytes: only a real connection can break."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """The port that the application answers on meanwhile."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def wait_for(happened: Callable[[], object], *, seconds: float = 10) -> None:
    """Raises `AssertionError` unless it happens in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def ask(
    port: int, path: str, *headers: str, version: str = "1.1", method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by their names in lower case, and all bytes until the connection ends."""
    lines = [f"{method} {path} HTTP/{version}", f"Host: 127.0.0.1:{port}", "Connection: close"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join((*lines, *headers, "", "")).encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    status, *pairs = head.decode("latin-1").split("\r\n")
    named = (pair.partition(": ") for pair in pairs)
    return int(status.split()[1]), {name.lower(): value for name, _, value in named}, body
