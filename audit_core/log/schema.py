"""The tables of the log: the only place where a column is named.

A finished entry stands in `audit_entry` and never changes. An unfinished one (no status, or
0) stands in `unfinished_entry` until it finishes, then moves. `entries` is what reads see:
both. So the large table is append-only on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    union_all,
)
from sqlalchemy.sql.selectable import Subquery

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.runtime.utc_time import UtcTime as UtcTime

VERSION = 6
"""The version of these tables; a log with a higher one was written by a newer program."""

Statement = Select[*tuple[Any, ...]]
"""A read, whatever its columns."""

READS_MOST = {"sandtrail_reads_most": True}
"""The execution options of a statement that goes through most of the entries that it may see: an
engine may go another way than where it picks some."""

NO_ORGANIZATION = ""
"""How the absence of an organization is stored, so that it can be part of a key."""


metadata = MetaData()


def _entry_columns() -> list[Column[object]]:
    return [
        Column("seq", BigInteger, nullable=False, autoincrement=False),
        Column("revision", BigInteger, nullable=False, autoincrement=False),
        Column("organization_seq", BigInteger, nullable=False, autoincrement=False),
        Column("organization_revision", BigInteger, nullable=False, autoincrement=False),
        Column("id", Text, nullable=False),
        Column("actor_id", Text, nullable=False),
        Column("actor_email", Text, nullable=False),
        Column("actor_api_key_prefix", Text),
        Column("actor_api_key_suffix", Text),
        Column("organization_id", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("target_type", Text),
        Column("target_id", Text),
        Column("status_code", Integer),
        Column("error_message", Text),
        Column("ip_address", Text),
        Column("user_agent", Text),
        Column("source", Text),
        Column("metadata", Text),
        Column("created_at", UtcTime, nullable=False),
        Column("received_at", UtcTime, nullable=False),
    ]


audit_entry = Table("audit_entry", metadata, *_entry_columns())
"""Finished entries. `seq` is the order of arrival: unique, increasing, never changed.
`revision` is drawn from the same counter at the last write of the row: equal to `seq`, or
higher once the entry was finished by a later arrival. Both count the whole log, so neither leaves
the house: what an organization sees is `organization_seq`, its own entries counted from 1 without
gaps in the same order, and `organization_revision`, its own writes."""

unfinished_entry = Table("unfinished_entry", metadata, *_entry_columns())
"""Entries in flight or unanswered: few, and each may still be finished."""

log_schema = Table(
    "log_schema",
    metadata,
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("applied_at", UtcTime, nullable=False),
)

log_check = Table(
    "log_check",
    metadata,
    Column("checked_at", UtcTime, nullable=False),
)
"""One row, which is written anew to see whether the log takes writes. The state, which may stand in
the same database, has one of its own name."""

erased_part = Table(
    "erased_part",
    metadata,
    Column("number", BigInteger, nullable=False, autoincrement=False),
    Column("month", UtcTime, nullable=False),
    Column("rewritten", Integer, nullable=False),
    Column("noted_at", UtcTime, nullable=False),
)
"""Months whose entries were erased from (`rewritten` 0), and then written anew (1): until that, the
files of an engine may hold old bytes. `month` is its beginning in UTC. Rows are only ever added,
with rising numbers, so that the highest one tells whether anything was erased since."""

state_change = Table(
    "state_change",
    metadata,
    Column("organization_id", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("target_type", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("name", Text),
    Column("old_state", Text),
    Column("new_state", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("received_at", UtcTime, nullable=False),
)
"""What a second witness says became of sandboxes, snapshots and volumes; see
`domain.state_changes.StateChange`. Kept apart from the entries, which are what the audit log says,
and for as long. A change stands once by organization and id."""

state_change_head = Table(
    "state_change_head",
    MetaData(),
    Column("organization_id", Text, primary_key=True),
    Column("newest", UtcTime, nullable=False),
)
"""When the newest state change of each organization was received: kept by an engine that is
shared, so that who asks need not look through the changes."""

organization_head = Table(
    "organization_head",
    MetaData(),
    Column("organization_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False, autoincrement=False),
    Column("organization_seq", BigInteger, nullable=False, autoincrement=False),
    Column("organization_revision", BigInteger, nullable=False, autoincrement=False),
)
"""The highest numbers that were given for each organization. An engine that is shared keeps it
with each append; the embedded one before it drops entries, since those that are left may not have
the highest. Reads take the highest of all rows of an organization."""

actor_address = Table(
    "actor_address",
    MetaData(),
    Column("organization_id", Text, primary_key=True),
    Column("actor_email", Text, primary_key=True),
    Column("address_key", Text, nullable=False),
)
"""Every spelling of an e-mail address that entries have, with its `domain.addresses.address_key`:
kept by an engine that has nothing else to look them up in."""

entries: Subquery = union_all(audit_entry.select(), unfinished_entry.select()).subquery("entry")
"""What every read sees."""

NUMBERS = ("seq", "revision", "organization_seq", "organization_revision")
"""What the log adds to an entry, with `received_at`."""


def _arrow_of(table: Table) -> pa.Schema:
    return pa.schema(
        [
            pa.field(
                column.name,
                pa.int64()
                if isinstance(column.type, BigInteger)
                else pa.int32()
                if isinstance(column.type, Integer)
                else pa.timestamp("us")
                if isinstance(column.type, UtcTime)
                else pa.string(),
            )
            for column in table.columns
        ]
    )


ARROW = _arrow_of(audit_entry)
"""The shape of entries as Arrow; times are UTC without a zone."""

STATE_CHANGES = _arrow_of(state_change)
"""The shape of state changes as Arrow."""

ARRIVING = pa.schema([field for field in ARROW if field.name not in (*NUMBERS, "received_at")])
"""Entries that arrive, as columns: the 16 fields, as they are stored."""

KEY = ("organization_id", "id")
"""What makes an entry the same entry."""

FOUND = pa.schema(
    [
        pa.field("row", pa.int64()),
        *(ARROW.field(name) for name in ("seq", "organization_seq", "created_at", "status_code")),
    ]
)
"""What is stored for arriving rows: the row's index, from 0, what stays of the stored
entry, and what an arrival is held against."""


def as_table(arriving: Sequence[AuditEntry]) -> pa.Table:
    """Entries as a table of the shape `ARRIVING`."""
    columns = columns_of(arriving)
    return pa.table(
        [pa.array(columns[field.name], field.type) for field in ARRIVING], schema=ARRIVING
    )


def columns_of(arriving: Sequence[AuditEntry]) -> dict[str, list[object]]:
    """The 16 fields as they are stored, by the names of the columns, in the order of `ARRIVING`."""
    columns: dict[str, list[object]] = {
        name: [getattr(entry, name) for entry in arriving] for _, name in FIELDS
    }
    columns["organization_id"] = [value or NO_ORGANIZATION for value in columns["organization_id"]]
    columns["created_at"] = [entry.created_at.replace(tzinfo=None) for entry in arriving]
    return columns


def from_arrow(table: pa.Table | pa.RecordBatch) -> list[AuditEntry]:
    """The entries of a table that has at least the 16 fields as columns, in its order."""
    columns = {name: table.column(name).to_pylist() for _, name in FIELDS}
    columns["organization_id"] = [value or None for value in columns["organization_id"]]
    columns["created_at"] = [value.replace(tzinfo=UTC) for value in columns["created_at"]]
    names = list(columns)
    return [
        AuditEntry(**dict(zip(names, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]
