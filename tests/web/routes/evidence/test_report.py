"""The printable report: to whom, of which organization, and what goes on record."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_membership
from audit_core.web.routes.evidence.report import REPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded


def path(**params: str) -> str:
    return f"{REPORT_PATH}?{urlencode({'window': 'all', **params})}"


def as_person(seeded: Seeded, name: str) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(f'{name}@example.org')}"}


@pytest.fixture(autouse=True)
def _entries(seeded: Seeded) -> None:
    at = seeded.clock() - timedelta(hours=3)
    seeded.installation.log.append(
        [
            made(1, action="of-alpha", created_at=at),
            made(2, action="of-beta", created_at=at, organization_id=BETA),
        ]
    )


@pytest.mark.parametrize("name", ["admin", "auditor"])
def test_who_may_export_gets_it_and_it_is_on_record(
    client: TestClient, seeded: Seeded, name: str
) -> None:
    seeded.installation.trees.sealed_now(ALPHA)
    answer = client.get(path(), headers=as_person(seeded, name))
    assert answer.status_code == 200, answer.text
    newest = seeded.installation.trees.newest(ALPHA)
    assert newest is not None
    assert newest.note.splitlines()[2] in unescape(answer.text)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    file = f"report_alpha-works_all_20260504T060000Z_20260504T090000Z_head-{1}.html"
    assert answer.headers["content-disposition"] == f'attachment; filename="{file}"'
    assert "no-store" in answer.headers["cache-control"]
    assert "of-alpha" in answer.text
    assert "of-beta" not in answer.text
    assert "both@example.org" in answer.text  # a member
    (event,) = seeded.events("report.made")
    assert (event.actor, event.organization_id) == (f"{name}@example.org", ALPHA)
    assert event.detail["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert event.detail["fingerprint"] in answer.text
    assert (event.detail["file"], event.detail["head"]) == (file, 1)
    assert event.detail["filter"] == {"window": ["all"]}


def test_who_has_access_is_left_out_for_those_who_may_not_see_it(
    client: TestClient, seeded: Seeded
) -> None:
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.EXPORT: None},
        )
    answer = client.get(path(), headers=as_person(seeded, "member"))
    assert answer.status_code == 200
    assert "read:access_record" in answer.text
    assert "both@example.org" not in answer.text


def test_nobody_else_gets_it(client: TestClient, seeded: Seeded) -> None:
    assert client.get(path()).status_code == 401
    assert client.head(path(), headers=as_person(seeded, "admin")).status_code == 405
    for name in ("member", "nobody"):
        assert client.get(path(), headers=as_person(seeded, name)).status_code == 403
    other = client.get(path(organization=BETA), headers=as_person(seeded, "admin"))
    assert other.status_code == 409
    wrong = client.get(path(query="actor:("), headers=as_person(seeded, "admin"))
    assert wrong.status_code == 400
    assert seeded.events("report.made") == []
