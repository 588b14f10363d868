"""Reads of writes by the numbers under which an organization counts them: for the program's own
work, which shows nobody an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Select, and_, cast, func, literal, not_, or_, select

from audit_core.log.retention import Expiry
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import floor_div


def writes_sql(
    organization_id: str, *, after: int, until: int, above: int, up_to: int | None = None
) -> Statement:
    """The newest version of every entry whose last write has a number of these, and a `revision`
    above `above` and at most `up_to` (`None`: whatever it is); see `AuditLog.writes`."""
    column = entries.c
    statement: Select[tuple[object, ...]] = select(entries).where(
        column.organization_id == organization_id,
        column.organization_revision > after,
        column.organization_revision <= until,
        column.revision > above,
    )
    if up_to is not None:
        statement = statement.where(column.revision <= up_to)
    return statement.order_by(column.organization_revision, column.seq)


def count_sql(organization_id: str, *, until: int) -> Statement:
    """How many entries have a number from 1 up to `until`: one row."""
    column = entries.c
    statement: Statement = select(cast(func.count(), BigInteger)).where(
        column.organization_id == organization_id, column.organization_revision.between(1, until)
    )
    return statement


def out_of_order_sql(organization_id: str, stretches: Sequence[tuple[int, int, int]]) -> Statement:
    """The numbers of the entries that are out of place; see `Writes.out_of_order`."""
    column = entries.c
    statement: Statement = select(column.organization_revision).where(
        column.organization_id == organization_id,
        or_(
            *(
                and_(column.organization_revision.between(first, last), column.revision <= above)
                for first, last, above in stretches
            )
        ),
    )
    return statement


@dataclass(frozen=True, slots=True)
class ExpiringRun:
    """Writes of an organization whose numbers lie next to each other, some of them expiring."""

    organization_id: str
    run: int
    """Which: 0 holds the numbers from 1 up to the length of a run."""
    going: int
    """How many of its entries are about to be dropped."""
    staying: int


def expiring_runs_sql(expiry: Expiry, length: int) -> Statement:
    """Rows of the shape `ExpiringRun`, in order: the runs of so many numbers that hold entries
    that go."""
    column = entries.c
    run = floor_div(column.organization_revision - 1, literal(length, BigInteger)).label("run")
    expired = expiry.expired(column.created_at, column.organization_id)
    going = func.count().filter(expired)
    staying = func.count().filter(not_(expired))
    statement: Select[tuple[object, ...]] = (
        select(column.organization_id, run, going.label("going"), staying.label("staying"))
        .group_by(column.organization_id, run)
        .having(going > 0)
    )
    return statement.order_by(column.organization_id, run)


def expiring_writes_sql(
    organization_id: str, expiry: Expiry, *, first: int, last: int
) -> Statement:
    """The entries of an organization with the numbers `first` to `last` that go, in order."""
    column = entries.c
    statement: Select[tuple[object, ...]] = select(entries).where(
        column.organization_id == organization_id,
        column.organization_revision.between(first, last),
        expiry.expired(column.created_at, column.organization_id),
    )
    return statement.order_by(column.organization_revision, column.seq)
