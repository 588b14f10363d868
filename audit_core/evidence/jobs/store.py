"""Exports in the state: asked for, taken from the line, brought forward, ended.

An export is looked up by its id and its organization together. What changes one puts that on
record in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    select,
    update,
)

from audit_core.domain.errors import ExportError
from audit_core.evidence.jobs.held import Unfinished
from audit_core.evidence.jobs.job import (
    MAX_ATTEMPTS,
    OPEN,
    ExportJob,
    JobState,
)
from audit_core.evidence.jobs.limits import (
    next_job,
)
from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.export_tables import export

LEASE = timedelta(seconds=60)
"""How long an export belongs to the process that makes it after it last said so."""
ROWS_KEPT_FOR = timedelta(days=90)
"""For how long one whose file is gone can still be seen and repeated."""
BY_ITSELF = "exports"
"""The actor of what happens by itself, such as that a file expires."""

_FIELDS = tuple(ExportJob.__dataclass_fields__)
_COLUMNS = tuple(export.c[name] for name in _FIELDS)


ACKNOWLEDGED = "acknowledged"
"""The name in `export.held` of who has acknowledged that entries have vanished: `by`, `at` and
`reason`."""


class ExportLost(Exception):
    """Another process makes the export by now, or its row is gone."""


def find_job(connection: Connection, export_id: str, organization_id: str) -> ExportJob | None:
    """The export with this id in this organization; `None` for any other, and a deleted one."""
    row = connection.execute(
        select(*_COLUMNS).where(
            export.c.id == export_id,
            export.c.organization_id == organization_id,
            export.c.state != JobState.DELETED.value,
        )
    ).one_or_none()
    return None if row is None else _job(row)


def list_jobs(connection: Connection, organization_id: str, *, limit: int) -> list[ExportJob]:
    """The exports of an organization that are not deleted, newest first."""
    return _jobs(
        connection,
        select(*_COLUMNS)
        .where(
            export.c.organization_id == organization_id,
            export.c.state != JobState.DELETED.value,
        )
        .order_by(export.c.requested_at.desc(), export.c.id)
        .limit(limit),
    )


def open_jobs(connection: Connection) -> list[ExportJob]:
    """All that run or wait, of every organization, in the order in which they were asked for: for
    the limits only."""
    return _jobs(
        connection,
        select(*_COLUMNS)
        .where(export.c.state.in_([state.value for state in OPEN]))
        .order_by(export.c.requested_at, export.c.id),
    )


def unfinished_of(connection: Connection, export_id: str) -> Unfinished:
    """The numbers of what was unfinished when an export was made; none before that."""
    found: Unfinished | None = connection.execute(
        select(export.c.unfinished).where(export.c.id == export_id)
    ).scalar_one_or_none()
    return found or {}


def let_go_abandoned(connection: Connection, *, now: datetime, at_once: bool) -> None:
    """Mark as interrupted what a process made that has ended without a word: whose time is over, or
    with `at_once` all.

    An embedded log has one owner: whoever made an export before is gone, and before it makes any,
    it need not wait.
    """
    abandoned = export.c.state == JobState.RUNNING.value
    if not at_once:
        abandoned &= export.c.held_until < now
    connection.execute(
        update(export)
        .where(abandoned)
        .values(state=JobState.INTERRUPTED.value, holder=None, held_until=None)
    )


def take_next(connection: Connection, *, holder: str, now: datetime) -> ExportJob | None:
    """Take the next in line, for `LEASE`; `None` if none may begin now.

    One that was begun too often is over.
    """
    take_turns(connection)
    while (job := next_job(open_jobs(connection))) is not None:
        if job.attempts >= MAX_ATTEMPTS:
            problem = ExportError(
                f"It was interrupted {job.attempts} times, each time with the server itself.",
                "Tell whoever runs the server, or ask for less at once.",
            )
            fail(connection, job, problem, now=now)
            continue
        connection.execute(
            update(export)
            .where(export.c.id == job.id)
            .values(
                state=JobState.RUNNING.value,
                attempts=job.attempts + 1,
                holder=holder,
                held_until=now + LEASE,
                started_at=now,
                entries=0,
                size=0,
                left_out=0,
                expected=None,
                held=None,
            )
        )
        return find_job(connection, job.id, job.organization_id)
    return None


def note_progress(connection: Connection, job: ExportJob, *, now: datetime, **values: Any) -> bool:
    """Keep how far it is, and hold on to it; whether it is still wanted: not once cancelled.

    Raises `ExportLost`.
    """
    _change_own(connection, job, held_until=now + LEASE, **values)
    return not connection.execute(
        select(export.c.cancelled).where(export.c.id == job.id)
    ).scalar_one()


def finish(
    connection: Connection, job: ExportJob, *, now: datetime, file: str, **values: Any
) -> ExportJob:
    """The file is whole and on the disk; what it is then: cancelled, if it was at the last moment.
    Raises `ExportLost`."""
    if not note_progress(connection, job, now=now):
        give_up_cancelled(connection, job, now=now)
        return replace(job, state=JobState.CANCELLED)
    expires_at = now + job.request.kept_for
    end(connection, job, JobState.DONE, now, file=file, expires_at=expires_at, **values)
    ended = find_job(connection, job.id, job.organization_id)
    assert ended is not None  # noqa: S101 - it was changed just now
    changes = dict(ended.changes or {})
    more: dict[str, object] = {"changes": changes} if changes else {}
    note(connection, ended, "export.made", actor=job.requested_by, now=now, more=more)
    if changes.get("vanished"):
        lost: dict[str, object] = {"vanished": changes["vanished"]}
        note(connection, ended, "export.vanished", actor=BY_ITSELF, now=now, more=lost)
    return ended


def fail(connection: Connection, job: ExportJob, problem: Exception, *, now: datetime) -> None:
    """It cannot be made. `problem` is an `AuditError`, whose words are kept, or a fault of ours."""
    message = getattr(problem, "message", "Something went wrong on the server.")
    hint = getattr(problem, "hint", "Tell whoever runs the server: the cause is in its log.")
    end(connection, job, JobState.FAILED, now, problem=message, hint=hint)
    detail = {"problem": message, "entries": job.entries}
    note(connection, job, "export.failed", actor=job.requested_by, now=now, more=detail)


def interrupt(connection: Connection, job: ExportJob) -> None:
    """The process ends in order: let another one begin at once, which does not count as a try.
    Raises `ExportLost`."""
    _change_own(
        connection,
        job,
        state=JobState.INTERRUPTED.value,
        attempts=job.attempts - 1,
        holder=None,
        held_until=None,
    )


def give_up_cancelled(connection: Connection, job: ExportJob, *, now: datetime) -> None:
    """What was asked to end has ended. Raises `ExportLost`."""
    end(connection, job, JobState.CANCELLED, now)


def expire(connection: Connection, *, now: datetime) -> list[str]:
    """End the time of files that were kept long enough, and forget old rows; the ids of the files
    to remove after the commit."""
    over = _jobs(
        connection,
        select(*_COLUMNS).where(export.c.state == JobState.DONE.value, export.c.expires_at <= now),
    )
    for job in over:
        change(connection, job, state=JobState.EXPIRED.value)
        note(connection, job, "export.expired", actor=BY_ITSELF, now=now)
    closed = [state.value for state in JobState if state not in (*OPEN, JobState.DONE)]
    connection.execute(
        delete(export).where(
            export.c.state.in_(closed), export.c.requested_at < now - ROWS_KEPT_FOR, ~alarms()
        )
    )
    return [job.id for job in over]


def ids_with_files(connection: Connection) -> frozenset[str]:
    """The exports whose file is there, or is being written."""
    states = (JobState.RUNNING.value, JobState.DONE.value)
    return frozenset(
        connection.execute(select(export.c.id).where(export.c.state.in_(states))).scalars()
    )


def end(
    connection: Connection, job: ExportJob, state: JobState, now: datetime, **values: Any
) -> None:
    """It has come to an end, whichever. Raises `ExportLost`."""
    _change_own(
        connection,
        job,
        state=state.value,
        ended_at=now,
        holder=None,
        held_until=None,
        **values,
    )


def alarms() -> ColumnElement[bool]:
    """Whether the comparison of an export found that entries have vanished, and nobody has
    acknowledged that: true or false, never NULL."""
    vanished = export.c.held[("changes", "vanished")].as_integer()
    acknowledged = export.c.held[ACKNOWLEDGED]["by"].as_string()
    return and_(
        export.c.since_export_id.is_not(None),
        func.coalesce(vanished, 0) > 0,
        acknowledged.is_(None),
    )


def _change_own(connection: Connection, job: ExportJob, **values: Any) -> None:
    """Change it unless another process has it by now."""
    changed = connection.execute(
        update(export)
        .where(export.c.id == job.id, export.c.holder.is_not_distinct_from(job.holder))
        .values(values)
    )
    if changed.rowcount != 1:
        raise ExportLost(job.id)


def change(connection: Connection, job: ExportJob, **values: Any) -> None:
    """Change it, whoever has it."""
    connection.execute(update(export).where(export.c.id == job.id).values(values))


def _jobs(connection: Connection, statement: Select[Any]) -> list[ExportJob]:
    return [_job(row) for row in connection.execute(statement)]


def _job(row: Row[Any]) -> ExportJob:
    values = {name: getattr(row, name) for name in _FIELDS}
    return ExportJob(**{**values, "state": JobState(row.state)})


def note(
    connection: Connection,
    job: ExportJob,
    verb: str,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
    more: Mapping[str, object] | None = None,
) -> None:
    """Put on record what was done with it, with what was asked for."""
    known: dict[str, object] = {"export": job.id, "file": job.file or job.title}
    if job.since_export_id is not None:
        known["since"] = job.since_export_id
    if job.state is JobState.DONE:
        known |= {"entries": job.entries, "bytes": job.size, "sha256": job.sha256 or ""}
    if job.left_out:
        known["left_out"] = job.left_out
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=job.organization_id,
        address=address,
        detail={**known, **_said(job), **(more or {})},
    )


def _said(job: ExportJob) -> dict[str, Any]:
    """What was asked for, as it is kept: also of one that this version cannot read."""
    return {
        "filter": job.what["filter"],
        "format": job.what["format"],
        "for": job.what["for"],
        "as_of": job.what["as_of"],
        **({"secrets": True} if job.holds_secrets else {}),
    }
