"""Reads of writes by the numbers under which an organization counts them: for the program's own
work, which shows nobody an entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Select, func, literal, select

from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import floor_div


def writes_sql(organization_id: str, *, after: int, until: int, above: int) -> Statement:
    """The newest version of every entry whose last write has a number of these; see
    `AuditLog.writes`."""
    column = entries.c
    statement: Select[tuple[object, ...]] = select(entries).where(
        column.organization_id == organization_id,
        column.organization_revision > after,
        column.organization_revision <= until,
        column.revision > above,
    )
    return statement.order_by(column.organization_revision, column.seq)


@dataclass(frozen=True, slots=True)
class ExpiringRun:
    """Writes of an organization whose numbers lie next to each other, some of them expiring."""

    organization_id: str
    run: int
    """Which: 0 holds the numbers from 1 up to the length of a run."""
    going: int
    """How many of its entries were made before the moment that was asked for."""
    staying: int


def expiring_runs_sql(earliest: datetime, length: int) -> Statement:
    """Rows of the shape `ExpiringRun`, in order: the runs of so many numbers that hold entries from
    before `earliest`."""
    column = entries.c
    run = floor_div(column.organization_revision - 1, literal(length, BigInteger)).label("run")
    going = func.count().filter(column.created_at < earliest)
    staying = func.count().filter(column.created_at >= earliest)
    statement: Select[tuple[object, ...]] = (
        select(column.organization_id, run, going.label("going"), staying.label("staying"))
        .group_by(column.organization_id, run)
        .having(going > 0)
    )
    return statement.order_by(column.organization_id, run)


def expiring_writes_sql(
    organization_id: str, earliest: datetime, *, first: int, last: int
) -> Statement:
    """The entries of an organization with the numbers `first` to `last` that were made before
    `earliest`, in order."""
    column = entries.c
    statement: Select[tuple[object, ...]] = select(entries).where(
        column.organization_id == organization_id,
        column.organization_revision.between(first, last),
        column.created_at < earliest,
    )
    return statement.order_by(column.organization_revision, column.seq)
