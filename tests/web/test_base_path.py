"""Below a path of the host the app behaves as it does at the root of one."""

from __future__ import annotations

import warnings

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from audit_core.domain.errors import SettingsError
from audit_core.runtime.settings import Settings, read_settings
from audit_core.web.base_path import BasePath

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


async def _path(request: Request) -> JSONResponse:
    raw = request.scope["raw_path"].decode()
    return JSONResponse([request.url.path, raw, request.url.query])


async def _redirect(request: Request) -> RedirectResponse:
    return RedirectResponse(request.query_params["to"], status_code=303)


async def _cookie(request: Request) -> Response:
    response = Response()
    response.headers.append("set-cookie", request.query_params["cookie"])
    return response


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.url.path)
    await websocket.close()


def client_at(path: str) -> TestClient:
    app = Starlette(
        routes=[
            Route("/redirect", _redirect),
            Route("/cookie", _cookie),
            WebSocketRoute("/_stcore/stream", _socket),
            Route("/{rest:path}", _path),
        ],
        middleware=[Middleware(BasePath, path=path)],
    )
    return TestClient(app, follow_redirects=False, base_url="http://testserver")


AUDIT = client_at("/audit")


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/audit/", ["/", "/", ""]),
        ("/audit/explore?a=b", ["/explore", "/explore", "a=b"]),
        ("/audit/a%20b/audit/", ["/a b/audit/", "/a%20b/audit/", ""]),
        ("/audit/audit/api", ["/audit/api", "/audit/api", ""]),
    ],
)
def test_the_path_is_taken_off_before_anything_looks_at_it(asked: str, seen: list[str]) -> None:
    assert AUDIT.get(asked).json() == seen


@pytest.mark.parametrize(
    "asked", ["/api/health", "/auditor/", "/explore", "/Audit/", "/%61udit/x", "//audit/x"]
)
def test_what_lies_elsewhere_is_not_found_and_told_where_the_app_is(asked: str) -> None:
    answer = AUDIT.get(f"http://testserver{asked}")
    assert answer.status_code == 404
    assert "/audit/" in answer.json()["hint"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("asked", ["/", "/audit"])
def test_the_root_and_the_path_without_its_slash_lead_to_the_app(asked: str) -> None:
    answer = AUDIT.get(f"{asked}?a=b")
    assert (answer.status_code, answer.headers["location"]) == (307, "/audit/?a=b")
    assert AUDIT.post(asked).status_code == 404


@pytest.mark.parametrize(
    ("to", "sent"),
    [
        ("/", "/audit/"),
        ("/explore?a=/b", "/audit/explore?a=/b"),
        ("http://testserver/explore", "http://testserver/audit/explore"),
        ("https://elsewhere.example/explore", "https://elsewhere.example/explore"),
        ("//elsewhere.example/x", "//elsewhere.example/x"),
    ],
)
def test_redirects_stay_below_the_path(to: str, sent: str) -> None:
    answer = AUDIT.get("/audit/redirect", params={"to": to})
    assert answer.headers["location"] == sent


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("a=b; Path=/", "a=b; Path=/audit"),
        ("a=b; path=/; HttpOnly", "a=b; path=/audit; HttpOnly"),
        ("a=b; HttpOnly; Path=/; SameSite=Lax", "a=b; HttpOnly; Path=/audit; SameSite=Lax"),
        ("a=b; Path=/other", "a=b; Path=/other"),
    ],
)
def test_cookies_go_to_this_app_only(cookie: str, sent: str) -> None:
    answer = AUDIT.get("/audit/cookie", params={"cookie": cookie})
    assert answer.headers["set-cookie"] == sent


def test_a_websocket_is_found_below_the_path_only() -> None:
    with AUDIT.websocket_connect("/audit/_stcore/stream") as socket:
        assert socket.receive_text() == "/_stcore/stream"
    with pytest.raises(WebSocketDisconnect), AUDIT.websocket_connect("/_stcore/stream"):
        pass


def test_without_a_path_nothing_is_touched() -> None:
    plain = client_at("")
    assert plain.get("/audit/x").json() == ["/audit/x", "/audit/x", ""]
    assert plain.get("/redirect", params={"to": "/x"}).headers["location"] == "/x"
    assert plain.get("/cookie?cookie=a=b; Path=/").headers["set-cookie"] == "a=b; Path=/"


@pytest.mark.parametrize(
    ("written", "read"),
    [("", ""), ("/", ""), ("audit", "/audit"), ("/audit/", "/audit"), ("/a/b-c.d", "/a/b-c.d")],
)
def test_the_setting_is_read_with_or_without_its_slashes(written: str, read: str) -> None:
    assert Settings(base_path=written).base_path == read


@pytest.mark.parametrize("written", ["/a b", "/../x", "/a//b", "http://x/y", "/ä", "/a?b", "."])
def test_what_is_no_path_is_named(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDTRAIL_BASE_PATH", written)
    with pytest.raises(SettingsError, match="SANDTRAIL_BASE_PATH"):
        read_settings()
