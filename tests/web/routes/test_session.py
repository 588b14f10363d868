from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from audit_core.identity.sessions import SEEN_EVERY
from audit_core.web.routes.session import (
    SIGNED_IN_PAGE,
    SIGNED_OUT_PAGE,
    local_path,
    signed_in_address,
)
from audit_core.web.security.identity import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    device_cookie,
    session_cookie,
    session_secret,
)
from tests.support.laws import law
from tests.support.seeded import Seeded

EMAIL = "admin@example.org"
OWN = {"origin": "http://testserver"}


def start(client: TestClient, code: str, *, next: str = "/", **headers: str):
    return client.post(
        "/api/session/start", data={"code": code, "next": next}, headers={**OWN, **headers}
    )


def cookies_of(answer) -> dict[str, str]:
    """The cookies that an answer sets, by name."""
    found = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        found.load(line)
    return found


def signed_in(client: TestClient) -> bool:
    return client.get("/api/v1/head").status_code == 200


def test_a_code_signs_in_once_and_the_cookies_are_out_of_reach_of_scripts(
    client: TestClient, seeded: Seeded
) -> None:
    code = seeded.code_for(EMAIL)
    answer = start(client, code, next="/explore?window=7d")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/explore?window=7d"
    cookies = cookies_of(answer)
    assert set(cookies) == {SESSION_COOKIE, BROWSER_COOKIE}
    for cookie in cookies.values():
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["secure"]
        assert not cookie["domain"]
    assert cookies[SESSION_COOKIE]["max-age"] == str(12 * 3600)
    assert signed_in(client)
    assert "set-cookie" not in start(client, code).headers


def test_a_code_expires_after_30_seconds(client: TestClient, seeded: Seeded) -> None:
    code = seeded.code_for(EMAIL)
    seeded.clock.pass_by(seconds=31)
    assert "set-cookie" not in start(client, code).headers


@pytest.mark.parametrize("code", ["", "wrong", "x" * 10_000])
def test_a_wrong_code_only_leads_on(client: TestClient, code: str) -> None:
    answer = start(client, code, next="/explore")
    assert (answer.status_code, answer.headers["location"]) == (303, "/explore")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("body", [b"code=" + b"x" * 100_000, b"\xff=1", b"{}", b"&" * 100])
def test_a_body_that_is_no_small_form_leads_to_the_first_page(
    client: TestClient, body: bytes
) -> None:
    answer = client.post("/api/session/start", content=body, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers


def test_no_get_and_no_head_changes_anything(client: TestClient, seeded: Seeded) -> None:
    """Whatever follows links or looks at pages beforehand neither spends a code nor signs out."""
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(EMAIL))
    code = seeded.code_for(EMAIL)
    for method in ("GET", "HEAD", "OPTIONS"):
        for path in ("start", "end", "signed-in", "signed-out"):
            answer = client.request(method, f"/api/session/{path}?code={code}&next=/", headers=OWN)
            assert answer.status_code in (200, 404, 405)
            assert "set-cookie" not in answer.headers
    assert signed_in(client)
    assert not seeded.events("sign_out")
    client.cookies.clear()
    assert SESSION_COOKIE in cookies_of(start(client, code))


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://testserver.evil", None])
def test_another_site_cannot_sign_a_visitor_in_or_out(
    client: TestClient, seeded: Seeded, origin: str | None
) -> None:
    headers = {} if origin is None else {"origin": origin}
    code = seeded.code_for(EMAIL)
    answer = client.post("/api/session/start", data={"code": code}, headers=headers)
    assert answer.status_code == 403
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(EMAIL))
    assert client.post("/api/session/end", headers=headers).status_code == 403
    assert signed_in(client)


