"""The pages and the route behind a one-time link, as those who are not signed in meet them."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from audit_core.domain.access import Role
from audit_core.identity.administration import Administrator
from audit_core.identity.invitations import invite
from audit_core.identity.password_links import make_password_link
from audit_core.web.addresses import INVITATION_PAGE, NEW_PASSWORD_PAGE, invitation_address
from audit_core.web.routes.one_time_links import ACCEPT_PATH, REFUSED
from audit_core.web.routes.session import FILES, START_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.support.seeded import ALPHA, PASSWORD, Seeded

OWN = {"origin": "http://testserver"}
NEW, NEW_PASSWORD = "new@example.org", "velvet otter ladder sunrise"


def by(seeded: Seeded) -> Administrator:
    return Administrator(
        actor="admin@example.org",
        account_id=seeded.ids["admin@example.org"],
        address=None,
        now=seeded.clock(),
    )


def invited(seeded: Seeded, email: str = NEW) -> str:
    with seeded.installation.state.begin() as connection:
        _, code = invite(
            connection, by(seeded), organization_id=ALPHA, email=email, role=Role.AUDITOR
        )
    return code


def post(client: TestClient, **fields: str) -> tuple[int, dict[str, str]]:
    answer = client.post(ACCEPT_PATH, data=fields, headers=OWN)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    return answer.status_code, answer.json()


@pytest.mark.parametrize("page", [INVITATION_PAGE, NEW_PASSWORD_PAGE])
def test_a_page_is_the_same_for_everybody_and_opens_from_mail_and_chat(
    client: TestClient, seeded: Seeded, page: str
) -> None:
    invited(seeded)
    answers = [
        client.get(page, headers=headers)
        for headers in (
            {},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
            {"cookie": f"{SESSION_COOKIE}={seeded.sign_in('admin@example.org')}"},
        )
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    for named in ("Alpha Works", ALPHA, NEW, "admin@example.org"):
        assert named not in answers[0].text


def test_a_link_holds_its_code_behind_the_hash() -> None:
    path, _, fragment = invitation_address("c0de").partition("#")
    assert "c0de" not in path
    assert "c0de" in fragment


def test_an_invited_person_is_signed_in_once_and_may_what_the_invitation_says(
    client: TestClient, seeded: Seeded
) -> None:
    code = invited(seeded)
    sent = {"code": code, "way": "new", "name": "New", "password": NEW_PASSWORD}
    status, said = post(client, **sent)
    assert status == 200
    started = client.post(START_PATH, data={"code": said["code"], "next": "/"}, headers=OWN)
    assert SESSION_COOKIE in started.headers["set-cookie"]
    assert client.get("/api/v1/head").status_code == 200
    assert post(client, **sent) == (403, REFUSED.as_json())


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"way": "new", "name": "N", "password": NEW_PASSWORD},
        {"code": "guess", "way": "new", "name": "N", "password": NEW_PASSWORD},
        {"code": "guess", "way": "own", "email": "admin@example.org", "password": PASSWORD},
        {"code": "guess", "way": "password", "password": NEW_PASSWORD},
        {"code": "REAL", "way": "unknown", "password": NEW_PASSWORD},
        {"code": "REAL", "way": "password", "password": NEW_PASSWORD},
        {"code": "REAL", "way": "new", "name": "N", "password": NEW_PASSWORD},
        {"code": "REAL", "way": "own", "email": "auditor@example.org", "password": PASSWORD},
        {"code": "REAL", "way": "own", "email": "nobody@example.org", "password": "wrong"},
        {"code": "REAL", "way": "own", "email": "nobody@example.org", "password": "x" * 2_000},
        {"code": "x" * 5_000, "way": "new", "name": "N", "password": NEW_PASSWORD},
    ],
)
def test_every_failure_is_answered_alike(
    client: TestClient, seeded: Seeded, sent: dict[str, str]
) -> None:
    real = invited(seeded, "nobody@example.org")  # an address that has an account
    assert post(client, **{**sent, **({"code": real} if sent.get("code") == "REAL" else {})}) == (
        403,
        REFUSED.as_json(),
    )


def test_what_is_wrong_with_a_password_is_told_and_the_link_stays(
    client: TestClient, seeded: Seeded
) -> None:
    code = invited(seeded)
    status, said = post(client, code=code, way="new", name="New", password="short")
    assert status == 422
    assert said["error"] == "The password has 5 characters."
    assert post(client, code=code, way="new", name="New", password=NEW_PASSWORD)[0] == 200


def test_an_own_account_joins_by_its_password_and_an_old_password_is_replaced_by_a_link(
    client: TestClient, seeded: Seeded
) -> None:
    code = invited(seeded, "nobody@example.org")
    way = {"way": "own", "email": "Nobody@example.org", "password": PASSWORD}
    assert post(client, code=code, **way)[0] == 200
    with seeded.installation.state.begin() as connection:
        _, code = make_password_link(
            connection,
            by(seeded),
            organization_id=ALPHA,
            account_id=seeded.ids["nobody@example.org"],
        )
    assert post(client, code=code, way="password", password=NEW_PASSWORD)[0] == 200


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}])
def test_a_form_of_another_site_is_refused(
    client: TestClient, seeded: Seeded, headers: dict[str, str]
) -> None:
    sent = {"code": invited(seeded), "way": "new", "name": "N", "password": NEW_PASSWORD}
    assert client.post(ACCEPT_PATH, data=sent, headers=headers).status_code == 403
    assert post(client, **sent)[0] == 200


def test_asking_for_a_page_or_by_another_method_changes_nothing(
    client: TestClient, seeded: Seeded
) -> None:
    code = invited(seeded)
    sent = {"code": code, "way": "new", "name": "New", "password": NEW_PASSWORD}
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        client.request(method, ACCEPT_PATH, params=sent, headers=OWN)
        client.request(method, INVITATION_PAGE, params=sent, headers=OWN)
    assert post(client, **sent)[0] == 200


def test_the_pages_hold_no_script_and_load_nothing_from_elsewhere() -> None:
    for name in ("invitation.html", "new_password.html"):
        text = Path(FILES / name).read_text(encoding="utf-8")
        assert "http:" not in text
        assert "https:" not in text
        assert text.count("<script") == text.count('<script src="pages/one_time_link.js" defer>')
