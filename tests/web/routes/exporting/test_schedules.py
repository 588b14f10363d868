"""Schedules over HTTP: by persons and programs, of their own organization, as long as they may."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from audit_core.evidence.schedules.runner import ask_for_due
from audit_core.evidence.schedules.schedule import list_schedules
from audit_core.identity.api_tokens import list_tokens, revoke_token
from audit_core.web.errors import ErrorCode
from tests.support.error_shape import code_of
from tests.support.seeded import ALPHA, BETA, Seeded
from tests.web.routes.exporting.test_exporting import EXPORT, as_person, as_program

SCHEDULES = "/api/v1/exports/schedules"
NIGHTLY = {"name": "Nightly", "every": "day", "at": "06:30", "zone": "Europe/Berlin"}


@pytest.mark.parametrize("caller", ["person", "program"])
def test_one_is_made_listed_and_removed(client: TestClient, seeded: Seeded, caller: str) -> None:
    headers = as_person(seeded) if caller == "person" else as_program(seeded)
    asked = {**NIGHTLY, "action": "start", "format": "parquet", "hours": "48"}
    answer = client.post(SCHEDULES, headers=headers, params=asked)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"{SCHEDULES}/{made['id']}"
    known = {"every": "day", "at": "06:30", "zone": "Europe/Berlin", "hours": 48.0}
    known |= {"format": "parquet", "described": "action start", "folder": False}
    assert {name: made[name] for name in known} == known
    assert made["filter"]["action"] == ["start"]
    assert client.get(SCHEDULES, headers=headers).json() == {"schedules": [made]}
    # Nobody else sees it, or can end it.
    other = as_program(seeded, organization_id=BETA)
    assert client.get(SCHEDULES, headers=other).json() == {"schedules": []}
    assert client.delete(f"{SCHEDULES}/{made['id']}", headers=other).status_code == 404
    assert client.delete(f"{SCHEDULES}/{made['id']}", headers=headers).status_code == 204
    assert client.get(SCHEDULES, headers=headers).json() == {"schedules": []}
    for verb in ("export_schedule.added", "export_schedule.removed"):
        (event,) = seeded.events(verb)
        assert (event.organization_id, event.actor) == (ALPHA, made["made_by"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"every": ""}, "every is missing"),
        ({"every": "hour"}, "not one of day, week, month"),
        ({"at": "24:00"}, "a time such as 06:30"),
        ({"name": ""}, "The name is empty"),
        ({"window": "1d"}, "window is not for schedules"),
        ({"folder": "1"}, "No folder is set"),
        ({"secrets": "1"}, "without secrets"),
        ({"actoin": "start"}, "actoin"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: TestClient, seeded: Seeded, changed: dict[str, str], said: str
) -> None:
    answer = client.post(SCHEDULES, headers=as_program(seeded), params=NIGHTLY | changed)
    assert code_of(answer) is ErrorCode.INVALID_REQUEST
    assert said in answer.text
    assert not seeded.events("export_schedule.added")


def test_without_the_permission_it_is_refused(client: TestClient, seeded: Seeded) -> None:
    for headers in (as_person(seeded, "member@example.org"), as_program(seeded, "read:audit_logs")):
        for answer in (
            client.get(SCHEDULES, headers=headers),
            client.post(SCHEDULES, headers=headers, params=NIGHTLY),
            client.delete(f"{SCHEDULES}/x", headers=headers),
        ):
            assert code_of(answer) is ErrorCode.FORBIDDEN


def test_what_a_token_asked_for_is_made_until_the_token_is_revoked(
    client: TestClient, seeded: Seeded
) -> None:
    headers = {"authorization": f"Bearer {seeded.token(ALPHA, EXPORT, days=30)}"}
    answer = client.post(SCHEDULES, headers=headers, params=NIGHTLY)
    assert answer.status_code == 201, answer.text
    calendar = seeded.installation.export_calendar
    seeded.clock.pass_by(days=1)
    assert ask_for_due(calendar) == 1
    (event,) = seeded.events("export.requested")
    with seeded.installation.state.begin() as connection:
        (token,) = list_tokens(connection, organization_id=ALPHA)
        assert event.actor == token.name
        revoke_token(connection, token_id=token.id, organization_id=ALPHA, now=seeded.clock())
    headers = as_person(seeded)
    export_id = client.get("/api/v1/exports", headers=headers).json()["exports"][0]["id"]
    client.post(f"/api/v1/exports/{export_id}/cancel", headers=headers)
    seeded.clock.pass_by(days=1)
    assert ask_for_due(calendar) == 0
    with seeded.installation.state.read() as connection:
        (stopped,) = list_schedules(connection, ALPHA)
    assert stopped.paused
    assert f"{token.name} may not export any more" in (stopped.problem or "")
