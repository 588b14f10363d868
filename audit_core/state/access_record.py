"""The access record: who signed in, was refused, exported, or changed an access. Append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from audit_core.state.tables import access_event

_LONGEST_ACTOR = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """One deed."""

    id: int
    """Increasing in the order of recording."""
    at: datetime
    verb: str
    """Dotted, like ``sign_in.refused``."""
    actor: str
    """An e-mail address, the name of a token, or ``command line``."""
    organization_id: str | None
    """`None` when the deed belongs to no organization, as a sign-in."""
    address: str | None
    """Where it came from over the network; `None` when it did not, or is unknown."""
    detail: dict[str, Any]
    """More about it, without secrets; may be empty."""


def record(
    connection: Connection,
    *,
    at: datetime,
    verb: str,
    actor: str,
    organization_id: str | None = None,
    address: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record a deed, in the transaction of the deed itself.

    `detail` must be what JSON can hold, and must not hold secrets.
    """
    connection.execute(
        access_event.insert().values(
            at=at,
            verb=verb,
            actor=actor[:_LONGEST_ACTOR],
            organization_id=organization_id,
            address=address,
            detail=dict(detail or {}),
        )
    )


def list_events(
    connection: Connection, *, organization_id: str | None, limit: int, verb: str | None = None
) -> tuple[AccessEvent, ...]:
    """The newest `limit` events of an organization, newest first; with a verb only those.

    `None` means all organizations and the events of none: for the operator only.
    """
    statement = select(access_event).order_by(access_event.c.id.desc()).limit(limit)
    if organization_id is not None:
        statement = statement.where(access_event.c.organization_id == organization_id)
    if verb is not None:
        statement = statement.where(access_event.c.verb == verb)
    return tuple(AccessEvent(**row._mapping) for row in connection.execute(statement))
