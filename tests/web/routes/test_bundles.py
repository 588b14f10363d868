"""The support bundle goes to who may export, at the moment of asking, and to nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_disabled, set_membership
from audit_core.identity.sessions import choose_organization, find_viewer
from audit_core.web.routes.bundles import BUNDLE_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.evidence.nasty_entries import made
from tests.support.alerts import find
from tests.support.seeded import ALPHA, BETA, Seeded

SECRET = "password=hunter22"


def as_person(seeded: Seeded, email: str) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(email)}"}


def path(organization_id: str = ALPHA, **changed: str) -> str:
    asked = {"sandbox": f"box-of-{organization_id}", "entry": f"failed-{organization_id}"}
    return f"{BUNDLE_PATH}?{urlencode(asked | changed)}"


@pytest.fixture(autouse=True)
def _failed_starts(seeded: Seeded) -> None:
    for number, organization_id in enumerate((ALPHA, BETA)):
        common = {"organization_id": organization_id, "target_id": f"box-of-{organization_id}"}
        common |= {"target_type": "sandbox", "action": "start", "metadata": None}
        at = seeded.clock() - timedelta(minutes=30)
        entries = [
            made(
                10 * number,
                id=f"failed-{organization_id}",
                status_code=500,
                error_message=f"Sandbox failed to start: {SECRET}",
                created_at=at,
                **common,
            ),
            made(
                10 * number + 1,
                id=f"fine-{organization_id}",
                status_code=200,
                error_message=None,
                created_at=at + timedelta(minutes=1),
                **common,
            ),
        ]
        seeded.installation.log.append(entries)


@pytest.mark.parametrize("email", ["admin@example.org", "auditor@example.org"])
def test_who_may_export_gets_the_file_and_it_is_on_record(
    client: TestClient, seeded: Seeded, email: str
) -> None:
    answer = client.get(path(), headers=as_person(seeded, email))
    assert answer.status_code == 200
    assert answer.text.startswith("# A sandbox that did not start\n")
    assert f"failed-{ALPHA}" in answer.text
    assert "## Similar failures since" in answer.text
    assert "hunter22" not in answer.text
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="failed-start-20260504-083000.md"'
    )
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "no-store" in answer.headers["cache-control"]
    (event,) = seeded.events("support_bundle.downloaded")
    assert (event.actor, event.organization_id) == (email, ALPHA)
    detail = dict(event.detail)
    assert re.fullmatch("[0-9a-f]{16}", detail.pop("download"))
    assert detail == {
        "entry": f"failed-{ALPHA}",
        "file": "failed-start-20260504-083000.md",
    }


@pytest.mark.parametrize(
    "asked",
    [
        path(BETA),
        path(sandbox=f"box-of-{BETA}"),
        path(entry=f"failed-{BETA}"),
        path(entry="failed-nowhere"),
        path(sandbox="nowhere"),
        path(entry=f"fine-{ALPHA}"),
        BUNDLE_PATH,
    ],
)
def test_foreign_unknown_and_unfit_are_answered_alike(
    client: TestClient, seeded: Seeded, asked: str
) -> None:
    answer = client.get(asked, headers=as_person(seeded, "admin@example.org"))
    assert answer.status_code == 404
    assert answer.json()["hint"]
    nowhere = client.get(
        path(sandbox="x", entry="y"), headers=as_person(seeded, "both@example.org")
    )
    assert (nowhere.status_code, nowhere.json()) == (404, answer.json())
    assert not seeded.events("support_bundle.downloaded")


def test_the_organization_is_that_of_the_session_row(client: TestClient, seeded: Seeded) -> None:
    secret = seeded.sign_in("both@example.org")
    headers = {"cookie": f"{SESSION_COOKIE}={secret}"}
    assert client.get(path(ALPHA), headers=headers).status_code == 200
    assert client.get(path(BETA), headers=headers).status_code == 404
    with seeded.installation.state.begin() as connection:
        viewer = find_viewer(connection, secret=secret, now=seeded.clock())
        assert viewer is not None
        choose_organization(connection, session_id=viewer.session_id, organization_id=BETA)
    assert client.get(path(ALPHA), headers=headers).status_code == 404
    assert client.get(path(BETA), headers=headers).status_code == 200


def test_after_the_role_is_gone_the_address_gives_nothing(
    client: TestClient, seeded: Seeded
) -> None:
    headers = as_person(seeded, "auditor@example.org")
    assert client.get(path(), headers=headers).status_code == 200
    account_id = seeded.ids["auditor@example.org"]
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=account_id,
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
    refused = client.get(path(), headers=headers)
    assert (refused.status_code, refused.json()["permission"]) == (403, "export:audit_logs")
    with seeded.installation.state.begin() as connection:
        set_disabled(connection, account_id=account_id, disabled=True)
    assert client.get(path(), headers=headers).status_code == 401
    assert len(seeded.events("support_bundle.downloaded")) == 1


def test_nobody_and_a_token_get_401(client: TestClient, seeded: Seeded) -> None:
    bearer = seeded.token(ALPHA, Permission.READ.value)
    for headers in ({}, {"authorization": f"Bearer {bearer}"}):
        assert client.get(path(), headers=headers).status_code == 401


def test_asking_for_headers_only_hands_out_nothing(client: TestClient, seeded: Seeded) -> None:
    assert client.head(path(), headers=as_person(seeded, "admin@example.org")).status_code == 405
    assert not seeded.events("support_bundle.downloaded")


def test_alerts_about_the_sandbox_are_told_to_who_may_read_them(
    client: TestClient, seeded: Seeded
) -> None:
    rule = next(
        one for one in shipped_rules() if [group.name for group in one.groups] == ["targetId"]
    )
    with seeded.installation.state.begin() as connection:
        find(connection, ALPHA, rule, [f"box-of-{ALPHA}"], at=seeded.clock())
        find(connection, ALPHA, rule, ["another-box"], at=seeded.clock())
        find(connection, BETA, rule, [f"box-of-{ALPHA}"], at=seeded.clock())
    told = client.get(path(), headers=as_person(seeded, "auditor@example.org")).text
    section = told.partition("## Alerts about the sandbox")[2]
    assert section.count(rule.title) == 1
    assert "#1 " in section and "another-box" not in section
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.EXPORT: None},
        )
    answer = client.get(path(), headers=as_person(seeded, "member@example.org"))
    assert answer.status_code == 200
    assert "## Alerts" not in answer.text
