"""GET /api/v1/alerts/{id}/history: who changed an alert and when, as a file, on record."""

from __future__ import annotations

import csv
import io
import json

import pytest
from starlette.testclient import TestClient

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.triage import change_state, comment_on
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.identity.administration import Administrator
from tests.support.alerts import find, rule_of_level
from tests.support.seeded import ALPHA, BETA, Seeded

RULE = rule_of_level(Level.HIGH)
FORMULA = "=cmd|' /C calc'!A0"
SECRET = "ghp_" + "a1B2" * 9


def raised(seeded: Seeded, organization_id: str) -> Alert:
    now = seeded.clock()
    by = Administrator(actor="ann@example.org", account_id=None, address=None, now=now)
    with seeded.installation.state.begin() as connection:
        one = find(connection, organization_id, RULE, ["user-1"], at=now, count=3)
        comment_on(
            connection,
            by,
            organization_id=organization_id,
            alert_ids=[one.id],
            comment=f"{FORMULA} {SECRET}",
        )
        (closed,) = change_state(
            connection,
            by,
            organization_id=organization_id,
            seen=[one],
            state=AlertState.ACKNOWLEDGED,
        ).changed
        change_state(
            connection,
            by,
            organization_id=organization_id,
            seen=[closed],
            state=AlertState.CLOSED,
            resolution=Resolution.BENIGN,
        )
    return one


def asked(client: TestClient, seeded: Seeded, one: Alert, email: str, query: str = ""):  # type: ignore[no-untyped-def]
    headers = {"cookie": f"sandtrail_session={seeded.sign_in(email)}"}
    return client.get(f"/api/v1/alerts/{one.id}/history{query}", headers=headers)


def test_what_happened_is_told_line_by_line_and_the_download_is_on_record(
    client: TestClient, seeded: Seeded
) -> None:
    one = raised(seeded, ALPHA)
    answer = asked(client, seeded, one, "auditor@example.org", "?format=jsonl")
    assert answer.status_code == 200, answer.text
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(line["event"], line["actor"], line["to"]) for line in lines] == [
        ("raised", None, None),
        ("commented", "ann@example.org", None),
        ("state", "ann@example.org", "acknowledged"),
        ("state", "ann@example.org", "closed"),
    ]
    assert (lines[0]["entries"], lines[-1]["resolution"]) == (3, "benign")
    assert SECRET not in answer.text
    assert "alert-1_history.jsonl" in answer.headers["content-disposition"]
    (event,) = seeded.events("alert.trail_downloaded")
    assert (event.actor, event.target) == ("auditor@example.org", "1")

    answer = asked(client, seeded, one, "auditor@example.org")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["event"] for row in rows] == [line["event"] for line in lines]
    # A spreadsheet runs none of it.
    assert rows[1]["comment"].startswith("'=")


def test_nobody_gets_what_they_may_not_see(client: TestClient, seeded: Seeded) -> None:
    own, other = raised(seeded, ALPHA), raised(seeded, BETA)
    assert asked(client, seeded, own, "member@example.org").status_code == 403
    assert client.get(f"/api/v1/alerts/{own.id}/history").status_code == 401
    foreign = asked(client, seeded, other, "admin@example.org")
    nowhere = client.get(
        f"/api/v1/alerts/{'0' * 32}/history",
        headers={"cookie": f"sandtrail_session={seeded.sign_in('admin@example.org')}"},
    )
    assert (foreign.status_code, foreign.json()) == (404, nowhere.json())
    assert not seeded.events("alert.trail_downloaded")


@pytest.mark.parametrize("query", ["?format=xlsx", "?columns=a", "?for=nobody"])
def test_what_is_not_understood_is_refused(client: TestClient, seeded: Seeded, query: str) -> None:
    one = raised(seeded, ALPHA)
    assert asked(client, seeded, one, "admin@example.org", query).status_code == 400
    answer = asked(client, seeded, one, "admin@example.org", f"?organization={BETA}")
    assert answer.status_code == 409
