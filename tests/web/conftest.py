import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from audit_core.domain.errors import AuditError
from audit_core.installation.opened import Installation
from audit_core.web.app_routes import routes
from audit_core.web.error_response import EXCEPTION_HANDLERS
from audit_core.web.framing import FramedOnly
from audit_core.web.security.gate import Gate
from pages.parts.shell.back_messages import CODEC
from tests.support.seeded import Seeded, open_seeded

with warnings.catch_warnings():
    # Starlette would have another client; httpx is the one that is pinned.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


async def echo(request: Request) -> JSONResponse:
    return JSONResponse([list(pair) for pair in request.headers.items()])


async def fail(request: Request) -> JSONResponse:
    raise RuntimeError("secret detail")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json([list(pair) for pair in websocket.headers.items()])
    await websocket.close()


def make_client(installation: Installation | AuditError) -> TestClient:
    """A client of `app_of`."""
    return TestClient(app_of(installation), follow_redirects=False, base_url="http://testserver")


def app_of(installation: Installation | AuditError) -> Starlette:
    """The routes and the gate around stand-ins for the routes of Streamlit."""

    def opened() -> Installation:
        if isinstance(installation, AuditError):
            raise installation
        return installation

    return Starlette(
        routes=[
            Route("/api/fail", fail),
            *routes(opened),
            Route("/_stcore/upload_file/{rest:path}", echo, methods=["GET", "PUT"]),
            WebSocketRoute("/_stcore/stream", stream),
            WebSocketRoute("/elsewhere", stream),
            Route("/{rest:path}", echo),
        ],
        middleware=[Middleware(Gate, installation=opened, codec=CODEC), Middleware(FramedOnly)],
        exception_handlers=EXCEPTION_HANDLERS,
    )


@pytest.fixture
def client(seeded: Seeded) -> TestClient:
    return make_client(seeded.installation)
