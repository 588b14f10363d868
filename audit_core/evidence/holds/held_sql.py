"""Which entries a legal hold keeps. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, func, literal, select

from audit_core.domain.erasure import Subject
from audit_core.log.erasing.erasing_sql import concerned
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import epoch_microseconds, floor_div
from audit_core.query.query import Query
from audit_core.query.time.buckets import DAY_US, ORIGIN_SHIFT_US
from audit_core.query.where import where_clause

MAX_DAYS = 100_000
"""More days than entries can lie on."""


@dataclass(frozen=True, slots=True)
class HeldDay:
    """A day (UTC) on which a hold keeps entries."""

    day: int
    """Counted from `buckets.ORIGIN`."""
    count: int
    """How many entries it keeps."""


def held_days(query: Query, before: datetime | None = None) -> Statement:
    """Rows of the shape `HeldDay`, in order; of entries made before a moment, if one is given."""
    made_at = entries.c.created_at
    shifted = epoch_microseconds(made_at) + literal(ORIGIN_SHIFT_US, BigInteger)
    day = floor_div(shifted, literal(DAY_US, BigInteger)).label("day")
    statement = select(day, func.count().label("count")).where(where_clause(entries, query))
    if before is not None:
        statement = statement.where(made_at < before)
    return statement.group_by(day).order_by(day)


def held_of(query: Query, subject: Subject, until: datetime | None, *, after: int) -> Statement:
    """Whole entries with a `seq` above `after`, in order, that the hold keeps and that erasing a
    person may have to change: never fewer than those."""
    statement: Statement = (
        select(entries)
        .where(where_clause(entries, query), concerned(subject, until), entries.c.seq > after)
        .order_by(entries.c.seq)
    )
    return statement
