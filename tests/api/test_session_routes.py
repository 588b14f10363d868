from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from audit_core.api.identity import SESSION_COOKIE, session_cookie, session_secret
from audit_core.api.session import local_path
from tests.seeded import Seeded

EMAIL = "admin@example.org"


def start(client: TestClient, code: str, *, next: str = "/", **headers: str):
    client.cookies.clear()
    return client.get("/api/session/start", params={"code": code, "next": next}, headers=headers)


def test_a_code_signs_in_once_and_the_cookie_is_out_of_reach_of_scripts(
    client: TestClient, seeded: Seeded
) -> None:
    code = seeded.code_for(EMAIL)
    answer = start(client, code, next="/explore?window=7d")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/explore?window=7d"
    cookie = SimpleCookie(answer.headers["set-cookie"])[SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(12 * 3600)
    assert not cookie["secure"]
    assert not cookie["domain"]
    client.cookies.set(SESSION_COOKIE, cookie.value)
    assert client.get("/_stcore/metrics").status_code == 200
    assert "set-cookie" not in start(client, code).headers


def test_a_code_expires_after_30_seconds(client: TestClient, seeded: Seeded) -> None:
    code = seeded.code_for(EMAIL)
    seeded.clock.pass_by(seconds=31)
    assert "set-cookie" not in start(client, code).headers


@pytest.mark.parametrize("code", ["", "wrong", "x" * 100_000])
def test_a_wrong_code_only_leads_on(client: TestClient, code: str) -> None:
    answer = start(client, code[:30_000], next="/explore")
    assert (answer.status_code, answer.headers["location"]) == (303, "/explore")
    assert "set-cookie" not in answer.headers


def test_another_site_cannot_sign_a_visitor_in_or_out(client: TestClient, seeded: Seeded) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    assert "set-cookie" not in start(client, seeded.code_for(EMAIL), **foreign).headers
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(EMAIL))
    assert "set-cookie" not in client.get("/api/session/end", headers=foreign).headers
    assert client.get("/_stcore/metrics").status_code == 200


def test_signing_out_ends_the_session_and_takes_the_cookie_away(
    client: TestClient, seeded: Seeded
) -> None:
    secret = seeded.sign_in(EMAIL)
    client.cookies.set(SESSION_COOKIE, secret)
    answer = client.get("/api/session/end")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert SimpleCookie(answer.headers["set-cookie"])[SESSION_COOKIE]["max-age"] == "0"
    client.cookies.set(SESSION_COOKIE, secret)
    assert client.get("/_stcore/metrics").status_code == 401
    assert [event.actor for event in seeded.events("sign_out")] == [EMAIL]


def test_the_cookie_is_secure_when_asked() -> None:
    assert "Secure" in session_cookie("abc", lifetime_s=60, secure=True)
    assert "Secure" not in session_cookie("abc", lifetime_s=60, secure=False)


@settings(deadline=None, max_examples=200)
@given(st.from_regex(r"[A-Za-z0-9_\-]{1,100}", fullmatch=True))
def test_what_the_cookie_holds_is_what_is_read_back(secret: str) -> None:
    crumb = session_cookie(secret, lifetime_s=60, secure=False).partition(";")[0]
    assert session_secret([f"other=1; {crumb}; more=2"]) == secret


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "explore",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " /explore",
        "/explore\r\nset-cookie: a=b",
        "/\x00",
        "/api/session/end",
        "/" + "x" * 5000,
    ],
)
def test_after_sign_in_no_other_site_and_no_route_is_gone_to(wanted: str | None) -> None:
    assert local_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/explore", "/explore?actor=a%2Fb&q=//x", "/?next=//x"])
def test_a_page_of_this_app_is_gone_to(wanted: str) -> None:
    assert local_path(wanted) == wanted


@settings(deadline=None, max_examples=500)
@given(st.text(max_size=60) | st.text(alphabet="/\\\t\n\r @:.?#a", max_size=12))
def test_whatever_is_asked_for_stays_on_this_host(wanted: str) -> None:
    path = local_path(wanted)
    # A browser drops tabs and line ends, and reads a backslash as a slash.
    as_read = path.translate({9: None, 10: None, 13: None, 92: "/"})
    parts = urlsplit(as_read)
    assert as_read.startswith("/")
    assert not as_read.startswith("//")
    assert (parts.scheme, parts.netloc) == ("", "")
