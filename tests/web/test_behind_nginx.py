"""Who a request comes from, behind a real nginx and past it, with the server that runs the app."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from audit_core.domain.errors import AuditError
from audit_core.installation.opened import Installation
from audit_core.web.security.forwarded import TrustedProxies
from audit_core.web.security.gate import Gate
from audit_core.web.server_options import leave_peers_as_they_are
from tests.support.app_process import free_port
from tests.support.nginx_server import nginx

SPOOFED = "198.51.100.66"
SPOOF = {
    "X-Forwarded-For": SPOOFED,
    "Forwarded": f"for={SPOOFED};proto=https",
    "X-Real-IP": SPOOFED,
}


def seen_of(connection: HTTPConnection) -> list[str | None]:
    return [connection.client.host if connection.client else None, connection.url.scheme]


async def tell(request: Request) -> JSONResponse:
    return JSONResponse(seen_of(request))


async def tell_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(seen_of(websocket))
    await websocket.close()


def no_installation() -> Installation:
    raise AuditError("There is none.", "None is needed.")


@contextmanager
def serving(*proxies: str) -> Iterator[int]:
    """The port of the gate under Uvicorn, trusting these proxies."""
    leave_peers_as_they_are()
    trusted = TrustedProxies(networks=tuple(ip_network(proxy) for proxy in proxies))
    app = Starlette(
        routes=[WebSocketRoute("/_stcore/stream", tell_socket), Route("/{rest:path}", tell)],
        middleware=[Middleware(Gate, installation=no_installation, proxies=trusted)],
    )
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="error", lifespan="off", ws="websockets-sansio")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def request_sees(port: int, *, source: str, headers: dict[str, str]) -> list[str]:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
        return client.get(f"http://127.0.0.1:{port}/", headers=headers).json()


def socket_sees(port: int, *, source: str, headers: dict[str, str]) -> list[str]:
    with connect(
        f"ws://127.0.0.1:{port}/_stcore/stream",
        origin=f"http://127.0.0.1:{port}",
        additional_headers=headers,
        source_address=(source, 0),
        proxy=None,
    ) as websocket:
        return json.loads(websocket.recv())


ASKING = {"http": request_sees, "ws": socket_sees}


@pytest.mark.parametrize("scheme", ASKING)
def test_on_loopback_nobody_is_believed(scheme: str) -> None:
    ask = ASKING[scheme]
    with serving() as port:
        spoof = SPOOF | {"X-Forwarded-Proto": "https"}
        assert ask(port, source="127.0.0.1", headers=spoof) == ["127.0.0.1", scheme]


@pytest.mark.parametrize("scheme", ASKING)
def test_behind_nginx_the_address_is_the_one_that_nginx_saw(tmp_path: Path, scheme: str) -> None:
    ask = ASKING[scheme]
    with serving("127.0.0.1") as port, nginx(tmp_path, port) as outer:
        # Two machines elsewhere; whatever they claim, it is what nginx saw.
        for source in ("127.0.0.2", "127.0.0.3"):
            assert ask(outer, source=source, headers={}) == [source, scheme]
            assert ask(outer, source=source, headers=SPOOF) == [source, scheme]
        # Past nginx, from a machine that is no named proxy.
        assert ask(port, source="127.0.0.4", headers=SPOOF) == ["127.0.0.4", scheme]


def test_without_the_setting_all_people_behind_nginx_share_its_address(tmp_path: Path) -> None:
    with serving() as port, nginx(tmp_path, port) as outer:
        assert request_sees(outer, source="127.0.0.2", headers={}) == ["127.0.0.1", "http"]
