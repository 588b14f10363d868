"""The keys of actors, as they are kept: encrypted, by a digest of the actor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, select

from audit_core.state.database import insert_into
from audit_core.state.tree.tables import actor_key

AT_ONCE = 300
"""How many keys one statement asks for or adds."""


def sealed_keys(
    connection: Connection, organization_id: str, actors: Sequence[str]
) -> dict[str, str]:
    """The keys of those actors that have one, by their digests."""
    found: dict[str, str] = {}
    for start in range(0, len(actors), AT_ONCE):
        statement = select(actor_key.c.actor, actor_key.c.sealed_key).where(
            actor_key.c.organization_id == organization_id,
            actor_key.c.actor.in_(actors[start : start + AT_ONCE]),
        )
        found |= {row.actor: row.sealed_key for row in connection.execute(statement)}
    return found


def add_keys(connection: Connection, organization_id: str, keys: Mapping[str, str]) -> None:
    """Add keys by the actors' digests; an actor who has one keeps it."""
    rows = [
        {"organization_id": organization_id, "actor": actor, "sealed_key": key}
        for actor, key in sorted(keys.items())
    ]
    for start in range(0, len(rows), AT_ONCE):
        statement = insert_into(connection, actor_key).values(rows[start : start + AT_ONCE])
        connection.execute(statement.on_conflict_do_nothing())


def drop_keys(connection: Connection, organization_id: str, actors: Sequence[str]) -> None:
    """Drop the keys of actors, by their digests; one that is not there does no harm."""
    for start in range(0, len(actors), AT_ONCE):
        connection.execute(
            delete(actor_key).where(
                actor_key.c.organization_id == organization_id,
                actor_key.c.actor.in_(actors[start : start + AT_ONCE]),
            )
        )
