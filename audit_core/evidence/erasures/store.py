"""Erasures in the state: found, brought forward, ended.

An erasure is looked up by its id and its organization together. What changes one puts that on
record in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, or_, select, update

from audit_core.evidence.erasures.erasure import IN_FORCE, OPEN, Erasure, Stage, digits_of
from audit_core.state.access_log.record import record
from audit_core.state.database import insert_into
from audit_core.state.erasures.tables import erasure, erasure_identity, erasure_sweep

BY_ITSELF = "erasures"
"""The actor of what the app does by itself."""
_AT_ONCE = 500

_FIELDS = tuple(Erasure.__dataclass_fields__)
_COLUMNS = tuple(erasure.c[name] for name in _FIELDS)


def find_erasure(connection: Connection, erasure_id: str, organization_id: str) -> Erasure | None:
    """The erasure with this id in this organization; `None` for any other."""
    row = connection.execute(
        select(*_COLUMNS).where(
            erasure.c.id == erasure_id, erasure.c.organization_id == organization_id
        )
    ).one_or_none()
    return None if row is None else _erasure(row)


def find_anywhere(connection: Connection, erasure_id: str) -> Erasure | None:
    """The erasure with this id in any organization: for the operator only."""
    statement = select(*_COLUMNS).where(erasure.c.id == erasure_id)
    return next(iter(_erasures(connection, statement)), None)


def erasure_of_pseudonym(
    connection: Connection, actor_id: str | None, organization_id: str
) -> Erasure | None:
    """The erasure that a pseudonym leads to; `None` for what is none of this organization."""
    digits = digits_of(actor_id)
    if digits is None:
        return None
    statement = select(*_COLUMNS).where(
        erasure.c.organization_id == organization_id,
        erasure.c.id.startswith(digits, autoescape=True),
    )
    return next(iter(_erasures(connection, statement.limit(1))), None)


def list_erasures(
    connection: Connection,
    organization_id: str | None,
    *,
    limit: int,
    stages: Iterable[Stage] = tuple(Stage),
) -> list[Erasure]:
    """The erasures of an organization in these stages, those that are not over first, then the
    newest first; `None`: of all, for the operator."""
    statement = select(*_COLUMNS).where(erasure.c.stage.in_([stage.value for stage in stages]))
    statement = statement.order_by(
        erasure.c.stage.not_in([stage.value for stage in OPEN]),
        erasure.c.asked_at.desc(),
        erasure.c.id,
    )
    if organization_id is not None:
        statement = statement.where(erasure.c.organization_id == organization_id)
    return _erasures(connection, statement.limit(limit))


def in_stages(
    connection: Connection, stages: Iterable[Stage], *, limit: int | None
) -> list[Erasure]:
    """Erasures of every organization in these stages, in the order in which they were confirmed
    (`limit` `None`: all of them): for the program's own work."""
    return _erasures(
        connection,
        select(*_COLUMNS)
        .where(erasure.c.stage.in_([stage.value for stage in stages]))
        .order_by(erasure.c.confirmed_at, erasure.c.id)
        .limit(limit),
    )


def erased_since(connection: Connection, organization_id: str, at: datetime) -> list[Erasure]:
    """The erasures of an organization by which entries may have changed since a moment."""
    changed = or_(erasure.c.done_at.is_(None), erasure.c.done_at >= at, erasure.c.erased_at >= at)
    statement = select(*_COLUMNS).where(
        erasure.c.organization_id == organization_id,
        erasure.c.started_at.is_not(None) | erasure.c.erased_at.is_not(None),
        changed,
    )
    return _erasures(connection, statement)


def open_count(connection: Connection, organization_id: str) -> int:
    """How many erasures of an organization wait for a confirmation or are under way."""
    found: int = connection.execute(
        select(func.count())
        .select_from(erasure)
        .where(
            erasure.c.organization_id == organization_id,
            erasure.c.stage.in_([stage.value for stage in OPEN]),
        )
    ).scalar_one()
    return found


def matching(
    connection: Connection,
    organization_id: str,
    digests: Iterable[str],
    stages: Iterable[Stage] = IN_FORCE,
) -> dict[str, list[Erasure]]:
    """Erasures in these stages of people who have one of the digests, by the digest, those
    confirmed first coming first."""
    found: dict[str, list[Erasure]] = {}
    asked = sorted(digests)
    for start in range(0, len(asked), _AT_ONCE):
        statement = (
            select(erasure_identity.c.digest, *_COLUMNS)
            .join(erasure, erasure.c.id == erasure_identity.c.erasure_id)
            .where(
                erasure_identity.c.digest.in_(asked[start : start + _AT_ONCE]),
                erasure.c.organization_id == organization_id,
                erasure.c.stage.in_([stage.value for stage in stages]),
            )
            .order_by(erasure.c.confirmed_at, erasure.c.id)
        )
        for row in connection.execute(statement):
            found.setdefault(row.digest, []).append(_erasure(row))
    return found


def digests_of(connection: Connection, erasure_id: str) -> frozenset[str]:
    """The digests of the person of an erasure."""
    statement = select(erasure_identity.c.digest).where(erasure_identity.c.erasure_id == erasure_id)
    return frozenset(connection.execute(statement).scalars())


def set_digests(connection: Connection, erasure_id: str, digests: Iterable[str]) -> None:
    """Keep these digests of the person, and no others."""
    connection.execute(delete(erasure_identity).where(erasure_identity.c.erasure_id == erasure_id))
    if rows := [{"erasure_id": erasure_id, "digest": one} for one in sorted(digests)]:
        connection.execute(erasure_identity.insert(), rows)


def change(connection: Connection, found: Erasure, **values: Any) -> Erasure:
    """Change it; what it is then."""
    connection.execute(update(erasure).where(erasure.c.id == found.id).values(values))
    changed = find_erasure(connection, found.id, found.organization_id)
    assert changed is not None  # noqa: S101 - nothing deletes one
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How far an organization's log was looked through."""

    revision: int
    """Up to which revision of the whole log."""
    swept_at: datetime
    """When that was the newest one."""


def swept(connection: Connection, organization_id: str) -> Swept | None:
    """How far an organization's log was looked through; `None`: never was."""
    statement = select(erasure_sweep.c.revision, erasure_sweep.c.swept_at).where(
        erasure_sweep.c.organization_id == organization_id
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else Swept(**row._mapping)


def set_swept(connection: Connection, organization_id: str, reached: Swept) -> None:
    """Note how far it was looked through."""
    values = {"revision": reached.revision, "swept_at": reached.swept_at}
    statement = insert_into(connection, erasure_sweep).values(
        organization_id=organization_id, **values
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[erasure_sweep.c.organization_id], set_=values
        )
    )


def organizations_with(connection: Connection, stages: Iterable[Stage] = IN_FORCE) -> list[str]:
    """The organizations that have erasures in these stages, in order."""
    statement = (
        select(erasure.c.organization_id)
        .where(erasure.c.stage.in_([stage.value for stage in stages]))
        .distinct()
        .order_by(erasure.c.organization_id)
    )
    return list(connection.execute(statement).scalars())


def note(
    connection: Connection,
    found: Erasure,
    verb: str,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Put on record what was done with it. The record names the pseudonym and never the person."""
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=found.organization_id,
        address=address,
        detail={"erasure": found.pseudonym, **(detail or {})},
    )


def _erasures(connection: Connection, statement: Select[Any]) -> list[Erasure]:
    return [_erasure(row) for row in connection.execute(statement)]


def _erasure(row: Row[Any]) -> Erasure:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Erasure(**{**values, "stage": Stage(row.stage)})
