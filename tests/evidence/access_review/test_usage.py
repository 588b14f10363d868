"""What was used in a quarter, from a real log and a real access record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.evidence.access_review.quarters import quarters
from audit_core.evidence.access_review.usage import read_usage
from audit_core.explore.reader import Reader
from audit_core.query.time.windows import TimeRange
from audit_core.state.access_log.record import record
from audit_core.workspace.access_reviews.lines import Use
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


def test_only_what_was_done_in_the_organization_and_in_the_quarter_counts(
    seeded: Seeded,
) -> None:
    at = SINCE + timedelta(days=3, minutes=20)
    key = {"actor_api_key_prefix": "dtn_ab", "actor_api_key_suffix": "9f"}
    common = {"actor_email": "Jane@example.org", "actor_id": "jane"}
    seeded.installation.log.append(
        [
            made(1, created_at=at, **common, **key, status_code=500),
            made(2, created_at=at + timedelta(hours=2), **common, **key, status_code=200),
            made(3, created_at=UNTIL, **common, **key),
            made(4, created_at=SINCE - timedelta(seconds=1), **common),
            made(5, created_at=at, organization_id=BETA, **common, **key),
            made(6, created_at=at, **{**common, "actor_email": "JANE@example.org"}),
        ]
    )
    with seeded.installation.state.begin() as connection:
        for verb, when, organization in (
            ("export.finished", at, ALPHA),
            ("export.finished", at + timedelta(days=1), ALPHA),
            ("export.finished", UNTIL, ALPHA),
            ("export.finished", at, BETA),
            ("permission.refused", at, ALPHA),
        ):
            record(
                connection,
                at=when,
                verb=verb,
                actor="Jane@example.org",
                organization_id=organization,
                detail={"file": "x", "permission": "y"},
            )
    usage = read_usage(
        Reader(seeded.installation.log),
        seeded.installation.state,
        Scope(organization_id=ALPHA),
        TimeRange(since=SINCE, until=UNTIL),
    )
    hour = at.replace(minute=0)
    assert usage.entries == {"jane@example.org": Use(3, hour + timedelta(hours=2))}
    assert usage.deeds == {"jane@example.org": {"export.finished": Use(2, at + timedelta(days=1))}}
    keyed = [key for key in usage.keys if key.api_key == "dtn_ab…9f"]
    assert [(key.actor, key.use.count, key.failed) for key in keyed] == [("Jane@example.org", 2, 1)]
    assert (usage.keys_left_out, usage.head) == (0, 5)


def test_quarters_follow_each_other_on_the_clocks_of_a_zone() -> None:
    found = quarters(datetime(2026, 1, 1, 2, tzinfo=UTC), "America/New_York", 6)
    assert [one.label for one in found] == [
        *("2025 Q4", "2025 Q3", "2025 Q2", "2025 Q1", "2024 Q4", "2024 Q3")
    ]
    assert not found[0].over
    assert all(one.over for one in found[1:])
    for later, earlier in pairwise(found):
        assert earlier.until == later.since
    assert found[0].since == datetime(2025, 10, 1, 4, tzinfo=UTC)
