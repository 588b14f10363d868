"""The statements of a transfer: what a log holds, day by day, and the rows themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, Text, and_, case, func, literal, or_, select
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.explore.statements import beyond
from audit_core.log.schema import Statement, UtcTime, entries, state_change
from audit_core.log.sql.functions import (
    as_text,
    epoch_microseconds,
    fingerprint,
    floor_div,
)
from audit_core.query.keyset import Cursor, numbered_by
from audit_core.query.time.buckets import DAY_US
from audit_core.query.time.windows import EPOCH, TimeRange
from audit_core.query.where import instant_within, within, within_scope

FINGERPRINT_PLACES = (1, 9)
"""Where in the MD5 of a row, counted in hexadecimal digits from 1, its two fingerprints begin."""


class Kind(StrEnum):
    """What a log holds that is copied."""

    ENTRIES = "entries"
    STATE_CHANGES = "state_changes"

    @property
    def label(self) -> str:
        """The name for people, within a sentence."""
        return self.value.replace("_", " ")


_ROWS: dict[Kind, FromClause] = {Kind.ENTRIES: entries, Kind.STATE_CHANGES: state_change}
_AT = {Kind.ENTRIES: entries.c.created_at, Kind.STATE_CHANGES: state_change.c.changed_at}
_NOT_COMPARED = {Kind.ENTRIES: (), Kind.STATE_CHANGES: ("received_at",)}
"""Two logs that were sent the same change hold the same."""


def day_of(number: int) -> tuple[datetime, datetime]:
    """The first instant of a day (UTC), counted from 1970, and of the next."""
    return EPOCH + timedelta(days=number), EPOCH + timedelta(days=number + 1)


def digest(scope: Scope, kind: Kind = Kind.ENTRIES) -> Statement:
    """By organization and day: `organization_id`, `day`, `count`, `first`, `second`.

    The last two are sums of the rows' fingerprints, over every column but the time of arrival of
    state changes: two logs that agree in them hold the same rows, in whatever order. `day` is
    counted from 1970 in UTC.
    """
    table = _ROWS[kind]
    compared = [column for column in table.c if column.name not in _NOT_COMPARED[kind]]
    row = func.concat(*_separated([_written(column) for column in compared]))
    day = floor_div(epoch_microseconds(_AT[kind]), literal(DAY_US, BigInteger))
    rows = (
        select(
            table.c.organization_id,
            day.label("day"),
            *(
                fingerprint(row, literal(place, BigInteger)).label(name)
                for name, place in zip(("first", "second"), FINGERPRINT_PLACES, strict=True)
            ),
        )
        .where(within_scope(table, scope))
        .subquery("row")
    )
    return select(
        rows.c.organization_id,
        rows.c.day,
        func.count().label("count"),
        func.sum(rows.c.first).label("first"),
        func.sum(rows.c.second).label("second"),
    ).group_by(rows.c.organization_id, rows.c.day)


def rows_of_days(
    scope: Scope, organization_id: str, first: int, last: int, *, after: Cursor | None
) -> Statement:
    """Whole rows of one organization ('' for none) from a day to another, both included, oldest
    first, from a cursor towards newer ones on."""
    days = TimeRange(since=day_of(first)[0], until=day_of(last)[1])
    return (
        select(entries)
        .where(
            within_scope(entries, scope),
            entries.c.organization_id == organization_id,
            within(entries, days),
            beyond(entries, after, scope),
        )
        .order_by(entries.c.created_at, numbered_by(entries, scope))
    )


def changes_of_days(
    scope: Scope, organization_id: str, first: int, last: int, *, after: tuple[datetime, str] | None
) -> Statement:
    """State changes as `rows_of_days` gives entries, from behind the one of a time and an id."""
    column = state_change.c
    days = TimeRange(since=day_of(first)[0], until=day_of(last)[1])
    statement = select(state_change).where(
        within_scope(state_change, scope),
        column.organization_id == organization_id,
        instant_within(column.changed_at, days),
    )
    if after is not None:
        at, id_ = after
        same = and_(column.changed_at == at, column.id > id_)
        statement = statement.where(or_(column.changed_at > at, same))
    return statement.order_by(column.changed_at, column.id)


def _written(column: ColumnElement[object]) -> ColumnElement[str]:
    """A value as text that tells NULL from every value."""
    value: ColumnElement[str]
    if isinstance(column.type, UtcTime):
        value = as_text(epoch_microseconds(column))
    elif isinstance(column.type, Text):
        value = column  # type: ignore[assignment]
    else:
        value = as_text(column)
    return case((column.is_(None), literal("-")), else_=func.concat(literal("+"), value))


def _separated(parts: list[ColumnElement[str]]) -> list[ColumnElement[str]]:
    return [piece for part in parts for piece in (part, literal("\x1f"))]
