"""Webhooks come in signed, once, for their own organization, and are committed when answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from audit_core.domain.access import Scope
from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.schema import state_change
from audit_core.log.state_changes import StateChangeLog
from audit_core.runtime.webhook_signing import new_secret
from audit_core.sources.webhooks.endpoint import Endpoint, add_endpoint, endpoints_of
from audit_core.state.rejections import list_rejections
from audit_core.web.addresses import DAYTONA_WEBHOOK_PATH
from audit_core.web.routes import webhooks
from tests.support.seeded import ALPHA, BETA, PEOPLE, Seeded
from tests.support.webhook_sender import THERE, created, signed, updated, written
from tests.web.conftest import make_client

SECRET = new_secret()


@pytest.fixture
def endpoint(seeded: Seeded) -> Endpoint:
    with seeded.installation.state.begin() as connection:
        return add_endpoint(
            connection,
            organization_id=ALPHA,
            daytona_organization_id=THERE,
            name="Daytona",
            secret=SECRET,
            installation_key=seeded.installation.key,
            actor="somebody",
            now=seeded.clock(),
        )


class Sender:
    """Sends to an endpoint as Svix does."""

    def __init__(self, client: TestClient, seeded: Seeded, endpoint_id: str) -> None:
        self.client, self.seeded, self.endpoint_id = client, seeded, endpoint_id

    def send(
        self,
        body: dict[str, Any] | str,
        message_id: str = "msg_1",
        *,
        secret: str = SECRET,
        name: str = "svix",
        **more: str,
    ) -> Response:
        raw = body if isinstance(body, str) else written(body)
        headers = signed(raw, secret, message_id, self.seeded.clock(), name)
        path = f"{DAYTONA_WEBHOOK_PATH}/{self.endpoint_id}"
        return self.client.post(path, content=raw.encode(), headers={**headers, **more})


@pytest.fixture
def sender(client: TestClient, seeded: Seeded, endpoint: Endpoint) -> Sender:
    return Sender(client, seeded, endpoint.id)


def stored(seeded: Seeded, organization_id: str = ALPHA) -> list[tuple[str, str, str]]:
    scope = Scope(organization_id=organization_id)
    statement = select(state_change).where(state_change.c.organization_id == organization_id)
    rows = seeded.installation.log.fetch(statement, scope, max_rows=100).table.to_pylist()
    return sorted((row["id"], row["target_id"], row["new_state"]) for row in rows)


@pytest.mark.parametrize("name", ["svix", "webhook"])
def test_a_change_is_in_the_log_when_the_answer_comes(
    sender: Sender, seeded: Seeded, name: str
) -> None:
    answer = sender.send(updated("box-1", "starting", "error"), name=name)
    assert (answer.status_code, answer.json()) == (200, {"stored": 1})
    assert stored(seeded) == [("msg_1", "box-1", "error")]
    assert stored(seeded, BETA) == []
    log = seeded.installation.log
    assert log.state_changes.head(ALPHA) > 0 == log.state_changes.head(BETA)
    assert log.head(ALPHA) == 0, "it is no entry"
    with seeded.installation.state.read() as connection:
        (kept,) = endpoints_of(connection, ALPHA)
    assert kept.last_received_at == seeded.clock()


def test_what_is_sent_again_is_known(sender: Sender, seeded: Seeded) -> None:
    body = created("box-1")
    assert sender.send(body).json() == {"stored": 1}
    seeded.clock.pass_by(minutes=30)
    assert sender.send(body).json() == {"stored": 0, "known": 1}
    assert sender.send(body, "msg_2").json() == {"stored": 1}
    assert [id_ for id_, *_ in stored(seeded)] == ["msg_1", "msg_2"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"svix-signature": "v1,AAAA"}, 401),
        ({"svix-id": "msg_other"}, 401),
        ({"svix-timestamp": "1"}, 401),
        ({"svix-signature": ""}, 401),
    ],
)
def test_what_is_not_signed_is_refused_and_on_record(
    sender: Sender, seeded: Seeded, more: dict[str, str], status: int
) -> None:
    answer = sender.send(created("box-1"), **more)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "hint", "code"}
    assert stored(seeded) == []
    (event,) = seeded.events("webhook.refused")
    assert (event.actor, event.organization_id) == ("Daytona", ALPHA)


def test_a_secret_opens_its_own_endpoint_only(
    sender: Sender, seeded: Seeded, endpoint: Endpoint
) -> None:
    other = new_secret()
    with seeded.installation.state.begin() as connection:
        beta = add_endpoint(
            connection,
            organization_id=BETA,
            daytona_organization_id="org-beta-there",
            name="Daytona",
            secret=other,
            installation_key=seeded.installation.key,
            actor="somebody",
            now=seeded.clock(),
        )
    assert sender.send(created("box-1"), secret=other).status_code == 401
    sender.endpoint_id = beta.id
    assert sender.send(created("box-1")).status_code == 401
    # Signed as it should be, but about the organization of the other endpoint.
    answer = sender.send(created("box-1"), secret=other)
    assert answer.status_code == 403
    assert "another organization" in answer.json()["error"]
    assert stored(seeded) == stored(seeded, BETA) == []
    sender.endpoint_id = "f" * 32
    assert sender.send(created("box-1")).status_code == 404


def test_what_needs_no_repetition_is_answered_well(sender: Sender, seeded: Seeded) -> None:
    custom = {**created("box-1"), "event": "custom.event"}
    assert sender.send(custom).json() == {"stored": 0, "ignored": "custom.event"}
    answer = sender.send({**created("box-1"), "timestamp": "yesterday"}, "msg_2")
    assert answer.status_code == 200
    assert "yesterday" in answer.json()["rejected"]
    assert sender.send("{", "msg_3").status_code == 200
    with seeded.installation.state.read() as connection:
        kept = list_rejections(connection, organization_id=ALPHA, limit=10)
    assert sorted(item.place for item in kept) == ["msg_2", "msg_3"]
    assert {item.origin for item in kept} == {"webhook: Daytona"}
    assert stored(seeded) == []


def test_what_cannot_be_kept_now_is_sent_again(
    sender: Sender, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailableError("The log is away.", "Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(StateChangeLog, "append_table", fail)
        assert sender.send(created("box-1")).status_code == 503
    assert sender.send(created("box-1")).json() == {"stored": 1}


def test_size_and_number_are_limited(
    sender: Sender, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {**created("box-1"), "more": "x" * webhooks.MAX_BYTES}
    assert sender.send(large).status_code == 413
    monkeypatch.setattr(webhooks, "MAX_OF_ADDRESS", 3)
    few = Sender(make_client(seeded.installation), seeded, sender.endpoint_id)
    answers = [few.send(created("box-1"), f"msg_{number}") for number in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "10"
    seeded.clock.pass_by(seconds=11)
    assert few.send(created("box-1"), "msg_9").status_code == 200


@pytest.fixture
def cookie(seeded: Seeded) -> Iterator[dict[str, str]]:
    email = next(email for email, roles in PEOPLE.items() if ALPHA in roles)
    yield {"cookie": f"sandtrail_session={seeded.sign_in(email)}"}


def test_a_page_of_another_site_cannot_send_one(
    sender: Sender, seeded: Seeded, cookie: dict[str, str]
) -> None:
    answer = sender.send(created("box-1"), origin="https://evil.example", **cookie)
    assert answer.status_code == 403
    assert stored(seeded) == []


def test_the_secret_is_kept_encrypted(seeded: Seeded, endpoint: Endpoint) -> None:
    assert SECRET not in endpoint.sealed_secret
    with seeded.installation.state.read() as connection:
        (kept,) = endpoints_of(connection, ALPHA)
    assert SECRET not in str(kept)
