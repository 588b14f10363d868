"""Which months of a log were erased from, and not written anew since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select

from audit_core.log.schema import erased_part


def newest_number(connection: Connection) -> int:
    """A number that rises whenever something is erased; 0 before the first time."""
    return int(connection.execute(select(func.max(erased_part.c.number))).scalar() or 0)


def note_parts(
    connection: Connection, months: Collection[datetime], *, rewritten: bool, now: datetime
) -> int:
    """Note months (their beginnings, aware) that are being erased from, or that were written anew;
    in the transaction in which that happens, or before. The newest number from then on."""
    number = newest_number(connection)
    rows = [
        {"number": number + place, "month": month, "rewritten": int(rewritten), "noted_at": now}
        for place, month in enumerate(sorted(months), 1)
    ]
    if rows:
        connection.execute(insert(erased_part), rows)
    return number + len(rows)


def pending_parts(connection: Connection, *, until: int | None = None) -> list[datetime]:
    """The months (their beginnings, aware) that were erased from, by the number `until` (`None`:
    by now), and not written anew since; in order."""
    column = erased_part.c
    statement = select(column.month, column.rewritten, func.max(column.number).label("number"))
    if until is not None:
        statement = statement.where((column.rewritten == 1) | (column.number <= until))
    erased: dict[datetime, int] = {}
    rewritten: dict[datetime, int] = {}
    for row in connection.execute(statement.group_by(column.month, column.rewritten)):
        found = rewritten if row.rewritten else erased
        found[row.month.replace(tzinfo=UTC)] = int(row.number)
    return sorted(month for month, at in erased.items() if at > rewritten.get(month, 0))
