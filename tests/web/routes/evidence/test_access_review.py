"""An access review as a file: to whom, of which organization, and that it is what was signed."""

from __future__ import annotations

import csv
import hashlib
import io
from urllib.parse import urlencode

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from audit_core.identity.administration import Administrator
from audit_core.state.review_tables import access_review_item
from audit_core.web.routes.evidence.access_review import ACCESS_REVIEW_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from audit_core.workspace.access_reviews.decisions import decide_items
from audit_core.workspace.access_reviews.lines import Usage, Use, UsedKey
from audit_core.workspace.access_reviews.review import Decision
from audit_core.workspace.access_reviews.store import (
    find_review,
    list_items,
    sign_off,
    start_review,
)
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN = "admin@example.org"


def path(review_id: str, **params: str) -> str:
    return f"{ACCESS_REVIEW_PATH}?{urlencode({'review': review_id, **params})}"


def as_person(seeded: Seeded, name: str) -> dict[str, str]:
    return {"cookie": f"{SESSION_COOKIE}={seeded.sign_in(f'{name}@example.org')}"}


@pytest.fixture
def review_id(seeded: Seeded) -> str:
    by = Administrator(actor=ADMIN, account_id=seeded.ids[ADMIN], address=None, now=seeded.clock())
    hostile = UsedKey(api_key="=cmd()…é", actor="<b>", use=Use(1, seeded.clock()), failed=0)
    with seeded.installation.state.begin() as connection:
        review_id = start_review(
            connection,
            by,
            organization_id=ALPHA,
            period="2026 Q1",
            since=seeded.clock(),
            until=seeded.clock(),
            zone="UTC",
            usage=Usage(keys=[hostile]),
        )
        review = find_review(connection, ALPHA, review_id)
        assert review is not None
        decide_items(
            connection,
            by,
            organization_id=ALPHA,
            review_id=review_id,
            shown=list_items(connection, review),
            decision=Decision.ATTESTED,
            note="",
        )
        sign_off(connection, by, organization_id=ALPHA, review_id=review_id)
    return review_id


def test_the_printable_one_holds_all_lines_and_is_on_record(
    client: TestClient, seeded: Seeded, review_id: str
) -> None:
    answer = client.get(path(review_id, printable="1"), headers=as_person(seeded, "admin"))
    assert answer.status_code == 200, answer.text
    (signed,) = seeded.events("access_review.signed")
    assert signed.detail["sha256"] in answer.text
    assert "is not what was signed off" not in answer.text
    assert "member@example.org" in answer.text
    assert "used by &lt;b&gt;" in answer.text
    assert "<script" not in answer.text
    main = answer.text[answer.text.index("<main>") : answer.text.index("</main>")] + "</main>\n"
    (event,) = seeded.events("access_review.downloaded")
    assert event.detail["fingerprint"] == hashlib.sha256(main.encode()).hexdigest()
    assert event.detail["sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert event.detail["file"].endswith(".html")
    refused = client.get(path(review_id, printable="1"), headers=as_person(seeded, "auditor"))
    assert refused.status_code == 403
    with seeded.installation.state.begin() as connection:
        connection.execute(update(access_review_item).values(note="altered"))
    answer = client.get(path(review_id, printable="1"), headers=as_person(seeded, "admin"))
    assert "is not what was signed off" in answer.text


def test_the_json_lines_are_what_was_signed(
    client: TestClient, seeded: Seeded, review_id: str
) -> None:
    answer = client.get(path(review_id, format="jsonl"), headers=as_person(seeded, "admin"))
    assert answer.status_code == 200, answer.text
    (signed,) = seeded.events("access_review.signed")
    assert hashlib.sha256(answer.content).hexdigest() == signed.detail["sha256"]
    name = f"access-review_alpha-works_2026-q1_signed_{review_id[:8]}.jsonl"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    (event,) = seeded.events("access_review.downloaded")
    assert (event.actor, event.target) == (ADMIN, name)


def test_the_csv_is_safe_to_open_in_a_spreadsheet(
    client: TestClient, seeded: Seeded, review_id: str
) -> None:
    answer = client.get(path(review_id), headers=as_person(seeded, "admin"))
    rows = [*csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))]
    assert {row["decision"] for row in rows} == {"attested"}
    assert rows[-1]["subject"] == "'=cmd()…é"
    own = {row["subject"]: row["decidedBySubject"] for row in rows if row["kind"] == "member"}
    assert own[ADMIN] == "yes"
    assert own["auditor@example.org"] == "no"


def test_nobody_else_gets_it(client: TestClient, seeded: Seeded, review_id: str) -> None:
    assert client.get(path(review_id)).status_code == 401
    for name in ("auditor", "member", "nobody"):
        assert client.get(path(review_id), headers=as_person(seeded, name)).status_code == 403
    admin = as_person(seeded, "admin")
    assert client.get(path("0" * 32), headers=admin).status_code == 404
    assert client.get(path(""), headers=admin).status_code == 404
    assert client.get(path(review_id, organization=BETA), headers=admin).status_code == 409
    assert client.get(path(review_id, format="pdf"), headers=admin).status_code == 400
    assert seeded.events("access_review.downloaded") == []
