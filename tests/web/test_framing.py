"""Over HTTP/1.0 nothing goes out whose end could not be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from audit_core.web.addresses import DIGEST_PATH, ROWS_PATH
from audit_core.web.framing import FramedOnly
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.support.seeded import Seeded
from tests.web.conftest import app_of
from tests.web.served import ask, served

LONG = "a" * 5_000


async def _pieces(number: int) -> AsyncIterator[str]:
    for _ in range(number):
        yield LONG


async def _stream(request: Request) -> Response:
    return StreamingResponse(_pieces(int(request.query_params["pieces"])))


async def _text(request: Request) -> Response:
    return PlainTextResponse(LONG)


async def _unchanged(request: Request) -> Response:
    return Response(status_code=304)


APP = Starlette(
    routes=[
        Route("/stream", _stream),
        Route("/text", _text),
        Route("/unchanged", _unchanged),
    ],
    middleware=[Middleware(FramedOnly), Middleware(GZipMiddleware)],
)


@pytest.mark.parametrize("path", ["/stream?pieces=2", "/stream?pieces=200"])
def test_a_stream_is_refused_with_a_sentence_and_what_to_set(path: str) -> None:
    with served(APP) as port:
        status, headers, body = ask(port, path, version="1.0")
    assert (status, headers["upgrade"]) == (426, "HTTP/1.1")
    assert headers["content-length"] == str(len(body))
    assert b"proxy_http_version 1.1" in body
    assert LONG.encode() not in body


@pytest.mark.parametrize("path", ["/text", "/stream?pieces=0"])
def test_what_has_a_length_or_gets_one_goes_out_uncompressed(path: str) -> None:
    with served(APP) as port:
        status, headers, body = ask(port, path, "Accept-Encoding: gzip", version="1.0")
    assert (status, headers["content-length"]) == (200, str(len(body)))
    assert body in (LONG.encode(), b"")
    assert "content-encoding" not in headers


def test_what_has_no_body_goes_out() -> None:
    with served(APP) as port:
        assert ask(port, "/unchanged", version="1.0")[0] == 304


def test_over_http_1_1_nothing_changes() -> None:
    with served(APP) as port:
        status, headers, _ = ask(port, "/stream?pieces=2", "Accept-Encoding: gzip", version="1.1")
    assert status == 200
    assert headers["transfer-encoding"] == "chunked"
    assert headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", [f"{EXPORT_PATH}?window=all", DIGEST_PATH, ROWS_PATH])
def test_a_download_is_refused_before_anything_is_read_or_recorded(
    seeded: Seeded, path: str
) -> None:
    cookie = f"Cookie: {SESSION_COOKIE}={seeded.sign_in('admin@example.org')}"
    with served(app_of(seeded.installation)) as port:
        assert ask(port, path, cookie, version="1.0")[0] == 426
        assert ask(port, "/api/v1/head", cookie, version="1.0")[0] == 200
    assert not seeded.events("export.started")
