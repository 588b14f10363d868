from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.web.security.origins import (
    RequestOrigin,
    refuses_request,
    refuses_socket,
    same_origin,
)
from tests.support.laws import law

OWN = "https://audit.example"
SOCKET = RequestOrigin(
    method="GET", path="/_stcore/stream", host="audit.example", origin="https://audit.example"
)
POST = RequestOrigin(
    method="POST",
    path="/api/v1/entries",
    host="audit.example",
    origin="https://evil.example",
    cookie=True,
)
GET = RequestOrigin(method="GET", path="/api/v1/export", host="audit.example", cookie=True)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://audit.example", "audit.example"),
        ("https://Audit.Example", "audit.example:443"),
        ("http://localhost:8501", "localhost:8501"),
        ("http://audit.example:80", "audit.example"),
        ("http://[::1]:8501", "[::1]:8501"),
    ],
)
def test_an_origin_that_names_the_host_is_the_own_one(origin: str, host: str) -> None:
    assert same_origin(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "audit.example"),
        ("", "audit.example"),
        ("null", "audit.example"),
        ("https://audit.example", None),
        ("https://evil.example", "audit.example"),
        ("https://audit.example.evil.example", "audit.example"),
        ("https://evil.example/audit.example", "audit.example"),
        ("https://audit.example@evil.example", "audit.example"),
        ("http://localhost:3000", "localhost:8501"),
        ("http://localhost", "127.0.0.1"),
        ("file://audit.example", "audit.example"),
        ("https://[", "audit.example"),
    ],
)
def test_any_other_origin_is_foreign(origin: str | None, host: str | None) -> None:
    assert not same_origin(origin, host)


@law(200)
@given(st.text(max_size=40), st.text(min_size=1, max_size=20))
def test_no_text_passes_as_the_own_origin_unless_it_ends_with_the_host(
    origin: str, host: str
) -> None:
    if same_origin(origin, host):
        assert origin.lower().startswith(("http://", "https://"))
        bare = host.lower().removesuffix(":80").removesuffix(":443")
        assert bare in origin.lower()


def test_a_websocket_needs_the_own_origin() -> None:
    assert not refuses_socket(SOCKET)
    assert refuses_socket(replace(SOCKET, origin=None))
    assert refuses_socket(replace(SOCKET, origin="http://localhost:9999"))
    assert refuses_socket(replace(SOCKET, path="/elsewhere"))


def test_a_change_needs_the_own_origin_or_a_token_without_a_cookie() -> None:
    assert refuses_request(POST)
    assert refuses_request(replace(POST, origin=None))
    assert refuses_request(replace(POST, cookie=False))
    assert refuses_request(replace(POST, bearer=True))
    assert not refuses_request(replace(POST, origin=OWN))
    assert not refuses_request(replace(POST, bearer=True, cookie=False))


def test_a_download_that_another_site_asks_for_with_the_cookie_is_refused() -> None:
    assert refuses_request(replace(GET, fetch_site="cross-site"))
    assert refuses_request(replace(GET, fetch_site="same-site"))
    for own in (None, "none", "same-origin"):
        assert not refuses_request(replace(GET, fetch_site=own))
    assert not refuses_request(replace(GET, fetch_site="cross-site", cookie=False))
    assert not refuses_request(replace(GET, fetch_site="cross-site", path="/"))
    assert not refuses_request(replace(GET, fetch_site="cross-site", path="/api/health"))
