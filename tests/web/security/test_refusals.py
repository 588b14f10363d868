"""What the gate refuses by itself stands on record: whose it is by who was refused, bounded, and
without a write on the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from audit_core.domain.access import Permission
from audit_core.state.access_log.attempts import MAX_WAITING, attempts_of
from audit_core.state.access_log.joining import MANY, MAX_ROWS, REST
from audit_core.state.access_log.record import AccessEvent, list_events
from audit_core.state.database import State
from audit_core.web.arrivals import MAX_BYTES
from audit_core.web.limits.concurrent_downloads import PER_PERSON, Downloads
from audit_core.web.limits.rate_limit import MAX_REQUESTS
from audit_core.web.routes.entries import ENTRIES_PATH
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.routes.suggestions import RECORD_SUGGESTIONS_PATH, SUGGESTIONS_PATH
from audit_core.web.security.gate import Gate
from audit_core.web.security.hosts import KnownHosts
from audit_core.web.security.identity import SESSION_COOKIE
from audit_core.web.security.refusals import LONGEST, NOBODY
from pages.parts.shell.back_messages import CODEC
from tests.support.event_loop import run_apart
from tests.support.seeded import ALPHA, Seeded
from tests.web.conftest import make_client

ADMIN, AUDITOR = "admin@example.org", "auditor@example.org"
OWN = {"origin": "http://testserver"}
EVIL = {"origin": "http://evil.example"}
SOCKET = "ws://rebound.example/_stcore/stream"
UPLOAD = "/_stcore/upload_file/tab/file"


def refused(seeded: Seeded, verb: str) -> list[AccessEvent]:
    attempts_of(seeded.installation.state).write()
    with seeded.installation.state.read() as connection:
        return list(list_events(connection, organization_id=None, limit=1_000, verb=verb))


def the_refusal(seeded: Seeded, verb: str) -> AccessEvent:
    (event,) = refused(seeded, verb)
    assert event.outcome == "refused"
    return event


def sign_in(client: TestClient, seeded: Seeded, email: str = ADMIN) -> None:
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(email))


async def listening(_scope: Scope, receive: Receive, send: Send) -> None:
    """Takes a websocket's messages, as Streamlit does."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] == "websocket.receive":
        pass


def test_a_name_that_is_not_ours(seeded: Seeded) -> None:
    app = Gate(
        make_client(seeded.installation).app,
        installation=lambda: seeded.installation,
        hosts=KnownHosts(names=("audit.example.org",)),
    )
    client = TestClient(app, base_url="http://rebound.example")
    sign_in(client, seeded)
    assert client.get("/api/v1/head").status_code == 400
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET):
        pass
    event = the_refusal(seeded, "host.refused")
    assert (event.actor, event.organization_id, event.count) == (NOBODY, None, 2)
    assert (event.target, event.address) == ("rebound.example", "testclient")


@pytest.mark.parametrize("email", [None, ADMIN])
def test_what_comes_from_another_site(
    client: TestClient, seeded: Seeded, email: str | None
) -> None:
    if email:
        sign_in(client, seeded, email)
    assert client.post("/api/session/end", headers=EVIL).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/_stcore/stream", headers=EVIL),
    ):
        pass
    events = refused(seeded, "origin.refused")
    assert {event.detail["path"] for event in events} == {"/api/session/end", "/_stcore/stream"}
    for event in events:
        assert event.target == "http://evil.example"
        assert event.actor == (email or NOBODY)
        assert event.organization_id == (ALPHA if email else None)


