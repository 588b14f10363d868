"""The entries of an export, as columns, oldest first.

A finished entry never changes, so it can be read whenever its turn comes: its revision tells
whether it was finished by then. An unfinished one may be gone by then, so the cut holds all of
them, which are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.explore.export import export_sql
from audit_core.explore.export.cut import Cut, in_order
from audit_core.log.schema import ARROW
from audit_core.log.store import AuditLog
from audit_core.query.keyset import Cursor, number_name
from audit_core.query.planner.planner import MAX_HOURS
from audit_core.query.planner.rollups import HourCount
from audit_core.query.query import Query
from audit_core.query.time.windows import EPOCH, TimeRange

STEP = 25_000
"""How many entries an export reads at once, each step in a short transaction of its own."""


def tables(
    log: AuditLog, query: Query, as_of: Cut, *, after: Cursor | None = None
) -> Iterator[pa.Table]:
    """Every match as of the cut, oldest first, in tables of the shape `schema.ARROW` of at most
    `STEP` entries, none of them empty; only what lies behind the cursor, if one is given.

    Memory does not grow with the number of matches.
    """
    rest = _behind(as_of.unfinished, after, query.scope)
    for found in _finished(log, query, as_of, after):
        until = int(np.count_nonzero(_up_to(rest, _last(found, query.scope), query.scope)))
        both = pa.concat_tables([found, rest.slice(0, until)]) if until else found
        # Columns are sorted here faster than engines sort whole rows.
        yield from _pieces(in_order(both, query.scope))
        rest = rest.slice(until)
    yield from _pieces(rest)


def stretches(
    hours: Sequence[HourCount], time_range: TimeRange, *, limit: int
) -> Iterator[TimeRange]:
    """The time range cut at whole hours, so that each part holds at most `limit` entries, if it is
    longer than an hour.

    The hours are in order of time. Together the parts cover the whole
    time range.
    """
    since, held = time_range.since, 0
    for item in hours:
        if held and held + item.count > limit:
            until = EPOCH + timedelta(hours=item.hour)
            yield TimeRange(since=since, until=until)
            since, held = until, 0
        held += item.count
    if held:
        yield TimeRange(since=since, until=time_range.until)


def _finished(log: AuditLog, query: Query, as_of: Cut, after: Cursor | None) -> Iterator[pa.Table]:
    """The finished matches in tables that are not empty, each of which lies behind the one before
    it; within a table they are in no order."""
    if after is not None:
        since = query.time_range.since
        since = after.created_at if since is None else max(since, after.created_at)
        query = query.within(TimeRange(since=since, until=query.time_range.until))
    statement = export_sql.hours(query, base=as_of.base)
    hours = log.fetch_rows(statement, query.scope, HourCount, limit=MAX_HOURS)
    for stretch in stretches(hours.items, query.time_range, limit=STEP):
        part = query.within(stretch)
        whole = log.fetch(
            export_sql.page(part, head=as_of.head, after=after, ordered=False, base=as_of.base),
            query.scope,
            max_rows=STEP,
        )
        if whole.truncated:
            yield from _by_keys(log, part, as_of, after)
        elif whole.table.num_rows:
            yield whole.table.select(ARROW.names).cast(ARROW)


def _by_keys(log: AuditLog, query: Query, as_of: Cut, after: Cursor | None) -> Iterator[pa.Table]:
    """As `_finished`, of an hour that holds more than a step."""
    while True:
        fetched = log.fetch(
            export_sql.page(query, head=as_of.head, after=after, ordered=True, base=as_of.base),
            query.scope,
            max_rows=STEP,
        )
        if fetched.table.num_rows:
            yield fetched.table.select(ARROW.names).cast(ARROW)
        if not fetched.truncated:
            return
        time, number = _last(fetched.table, query.scope)
        after = Cursor(created_at=EPOCH + timedelta(microseconds=time), seq=number, newer=True)


def _pieces(rows: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, rows.num_rows, STEP):
        yield rows.slice(start, STEP)


def _last(rows: pa.Table, scope: Scope) -> tuple[int, int]:
    """The last place that a row has: microseconds since 1970, and its number."""
    times = rows.column("created_at").cast(pa.int64()).to_numpy()
    last = times.max()
    numbers = rows.column(number_name(scope)).to_numpy()
    return int(last), int(numbers[times == last].max())


def _up_to(rows: pa.Table, key: tuple[int, int], scope: Scope) -> npt.NDArray[np.bool_]:
    """Which of the rows stand at the key or before it."""
    times = rows.column("created_at").cast(pa.int64()).to_numpy()
    numbers = rows.column(number_name(scope)).to_numpy()
    found: npt.NDArray[np.bool_] = (times < key[0]) | ((times == key[0]) & (numbers <= key[1]))
    return found


def _behind(rows: pa.Table, after: Cursor | None, scope: Scope) -> pa.Table:
    if after is None:
        return rows
    key = (after.created_at - EPOCH) // timedelta(microseconds=1), after.seq
    return rows.slice(int(np.count_nonzero(_up_to(rows, key, scope))))
