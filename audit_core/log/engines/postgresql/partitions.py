"""The log's tables in PostgreSQL: the large one in a partition for each month."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.schema import CreateTable

from audit_core.log.engines.postgresql import addresses
from audit_core.log.engines.postgresql.row_security import build_wall
from audit_core.log.engines.postgresql.state_changes import add_keys
from audit_core.log.retention import Expiry
from audit_core.log.schema import (
    VERSION,
    audit_entry,
    erased_part,
    log_check,
    log_schema,
    organization_head,
    state_change,
    state_change_head,
    unfinished_entry,
)

YEARS_BACK = 10
MONTHS_AHEAD = 2
"""Which months get a partition. Entries may be dated from 1970 to 2200 by whoever sends them:
what lies outside goes to one partition together, so that nobody can make thousands."""

OTHER = f"{audit_entry.name}_other"
"""The partition of everything that has no month of its own."""

_MONTH = re.compile(rf"{audit_entry.name}_(\d{{4}})_(\d{{2}})")

VACUUMED_SOON = (
    "autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_insert_threshold = 20000"
)
"""Charts read the indexes alone, but only of pages that were vacuumed."""


_REVISION_INDEX = (
    "CREATE INDEX IF NOT EXISTS ix_audit_entry_revision ON audit_entry USING brin (revision) "
    "WITH (autosummarize = true)"
)
"""By which what was written last is found without reading the rest; logs of before have none."""


def make_tables(connection: Connection) -> None:
    """Make every table that is missing, with its indexes, and the walls."""
    tables_there = set(connection.dialect.get_table_names(connection))
    heads = _laid_out(organization_head)
    if heads.name not in tables_there:
        heads.create(connection, checkfirst=False)
    if log_check.name not in tables_there:
        _laid_out(log_check).create(connection, checkfirst=False)
    if erased_part.name not in tables_there:
        _laid_out(erased_part).create(connection, checkfirst=False)
    if unfinished_entry.name not in tables_there:
        unfinished = _laid_out(unfinished_entry)
        Index(None, unfinished.c.organization_id, unfinished.c.created_at, unfinished.c.seq)
        Index(None, unfinished.c.id)
        Index(None, unfinished.c.seq)
        unfinished.create(connection, checkfirst=False)
        build_wall(connection, unfinished.name)
    if audit_entry.name not in tables_there:
        time = audit_entry.c.created_at.name
        parted = _laid_out(audit_entry, postgresql_partition_by=f"RANGE ({time})")
        _add_indexes(parted)
        parted.create(connection, checkfirst=False)
        build_wall(connection, parted.name)
        make_partition(connection, OTHER)
        attach(connection, OTHER)
    if state_change_head.name not in tables_there:
        _laid_out(state_change_head).create(connection, checkfirst=False)
    if state_change.name not in tables_there:
        changes = _laid_out(state_change)
        add_keys(changes)
        changes.create(connection, checkfirst=False)
        build_wall(connection, changes.name, actors=False)
    if addresses.TABLE not in tables_there:
        addresses.make_addresses(connection)
        build_wall(connection, addresses.TABLE, actors=False)
    addresses.make_keys(connection)
    connection.execute(text(_REVISION_INDEX))


def is_made(connection: Connection) -> bool:
    """Whether every table of this version is there: then nothing needs to be made."""
    tables_there = set(connection.dialect.get_table_names(connection))
    entry_tables = (audit_entry, unfinished_entry, organization_head)
    tables = (*entry_tables, state_change, state_change_head, log_check, erased_part, log_schema)
    if not tables_there.issuperset({OTHER, addresses.TABLE, *(table.name for table in tables)}):
        return False
    if connection.execute(select(func.to_regclass("ix_audit_entry_revision"))).scalar() is None:
        return False
    found = connection.execute(select(func.max(log_schema.c.version))).scalar()
    return found == VERSION


def has_expired(connection: Connection, expiry: Expiry) -> bool:
    """Whether anything is left that goes. The transaction must see every organization."""
    if _expired_months(connection, expiry):
        return True
    conditions = (
        *(
            expiry.expired(table.c.created_at, table.c.organization_id)
            for table in (audit_entry, unfinished_entry)
        ),
        expiry.expired(state_change.c.changed_at, state_change.c.organization_id),
    )
    return any(
        connection.execute(select(1).where(condition).limit(1)).first() for condition in conditions
    )


def make_arriving(connection: Connection, table: Table) -> Table:
    """A table of this session, shaped like `table`, that is empty after each transaction."""
    arriving = _laid_out(
        table,
        f"arriving_{table.name}",
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DELETE ROWS",
    )
    connection.execute(CreateTable(arriving, if_not_exists=True))
    return arriving


def make_months(connection: Connection, times: Iterable[datetime], now: datetime) -> None:
    """Make the partitions of the months that begin at `times` (UTC, without a zone), where they
    may have one. Rows of theirs that are in the partition of the rest are moved.

    The transaction must have its turn among the writers.
    """
    missing = {time for time in times if _may_have_partition(time, now)} - _months(connection)
    for month in sorted(missing):
        name = _named(month)
        make_partition(connection, name)
        # Attaching refuses a month of which the partition of the rest holds rows.
        _move(connection, OTHER, name, month, _next(month))
        attach(connection, name)


def make_partition(connection: Connection, name: str) -> None:
    """Make the table of a partition, which is none until it is attached."""
    _run(connection, f"CREATE TABLE {name} (LIKE {audit_entry.name}) WITH ({VACUUMED_SOON})")
    build_wall(connection, name)


def attach(connection: Connection, name: str) -> None:
    """Make a table the partition that its name says, with its indexes."""
    found = _MONTH.fullmatch(name)
    bounds = "DEFAULT"
    if found:
        month = _month(int(found[1]), int(found[2]))
        bounds = f"FOR VALUES FROM ('{month}') TO ('{_next(month)}')"
    _run(connection, f"ALTER TABLE {audit_entry.name} ATTACH PARTITION {name} {bounds}")


def detach(connection: Connection, name: str) -> None:
    """Make a partition a table of its own."""
    _run(connection, f"ALTER TABLE {audit_entry.name} DETACH PARTITION {name}")


def partitions(connection: Connection) -> list[str]:
    """The names of all partitions."""
    return [*map(_named, sorted(_months(connection))), OTHER]


def partition_of(connection: Connection, month: datetime) -> str:
    """The partition that holds entries of a month (its beginning, aware)."""
    name = _named(month)
    return name if month.replace(tzinfo=None) in _months(connection) else OTHER


def drop_months(connection: Connection, expiry: Expiry) -> None:
    """Drop the partitions of the months that go, and that nobody holds."""
    for month in _expired_months(connection, expiry):
        _run(connection, f"DROP TABLE {_named(month)}")


def _expired_months(connection: Connection, expiry: Expiry) -> list[datetime]:
    held = expiry.organizations
    return [
        month
        for month in sorted(_months(connection))
        if (aware := month.replace(tzinfo=UTC)) < expiry.earliest and aware not in held
    ]


def _laid_out(table: Table, name: str | None = None, **options: Any) -> Table:
    """The table as PostgreSQL shall have it.

    Columns of a fixed width come first: a scan that asks for a time then need not walk over the
    texts. Texts sort by code points, as on all engines.
    """
    columns = sorted(
        table.columns, key=lambda column: (isinstance(column.type, Text), column.nullable)
    )
    return Table(
        name or table.name,
        MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"}),
        *(
            Column(
                column.name,
                Text(collation="C") if isinstance(column.type, Text) else column.type,
                primary_key=column.primary_key,
                nullable=column.nullable,
                autoincrement=False,
            )
            for column in columns
        ),
        **options,
    )


def _add_indexes(table: Table) -> None:
    column = table.c
    failed = column.status_code.between(400, 599)
    # What charts group by, and what the wall asks for: they then read this index alone.
    charted = [
        column.status_code,
        column.action,
        column.target_type,
        column.actor_id,
        column.actor_email,
    ]
    place = (column.organization_id, column.created_at, column.seq)
    Index("ix_audit_entry_place", *place, postgresql_include=[column.name for column in charted])
    Index("ix_audit_entry_failed", *place, postgresql_where=failed)
    Index("ix_audit_entry_target", column.target_id, postgresql_where=column.target_id.is_not(None))
    Index("ix_audit_entry_actor_id", column.organization_id, column.actor_id)
    Index("ix_audit_entry_actor_email", column.organization_id, column.actor_email)
    Index("ix_audit_entry_id", column.id, postgresql_using="hash")
    for number in (column.seq, column.revision):
        Index(
            f"ix_audit_entry_{number.name}",
            number,
            postgresql_using="brin",
            postgresql_with={"autosummarize": True},
        )


def _move(
    connection: Connection, origin: str, target: str, since: datetime, until: datetime
) -> None:
    parts = (audit_entry.to_metadata(MetaData(), name=name) for name in (origin, target))
    old, new = parts
    time = old.c.created_at
    moved = (
        delete(old)
        .where(time >= since.replace(tzinfo=UTC), time < until.replace(tzinfo=UTC))
        .returning(*old.c)
        .cte("moved")
    )
    connection.execute(insert(new).from_select(old.c.keys(), select(moved)))


def _named(month: datetime) -> str:
    return f"{audit_entry.name}_{month:%Y_%m}"


def _months(connection: Connection) -> set[datetime]:
    names = connection.execute(
        text(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = to_regclass(:parent)"
        ),
        {"parent": audit_entry.name},
    ).scalars()
    matches = (_MONTH.fullmatch(name) for name in names)
    return {_month(int(match[1]), int(match[2])) for match in matches if match}


def _month(year: int, month: int) -> datetime:
    return datetime(year, month, 1)  # noqa: DTZ001 - as the column has it


def _next(month: datetime) -> datetime:
    return _month(month.year + month.month // 12, month.month % 12 + 1)


def _may_have_partition(month: datetime, now: datetime) -> bool:
    today = now.astimezone(UTC)
    distance = (month.year - today.year) * 12 + month.month - today.month
    return -12 * YEARS_BACK <= distance <= MONTHS_AHEAD


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
