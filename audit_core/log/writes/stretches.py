"""Finds the next writes of an organization where no index leads to them: the log is read on from
where the last ones were, a stretch at a time, and not each time to its end."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.log.schema import Statement
from audit_core.log.writes.writes_sql import writes_sql

SPARE = 1.25
"""How much longer the first stretch is than it would be, if writes of all organizations were evenly
mixed."""
GROWTH = 8
BEYOND = 256
"""So many numbers more are asked for: any of them shows that the stretch was long enough, where
those before were finished and have other numbers by now."""


def next_writes(
    fetch: Callable[[Statement], pa.Table],
    organization_id: str,
    *,
    after: int,
    until: int,
    above: int,
    written: int,
    newest: int,
) -> pa.Table:
    """The writes of an organization with a number above `after` and up to `until`, in order.

    All of them have a `revision` above `above`, and revisions ascend as the numbers do. `written`
    is the highest number, `newest` the highest revision, as far as known. `fetch` gives the rows
    of a statement. A row whose revision does not fit its number may be left out.
    """
    found: list[pa.Table] = []
    to_come = max(written - after, 1)
    length = int((newest - above) * SPARE * (until - after) / to_come) + 1
    low: int = above
    while True:
        high = low + length if low + length < newest else None
        statement = writes_sql(
            organization_id, after=after, until=until + BEYOND, above=low, up_to=high
        )
        rows = fetch(statement)
        numbers = rows.column("organization_revision")
        found.append(rows.filter(pc.less_equal(numbers, until)))
        if high is None or (pc.max(numbers).as_py() or 0) >= until:
            return pa.concat_tables(found)
        low, length = high, length * GROWTH
