"""What happened around an entry: by the same actor, on the same target. Builds, never runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, select, union_all
from sqlalchemy.sql.expression import FromClause

from audit_core.access import Scope
from audit_core.entries import AuditEntry
from audit_core.log.schema import Statement, audit_entry, unfinished_entry
from audit_core.query.classification import Condition
from audit_core.query.conditions import within, within_scope
from audit_core.query.cursors import Cursor
from audit_core.query.statements import beyond, in_order
from audit_core.query.windows import Bounds

_NEAR = timedelta(days=7)
"""How far to look before looking everywhere."""


class Kinship(StrEnum):
    """What two entries have in common."""

    ACTOR = "actor"
    """The actor's id."""
    TARGET = "target"
    """The target's type and id; entries without an id have no target in common."""


def has_kin(entry: AuditEntry, kinship: Kinship) -> bool:
    """Whether other entries may have this in common with the entry."""
    return kinship is Kinship.ACTOR or entry.target_id is not None


def widening(instant: datetime, *, newer: bool) -> Iterator[Bounds]:
    """Where to look from an instant on, or up to it: first near, which engines read fast, then
    everywhere."""
    if newer:
        yield Bounds(since=instant, until=instant + _NEAR)
    else:
        yield Bounds(since=instant - _NEAR, until=None)
    yield Bounds(since=None, until=None)


def neighbours(
    entry: AuditEntry, kinship: Kinship, scope: Scope, bounds: Bounds, cursor: Cursor, *, rows: int
) -> Statement:
    """The `rows` entries nearest to the cursor on its far side, and one more if any, whole.

    Nearest first: ascending in (created_at, seq) for a cursor that points to newer entries, else
    descending. Only those within the bounds. `has_kin` must hold.
    """
    parts = [
        select(table)
        .where(
            within_scope(table, scope),
            within(table, bounds),
            _kin(table, entry, kinship),
            beyond(table, cursor),
        )
        .order_by(*in_order(table, newer=cursor.newer))
        .limit(rows + 1)
        .subquery()
        for table in (audit_entry, unfinished_entry)
    ]
    both = union_all(*(part.select() for part in parts)).subquery("neighbour")
    return select(both).order_by(*in_order(both, newer=cursor.newer))


def _kin(table: FromClause, entry: AuditEntry, kinship: Kinship) -> Condition:
    if kinship is Kinship.ACTOR:
        same: Condition = table.c.actor_id == entry.actor_id
        return same
    kind = (
        table.c.target_type.is_(None)
        if entry.target_type is None
        else table.c.target_type == entry.target_type
    )
    return and_(table.c.target_id == entry.target_id, kind)
