"""Connections that drip, against a real Uvicorn with the limits of the product."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from audit_core.domain.errors import AuditError
from audit_core.installation.opened import Installation
from audit_core.web.errors import ErrorCode
from audit_core.web.limits import slow_bodies
from audit_core.web.limits.connections import MESSAGE_LIMIT, ConnectionLimits, limit_connections
from audit_core.web.security.forwarded import TrustedProxies
from audit_core.web.security.frames import MAX_ANONYMOUS_FRAME_BYTES
from audit_core.web.security.gate import Gate
from tests.support.app_process import free_port
from tests.support.error_shape import code_of

LIMITS = ConnectionLimits(head_s=1.0, of_address=8, in_all=12)


async def tell(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body())})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    if "large" in websocket.query_params:
        websocket.scope["extensions"][MESSAGE_LIMIT](10 * MAX_ANONYMOUS_FRAME_BYTES)
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        await websocket.send_json(len(message["bytes"]))


def no_installation() -> Installation:
    raise AuditError("There is none.", "None is needed.")


@contextmanager
def serving(*trusted: str, gate: bool = False) -> Iterator[int]:
    """The port of a server that holds `LIMITS`."""
    app = Starlette(
        routes=[
            WebSocketRoute("/socket", echo),
            Route("/{rest:path}", tell, methods=["GET", "POST"]),
        ],
        middleware=[Middleware(Gate, installation=no_installation)] if gate else [],
    )
    port = free_port()
    config = uvicorn.Config(
        app, port=port, log_level="critical", lifespan="off", ws="websockets-sansio"
    )
    config.load()
    networks = tuple(ipaddress.ip_network(item) for item in trusted)
    limit_connections(config, trusted=TrustedProxies(networks=networks), limits=LIMITS)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def opened(port: int, stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))


def closed(connection: socket.socket) -> bool:
    """Whether the other end has let go, waiting for that for a while."""
    try:
        while connection.recv(1_000):
            pass
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def ask(port: int) -> int:
    return httpx.get(f"http://127.0.0.1:{port}/", timeout=10).status_code


def test_a_connection_that_says_nothing_and_one_that_drips_are_closed() -> None:
    with serving() as port, ExitStack() as stack:
        silent, dripping, second = (opened(port, stack) for _ in range(3))
        second.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        second.recv(1000)
        started = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - started < 15:
                dripping.sendall(b"G")
                second.sendall(b"G")
                time.sleep(0.1)
        assert closed(silent)
        assert closed(dripping)
        assert closed(second)
        assert ask(port) == 200


def test_an_answer_may_take_longer_than_a_head_and_a_connection_is_used_again() -> None:
    with serving() as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

        def slowly() -> Iterator[bytes]:
            for _ in range(4):
                time.sleep(0.5)
                yield b"x"

        for _ in range(2):
            assert client.post("/", content=slowly()).json() == {"bytes": 4}
            assert client.get("/").status_code == 200


def test_an_address_has_few_connections_and_a_trusted_proxy_any_number() -> None:
    with serving() as port, ExitStack() as stack:
        first = [opened(port, stack) for _ in range(LIMITS.of_address)]
        time.sleep(0.2)
        assert closed(opened(port, stack))
        first[0].close()
        time.sleep(0.2)
        assert ask(port) == 200
    with serving("127.0.0.0/8") as port, ExitStack() as stack:
        silent = [opened(port, stack) for _ in range(LIMITS.in_all)]
        time.sleep(0.2)
        # The oldest one that has not asked for anything makes room.
        assert ask(port) == 200
        assert closed(silent[0])


def test_closed_websockets_are_not_counted() -> None:
    with serving() as port:
        for _ in range(2 * LIMITS.of_address):
            with connect(f"ws://127.0.0.1:{port}/socket") as client:
                client.send(b"x")
                assert client.recv() == "1"
        time.sleep(0.2)
        assert ask(port) == 200


def test_a_message_is_small_until_it_is_known_whose_the_socket_is() -> None:
    message = bytes(MAX_ANONYMOUS_FRAME_BYTES + 1)
    with serving() as port:
        with connect(f"ws://127.0.0.1:{port}/socket?large=1") as client:
            client.send(message)
            assert client.recv() == str(len(message))
        with connect(f"ws://127.0.0.1:{port}/socket") as client:
            client.send(message[1:])
            assert client.recv() == str(len(message) - 1)
            with pytest.raises(ConnectionClosed) as ended:
                client.send(message)
                client.recv()
            assert ended.value.rcvd is not None
            assert ended.value.rcvd.code == 1009


def test_a_body_that_drips_is_refused_and_one_that_comes_slowly_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_bodies, "GRACE_S", 0.6)
    monkeypatch.setattr(slow_bodies, "SLOWEST_BYTES_PER_S", 100)
    with serving(gate=True) as port:

        def body(pieces: int, size: int) -> Iterator[bytes]:
            for _ in range(pieces):
                time.sleep(0.2)
                yield bytes(size)

        url = f"http://127.0.0.1:{port}/"
        own = {"origin": url[:-1]}
        assert httpx.post(url, content=body(8, 40), headers=own).json() == {"bytes": 320}
        answer = httpx.post(url, content=body(8, 1), headers=own)
        assert answer.status_code == 408
        assert code_of(answer) is ErrorCode.BODY_TOO_SLOW
        assert "too slowly" in answer.json()["error"]
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Large: " + b"x" * 70_000,
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    ],
    ids=["huge", "nonsense", "length"],
)
def test_what_is_no_request_is_refused_in_the_shape_of_all_errors(head: bytes) -> None:
    with serving() as port, ExitStack() as stack:
        connection = opened(port, stack)
        connection.sendall(head)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
        status, _, body = received.partition(b"\r\n\r\n")
        assert status.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"x-content-type-options: nosniff" in status
        assert json.loads(body)["code"] == "invalid_request"
        assert ask(port) == 200
