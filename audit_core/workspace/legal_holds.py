"""Legal holds: what an organization keeps beyond its retention, and does not erase, until an admin
lifts it. Each is set and lifted with a reason, on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from audit_core.domain.errors import AccountError
from audit_core.identity.administration import Administrator, record_by, require_admin
from audit_core.state.legal_holds import legal_hold
from audit_core.state.secrets import new_id

MAX_HOLDS = 100
"""How many may be in force in one organization: each is looked for when months expire."""
MAX_REASON = 2_000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """One hold."""

    id: str
    organization_id: str
    params: dict[str, list[str]]
    """The filter, as in an address, with a fixed window: to be read anew."""
    reason: str
    """Of a person's choosing, as is `lifting_reason`: never to be read as markup."""
    set_by: str
    set_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    """`None` while it is in force."""
    lifting_reason: str | None


def set_hold(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    params: Mapping[str, Sequence[str]],
    sentence: str,
    reason: str,
) -> LegalHold:
    """Keep what matches the filter from now on; `sentence` says it in words, for the record.

    Raises `AccountError` where `by` may not, without a reason, and beyond `MAX_HOLDS`.
    """
    require_admin(connection, by, organization_id)
    said = _reason(reason)
    in_force = connection.execute(
        select(func.count()).where(
            legal_hold.c.organization_id == organization_id, legal_hold.c.lifted_at.is_(None)
        )
    ).scalar()
    if (in_force or 0) >= MAX_HOLDS:
        raise AccountError(
            f"The organization has {MAX_HOLDS} legal holds.",
            "Lift those that are not needed, or join several in one query with OR.",
        )
    values: dict[str, Any] = {
        "id": new_id(),
        "organization_id": organization_id,
        "params": {name: list(items) for name, items in params.items()},
        "reason": said,
        "set_by": by.actor,
        "set_at": by.now,
    }
    connection.execute(legal_hold.insert().values(values))
    _record(connection, "legal_hold.set", by, organization_id, sentence, said)
    return LegalHold(**values, lifted_by=None, lifted_at=None, lifting_reason=None)


def lift_hold(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    hold_id: str,
    sentence: str,
    reason: str,
) -> None:
    """End a hold: what it alone kept goes with the next months that expire.

    Raises `AccountError` where `by` may not, without a reason, and for a hold that the
    organization does not have, or that was lifted.
    """
    require_admin(connection, by, organization_id)
    said = _reason(reason)
    changed = connection.execute(
        update(legal_hold)
        .where(
            legal_hold.c.id == hold_id,
            legal_hold.c.organization_id == organization_id,
            legal_hold.c.lifted_at.is_(None),
        )
        .values(lifted_by=by.actor, lifted_at=by.now, lifting_reason=said)
    )
    if not changed.rowcount:
        raise AccountError("The legal hold is not in force any more.", "Reload the page.")
    _record(connection, "legal_hold.lifted", by, organization_id, sentence, said)


def list_holds(connection: Connection, organization_id: str | None) -> list[LegalHold]:
    """The holds of an organization, those in force first, the newest of each first; `None`: of
    all, for the program's own work."""
    statement = select(legal_hold).order_by(
        legal_hold.c.lifted_at.is_not(None), legal_hold.c.set_at.desc()
    )
    if organization_id is not None:
        statement = statement.where(legal_hold.c.organization_id == organization_id)
    return [_hold_of(row) for row in connection.execute(statement)]


def holds_in_force(connection: Connection, organization_id: str | None = None) -> list[LegalHold]:
    """Those that were not lifted; `None`: of all organizations."""
    return [hold for hold in list_holds(connection, organization_id) if hold.lifted_at is None]


def _reason(reason: str) -> str:
    said = reason.strip()
    if not said:
        raise AccountError("The legal hold has no reason.", "Say why, such as a case number.")
    if len(said) > MAX_REASON:
        raise AccountError(
            f"The reason has {len(said):,} characters.", f"Give one of at most {MAX_REASON:,}."
        )
    return said


def _record(
    connection: Connection,
    verb: str,
    by: Administrator,
    organization_id: str,
    sentence: str,
    reason: str,
) -> None:
    record_by(
        connection,
        by,
        verb,
        organization_id=organization_id,
        detail={"filter": sentence, "reason": reason},
    )


def _hold_of(row: Row[Any]) -> LegalHold:
    return LegalHold(**row._mapping)
