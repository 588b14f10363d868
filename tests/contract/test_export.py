"""An export is of the log as of one head, whatever happens while it is read."""

from dataclasses import replace
from datetime import UTC, timedelta

import pyarrow as pa
import pytest

from audit_core.domain.access import Scope
from audit_core.explore.export import tables
from audit_core.explore.reader import Reader
from audit_core.log.schema import from_arrow
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor, numbers_of
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.support.plain_reading import selected
from tests.support.strategies import NOW, entry, sample_entries

ALWAYS = TimeRange(since=None, until=None)
ALPHA = Scope(organization_id="org-alpha")
EVERYTHING = Scope.everything()


@pytest.mark.parametrize("scope", [EVERYTHING, ALPHA], ids=["everything", "organization"])
def test_a_download_holds_what_was_stored_when_it_began(log, monkeypatch, scope):
    monkeypatch.setattr(tables, "STEP", 10)
    stored = sample_entries(200, seed=1)
    log.append(stored)
    seen = selected(stored, EntryFilter(), scope, ALWAYS)[::-1]
    unfinished = [item for item in seen if not item.finished]
    query, reader = Query(EntryFilter(), scope, ALWAYS), Reader(log)
    cut = reader.cut(query)
    found = []
    for number, step in enumerate(reader.export(query, cut)):
        found += from_arrow(step)
        log.append(
            [
                entry(f"new-{number}-past", created_at=NOW - timedelta(days=2, minutes=number)),
                entry(f"new-{number}-ahead", created_at=NOW + timedelta(minutes=number)),
                entry(f"open-{number}", status_code=None, created_at=NOW - timedelta(days=3)),
                *(replace(item, status_code=200) for item in unfinished[number * 3 :][:3]),
            ]
        )
    # Once, and as it was.
    assert found == seen
    assert cut.in_flight == len(unfinished) > 5
    assert reader.cut(query).head > cut.head
    again = [item for step in reader.export(query, cut) for item in from_arrow(step)]
    assert again == seen


def test_a_cut_says_up_to_where_it_is_complete(log):
    query, reader = Query(EntryFilter(), ALPHA, ALWAYS), Reader(log)
    nothing = reader.cut(query)
    assert (nothing.head, nothing.received_at, nothing.in_flight) == (0, None, 0)
    assert list(reader.export(query, nothing)) == []
    log.append([entry("a"), entry("b", status_code=None), entry("c", status_code=0)])
    log.append([entry("d", organization_id="org-beta"), entry("b", status_code=200)])
    cut = reader.cut(query)
    assert (cut.head, cut.in_flight) == (4, 1)
    received = [row.received_at for row in reader.page(query, None, 9).rows]
    assert cut.received_at == max(received)
    assert from_arrow(cut.unfinished) == [entry("c", status_code=0)]


@pytest.mark.parametrize("step", [1, 3, 100])
def test_a_download_goes_on_behind_any_of_its_entries(log, monkeypatch, step):
    monkeypatch.setattr(tables, "STEP", step)
    log.append(
        [
            entry(
                f"id-{number}",
                status_code=(200, None)[number % 3 == 0],
                created_at=NOW + timedelta(seconds=number // 4),
            )
            for number in range(12)
        ]
    )
    query, reader = Query(EntryFilter(), ALPHA, ALWAYS), Reader(log)
    cut = reader.cut(query)
    rows = pa.concat_tables(reader.export(query, cut))
    for number in range(0, 12, 5):
        after = Cursor(
            created_at=rows.column("created_at")[number].as_py().replace(tzinfo=UTC),
            seq=numbers_of(rows, ALPHA)[number],
            newer=True,
        )
        rest = [
            item for part in reader.export(query, cut, after=after) for item in from_arrow(part)
        ]
        assert rest == from_arrow(rows)[number + 1 :]