def test_a_link_of_another_site_to_what_only_we_may_ask(client: TestClient, seeded: Seeded) -> None:
    sign_in(client, seeded)
    answer = client.get(EXPORT_PATH, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    event = the_refusal(seeded, "origin.refused")
    assert (event.actor, event.organization_id) == (ADMIN, ALPHA)
    assert event.detail == {"origin": "cross-site", "path": EXPORT_PATH}


@pytest.mark.parametrize("email", [None, AUDITOR])
def test_what_no_page_sends(seeded: Seeded, email: str | None) -> None:
    client = TestClient(Gate(listening, installation=lambda: seeded.installation, codec=CODEC))
    if email:
        sign_in(client, seeded, email)
    for _ in range(3):
        with client.websocket_connect("/_stcore/stream", headers=OWN) as socket:
            socket.send_bytes(b"none of the protocol")
            with pytest.raises(WebSocketDisconnect):
                socket.receive_bytes()
    event = the_refusal(seeded, "socket.refused")
    assert (event.actor, event.organization_id) == (email or NOBODY, ALPHA if email else None)
    assert event.count == 3
    assert event.detail == {"reason": "what is no message of the protocol"}


def test_more_than_a_request_may_hold(client: TestClient, seeded: Seeded) -> None:
    secret = seeded.token(ALPHA, Permission.INGEST.value)
    for body in (b"x" * (MAX_BYTES + 1), b"{}\n" * 10_001):
        answer = client.post(
            ENTRIES_PATH, content=body, headers={"authorization": f"Bearer {secret}"}
        )
        assert answer.status_code == 413
    event = the_refusal(seeded, "size.refused")
    assert (event.organization_id, event.target, event.count) == (ALPHA, ENTRIES_PATH, 2)


@pytest.mark.parametrize("path", [SUGGESTIONS_PATH, RECORD_SUGGESTIONS_PATH])
def test_asking_too_often(client: TestClient, seeded: Seeded, path: str) -> None:
    sign_in(client, seeded, AUDITOR)
    answers = [client.get(path).status_code for _ in range(MAX_REQUESTS + 5)]
    assert answers.count(429) == 5
    event = the_refusal(seeded, "pace.refused")
    assert (event.actor, event.organization_id, event.target, event.count) == (
        *(AUDITOR, ALPHA, path),
        5,
    )


def test_too_many_downloads(
    client: TestClient, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, seeded)
    begin = Downloads.begin

    def begin_last(self: Downloads, person: str, organization: str) -> Callable[[], None]:
        for _ in range(PER_PERSON):
            begin(self, person, organization)
        return begin(self, person, organization)

    monkeypatch.setattr(Downloads, "begin", begin_last)
    assert client.get(f"{EXPORT_PATH}?window=all").status_code == 429
    event = the_refusal(seeded, "pace.refused")
    assert (event.actor, event.organization_id, event.target) == (ADMIN, ALPHA, EXPORT_PATH)


def test_files_that_are_not_taken(client: TestClient, seeded: Seeded) -> None:
    assert client.put(UPLOAD, headers=OWN).status_code == 401
    assert the_refusal(seeded, "request.refused").target == UPLOAD
    sign_in(client, seeded, AUDITOR)
    assert client.put(UPLOAD, headers=OWN).status_code == 403
    assert the_refusal(seeded, "permission.refused").actor == AUDITOR
    sign_in(client, seeded)
    assert client.put(UPLOAD, headers=OWN).status_code == 404
    event = the_refusal(seeded, "upload.refused")
    assert (event.actor, event.organization_id) == (ADMIN, ALPHA)
    assert event.target == "not from a tab of this session that may send files"


def test_what_a_client_sends_is_cut(client: TestClient, seeded: Seeded) -> None:
    client.post("/" + "x" * 5_000, headers={"origin": "http://" + "y" * 5_000})
    event = the_refusal(seeded, "origin.refused")
    assert {len(text) for text in event.detail.values()} == {LONGEST}


def test_a_flood_is_few_rows_and_every_attempt_is_counted(seeded: Seeded) -> None:
    """Also of one signed-in person, and of what is never alike."""
    attempts, times = attempts_of(seeded.installation.state), MAX_WAITING * 3
    for organization_id in (None, ALPHA):
        for number in range(times):
            attempts.note(
                at=seeded.clock(),
                verb="origin.refused",
                actor=NOBODY,
                organization_id=organization_id,
                address=f"192.0.{number // 250}.{number % 250}",
                detail={"path": f"/{number}"},
            )
            assert len(attempts._waiting) <= MAX_WAITING + 2
    events = refused(seeded, "origin.refused")
    for organization_id in (None, ALPHA):
        own = [event for event in events if event.organization_id == organization_id]
        assert sum(event.count for event in own) == times
        assert len(own) <= MAX_ROWS + 1
    assert MANY in {event.actor for event in events}
    assert REST in [event.detail for event in events]


def test_the_event_loop_writes_nothing(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the state cannot be written just now."""
    began: list[int] = []
    begin = State.begin
    attempts = attempts_of(seeded.installation.state)

    def watched(self: State) -> object:
        began.append(threading.get_ident())
        return begin(self)

    monkeypatch.setattr(State, "begin", watched)
    sent: list[Message] = []

    async def ask(gate: Gate) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"testserver"), (b"origin", b"http://evil.example")],
            "client": ("192.0.2.1", 1),
            "scheme": "http",
        }
        for _ in range(50):
            await gate(scope, receive, send)

    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError("it was refused")

    async def asked() -> int:
        await ask(Gate(nothing, installation=lambda: seeded.installation))
        return threading.get_ident()

    loop_thread = run_apart(asked())
    assert [message["status"] for message in sent if "status" in message] == [403] * 50
    attempts.write()
    assert began and loop_thread not in began
    monkeypatch.undo()
    assert the_refusal(seeded, "origin.refused").count == 50
