"""What came since an export, on every engine: new, late, finished, changed, and what is gone."""

from dataclasses import replace
from datetime import timedelta

from audit_core.domain.access import Scope
from audit_core.evidence.jobs import held
from audit_core.evidence.jobs.held import COUNTS
from audit_core.explore.reader import Reader
from audit_core.log.schema import from_arrow
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.strategies import NOW, entry

QUERY = Query(
    EntryFilter.from_params({"window": ["all"]}),
    Scope(organization_id="org-alpha"),
    TimeRange(since=None, until=None),
)


def test_what_came_since_is_read_and_counted_alike(log):
    stored = [
        entry(
            f"e-{number}",
            organization_id="org-alpha" if number % 3 else "org-beta",
            status_code=None if number in (4, 5) else 200,
            created_at=(NOW - timedelta(hours=9 - number)).replace(microsecond=0),
        )
        for number in range(9)
    ]
    log.append(stored)
    reader = Reader(log)
    cut = reader.cut(QUERY)
    window, unfinished = held.look(log, QUERY, cut, at=NOW - timedelta(minutes=30))
    assert (window.total, window.in_flight, window.last_number, window.head) == (6, 2, 6, 6)
    assert held.Held.from_params(window.as_params()) == window
    log.append(
        [
            replace(stored[4], status_code=200),
            replace(stored[5], created_at=stored[5].created_at + timedelta(microseconds=250)),
            entry(
                "late",
                organization_id="org-alpha",
                status_code=200,
                created_at=NOW - timedelta(hours=4, minutes=30),
            ),
            entry("new", organization_id="org-alpha", status_code=200, created_at=NOW),
            entry("other", organization_id="org-beta", status_code=200, created_at=NOW),
        ]
    )
    changes = held.compare(log, QUERY, window, unfinished, kept_from=None)
    later = reader.cut(QUERY).since(window.head, QUERY.scope)
    found = list(reader.export(QUERY, later))
    for table in found:
        changes.see(table)
    expected = {"new": 1, "late": 1, "finished": 1, "changed": 1}
    assert changes.counts() == dict.fromkeys(COUNTS, 0) | expected
    ids = [item.id for table in found for item in from_arrow(table)]
    assert ids == ["e-4", "late", "e-5", "new"]
    assert held.count_since(log, QUERY, later) == len(ids)
