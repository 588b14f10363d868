"""Rollups: what is derived from finished entries and kept beside them, each described once.

A log that keeps them makes, fills, expires and checks each by its `Rollup`, and the planner reads
it by the same: another one is another value in `ROLLUPS`. They cover the entries up to the
revision in `counted`, no others; what came later, and what is unfinished, is read entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.sql.expression import FromClause, SelectBase

from audit_core.domain.entries import CREATE, NAME_PATH, SANDBOX
from audit_core.log.schema import Statement, UtcTime, audit_entry, unfinished_entry
from audit_core.log.sql.functions import json_text

COUNTED_BY = (
    "organization_id",
    "actor_id",
    "actor_email",
    "actor_api_key_prefix",
    "actor_api_key_suffix",
    "action",
    "target_type",
    "status_code",
    "error_message",
    "ip_address",
    "user_agent",
    "source",
)
"""The columns in which entries are alike that are counted together."""

SEARCHED = ("error_message", "actor_email", "actor_id", "action", "user_agent")
"""The columns, beside the target's, in which a word without a field is looked for."""

COUNTED_REVISION = bindparam("counted_revision", type_=BigInteger, required=True)
"""In a statement that reads rollups: the revision in `counted`, given by the engine itself as of
the very moment that the statement sees."""

READS_COUNTS = {COUNTED_REVISION.key: True}
"""The execution options of such a statement."""

NOT_COUNTED = audit_entry.c.revision > COUNTED_REVISION
"""Whether a finished entry came after what is rolled up."""

counts_metadata = MetaData()

counted = Table(
    "counted",
    counts_metadata,
    Column("after", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False, autoincrement=False),
)
"""One row for each time that entries were rolled up: those with revisions above `after`, up to
`revision`. The key lets no two transactions roll up the same entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """A table that is derived from entries."""

    called: str
    """What its rows are, for people: `counts by the hour`."""
    table: Table
    rows: Callable[..., SelectBase]
    """What those rows of the shape of `audit_entry` give that fulfil some conditions (rows first,
    then each condition): the table's columns, in their order. With a column `alike` there is a row
    for each entry, where it is 1; groups may stand in several rows of the table."""
    expires: str | None
    """The column of the time up to which rows go when entries of that time are dropped; `None` for
    none: then the table is made anew."""
    made_from: Table = audit_entry
    """What all of the table can be made from: smaller than the entries, where there is such."""
    distinct: bool = False
    """Whether a row stands once, however many entries give it."""

    def filling(self, source: FromClause, *conditions: ColumnElement[bool]) -> SelectBase:
        """What those entries (or rows of `made_from`) add to the table that fulfil conditions."""
        added = self.added_up(self.rows(source, *conditions))
        if self.distinct:
            return added.except_(select(self.table))
        # In this order DuckDB packs groups well, and skips most of them for an organization.
        return added.order_by("organization_id", "hour") if "alike" in self.table.c else added

    def added_up(self, rows: SelectBase) -> Statement:
        """Rows of the table's shape, each group of those that are alike once."""
        each = rows.subquery("each")
        if "alike" not in each.c:
            return select(each).distinct() if self.distinct else select(each)
        grouped = [column for column in each.c if column.name != "alike"]
        total = cast(func.sum(each.c.alike), BigInteger).label("alike")
        return select(*grouped, total).group_by(*grouped)

    def current(self) -> FromClause:
        """The table and what is not in it yet; for a statement with `READS_COUNTS`."""
        return union_all(
            select(self.table), self.rows(audit_entry, NOT_COUNTED), self.rows(unfinished_entry)
        ).subquery(self.table.name)


def _by_hour(rows: FromClause, names: Sequence[str], *conditions: ColumnElement[bool]) -> Statement:
    hour = func.date_trunc(text("'hour'"), rows.c.created_at).label("hour")
    columns = (rows.c[name] for name in names)
    return select(hour, *columns, literal(1, BigInteger).label("alike")).where(*conditions)


HOURS = Rollup(
    called="the counts by the hour",
    table=Table(
        "entry_count",
        counts_metadata,
        Column("hour", UtcTime, nullable=False),
        *(
            Column(column.name, column.type, nullable=column.nullable)
            for column in (audit_entry.c[name] for name in COUNTED_BY)
        ),
        Column("alike", BigInteger, nullable=False),
    ),
    rows=lambda rows, *conditions: _by_hour(rows, COUNTED_BY, *conditions),
    expires="hour",
)
"""How many entries that are alike were made in the hour that begins at `hour`. It answers whatever
depends on nothing finer than the hour and on no other column; see `planner.rollups`."""

TARGET_HOURS = Rollup(
    called="the counts of targets",
    table=Table(
        "target_hour",
        counts_metadata,
        Column("hour", UtcTime, nullable=False),
        Column("organization_id", Text, nullable=False),
        Column("target_id", Text, nullable=False),
        Column("alike", BigInteger, nullable=False),
    ),
    rows=lambda rows, *conditions: _by_hour(
        rows, ("organization_id", "target_id"), rows.c.target_id.is_not(None), *conditions
    ),
    expires="hour",
)
"""How many entries on a target were made in the hour that begins at `hour`: it answers when a
target had entries, and which targets there are."""


def _values(rows: FromClause, *conditions: ColumnElement[bool]) -> SelectBase:
    return union_all(
        *(
            select(
                rows.c.organization_id,
                literal(name).label("field"),
                rows.c[name].label("value"),
            )
            .where(rows.c[name].is_not(None), *conditions)
            .distinct()
            for name in SEARCHED
        )
    )


VALUES = Rollup(
    called="the values that are searched",
    table=Table(
        "searched_value",
        counts_metadata,
        Column("organization_id", Text, nullable=False),
        Column("field", Text, nullable=False),
        Column("value", Text, nullable=False),
    ),
    rows=_values,
    expires=None,
    made_from=HOURS.table,
    distinct=True,
)
"""Every value that entries have in a column of `SEARCHED`, named by `field`: it answers which
values a text condition means."""


def creates_sandbox(rows: FromClause) -> ColumnElement[bool]:
    """Whether an entry is a create of a sandbox, whatever the answer."""
    return and_(rows.c.target_type == literal(SANDBOX), rows.c.action == literal(CREATE))


def _creations(rows: FromClause, *conditions: ColumnElement[bool]) -> Statement:
    # An append must not fail for metadata that is no JSON.
    metadata = case((func.json_valid(rows.c.metadata), rows.c.metadata))
    names = ("organization_id", "actor_id", "created_at", "seq", "status_code", "target_id")
    return select(
        *(rows.c[name] for name in names), json_text(metadata, NAME_PATH).label("name")
    ).where(creates_sandbox(rows), *conditions)


CREATIONS = Rollup(
    called="the creates of sandboxes",
    table=Table(
        "sandbox_creation",
        counts_metadata,
        Column("organization_id", Text, nullable=False),
        Column("actor_id", Text, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("seq", BigInteger, nullable=False, autoincrement=False),
        Column("status_code", Integer, nullable=False),
        Column("target_id", Text),
        Column("name", Text),
    ),
    rows=_creations,
    expires="created_at",
)
"""Every create of a sandbox, whatever the answer, with the name that it asked for (NULL for none):
metadata is wide to read and slow to take apart. It answers which sandbox bore a name."""

ROLLUPS = (HOURS, TARGET_HOURS, VALUES, CREATIONS)
"""In the order in which they are made: one that is made from another comes after it."""
