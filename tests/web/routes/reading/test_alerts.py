"""GET /api/v1/alerts: a program that asks again and again sees each alert as it is in the end."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import list_alerts
from audit_core.detect.alerts.triage import change_state
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.identity.administration import Administrator
from tests.support.alerts import find, rule_of_level
from tests.support.seeded import ALPHA, BETA, Seeded

READ, PATH = "read:audit_logs", "/api/v1/alerts"
HIGH, MEDIUM = rule_of_level(Level.HIGH), rule_of_level(Level.MEDIUM)


@pytest.fixture
def reader(seeded: Seeded) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(ALPHA, READ)}"}


def operator(seeded: Seeded) -> Administrator:
    return Administrator(actor="command line", account_id=None, address=None, now=seeded.clock())


def something_happens(seeded: Seeded, chance: random.Random) -> None:
    """An alert is raised or grows, or somebody changes one; in two organizations."""
    organization_id = chance.choice((ALPHA, ALPHA, BETA))
    seeded.clock.pass_by(minutes=7)
    with seeded.installation.state.begin() as connection:
        listed = list_alerts(connection, organization_id, AlertFilter(), limit=99).items
        if listed and chance.random() < 0.5:
            to = chance.choice([*AlertState])
            change_state(
                connection,
                operator(seeded),
                organization_id=organization_id,
                seen=[chance.choice(listed)],
                state=to,
                resolution=Resolution.BENIGN if to is AlertState.CLOSED else None,
            )
            return
        at = seeded.clock()
        rule = chance.choice((HIGH, MEDIUM))
        find(connection, organization_id, rule, [chance.choice("abc")], at=at, now=at)


def test_a_program_that_follows_misses_no_change(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    chance = random.Random(5)  # noqa: S311
    known: dict[str, Any] = {}
    since, seen = 0, []
    for _ in range(25):
        for _ in range(chance.randrange(4)):
            something_happens(seeded, chance)
        more = True
        while more:
            answer = client.get(PATH, headers=reader, params={"since": since, "limit": 2})
            assert answer.status_code == 200, answer.text
            body = answer.json()
            for one in body["alerts"]:
                assert since < one["revision"] <= body["revision"]
                known[one["id"]] = one
                seen.append(one["revision"])
            since, more = body["revision"], body["more"]
    assert len(set(seen)) == len(seen) > 10
    with seeded.installation.state.read() as connection:
        kept = list_alerts(connection, ALPHA, AlertFilter(), limit=99).items
    assert {one.id: (one.revision, one.state.value, one.count) for one in kept} == {
        name: (one["revision"], one["state"], one["count"]) for name, one in known.items()
    }


def test_an_alert_is_told_with_all_that_is_known_of_it(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    now = seeded.clock()
    token = "ghp_" + "a1B2" * 9
    with seeded.installation.state.begin() as connection:
        find(connection, ALPHA, HIGH, [token], at=now - timedelta(hours=2), count=3, now=now)
        find(connection, ALPHA, MEDIUM, ["bob"], at=now - timedelta(hours=1), now=now)
    (one, other) = client.get(PATH, headers=reader).json()["alerts"]
    assert (one["number"], one["level"], one["state"], one["count"]) == (1, "high", "open", 3)
    assert one["rule"] == {"id": HIGH.id, "title": HIGH.title}
    assert one["first_at"] == "2026-05-04T07:00:00Z"
    assert (one["closed_at"], one["resolution"], one["assignee"]) == (None, None, None)
    assert one["path"] == f"/alerts?alert={one['id']}"
    assert token not in str(one)
    assert other["group"] == {"actorId": "bob"}
    revealing = seeded.token(ALPHA, READ, "reveal:secrets")
    shown = client.get(PATH, headers={"authorization": f"Bearer {revealing}"}).json()["alerts"]
    assert shown[0]["group"] == {"actorId": token}
    for asked, numbers in (
        ({"level": ["high", "critical"]}, [1]),
        ({"rule": MEDIUM.id}, [2]),
        ({"state": "closed"}, []),
        ({"text": "BOB"}, [2]),
        ({"from": "2026-05-04T07:30:00Z"}, [2]),
        ({"to": "2026-05-04T07:30:00Z"}, [1]),
    ):
        found = client.get(PATH, headers=reader, params=asked).json()
        assert [each["number"] for each in found["alerts"]] == numbers
        assert found["revision"] == other["revision"]
    (event,) = seeded.events("alerts.read")[-1:]
    assert event.detail["path"] == PATH


def test_a_person_reads_by_the_session_and_nobody_without_permission(
    client: TestClient, seeded: Seeded
) -> None:
    for email, status in (("auditor@example.org", 200), ("member@example.org", 403)):
        headers = {"cookie": f"sandtrail_session={seeded.sign_in(email)}"}
        assert client.get(PATH, headers=headers).status_code == status
    assert client.get(PATH).status_code == 401
    for token in (seeded.token(ALPHA, "write:audit_logs"), seeded.token(None, READ)):
        headers = {"authorization": f"Bearer {token}"}
        assert client.get(PATH, headers=headers).status_code == 403


def test_another_organization_sees_nothing_of_it(client: TestClient, seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        find(connection, ALPHA, HIGH, ["ann"], at=seeded.clock())
    headers = {"authorization": f"Bearer {seeded.token(BETA, READ)}"}
    assert client.get(PATH, headers=headers).json() == {
        "alerts": [],
        "revision": 0,
        "more": False,
    }


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("since=-1", "since"),
        ("since=1&since=2", "given 2 times"),
        ("limit=0", "from 1 to 1,000"),
        ("state=shut", "not one of open"),
        ("from=yesterday", "from cannot be read"),
        ("assignee=me", "unknown"),
        ("text=%00", "NUL"),
        ("cursor=1", "unknown"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_sentence(
    client: TestClient, reader: dict[str, str], query: str, sentence: str
) -> None:
    answer = client.get(f"{PATH}?{query}", headers=reader)
    assert answer.status_code == 400, answer.text
    assert sentence in answer.text
