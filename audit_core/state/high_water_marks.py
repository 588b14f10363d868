"""The highest numbers that the log has given, kept here because the log may lose its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from audit_core.state.database import insert_into
from audit_core.state.tables import log_mark

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The highest numbers of one organization."""

    revision: int
    organization_seq: int
    organization_revision: int


NUMBERS = ("revision", "organization_seq", "organization_revision")


def read_marks(connection: Connection) -> dict[str, Mark]:
    """All marks, by the organization's id ('' for none)."""
    return {
        row.organization_id: Mark(**{name: getattr(row, name) for name in NUMBERS})
        for row in connection.execute(select(log_mark))
    }


def keep_marks(connection: Connection, marks: Mapping[str, Mark]) -> None:
    """Raise marks to at least these."""
    on_postgresql = connection.dialect.name == "postgresql"
    highest = func.greatest if on_postgresql else func.max
    rows = [
        {"organization_id": organization, **{name: getattr(mark, name) for name in NUMBERS}}
        # In one order, so that two processes do not wait for each other.
        for organization, mark in sorted(marks.items())
    ]
    for start in range(0, len(rows), _AT_ONCE):
        statement = insert_into(connection, log_mark).values(rows[start : start + _AT_ONCE])
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[log_mark.c.organization_id],
                set_={
                    name: highest(log_mark.c[name], statement.excluded[name]) for name in NUMBERS
                },
            )
        )
