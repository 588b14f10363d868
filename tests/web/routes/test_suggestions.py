from typing import Any

import pytest
from starlette.testclient import TestClient

from audit_core.identity.sessions import choose_organization, find_viewer
from audit_core.query.limits import MAX_CHARACTERS
from audit_core.web.limits.rate_limit import MAX_REQUESTS, SPAN
from audit_core.web.routes.suggestions import SUGGESTIONS_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.pages.explore_page import entry
from tests.support.seeded import ALPHA, BETA, Seeded

AUDITOR = "auditor@example.org"


def ask(client: TestClient, before: str = "", after: str = "") -> Any:
    return client.get(SUGGESTIONS_PATH, params={"before": before, "after": after})


def shown(client: TestClient, before: str) -> list[str]:
    return [item["shown"] for item in ask(client, before).json()["suggestions"]]


@pytest.fixture
def auditor(client: TestClient, seeded: Seeded) -> TestClient:
    """The client of somebody who may read Alpha; Beta has entries of its own."""
    seeded.installation.log.append(
        [
            *(entry(seeded, number, source="cli") for number in (1, 2)),
            entry(seeded, 3, source="a b", metadata='{"body":{"password":"hunter2"}}'),
            entry(seeded, 4, source="foreign", actor_email="x@beta.org", organization_id=BETA),
        ]
    )
    client.cookies.set(SESSION_COOKIE, seeded.sign_in(AUDITOR))
    return client


def test_names_and_values_are_suggested_for_the_word_at_the_cursor(auditor: TestClient) -> None:
    assert ask(auditor, "foo sour", " bar").json() == {
        "suggestions": [
            {
                "shown": "source",
                "note": "The client, such as cli; none for the dashboard or the bare API.",
                "count": None,
                "before": "foo source:",
                "after": " bar",
                "more": True,
            }
        ],
        "hint": "",
    }
    answer = ask(auditor, "-source:", " bar")
    first, second, absent = answer.json()["suggestions"]
    assert (first["shown"], first["count"], first["before"]) == ("cli", 2, "-source:cli")
    assert (second["before"], second["after"]) == ('-source:"a b"', " bar")
    assert absent["shown"] == "none"
    assert answer.headers["cache-control"] == "no-store"


def test_nobody_is_told_what_another_organization_has(auditor: TestClient, seeded: Seeded) -> None:
    assert shown(auditor, "source:f") == []
    assert shown(auditor, "actor:") == ["ann@example.org"]
    secret = seeded.sign_in("both@example.org")
    auditor.cookies.set(SESSION_COOKIE, secret)
    for organization_id, actor in ((ALPHA, "ann@example.org"), (BETA, "x@beta.org")):
        with seeded.installation.state.begin() as connection:
            viewer = find_viewer(connection, secret=secret, now=seeded.clock())
            assert viewer is not None
            choose_organization(
                connection, session_id=viewer.session_id, organization_id=organization_id
            )
        assert shown(auditor, "actor:") == [actor]


def test_no_value_of_the_metadata_is_told(auditor: TestClient) -> None:
    for name in ("metadata.body.password", "metadata.body.name", "message", "target", "key"):
        answer = ask(auditor, f"{name}:")
        assert answer.json()["suggestions"] == []
        assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("email", "status"), [(None, 401), ("member@example.org", 403), ("nobody@example.org", 403)]
)
def test_whoever_may_not_read_the_log_is_refused(
    client: TestClient, seeded: Seeded, email: str | None, status: int
) -> None:
    if email:
        client.cookies.set(SESSION_COOKIE, seeded.sign_in(email))
    assert ask(client, "source:").status_code == status


def test_another_site_cannot_ask(auditor: TestClient) -> None:
    answer = auditor.get(SUGGESTIONS_PATH, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_a_text_longer_than_a_query_is_refused(auditor: TestClient) -> None:
    half = MAX_CHARACTERS // 2
    assert ask(auditor, "x" * half, "y" * half).status_code == 200
    answer = ask(auditor, "x" * half, "y" * (half + 1))
    assert answer.status_code == 400
    assert f"{MAX_CHARACTERS:,}" in answer.json()["error"]


def test_any_text_is_answered(auditor: TestClient) -> None:
    for text in ("\x00", "\u202e", '"', "\\", "(((", "status:[", "action:\x00", "\U0001f600:"):
        assert ask(auditor, text).status_code == 200
    assert auditor.get(f"{SUGGESTIONS_PATH}?before=%ff%00&other=x").status_code == 200
    assert len(auditor.get(SUGGESTIONS_PATH).json()["suggestions"]) > 10


def test_whoever_asks_too_often_waits(auditor: TestClient, seeded: Seeded) -> None:
    for _ in range(MAX_REQUESTS):
        assert ask(auditor, "zzz").status_code == 200
    refused = ask(auditor, "zzz")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
    auditor.cookies.set(SESSION_COOKIE, seeded.sign_in("admin@example.org"))
    assert ask(auditor, "zzz").status_code == 200, "another account asks for itself"
    auditor.cookies.set(SESSION_COOKIE, seeded.sign_in(AUDITOR))
    seeded.clock.pass_by(seconds=SPAN.total_seconds())
    assert ask(auditor, "zzz").status_code == 200
