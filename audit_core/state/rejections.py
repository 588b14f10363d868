"""The newest rejections of each organization; older ones are counted only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, delete, func, select, update

from audit_core.domain.rejections import Rejection
from audit_core.state.database import insert_into
from audit_core.state.tables import rejection, rejection_count

MAX_OF_ORGANIZATION = 100_000
"""How many rejections of one organization are kept, and how many of no organization: the newest.
They take some 200 MB at most if they are ASCII. Without this a token that sends bad records again
and again would fill the state."""

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
    """Keep rejections; how many there were.

    Beyond `MAX_OF_ORGANIZATION` the oldest of the same organization are dropped and counted. A
    call drops at most `_BATCH` more for each batch than it adds, so that the first write after the
    number was lowered takes no longer than others.
    """
    remaining = iter(rejections)
    added = 0
    while batch := list(islice(remaining, _BATCH)):
        kept = _count(connection, organization_id, len(batch))
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
        if kept > MAX_OF_ORGANIZATION:
            most = len(batch) + _BATCH
            _drop_oldest(connection, organization_id, min(kept - MAX_OF_ORGANIZATION, most))
        added += len(batch)
    return added


def _count(connection: Connection, organization_id: str | None, added: int) -> int:
    """Count rejections that are about to be added; how many are kept with them.

    On PostgreSQL others of the same organization wait from here on for the end of the transaction.
    """
    statement = insert_into(connection, rejection_count).values(
        organization_id=organization_id or "", kept=added, dropped=0
    )
    kept: int = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[rejection_count.c.organization_id],
            set_={"kept": rejection_count.c.kept + added},
        ).returning(rejection_count.c.kept)
    ).scalar_one()
    return kept


def _drop_oldest(connection: Connection, organization_id: str | None, number: int) -> None:
    same = (
        rejection.c.organization_id.is_(None)
        if organization_id is None
        else rejection.c.organization_id == organization_id
    )
    oldest = select(rejection.c.id).where(same).order_by(rejection.c.id).limit(number)
    dropped = connection.execute(
        delete(rejection).where(rejection.c.id.in_(oldest.scalar_subquery()))
    ).rowcount
    connection.execute(
        update(rejection_count)
        .where(rejection_count.c.organization_id == (organization_id or ""))
        .values(kept=rejection_count.c.kept - dropped, dropped=rejection_count.c.dropped + dropped)
    )


def count_dropped(connection: Connection, *, organization_id: str | None) -> int:
    """How many rejections were kept once and are not any more, because newer ones came.

    `organization_id` as for `list_rejections`.
    """
    statement = select(func.coalesce(func.sum(rejection_count.c.dropped), 0))
    if organization_id is not None:
        statement = statement.where(rejection_count.c.organization_id == organization_id)
    return int(connection.execute(statement).scalar_one())


def describe_dropped(dropped: int) -> str | None:
    """A sentence for whoever reads the list; `None` while nothing was dropped."""
    if not dropped:
        return None
    older = "1 older one is" if dropped == 1 else f"{dropped:,} older ones are"
    return f"{older} no longer kept: of each organization the newest {MAX_OF_ORGANIZATION:,} are."


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
