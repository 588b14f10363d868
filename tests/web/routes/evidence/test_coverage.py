"""The coverage as a file: to whom, of which organization, and what is in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from audit_core.evidence.coverage.catalogue import CATALOGUE, GAPS
from audit_core.web.routes.evidence.coverage import COVERAGE_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded


def path(**params: str) -> str:
    return f"{COVERAGE_PATH}?{urlencode({'window': 'all', 'format': 'jsonl', **params})}"


def as_person(seeded: Seeded, name: str) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(f'{name}@example.org')}"}


@pytest.fixture(autouse=True)
def _entries(seeded: Seeded) -> None:
    at = seeded.clock() - timedelta(hours=3)
    common = {"status_code": 500, "metadata": None}
    seeded.installation.log.append(
        [
            made(1, action="start", target_type="sandbox", created_at=at, **common),
            made(2, action="=cmd()", target_type="<b>", created_at=at, **common),
            made(3, action="stop", target_type="sandbox", organization_id=BETA, **common),
        ]
    )


@pytest.mark.parametrize("name", ["admin", "auditor"])
def test_who_may_export_gets_it_and_it_is_on_record(
    client: TestClient, seeded: Seeded, name: str
) -> None:
    answer = client.get(path(), headers=as_person(seeded, name))
    assert answer.status_code == 200, answer.text
    rows = [json.loads(line) for line in answer.text.splitlines()]
    told = {(row["targetType"], row["action"]): row for row in rows}
    assert told["sandbox", "start"]["state"] == "seen"
    assert told["sandbox", "start"]["entries"] == told["sandbox", "start"]["failed"] == 1
    assert told["sandbox", "start"]["lastSeenHour"] == "2026-05-04T06:00:00Z"
    assert told["<b>", "=cmd()"]["state"] == "unlisted"
    assert told["sandbox", "stop"]["state"] == "never_seen"  # another organization's
    assert set(CATALOGUE) <= set(told)
    assert [row["state"] for row in rows[-len(GAPS) :]] == ["not_recorded"] * len(GAPS)
    (event,) = seeded.events("coverage.downloaded")
    assert (event.actor, event.organization_id) == (f"{name}@example.org", ALPHA)
    assert event.detail["bytes"] == len(answer.content)


def test_the_csv_is_safe_to_open_in_a_spreadsheet(client: TestClient, seeded: Seeded) -> None:
    headers = as_person(seeded, "admin")
    answer = client.get(path(format="csv"), headers=headers)
    rows = [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]
    assert "'=cmd()" in {row["action"] for row in rows}
    exact = client.get(
        path(format="csv", **{"for": "machines"}), headers=as_person(seeded, "admin")
    )
    assert "=cmd()" in {row["action"] for row in csv.DictReader(io.StringIO(exact.text))}


def test_nobody_else_gets_it(client: TestClient, seeded: Seeded) -> None:
    assert client.get(path()).status_code == 401
    for name in ("member", "nobody"):
        assert client.get(path(), headers=as_person(seeded, name)).status_code == 403
    other = client.get(path(organization=BETA), headers=as_person(seeded, "admin"))
    assert other.status_code == 409
    assert seeded.events("coverage.downloaded") == []


def test_an_address_that_cannot_be_read_is_refused_with_a_sentence(
    client: TestClient, seeded: Seeded
) -> None:
    answer = client.get(path(window="aeon"), headers=as_person(seeded, "admin"))
    assert answer.status_code == 400
    assert "aeon" in answer.text
