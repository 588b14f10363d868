"""The access record as a file: to whom, of which organization, and what is in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
import pytest
from starlette.testclient import TestClient

from audit_core.identity.accounts import set_operator
from audit_core.state.access_log.record import record
from audit_core.web.routes.access_record import ACCESS_RECORD_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN, AUDITOR, MEMBER, NOBODY = (
    f"{name}@example.org" for name in ("admin", "auditor", "member", "nobody")
)


def path(**params: str | list[str]) -> str:
    asked = {"window": "all", "format": "jsonl"} | params
    return f"{ACCESS_RECORD_PATH}?{urlencode(asked, doseq=True)}"


def as_person(seeded: Seeded, email: str) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(email)}"}


def rows(answer: httpx.Response) -> list[dict[str, object]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.split("\n") if line]


@pytest.fixture
def stored(seeded: Seeded) -> Seeded:
    """A deed in each organization and in none, shortly before now."""
    with seeded.installation.state.begin() as connection:
        for organization_id in (ALPHA, BETA, None):
            record(
                connection,
                at=seeded.clock(),
                verb="token.added",
                actor="=cmd()@example.org",
                organization_id=organization_id,
                detail={"name": f"of {organization_id}", "token": "1"},
            )
        set_operator(connection, account_id=seeded.ids[NOBODY], operator=True)
    seeded.clock.pass_by(seconds=1)
    return seeded


@pytest.mark.parametrize("email", [ADMIN, AUDITOR])
def test_admins_and_auditors_get_what_belongs_to_their_organization(
    client: TestClient, stored: Seeded, email: str
) -> None:
    found = rows(client.get(path(), headers=as_person(stored, email)))
    assert [(row["action"], row["target"]) for row in found] == [("token.added", f"of {ALPHA}")]
    assert BETA not in json.dumps(found)


def test_the_filter_is_that_of_the_page(client: TestClient, stored: Seeded) -> None:
    headers = as_person(stored, ADMIN)
    for params, count in (
        ({"query": "action:token.* outcome:done"}, 1),
        ({"query": "outcome:refused"}, 0),
        ({"category": "access"}, 1),
        ({"action": ["ingest", "sign_out"]}, 0),
        ({"text": "CMD()"}, 1),
    ):
        assert len(rows(client.get(path(**params), headers=headers))) == count


def test_the_csv_is_safe_to_open_in_a_spreadsheet(client: TestClient, stored: Seeded) -> None:
    answer = client.get(path(format="csv"), headers=as_person(stored, ADMIN))
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert row["actor"] == "'=cmd()@example.org"
    assert datetime.fromisoformat(row["time"]).replace(tzinfo=UTC) == (
        datetime.fromisoformat(row["timeExact"]).replace(microsecond=0)
    )
    assert json.loads(row["metadata"]) == {"name": f"of {ALPHA}", "token": "1"}
    assert answer.headers["content-disposition"] == (
        'attachment; filename="access-record_alpha-works_all_20260504T090001Z_for-spreadsheets.csv"'
    )


def test_the_csv_for_machines_is_raw(client: TestClient, stored: Seeded) -> None:
    answer = client.get(
        path(**{"format": "csv", "for": "machines"}), headers=as_person(stored, ADMIN)
    )
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert row["actor"] == "=cmd()@example.org"
    assert "timeExact" not in row
    assert answer.headers["content-disposition"].endswith('_for-machines.csv"')


def test_the_export_is_itself_on_record_with_what_was_asked(
    client: TestClient, stored: Seeded
) -> None:
    client.get(path(outcome="done"), headers=as_person(stored, AUDITOR))
    (started,) = stored.events("record_export.started")
    (finished,) = stored.events("record_export.finished")
    assert finished.detail["events"] == 1
    assert (started.actor, started.organization_id) == (AUDITOR, ALPHA)
    assert started.detail["filter"] == {"window": ["all"], "outcome": ["done"]}


@pytest.mark.parametrize(
    ("email", "part", "lacking"),
    [
        (MEMBER, "organization", "read:access_record"),
        (NOBODY, "organization", "read:access_record"),
        (ADMIN, "installation", "operator"),
        (AUDITOR, "installation", "operator"),
    ],
)
def test_whoever_may_not_read_it_is_refused_on_record(
    client: TestClient, stored: Seeded, email: str, part: str, lacking: str
) -> None:
    answer = client.get(path(part=part), headers=as_person(stored, email))
    assert (answer.status_code, answer.json()["permission"]) == (403, lacking)
    (event,) = stored.events("permission.refused")
    assert (event.actor, event.target) == (email, lacking)


def test_nobody_signed_in_is_refused_and_joined(client: TestClient, stored: Seeded) -> None:
    for _ in range(3):
        assert client.get(path()).status_code == 401
    (event,) = stored.events("request.refused")
    assert (event.count, event.target, event.organization_id) == (3, ACCESS_RECORD_PATH, None)


def test_an_operator_gets_what_belongs_to_no_organization_and_nothing_else(
    client: TestClient, stored: Seeded
) -> None:
    found = rows(client.get(path(part="installation"), headers=as_person(stored, NOBODY)))
    assert [row["target"] for row in found] == ["of None"]
    with stored.installation.state.begin() as connection:
        set_operator(connection, account_id=stored.ids[NOBODY], operator=False)
    headers = as_person(stored, NOBODY)
    assert client.get(path(part="installation"), headers=headers).status_code == 403


def test_another_organization_than_the_page_showed_sends_nothing(
    client: TestClient, stored: Seeded
) -> None:
    headers = as_person(stored, ADMIN)
    assert client.get(path(organization=BETA), headers=headers).status_code == 409
    assert len(rows(client.get(path(organization=ALPHA), headers=headers))) == 1


@pytest.mark.parametrize(
    "params", [{"format": "xml"}, {"part": "everything"}, {"as_of": "soon"}, {"query": "status:1"}]
)
def test_what_cannot_be_read_is_refused(
    client: TestClient, stored: Seeded, params: dict[str, str]
) -> None:
    answer = client.get(path(**params), headers=as_person(stored, ADMIN))
    assert answer.status_code == 400
    assert stored.events("record_export.started") == []


def test_asking_for_headers_only_is_no_export(client: TestClient, stored: Seeded) -> None:
    answer = client.head(path(), headers=as_person(stored, ADMIN))
    assert answer.status_code == 405
    assert stored.events("record_export.started") == []
