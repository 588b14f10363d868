"""GET /api/v1/entries and /api/v1/counts: what Explore shows, for scripts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from audit_core.domain.entries import AuditEntry
from audit_core.evidence.formats.json_lines_writer import json_object
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded

READ = "read:audit_logs"
ENTRIES, COUNTS = "/api/v1/entries", "/api/v1/counts"


@pytest.fixture
def reader(seeded: Seeded) -> dict[str, str]:
    return {"authorization": f"Bearer {seeded.token(ALPHA, READ)}"}


def stored(seeded: Seeded, count: int = 30) -> list[AuditEntry]:
    """One every ten minutes until now, newest last."""
    found = [
        made(
            number,
            action=("create", "start", "stop")[number % 3],
            status_code=(200, 500)[number % 2],
            source=None if number % 5 else "cli",
            created_at=seeded.clock() - timedelta(minutes=10 * (count - number)),
        )
        for number in range(count)
    ]
    seeded.installation.log.append([*found, made(999, organization_id=BETA)])
    return found


def test_a_script_reads_what_a_filter_matches_page_by_page(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    found = stored(seeded)
    asked = {"window": "1d", "action": ["create", "start"], "query": "status:500", "limit": "3"}
    expected = [
        entry for entry in reversed(found) if entry.action != "stop" and entry.status_code == 500
    ]
    walked: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(ENTRIES, headers=reader, params={**asked, **cursor})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        walked += body["entries"]
        assert body["as_of"] == "2026-05-04T09:00:00Z"
        # The window stays where it was on the first page.
        seeded.clock.pass_by(hours=1)
        if body["next"] is None:
            break
        cursor = {"cursor": body["next"]}
    assert walked == [json_object(entry) for entry in expected]


def test_a_person_reads_with_the_session_what_the_role_allows(
    client: TestClient, seeded: Seeded
) -> None:
    stored(seeded, 3)
    for email, status in (("auditor@example.org", 200), ("member@example.org", 403)):
        headers = {"cookie": f"sandtrail_session={seeded.sign_in(email)}"}
        for path in (ENTRIES, COUNTS):
            assert client.get(path, headers=headers).status_code == status
    for path in (ENTRIES, COUNTS):
        assert client.get(path).status_code == 401
        for token in (seeded.token(ALPHA, "write:audit_logs"), seeded.token(None, READ)):
            headers = {"authorization": f"Bearer {token}"}
            assert client.get(path, headers=headers).status_code == 403
        # A token that is wrong is not made good by a session.
        headers = {
            "authorization": "Bearer nonsense",
            "cookie": f"sandtrail_session={seeded.sign_in('auditor@example.org')}",
        }
        assert client.get(path, headers=headers).status_code == 401


REFUSED = [
    (ENTRIES, "limit=0", "from 1 to 1,000"),
    (ENTRIES, "limit=1001", "from 1 to 1,000"),
    (ENTRIES, "limit=1&limit=2", "given 2 times"),
    (ENTRIES, "cursor=older~2026-05-04T09:00:00Z~1~2", "cursor cannot be read"),
    (ENTRIES, "rows=5", "is unknown"),
    (ENTRIES, "organization=org-beta", "is unknown"),
    (ENTRIES, "query=status%3A", "The field has no value"),
    (ENTRIES, "actor=%00", "NUL"),
    (ENTRIES, "query=metadata.body.password%3Aa*", "are secret"),
    (ENTRIES, "%ff=1", "not UTF-8"),
    (COUNTS, "by=message", "not one of outcome, actor"),
    (COUNTS, "limit=51", "from 1 to 50"),
    (COUNTS, "bucket=7", "not one of 1, 2, 3"),
    (COUNTS, "bucket=1", "at most 1,000 are counted"),
    (COUNTS, "window=never", "never"),
]


def test_what_is_not_understood_is_refused_with_a_sentence(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    for path, query, sentence in REFUSED:
        answer = client.get(f"{path}?{query}", headers=reader)
        assert answer.status_code == 400, (query, answer.text)
        assert sentence in answer.text, (query, answer.text)


def test_counts_are_those_of_the_entries(
    client: TestClient, seeded: Seeded, reader: dict[str, str]
) -> None:
    found = stored(seeded)
    for by in ("outcome", "action", "source"):
        check_counts(client, reader, found, by)


def check_counts(
    client: TestClient, reader: dict[str, str], found: list[AuditEntry], by: str
) -> None:
    params = {"window": "1d", "by": by, "bucket": "3600", "limit": "2"}
    answer = client.get(COUNTS, headers=reader, params=params)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    values = Counter(
        {
            "outcome": lambda entry: entry.outcome.value,
            "action": lambda entry: entry.action,
            "source": lambda entry: entry.source,
        }[by](entry)
        for entry in found
    )
    assert (body["total"], body["bucket"], body["by"]) == (len(found), 3600, by)
    shown = {(item["value"], item["total"]) for item in body["series"] if not item["others"]}
    assert shown <= set(values.items())
    assert len(shown) == min(2, len(values))
    assert body["other_values"] == len(values) - len(shown)
    assert sum(item["total"] for item in body["series"]) == len(found)
    hours: Counter[datetime] = Counter()
    for series in body["series"]:
        assert sum(bucket["count"] for bucket in series["buckets"]) == series["total"]
        for bucket in series["buckets"]:
            hours[datetime.fromisoformat(bucket["start"])] += bucket["count"]
    by_hour = Counter(entry.created_at.replace(minute=0) for entry in found)
    assert hours == by_hour
