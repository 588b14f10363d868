"""The page carries our script; everything else is as it was."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse
from starlette.routing import Route

from audit_core.web.routes.page import ICON_PATH, SCRIPT_PATH, WatchedPage, page_routes
from audit_core.web.security.headers import inline_script_hashes
from pages.parts.shell.app_address import PATHS
from sandtrail import ASSETS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
SCRIPT = ASSETS / "connection.js"
ICON = ASSETS / "icon.svg"
TAG = f'<script defer src=".{SCRIPT_PATH}"></script>'
NAVIGATION = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def _index(request: Request) -> FileResponse:
    return FileResponse(INDEX)


async def _html(request: Request) -> HTMLResponse:
    return HTMLResponse("<head></head>")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(
        routes=[
            *page_routes(SCRIPT, ICON),
            Route("/api/text", _html),
            Route("/{page:path}", _index),
        ],
        middleware=[Middleware(WatchedPage, pages=PATHS), Middleware(GZipMiddleware)],
    )
    return TestClient(app)


@pytest.mark.parametrize("path", ["/", "/explore?window=1d"])
def test_a_page_has_the_script_once_and_its_right_length(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=NAVIGATION)
    assert answer.text == INDEX.read_text(encoding="utf-8").replace("</head>", f"{TAG}</head>")
    assert answer.text.count(TAG) == 1
    assert answer.headers["content-length"] == str(len(answer.content))
    assert inline_script_hashes(answer.text) == inline_script_hashes(
        INDEX.read_text(encoding="utf-8")
    )


def test_a_page_that_a_browser_kept_is_sent_anew(client: TestClient) -> None:
    known = client.get("/", headers={"accept": "*/*"})
    kept = {"if-none-match": known.headers["etag"], "range": "bytes=0-9"}
    answer = client.get("/", headers=NAVIGATION | kept)
    assert answer.status_code == 200
    assert TAG in answer.text
    assert "etag" not in answer.headers


def test_what_is_no_page_passes_unchanged(client: TestClient) -> None:
    for path, headers in (("/static/x.js", {"accept": "*/*"}), ("/api/text", NAVIGATION)):
        assert TAG not in client.get(path, headers=headers).text
    assert TAG not in client.post("/", headers=NAVIGATION).text
    head = client.head("/", headers=NAVIGATION)
    assert head.headers["content-length"] == str(len(INDEX.read_bytes()))


def test_the_script_is_served(client: TestClient) -> None:
    answer = client.get(SCRIPT_PATH)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text == SCRIPT.read_text(encoding="utf-8")


def test_scripts_are_compressed_as_before(client: TestClient) -> None:
    with client.stream(
        "GET", "/people", headers={"accept": "*/*", "accept-encoding": "gzip"}
    ) as found:
        assert found.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(found.iter_raw())) == INDEX.read_bytes()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "path", ["/explor", "/explore/more", "/a/b/c", "/index.html", "/static/gone.js", "/%3Cb%3E"]
)
@pytest.mark.parametrize("accept", [NAVIGATION["accept"], "*/*"])
def test_where_there_is_no_page_the_answer_says_so(
    client: TestClient, path: str, method: str, accept: str
) -> None:
    answer = client.request(method, path, headers={"accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("path", "meant"),
    [("/explor", "./explore"), ("/People", "./people"), ("/sandboxes/x", "../sandboxes")],
)
def test_the_page_that_is_meant_is_named(client: TestClient, path: str, meant: str) -> None:
    text = client.get(path, headers=NAVIGATION).text
    assert f'Did you mean <a href="{meant}">' in text
    assert f"<code>{path}</code>" in text


def test_a_page_that_names_no_icon_has_one(client: TestClient) -> None:
    answer = client.get(ICON_PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
