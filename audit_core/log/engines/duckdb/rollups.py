"""Counts of finished entries by the hour, as the embedded engine keeps them.

Entries never change once they are finished, so their counts are only ever added to: whenever
`BATCH` entries have come, those are counted in the transaction that brings the last of them. What
has come since is read entry by entry.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from duckdb_sqlalchemy import insert_from_arrow
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    delete,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    union_all,
)

from audit_core.log.engines.duckdb.arrow_view import arrow_view
from audit_core.log.engines.engine import make_missing
from audit_core.log.sandbox_creations import creations_among
from audit_core.log.schema import (
    COUNTED_BY,
    SEARCHED,
    audit_entry,
    counted,
    counts_metadata,
    entry_count,
    sandbox_creation,
    searched_value,
    target_hour,
)

BATCH = 50_000
"""How many revisions are left uncounted until it is worth the while."""

AT_ONCE = 2_000_000
"""How many entries are counted in one statement: memory grows with them."""


def make_counts(connection: Connection, newest: int) -> None:
    """Make the tables that are missing, and count what is not counted yet, up to `newest`."""
    there = inspect(connection).get_table_names()
    missing = [table for table in (searched_value, sandbox_creation) if table.name not in there]
    make_missing(connection, *counts_metadata.sorted_tables)
    if searched_value in missing:
        _add_values(connection, entry_count)
    if sandbox_creation in missing:
        revision = counted_revision(connection)
        _add_creations(connection, audit_entry, audit_entry.c.revision <= revision)
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
        _count(connection, between)
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
    hours = pc.floor_temporal(late.column("created_at"), unit="hour")
    late = late.append_column("hour", hours)
    for table, names in _GROUPS:
        groups = late.filter(pc.is_valid(late.column(names[-1]))) if table is target_hour else late
        found = groups.group_by(["hour", *names]).aggregate([([], "count_all")])
        insert_from_arrow(connection, table, found.rename_columns(table.c.keys()))
    with arrow_view(connection, late) as stored:
        _add_values(connection, stored)
        _add_creations(connection, stored)


def drop_counts(connection: Connection, earliest: datetime) -> None:
    """Drop the counts of what was made before the beginning of an hour."""
    expired = select(entry_count.c.hour).where(entry_count.c.hour < earliest).limit(1)
    if connection.execute(expired).first() is None:
        return
    for table in (entry_count, target_hour):
        connection.execute(delete(table).where(table.c.hour < earliest))
    connection.execute(delete(sandbox_creation).where(sandbox_creation.c.created_at < earliest))
    # What was made since may have the same values.
    connection.execute(delete(searched_value))
    _add_values(connection, entry_count)


def _count(connection: Connection, condition: ColumnElement[bool]) -> None:
    hour = func.date_trunc(text("'hour'"), audit_entry.c.created_at)
    for table, names in _GROUPS:
        groups = [hour.label("hour"), *(audit_entry.c[name] for name in names)]
        statement = select(*groups, func.count()).where(condition).group_by(*groups)
        if table is target_hour:
            statement = statement.where(audit_entry.c.target_id.is_not(None))
        connection.execute(
            insert(table).from_select(
                table.c.keys(), statement.order_by(audit_entry.c.organization_id, "hour")
            )
        )
    _add_values(connection, audit_entry, condition)
    _add_creations(connection, audit_entry, condition)


def _add_values(
    connection: Connection, source: FromClause, *conditions: ColumnElement[bool]
) -> None:
    """Note the values that the rows of a table have and that are not noted yet."""
    parts = [
        select(
            source.c.organization_id,
            literal(name).label("field"),
            source.c[name].label("value"),
        )
        .where(source.c[name].is_not(None), *conditions)
        .distinct()
        for name in SEARCHED
    ]
    found = union_all(*parts).subquery("found")
    new = select(found).except_(select(searched_value))
    connection.execute(insert(searched_value).from_select(searched_value.c.keys(), new))


def _add_creations(
    connection: Connection, source: FromClause, *conditions: ColumnElement[bool]
) -> None:
    """Note the creates of sandboxes among rows of the shape of `audit_entry`."""
    found = creations_among(source).where(*conditions)
    connection.execute(insert(sandbox_creation).from_select(sandbox_creation.c.keys(), found))


_GROUPS: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (entry_count, COUNTED_BY),
    (target_hour, ("organization_id", "target_id")),
)
"""Each table of counts, and the columns that it counts by beside the hour."""
