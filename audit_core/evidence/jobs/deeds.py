"""What people and programs do with exports: ask for one, cancel it, take its file, delete it. Each
deed is put on record in its transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from audit_core.domain.access import Permission
from audit_core.domain.errors import BusyError, ExportError
from audit_core.evidence.jobs import store
from audit_core.evidence.jobs.job import ExportJob, ExportRequest, JobState
from audit_core.evidence.jobs.limits import MAX_OPEN_OF_ORGANIZATION, MAX_OPEN_OF_PERSON
from audit_core.state.database import take_turns
from audit_core.state.export_tables import export
from audit_core.state.secrets import new_id

RETRY_AFTER_S = 60


def request_export(
    connection: Connection,
    *,
    organization_id: str,
    person: str,
    requested_by: str,
    title: str,
    request: ExportRequest,
    now: datetime,
    address: str | None = None,
    since_export_id: str | None = None,
    may_reveal: bool,
) -> ExportJob:
    """Put an export in line. Raises `BusyError` where too many are under way or wait, and
    `ExportError` for secrets if whoever asks may not see them."""
    if request.secrets and not may_reveal:
        raise ExportError(
            "Secrets unredacted are only for those who may see them.",
            f"Ask for it redacted, or ask an admin for the permission {Permission.REVEAL}.",
        )
    request.query(organization_id)  # Refuses what may not be asked.
    _require_place(connection, organization_id, person)
    values: dict[str, Any] = {
        "id": new_id(),
        "organization_id": organization_id,
        "person": person,
        "requested_by": requested_by,
        "requested_at": now,
        "title": title,
        "what": request.as_params(),
        "since_export_id": since_export_id,
        "state": JobState.WAITING.value,
        "cancelled": False,
    }
    connection.execute(insert(export).values(values))
    job = store.find_job(connection, values["id"], organization_id)
    assert job is not None  # noqa: S101 - it was stored just now
    store.note(connection, job, "export.requested", actor=requested_by, now=now, address=address)
    return job


def repeat(
    connection: Connection,
    job: ExportJob,
    *,
    person: str,
    requested_by: str,
    now: datetime,
    address: str | None = None,
    may_reveal: bool,
    since: bool = False,
) -> ExportJob:
    """Put the same in line once more: with a relative window that counts from now, or with `since`
    only what came to the same window since it was made. Raises `ExportError` where that is not
    known, and what `request_export` raises."""
    if since and not job.can_be_continued:
        raise no_longer_known()
    return request_export(
        connection,
        organization_id=job.organization_id,
        person=person,
        requested_by=requested_by,
        title=job.title,
        request=job.request if since else job.request.again(now),
        now=now,
        address=address,
        since_export_id=job.id if since else None,
        may_reveal=may_reveal,
    )


def no_longer_known() -> ExportError:
    """Why nothing can go on from an export."""
    return ExportError(
        "What that export held is not known, so nobody can tell what came since.",
        "Ask for a whole export; later ones can go on from it.",
    )


def _require_place(connection: Connection, organization_id: str, person: str) -> None:
    take_turns(connection)
    theirs = [job for job in store.open_jobs(connection) if job.organization_id == organization_id]
    own = sum(job.person == person for job in theirs)
    for found, limit, whose in (
        (own, MAX_OPEN_OF_PERSON, "You have"),
        (len(theirs), MAX_OPEN_OF_ORGANIZATION, "Your organization has"),
    ):
        if found >= limit:
            raise BusyError(
                f"{whose} {found} exports under way or in line, which is as many as may be.",
                "Wait until one is complete, or cancel one.",
                retry_after_s=RETRY_AFTER_S,
                own=True,
            )


def cancel(
    connection: Connection, job: ExportJob, *, actor: str, now: datetime, address: str | None
) -> None:
    """Let one end that runs or waits. Raises `ExportError` for one that has come to its end."""
    take_turns(connection)
    found = store.find_job(connection, job.id, job.organization_id)
    if found is None or not found.state.is_open:
        raise ExportError("This export has already ended.", "There is nothing left to cancel.")
    if found.state is JobState.RUNNING:
        connection.execute(update(export).where(export.c.id == job.id).values(cancelled=True))
    else:
        store.end(connection, found, JobState.CANCELLED, now)
    store.note(connection, found, "export.cancelled", actor=actor, now=now, address=address)


def delete_job(
    connection: Connection, job: ExportJob, *, actor: str, now: datetime, address: str | None
) -> None:
    """Take one off the list; the caller removes the file after the commit. Raises `ExportError`
    for one that runs, and one whose alarm nobody has acknowledged."""
    take_turns(connection)
    found = store.find_job(connection, job.id, job.organization_id)
    if found is not None and found.state is JobState.RUNNING:
        raise ExportError("This export is being made.", "Cancel it, then delete it.")
    if found is not None and found.alarms:
        raise ExportError(
            "This export has found that entries have vanished.",
            "An admin acknowledges that first, with the reason.",
        )
    if found is not None:
        store.change(connection, found, state=JobState.DELETED.value)
        store.note(connection, found, "export.deleted", actor=actor, now=now, address=address)


def note_download(
    connection: Connection,
    job: ExportJob,
    *,
    actor: str,
    now: datetime,
    address: str | None,
    part: str | None,
) -> None:
    """Put on record that somebody takes the file; `part` is the range that was asked for."""
    more = {} if part is None else {"range": part}
    store.note(
        connection, job, "export.downloaded", actor=actor, now=now, address=address, more=more
    )
