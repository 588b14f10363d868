"""When the embedded engine fills and expires its rollups; what they are says `log.rollups`.

Entries never change once they are finished, so rollups are only ever added to: whenever `BATCH`
entries have come, those are rolled up in the transaction that brings the last of them. What has
come since is read entry by entry.
"""

from __future__ import annotations

from datetime import UTC, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    delete,
    func,
    insert,
    inspect,
    select,
)

from audit_core.log.engines.duckdb.arrow_view import arrow_view
from audit_core.log.engines.engine import make_missing
from audit_core.log.retention import Expiry
from audit_core.log.rollups import HOURS, ROLLUPS, Rollup, counted, counts_metadata
from audit_core.log.schema import audit_entry

BATCH = 50_000
"""How many revisions are left uncounted until it is worth the while."""

HOUR = timedelta(hours=1)

AT_ONCE = 2_000_000
"""How many entries are counted in one statement: memory grows with them."""


def make_counts(connection: Connection, newest: int) -> None:
    """Make the tables that are missing, and count what is not counted yet, up to `newest`."""
    there = inspect(connection).get_table_names()
    missing = [rollup for rollup in ROLLUPS if rollup.table.name not in there]
    make_missing(connection, *counts_metadata.sorted_tables)
    for rollup in missing:
        earlier = audit_entry.c.revision <= counted_revision(connection)
        conditions = [earlier] if rollup.made_from is audit_entry else []
        _fill(connection, rollup, rollup.made_from, *conditions)
    add_counts(connection, newest)


def counted_revision(connection: Connection) -> int:
    """Up to which revision entries are counted; 0 for none."""
    return int(connection.execute(select(func.max(counted.c.revision))).scalar() or 0)


def add_counts(connection: Connection, newest: int) -> None:
    """Count the entries up to the revision `newest`, if there are enough of them."""
    before = after = counted_revision(connection)
    if newest - after < BATCH:
        return
    while after < newest:
        until = _reach(connection, after, newest)
        between = and_(audit_entry.c.revision > after, audit_entry.c.revision <= until)
        for rollup in ROLLUPS:
            _fill(connection, rollup, audit_entry, between)
        after = until
    connection.execute(insert(counted).values(after=before, revision=newest))


def _reach(connection: Connection, after: int, newest: int) -> int:
    """The revision of the last of the next `AT_ONCE` entries, or `newest` if there are fewer.

    Revisions of another log may lie far apart: they are no measure of how many entries there are.
    """
    revision = audit_entry.c.revision
    beyond = and_(revision > after, revision <= newest)
    found = connection.execute(select(func.count()).where(beyond)).scalar() or 0
    if found <= AT_ONCE:
        return newest
    ranked = select(revision).where(beyond).order_by(revision).offset(AT_ONCE - 1).limit(1)
    return int(connection.execute(ranked).scalar_one())


def backfill(connection: Connection, rows: pa.Table) -> None:
    """Count finished entries, of the shape `schema.ARROW`, that were stored with revisions of
    their own: those up to the one that is counted already."""
    revision = counted_revision(connection)
    late = rows.filter(pc.less_equal(rows.column("revision"), revision))
    if not late.num_rows:
        return
    with arrow_view(connection, late) as stored:
        for rollup in ROLLUPS:
            _fill(connection, rollup, stored)


def drop_counts(connection: Connection, expiry: Expiry) -> None:
    """Drop the counts of entries that go; months begin with an hour."""
    column = HOURS.table.c
    expired = expiry.expired(column.hour, column.organization_id)
    if connection.execute(select(column.hour).where(expired).limit(1)).first() is None:
        return
    for rollup in ROLLUPS:
        if rollup.expires is not None:
            column = rollup.table.c
            expired = expiry.expired(column[rollup.expires], column.organization_id)
            connection.execute(delete(rollup.table).where(expired))
        else:
            connection.execute(delete(rollup.table))
            _fill(connection, rollup, rollup.made_from)


def count_anew(connection: Connection, stored: pa.Table) -> None:
    """Count the hours anew in which entries of one organization were made whose values changed:
    rows of the shape `schema.ARROW`, as they are or were."""
    organization_id = stored.column("organization_id")[0].as_py()
    times = pc.min_max(stored.column("created_at")).as_py()
    since, until = (times[end].replace(tzinfo=UTC) for end in ("min", "max"))
    hours = pc.unique(pc.floor_temporal(stored.column("created_at"), unit="hour"))
    with arrow_view(connection, pa.table({"hour": hours})) as view:
        changed = select(view.c.hour)
        counted_before = audit_entry.c.revision <= counted_revision(connection)
        for rollup in ROLLUPS:
            if rollup.expires is None:
                continue
            column = rollup.table.c
            hour = func.date_trunc("hour", column[rollup.expires])
            own = column.organization_id == organization_id
            connection.execute(delete(rollup.table).where(own, hour.in_(changed)))
            _fill(
                connection,
                rollup,
                audit_entry,
                counted_before,
                audit_entry.c.organization_id == organization_id,
                audit_entry.c.created_at.between(since - HOUR, until + HOUR),
                func.date_trunc("hour", audit_entry.c.created_at).in_(changed),
            )
    for rollup in ROLLUPS:
        if rollup.expires is None:
            own = rollup.table.c.organization_id == organization_id
            connection.execute(delete(rollup.table).where(own))
            source = rollup.made_from
            _fill(connection, rollup, source, source.c.organization_id == organization_id)


def _fill(
    connection: Connection,
    rollup: Rollup,
    source: FromClause,
    *conditions: ColumnElement[bool],
) -> None:
    added = rollup.filling(source, *conditions)
    connection.execute(insert(rollup.table).from_select(rollup.table.c.keys(), added))
