"""The records that could not become entries, kept until an operator has looked at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from audit_core.rejections import Rejection
from audit_core.state.tables import rejection

_BATCH = 1_000
"""Rows in one statement; bounds memory, since a file may hold millions of bad records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRejection:
    """A rejection with when and whence it came."""

    id: int
    """Increasing in the order of keeping."""
    at: datetime
    origin: str
    """What brought it: a file name, or the name of a token."""
    organization_id: str | None
    """`None` when it is not known to belong to one."""
    place: str
    reason: str
    raw: str


def keep_rejections(
    connection: Connection,
    *,
    rejections: Iterable[Rejection],
    organization_id: str | None,
    origin: str,
    now: datetime,
) -> int:
    """Keep rejections; how many there were."""
    remaining = iter(rejections)
    kept = 0
    while batch := list(islice(remaining, _BATCH)):
        connection.execute(
            rejection.insert(),
            [
                {
                    "at": now,
                    "origin": origin,
                    "organization_id": organization_id,
                    "place": one.place,
                    "reason": one.reason,
                    "raw": one.raw,
                }
                for one in batch
            ],
        )
        kept += len(batch)
    return kept


def list_rejections(
    connection: Connection,
    *,
    organization_id: str | None,
    limit: int,
    before_id: int | None = None,
) -> tuple[KeptRejection, ...]:
    """At most `limit` rejections, the last kept first; with `before_id` those with a lower id.

    `organization_id` `None` means all, also those of no organization: for the operator only.
    """
    statement = select(rejection).order_by(rejection.c.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(rejection.c.id < before_id)
    if organization_id is not None:
        statement = statement.where(rejection.c.organization_id == organization_id)
    return tuple(KeptRejection(**row._mapping) for row in connection.execute(statement))
