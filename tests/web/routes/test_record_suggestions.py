"""What is suggested while a query of the access record is typed: to whom, and of which part."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from audit_core.explore.autocomplete.value_cache import LASTS
from audit_core.identity.accounts import set_operator
from audit_core.identity.sessions import choose_organization, find_viewer
from audit_core.query.limits import MAX_CHARACTERS
from audit_core.state.access_log.record import list_events, record
from audit_core.web.limits.rate_limit import MAX_REQUESTS, SPAN
from audit_core.web.routes.suggestions import RECORD_SUGGESTIONS_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN, AUDITOR, MEMBER, NOBODY, BOTH = (
    f"{name}@example.org" for name in ("admin", "auditor", "member", "nobody", "both")
)
FIELDS = ("actor", "target", "ip", "action", "outcome", "id", "organization", "metadata.name")


def note(seeded: Seeded, organization_id: str | None, name: str, verb: str = "token.added") -> None:
    """Somebody's deed with values that nobody else has."""
    with seeded.installation.state.begin() as connection:
        record(
            connection,
            at=seeded.clock(),
            verb=verb,
            actor=f"{name} actor",
            organization_id=organization_id,
            address=f"192.0.2.{len(name)}",
            detail={"name": f"{name} target", "token": "1"},
        )


@pytest.fixture
def stored(seeded: Seeded) -> Seeded:
    for organization_id, name in ((ALPHA, "alpha"), (BETA, "beta"), (None, "nowhere")):
        note(seeded, organization_id, name)
    with seeded.installation.state.begin() as connection:
        set_operator(connection, account_id=seeded.ids[NOBODY], operator=True)
    return seeded


def sign_in(client: TestClient, seeded: Seeded, email: str) -> str:
    secret = seeded.sign_in(email)
    client.cookies.set(SESSION_COOKIE, secret)
    return secret


def ask(client: TestClient, before: str = "", after: str = "", **more: str) -> Any:
    params = {"before": before, "after": after} | more
    return client.get(RECORD_SUGGESTIONS_PATH, params=params)


def shown(client: TestClient, before: str, **more: str) -> list[str]:
    answer = ask(client, before, **more)
    assert answer.status_code == 200, answer.text
    return [item["shown"] for item in answer.json()["suggestions"]]


def test_the_records_own_fields_and_values_are_suggested(
    client: TestClient, stored: Seeded
) -> None:
    sign_in(client, stored, AUDITOR)
    names = shown(client, "")
    assert "outcome" in names
    assert not {"type", "status", "message", "source", "key"} & set(names), "fields of entries"
    assert shown(client, "outcome:") == ["done", "refused", "broken"]
    assert shown(client, "meta", part="organization") == ["metadata."]
    assert "metadata.reason" in shown(client, "metadata.")
    assert shown(client, "target:") == ["alpha target", "none"]
    first, *others = ask(client, "-action:", " x").json()["suggestions"]
    assert first == {
        "shown": "token.added",
        "note": "Added an API token.",
        "count": 1,
        "before": "-action:token.added",
        "after": " x",
        "more": False,
    }
    assert "sign_in.refused" in [item["shown"] for item in others], "what nobody did yet"
    assert all(item["note"] and item["count"] is None for item in others)


@pytest.mark.parametrize("email", [ADMIN, AUDITOR])
def test_nobody_is_told_what_another_organization_has(
    client: TestClient, stored: Seeded, email: str
) -> None:
    sign_in(client, stored, email)
    told = "".join(ask(client, f"{field}:").text for field in FIELDS)
    assert "alpha actor" in told and "alpha target" in told
    assert "beta" not in told and BETA not in told and "nowhere" not in told


def test_values_are_those_of_the_organization_that_is_looked_at(
    client: TestClient, stored: Seeded
) -> None:
    secret = sign_in(client, stored, BOTH)
    for organization_id, name in ((ALPHA, "alpha"), (BETA, "beta"), (ALPHA, "alpha")):
        with stored.installation.state.begin() as connection:
            viewer = find_viewer(connection, secret=secret, now=stored.clock())
            assert viewer is not None
            choose_organization(
                connection, session_id=viewer.session_id, organization_id=organization_id
            )
        answer = ask(client, "target:")
        if answer.status_code == 200:
            assert [item["shown"] for item in answer.json()["suggestions"]] == [
                f"{name} target",
                "none",
            ]
        else:
            assert f"{name} target" not in answer.text


def test_the_installations_part_is_for_operators(client: TestClient, stored: Seeded) -> None:
    sign_in(client, stored, NOBODY)
    assert "nowhere target" in shown(client, "target:", part="installation")
    assert ask(client, "target:").status_code == 403, "an operator is no member by that"
    for email in (ADMIN, AUDITOR, MEMBER):
        sign_in(client, stored, email)
        assert ask(client, "target:", part="installation").status_code == 403
    for part in ("everything", "", "x"):
        assert ask(client, "target:", part=part).status_code == 400


@pytest.mark.parametrize(("email", "status"), [(None, 401), (MEMBER, 403), ("x", 401)])
def test_whoever_may_not_read_the_record_is_refused_on_record(
    client: TestClient, stored: Seeded, email: str | None, status: int
) -> None:
    if email == "x":
        client.cookies.set(SESSION_COOKIE, "x" * 43)
    elif email:
        sign_in(client, stored, email)
    assert ask(client, "target:").status_code == status
    with stored.installation.state.read() as connection:
        newest, *_ = list_events(connection, organization_id=None, limit=1)
    assert newest.verb == ("permission.refused" if status == 403 else "request.refused")


def test_another_site_cannot_ask(client: TestClient, stored: Seeded) -> None:
    sign_in(client, stored, AUDITOR)
    answer = client.get(RECORD_SUGGESTIONS_PATH, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_any_text_is_answered_and_a_longer_one_refused(client: TestClient, stored: Seeded) -> None:
    sign_in(client, stored, AUDITOR)
    for text in ("\x00", "\u202e", '"', "\\", "(((", "time:[", "action:\x00", "status:4", "type:"):
        assert ask(client, text).status_code == 200
    assert ask(client, "x" * MAX_CHARACTERS).status_code == 200
    assert ask(client, "x" * MAX_CHARACTERS, "y").status_code == 400


def test_whoever_asks_too_often_waits(client: TestClient, stored: Seeded) -> None:
    sign_in(client, stored, AUDITOR)
    for _ in range(MAX_REQUESTS):
        assert ask(client, "zzz").status_code == 200
    refused = ask(client, "zzz")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    sign_in(client, stored, ADMIN)
    assert ask(client, "zzz").status_code == 200, "another account asks for itself"
    sign_in(client, stored, AUDITOR)
    stored.clock.pass_by(seconds=SPAN.total_seconds())
    assert ask(client, "zzz").status_code == 200


def test_values_are_read_once_a_minute(client: TestClient, stored: Seeded) -> None:
    sign_in(client, stored, AUDITOR)
    assert shown(client, "target:") == ["alpha target", "none"]
    note(stored, ALPHA, "later")
    assert shown(client, "target:") == ["alpha target", "none"]
    stored.clock.pass_by(seconds=LASTS.total_seconds())
    assert shown(client, "target:") == ["alpha target", "later target", "none"]
