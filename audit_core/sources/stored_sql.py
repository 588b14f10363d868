"""What the log has of a source already. Builds statements, never runs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from audit_core.domain.access import Scope
from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.log.schema import Statement, entries


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are."""

    count: int


@dataclass(frozen=True, slots=True)
class UnfinishedEntry:
    """An entry without a final status."""

    id: str
    created_at: datetime


def stored_between(scope: Scope, since: datetime, until: datetime) -> Statement:
    """How many entries the scope has from one moment to another, both included: a row of
    `Count`."""
    column = entries.c.created_at
    found = select(func.count().label("count")).where(column >= since, column <= until)
    return _within(found, scope)


def unfinished(scope: Scope) -> Statement:
    """The scope's entries in flight or unanswered, the newest first; rows of `UnfinishedEntry`.

    Looks through the whole log: for the beginning of a sync only.
    """
    status = entries.c.status_code
    found = (
        select(entries.c.id, entries.c.created_at)
        .where(or_(status.is_(None), status == UNANSWERED_STATUS))
        .order_by(entries.c.created_at.desc(), entries.c.id)
    )
    return _within(found, scope)


def _within(statement: Statement, scope: Scope) -> Statement:
    if scope.organization_id is None:
        return statement
    return statement.where(entries.c.organization_id == scope.organization_id)