@pytest.mark.parametrize("page", [SIGNED_IN_PAGE, SIGNED_OUT_PAGE])
def test_another_site_cannot_open_the_pages_that_post(client: TestClient, page: str) -> None:
    answer = client.get(page, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page_of_ours = client.get(page, headers={"sec-fetch-site": "same-origin"})
    assert page_of_ours.status_code == 200
    assert '<form method="post"' in page_of_ours.text
    for script in ("session.js", "session.css"):
        assert f'"pages/{script}"' in page_of_ours.text
        assert client.get(f"/api/session/pages/{script}").status_code == 200
    assert client.get("/api/session/pages/sign_in.html").status_code == 404


@given(code=st.text(max_size=40), wanted=st.text(max_size=40))
def test_code_and_page_stand_where_no_server_sees_them(code: str, wanted: str) -> None:
    parts = urlsplit(signed_in_address(code, wanted))
    assert (parts.path, parts.query) == (SIGNED_IN_PAGE, "")
    read = parse_qs(parts.fragment, keep_blank_values=True)
    assert read == {"code": [code], "next": [wanted]}


def test_signing_out_ends_the_session_and_takes_the_cookie_away(
    client: TestClient, seeded: Seeded
) -> None:
    secret = seeded.sign_in(EMAIL)
    client.cookies.set(SESSION_COOKIE, secret)
    answer = client.post("/api/session/end", headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert cookies_of(answer)[SESSION_COOKIE]["max-age"] == "0"
    assert BROWSER_COOKIE not in cookies_of(answer), "the browser stays known"
    client.cookies.set(SESSION_COOKIE, secret)
    assert not signed_in(client)
    assert [event.actor for event in seeded.events("sign_out")] == [EMAIL]


def test_the_page_after_signing_out_takes_away_a_dead_cookie_only(
    client: TestClient, seeded: Seeded
) -> None:
    """So that nobody is signed out by being led to that page."""
    secret = seeded.sign_in(EMAIL)
    client.cookies.set(SESSION_COOKIE, secret)
    answer = client.post("/api/session/end", data={"ended": "1"}, headers=OWN)
    assert "set-cookie" not in answer.headers
    assert signed_in(client)
    seeded.clock.pass_by(hours=13)
    answer = client.post("/api/session/end", data={"ended": "1"}, headers=OWN)
    assert cookies_of(answer)[SESSION_COOKIE]["max-age"] == "0"


def test_a_session_that_nobody_uses_ends_and_what_pages_ask_by_themselves_is_no_use(
    client: TestClient, seeded: Seeded
) -> None:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(EMAIL))
    idle = seeded.installation.settings.session_idle_minutes
    for _ in range(3):  # Somebody works.
        seeded.clock.pass_by(minutes=idle - 1)
        assert client.get("/api/v1/suggestions").status_code == 200
    for _ in range(idle // 10):  # A page in Real-time is left alone.
        assert client.get("/api/v1/head").status_code == 200
        assert signed_in(client)
        seeded.clock.pass_by(minutes=10)
    assert client.get("/api/v1/head").status_code == 401
    assert client.get("/api/v1/suggestions").status_code == 401
    assert not signed_in(client)


def test_use_is_written_down_once_a_minute(client: TestClient, seeded: Seeded) -> None:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(EMAIL))
    seen = []
    for _ in range(30):
        client.get("/api/v1/suggestions")
        seen.append(seeded.last_seen(EMAIL))
        seeded.clock.pass_by(seconds=10)
    assert len(set(seen)) == 5
    assert timedelta(minutes=1) == SEEN_EVERY


def test_each_sign_in_gives_the_browser_a_new_device_cookie(
    client: TestClient, seeded: Seeded
) -> None:
    first = cookies_of(start(client, seeded.code_for(EMAIL)))[BROWSER_COOKIE].value
    second = cookies_of(start(client, seeded.code_for("both@example.org")))[BROWSER_COOKIE].value
    assert first != second
    assert seeded.knows(EMAIL, second)
    assert seeded.knows("both@example.org", second)
    assert not seeded.knows(EMAIL, first)


def test_the_cookie_is_secure_when_asked() -> None:
    assert "Secure" in session_cookie("abc", lifetime_s=60, secure=True)
    assert "Secure" not in session_cookie("abc", lifetime_s=60, secure=False)
    assert "Secure" in device_cookie("abc", secure=True)
    assert "Secure" not in device_cookie("abc", secure=False)


@law(200)
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


@law(500)
@given(st.text(max_size=60) | st.text(alphabet="/\\\t\n\r @:.?#a", max_size=12))
def test_whatever_is_asked_for_stays_on_this_host(wanted: str) -> None:
    path = local_path(wanted)
    # A browser drops tabs and line ends, and reads a backslash as a slash.
    as_read = path.translate({9: None, 10: None, 13: None, 92: "/"})
    parts = urlsplit(as_read)
    assert as_read.startswith("/")
    assert not as_read.startswith("//")
    assert (parts.scheme, parts.netloc) == ("", "")
