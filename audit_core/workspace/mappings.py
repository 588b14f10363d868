"""The mappings that an organization has saved, as texts (see `ingest/mappings/saved.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from audit_core.domain.errors import MappingError
from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.tables import mapping as table

MAX_SAVED = 50
"""How many mappings one organization may have saved: each is tried on whatever comes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMapping:
    """A mapping as it was saved."""

    name: str
    text: str
    saved_by: str
    """An e-mail address."""
    saved_at: datetime


def saved_mappings(connection: Connection, organization_id: str) -> tuple[SavedMapping, ...]:
    """Those of an organization, by name."""
    statement = select(table).where(table.c.organization_id == organization_id)
    return tuple(
        SavedMapping(name=row.name, text=row.text, saved_by=row.saved_by, saved_at=row.saved_at)
        for row in connection.execute(statement.order_by(table.c.name))
    )


def keep_mapping(
    connection: Connection,
    *,
    organization_id: str,
    name: str,
    title: str,
    text: str,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Keep a mapping under a name, in place of one that the organization has of that name, and
    record who did. The organization must exist, and the text be a mapping.

    Raises `MappingError` for too many.
    """
    take_turns(connection)
    key = (table.c.organization_id == organization_id, table.c.name == name)
    before = connection.execute(select(table.c.text).where(*key)).scalar_one_or_none()
    values = {"text": text, "saved_by": actor, "saved_at": now}
    if before is None:
        count = connection.execute(
            select(func.count())
            .select_from(table)
            .where(table.c.organization_id == organization_id)
        ).scalar_one()
        if count >= MAX_SAVED:
            raise MappingError(
                f"This organization has {count} mappings, and {MAX_SAVED} is the most.",
                "Delete one that you no longer need.",
            )
        connection.execute(
            table.insert().values(organization_id=organization_id, name=name, **values)
        )
    else:
        connection.execute(table.update().where(*key).values(**values))
    record(
        connection,
        at=now,
        verb="mapping.saved",
        actor=actor,
        organization_id=organization_id,
        address=address,
        detail={"mapping": name, "title": title, "replaced": before is not None},
    )


def delete_mapping(
    connection: Connection,
    *,
    organization_id: str,
    name: str,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Forget a mapping of the organization; entries that it made stay.

    Raises `MappingError` if there is none of that name, be it another organization's.
    """
    take_turns(connection)
    deleted = connection.execute(
        table.delete().where(table.c.organization_id == organization_id, table.c.name == name)
    )
    if not deleted.rowcount:
        raise MappingError(
            f"There is no saved mapping {name[:60]!r}.", "Somebody may have deleted it already."
        )
    record(
        connection,
        at=now,
        verb="mapping.deleted",
        actor=actor,
        organization_id=organization_id,
        address=address,
        detail={"mapping": name},
    )
