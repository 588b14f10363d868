"""The files of exports that may hold a person who is erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from audit_core.evidence.jobs import store
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.state.database import take_turns
from audit_core.state.export_tables import export


def files_of(connection: Connection, organization_id: str) -> int:
    """How many exports of an organization have a file, or are being made."""
    return len(_with_files(connection, organization_id, None))


def delete_files(
    connection: Connection,
    organization_id: str,
    *,
    begun_from: datetime | None,
    actor: str,
    now: datetime,
) -> tuple[list[str], bool]:
    """Delete the exports of an organization whose making has begun (`begun_from`: at that moment or
    later), each on record, and have those end that are being made.

    The ids of the deleted ones, whose files the caller removes after the commit, and whether some
    are still being made: then it has to be done again.
    """
    take_turns(connection)
    deleted: list[str] = []
    going_on = False
    for job in _with_files(connection, organization_id, begun_from):
        if job.state is JobState.RUNNING:
            going_on = True
            if not job.cancelled:
                connection.execute(
                    update(export).where(export.c.id == job.id).values(cancelled=True)
                )
                store.note(connection, job, "export.cancelled", actor=actor, now=now)
            continue
        # An alarm that nobody has acknowledged stays on the list, without its file.
        state = JobState.EXPIRED if job.alarms else JobState.DELETED
        store.change(connection, job, state=state.value)
        store.note(connection, job, "export.deleted", actor=actor, now=now)
        deleted.append(job.id)
    return deleted, going_on


def _with_files(
    connection: Connection, organization_id: str, begun_from: datetime | None
) -> list[ExportJob]:
    states = (JobState.RUNNING.value, JobState.DONE.value)
    statement = select(export.c.id).where(
        export.c.organization_id == organization_id, export.c.state.in_(states)
    )
    if begun_from is not None:
        statement = statement.where(export.c.started_at >= begun_from)
    found = connection.execute(statement.order_by(export.c.requested_at)).scalars().all()
    jobs = (store.find_job(connection, one, organization_id) for one in found)
    return [job for job in jobs if job is not None]
