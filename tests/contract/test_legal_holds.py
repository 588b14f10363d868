"""What a legal hold keeps beyond the retention, alike on every engine: the months of its own
organization that hold what it asks for, whole, and nothing of anybody else."""

from __future__ import annotations

from datetime import timedelta

from audit_core.domain.access import Scope
from audit_core.evidence.holds.held_sql import held_days
from audit_core.explore.reader import Reader
from audit_core.log.retention import HeldMonth, Retention, month_of
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from tests.contract.test_state_changes import change, found
from tests.support.strategies import NOW, entry

EVERYTHING = Scope.everything()
LIMITS = Limits(retention=Retention(days=30))
EARLIEST = Retention(days=30).earliest(NOW)
ALPHA, BETA = "org-alpha", "org-beta"
AGES = (3, 70, 75, 130, 20_000)
"""In days. The second and third lie in one month; the last one where no month has a partition of
its own."""
STARTS = EntryFilter(actions=("start",), window=Window(preset="all"))


class StartsAreHeld:
    """See `Holds`: what one organization started."""

    def held(self, earliest, fetch):
        query = Query(STARTS, Scope(organization_id=ALPHA), TimeRange(since=None, until=None))
        days = fetch(held_days(query, earliest)).to_pylist()
        assert [day["count"] for day in days] == [1, 2]
        return frozenset(
            HeldMonth(organization_id=ALPHA, month=month_of(NOW - timedelta(days=age)))
            for age in (70, 20_000)
        )


def ids(log):
    query = Query(EntryFilter(), EVERYTHING, TimeRange(since=None, until=None))
    return {row.entry.id for row in Reader(log).page(query, None, 1_000).rows}


def test_a_hold_keeps_its_months_whole_and_nobody_else_s(new_url):
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    stored = [
        entry(
            f"{name}-{age}-{status}",
            organization_id=name,
            created_at=NOW - timedelta(days=age),
            status_code=status,
            action="start" if age in (70, 20_000) else "create",
        )
        for name in (ALPHA, BETA)
        for age in AGES
        for status in ((200, None) if age == 70 else (200,))
    ]
    log.append(stored)
    log.state_changes.append([change(f"c{age}", NOW - timedelta(days=age)) for age in AGES[:4]])
    log.close()

    held = {month_of(NOW - timedelta(days=age)) for age in (70, 20_000)}
    log = open_log(url, clock=lambda: NOW, limits=LIMITS, holds=StartsAreHeld())
    assert ids(log) == {
        item.id
        for item in stored
        if item.created_at >= EARLIEST
        or (item.organization_id == ALPHA and month_of(item.created_at) in held)
    }
    assert f"{ALPHA}-75-200" in ids(log), "what does not match stays with what does"
    assert {row["id"] for row in found(log)} == {"c3", "c70", "c75"}
    assert log.append([entry("late", created_at=NOW - timedelta(days=70))]).refused
    log.close()
