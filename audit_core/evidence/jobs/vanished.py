"""Entries that an earlier export had held and that are gone: an alarm until somebody acknowledges
it, on record, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from audit_core.domain.errors import ExportError
from audit_core.evidence.jobs import store
from audit_core.query.time.windows import format_instant
from audit_core.state.database import take_turns
from audit_core.state.export_tables import export
from audit_core.state.operator_text import plain_text

MAX_REASON = 2_000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """What one comparison of exports found, and nobody has acknowledged."""

    export_id: str
    organization_id: str
    title: str
    found_at: datetime | None
    count: int

    @property
    def sentence(self) -> str:
        """For people; the title is of their choosing."""
        entries = "1 entry" if self.count == 1 else f"{self.count:,} entries"
        has = "has" if self.count == 1 else "have"
        of = "" if self.found_at is None else f" of {self.found_at:%Y-%m-%d %H:%M} UTC"
        return (
            f"{entries} that an earlier export held {has} vanished, as the export "
            f"“{self.title}”{of} has found."
        )


def list_vanished(connection: Connection, organization_id: str | None = None) -> list[Vanished]:
    """Those of an organization, the newest first; `None`: of all, for the operator."""
    statement = (
        select(
            export.c.id,
            export.c.organization_id,
            export.c.title,
            export.c.ended_at,
            export.c.held,
        )
        .where(store.alarms())
        .order_by(export.c.ended_at.desc(), export.c.id)
    )
    if organization_id is not None:
        statement = statement.where(export.c.organization_id == organization_id)
    return [
        Vanished(
            export_id=row.id,
            organization_id=row.organization_id,
            title=row.title or "All entries",
            found_at=row.ended_at,
            count=row.held["changes"]["vanished"],
        )
        for row in connection.execute(statement)
    ]


def acknowledge_vanished(
    connection: Connection,
    export_id: str,
    organization_id: str,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
    reason: str,
) -> None:
    """Say that it is known, and why: no alarm any more. Raises `AccountError` without a reason,
    `ExportError` where there is no such alarm."""
    said = plain_text("reason", " ".join(reason.split()), longest=MAX_REASON)
    take_turns(connection)
    job = store.find_job(connection, export_id, organization_id)
    known = list_vanished(connection, organization_id)
    if job is None or job.held is None or export_id not in [one.export_id for one in known]:
        raise ExportError("There is nothing to acknowledge.", "Reload the page.")
    noted: Mapping[str, Any] = {"by": actor, "at": format_instant(now), "reason": said}
    held = {**job.held, store.ACKNOWLEDGED: noted}
    connection.execute(update(export).where(export.c.id == export_id).values(held=held))
    more = {"vanished": job.held["changes"]["vanished"], "reason": said}
    store.note(
        connection, job, "vanished.acknowledged", actor=actor, now=now, address=address, more=more
    )
