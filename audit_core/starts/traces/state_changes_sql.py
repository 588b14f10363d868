"""The state changes of one sandbox, and how far those of its organization reach. (scope) → SELECT.
Never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select

from audit_core.domain.access import Scope
from audit_core.domain.entries import SANDBOX
from audit_core.log.schema import Statement, audit_entry, state_change
from audit_core.log.sql.functions import epoch_microseconds


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change of a sandbox's state."""

    id: str
    old_state: str | None
    new_state: str
    at_us: int


@dataclass(frozen=True, slots=True)
class ReachRow:
    """When the first and the last change of an organization were."""

    since_us: int | None
    until_us: int | None


@dataclass(frozen=True, slots=True)
class EntryTime:
    """When an entry was made."""

    at_us: int


def changes_of(sandbox: str, scope: Scope) -> Statement:
    """The changes of a sandbox, the newest first: rows of `ChangeRow`."""
    column = state_change.c
    return (
        select(
            column.id,
            column.old_state,
            column.new_state,
            epoch_microseconds(column.changed_at).label("at_us"),
        )
        .where(
            column.organization_id == scope.organization_id,
            column.target_type == literal(SANDBOX),
            column.target_id == literal(sandbox),
        )
        .order_by(column.changed_at.desc(), column.id.desc())
    )


def reach(scope: Scope) -> Statement:
    """One row of `ReachRow`."""
    column = state_change.c
    return select(
        epoch_microseconds(func.min(column.changed_at)).label("since_us"),
        epoch_microseconds(func.max(column.changed_at)).label("until_us"),
    ).where(column.organization_id == scope.organization_id)


def newest_entry(scope: Scope, before: datetime) -> Statement:
    """The newest entry before a moment: a row of `EntryTime`, if there is one."""
    column = audit_entry.c
    return (
        select(epoch_microseconds(column.created_at).label("at_us"))
        .where(column.organization_id == scope.organization_id, column.created_at < before)
        .order_by(column.created_at.desc())
    )
