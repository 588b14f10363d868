import socket

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from audit_core.domain.errors import LogLockedError
from audit_core.identity.sessions import end_sessions_of
from audit_core.web.client_log import LOGGER
from audit_core.web.security.identity import SESSION_COOKIE
from tests.support.seeded import Seeded
from tests.web.conftest import app_of, make_client
from tests.web.served import served, wait_for

OWN = {"origin": "http://testserver"}
COMPONENT = "/_stcore/bidi-components/sandtrail.browser_watch/browser_watch.js"
UPLOAD = "/_stcore/upload_file/a/b"
CLOSED = (
    *("/_stcore/metrics", "/_stcore/agent/interact", "/auth/login", "/oauth2callback"),
    "/media/a",
)


def signed_in(client: TestClient, seeded: Seeded, email: str = "admin@example.org") -> TestClient:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(email))
    return client


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/unknown", "/_stcore/metrics"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "ws://testserver" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert ("cache-control" in headers) == path.startswith("/api")


def test_an_unforeseen_error_tells_nothing_and_still_carries_the_headers(
    client: TestClient,
) -> None:
    answer = client.get("/api/fail")
    assert answer.status_code == 500
    assert answer.json().keys() == {"error", "hint", "code", "id"}
    assert "secret" not in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    "name", ["x-sandtrail-account", "X-Sandtrail-Session", "X_Sandtrail_Account", "X-Sandtrail-New"]
)
def test_identity_headers_of_a_client_are_dropped(client: TestClient, name: str) -> None:
    seen = client.get("/", headers={name: "admin"}).text.lower()
    assert "sandtrail" not in seen
    with client.websocket_connect("/_stcore/stream", headers={**OWN, name: "admin"}) as socket:
        assert "sandtrail" not in str(socket.receive_json()).lower()


def test_a_websocket_is_told_the_account_of_the_session_and_only_that(
    client: TestClient, seeded: Seeded
) -> None:
    signed_in(client, seeded)
    forged = {**OWN, "x-sandtrail-account": seeded.ids["both@example.org"]}
    with client.websocket_connect("/_stcore/stream", headers=forged) as socket:
        told = [value for name, value in socket.receive_json() if name == "x-sandtrail-account"]
    assert told == [seeded.ids["admin@example.org"]]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8501"},
        {"origin": "null"},
        {"origin": "https://testserver.evil.example"},
    ],
)
def test_a_websocket_from_elsewhere_never_reaches_the_pages(
    client: TestClient, seeded: Seeded, headers: dict[str, str]
) -> None:
    signed_in(client, seeded)
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/_stcore/stream", headers=headers),
    ):
        pass
    assert refused.value.code == 1008


def test_no_other_path_takes_websockets(client: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/elsewhere", headers=OWN),
    ):
        pass


def test_an_upload_needs_a_session(client: TestClient, seeded: Seeded) -> None:
    assert client.put(UPLOAD, headers=OWN).status_code == 401
    client.cookies.set(SESSION_COOKIE, "guessed")
    assert client.put(UPLOAD, headers=OWN).status_code == 401
    signed_in(client, seeded)
    assert client.put(UPLOAD, headers=OWN).status_code == 404  # No such tab.


def test_scripts_of_components_are_there_for_a_tab_whose_session_has_ended(
    client: TestClient, seeded: Seeded
) -> None:
    signed_in(client, seeded)
    with seeded.installation.state.begin() as connection:
        end_sessions_of(connection, seeded.ids["admin@example.org"])
    assert client.get(COMPONENT).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
def test_what_no_page_uses_is_closed_to_everybody(
    client: TestClient, seeded: Seeded, path: str
) -> None:
    assert client.get(path).status_code == 404
    signed_in(client, seeded)
    assert client.get(path).status_code == 404
    assert client.get(path, headers={"authorization": "Bearer x"}).status_code == 404


def test_an_ended_session_is_refused_at_once(client: TestClient, seeded: Seeded) -> None:
    signed_in(client, seeded)
    with seeded.installation.state.begin() as connection:
        end_sessions_of(connection, seeded.ids["admin@example.org"])
    assert client.put(UPLOAD, headers=OWN).status_code == 401


def test_a_session_expires(client: TestClient, seeded: Seeded) -> None:
    signed_in(client, seeded)
    seeded.clock.pass_by(hours=13)
    assert client.put(UPLOAD, headers=OWN).status_code == 401


def test_two_session_cookies_are_none(client: TestClient, seeded: Seeded) -> None:
    secret = seeded.sign_in("admin@example.org")
    header = f"{SESSION_COOKIE}={secret}; {SESSION_COOKIE}=other"
    assert client.put(UPLOAD, headers={**OWN, "cookie": header}).status_code == 401


def test_an_upload_from_another_site_is_refused(client: TestClient, seeded: Seeded) -> None:
    signed_in(client, seeded)
    assert client.put(UPLOAD, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.put(UPLOAD).status_code == 403


def test_a_post_with_the_cookie_needs_the_own_origin(client: TestClient, seeded: Seeded) -> None:
    signed_in(client, seeded)
    bearer = {"authorization": f"Bearer {seeded.token('org-alpha', 'write:audit_logs')}"}
    assert client.post("/api/v1/entries", headers=bearer).status_code == 403
    foreign = {**bearer, "origin": "http://evil.example"}
    assert client.post("/api/v1/entries", headers=foreign).status_code == 403
    # Past the gate: an empty body holds no records.
    assert client.post("/api/v1/entries", headers=bearer | OWN).status_code == 400


def test_while_the_product_cannot_be_opened_the_pages_are_served_and_nobody_is_signed_in() -> None:
    client = make_client(LogLockedError("The log is in use.", "Stop the other process."))
    client.cookies.set(SESSION_COOKIE, "x")
    assert client.get("/").status_code == 200
    assert client.put(UPLOAD, headers=OWN).status_code == 401
    health = client.get("/api/health")
    assert (health.status_code, health.json()["status"]) == (503, "unavailable")
    assert health.json()["failing"] == [{"part": "log", "reason": "The log is in use."}]
    entries = client.post("/api/v1/entries", headers=OWN)
    assert entries.status_code == 503
    assert entries.json() == {
        "error": "The log is in use.",
        "hint": "Stop the other process.",
        "code": "unavailable",
    }


def test_a_sender_who_leaves_midway_is_no_error(
    seeded: Seeded, caplog: pytest.LogCaptureFixture
) -> None:
    token = seeded.token("org-alpha", "write:audit_logs")
    head = f"POST /api/v1/entries HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    with (
        caplog.at_level("INFO", LOGGER.name),
        served(app_of(seeded.installation)) as port,
    ):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        wait_for(lambda: "The client left" in caplog.text)
    assert "Error" not in caplog.text
