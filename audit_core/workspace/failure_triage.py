"""What people say of groups of failures: resolved, muted, or open again, with a note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select

from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.tables import failure_mark

LONGEST_NOTE = 2_000
"""Characters of a note that are kept."""


class Verdict(StrEnum):
    """What a person decided about a group."""

    OPEN = "open"
    """Nothing, or nothing any more."""
    RESOLVED = "resolved"
    """It will not come again; if it does, it is regressed."""
    MUTED = "muted"
    """It may come again, and nobody wants to hear of it."""

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMark:
    """The last word on one group."""

    fingerprint: str
    verdict: Verdict
    note: str
    """Written by a person; empty without one."""
    marked_by: str
    """An e-mail address."""
    marked_at: datetime


def mark_failures(
    connection: Connection,
    *,
    organization_id: str,
    fingerprint: str,
    verdict: Verdict,
    note: str,
    by: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Keep a word on a group in place of the one before, and record the deed.

    The note is cut to `LONGEST_NOTE` characters. The organization must exist.
    """
    take_turns(connection)
    key = (
        failure_mark.c.organization_id == organization_id,
        failure_mark.c.fingerprint == fingerprint,
    )
    before = connection.execute(select(failure_mark.c.verdict).where(*key)).scalar()
    values = {
        "verdict": verdict.value,
        "note": note.strip()[:LONGEST_NOTE],
        "marked_by": by,
        "marked_at": now,
    }
    if before is None:
        connection.execute(
            failure_mark.insert().values(
                organization_id=organization_id, fingerprint=fingerprint, **values
            )
        )
    else:
        connection.execute(failure_mark.update().where(*key).values(**values))
    record(
        connection,
        at=now,
        verb="failure_group.marked",
        actor=by,
        organization_id=organization_id,
        address=address,
        detail={
            "fingerprint": fingerprint,
            "before": before or Verdict.OPEN.value,
            "verdict": verdict.value,
            "note": values["note"],
        },
    )


def list_marks(connection: Connection, *, organization_id: str) -> dict[str, FailureMark]:
    """All words on groups of an organization, by fingerprint."""
    statement = select(failure_mark).where(failure_mark.c.organization_id == organization_id)
    return {
        row.fingerprint: FailureMark(
            fingerprint=row.fingerprint,
            verdict=Verdict(row.verdict),
            note=row.note,
            marked_by=row.marked_by,
            marked_at=row.marked_at,
        )
        for row in connection.execute(statement)
    }
