"""Asks for what schedules are due, and hands what was made to the folder, while the app runs."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, select, update

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.domain.errors import AuditError, BusyError, ExportError
from audit_core.evidence.download import name_part
from audit_core.evidence.jobs import deeds, store
from audit_core.evidence.jobs.files import ExportFiles
from audit_core.evidence.jobs.job import OPEN, ExportJob, JobState
from audit_core.evidence.schedules import schedule as schedules
from audit_core.evidence.schedules.schedule import Schedule
from audit_core.identity.api_tokens import token_by_id
from audit_core.identity.memberships import memberships
from audit_core.identity.sessions import is_barred
from audit_core.identity.token_verbs import EXPORT
from audit_core.runtime.background import Told, repeat
from audit_core.state.database import State, take_turns
from audit_core.state.export_tables import export

LOGGER = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """What schedules are seen to with."""

    state: State
    files: ExportFiles
    clock: Callable[[], datetime]
    folder: Path | None
    """Where files are handed to; `None`: nowhere."""


class ScheduledExports:
    """Sees to schedules from construction until `stop()`."""

    def __init__(self, calendar: Calendar, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._calendar = calendar
        self._stopped = threading.Event()
        self._thread = repeat(
            self._step,
            name="export schedules",
            told=Told(
                logger=LOGGER,
                refused="Schedules wait",
                failed="Seeing to schedules failed, and is tried again",
            ),
            stopped=self._stopped,
            pause_s=look_every_s,
        )

    def stop(self) -> None:
        """Returns once nothing more is asked for or handed over."""
        self._stopped.set()
        self._thread.join()

    def _step(self) -> None:
        ask_for_due(self._calendar)
        hand_over(self._calendar)


def ask_for_due(calendar: Calendar) -> int:
    """Put in line what is due, one of each schedule at a time; how many. After a stop each slot
    that has passed is seen to, in order, and none twice: the slot and the export are one
    transaction."""
    with calendar.state.read() as connection:
        waiting = schedules.due(connection, calendar.clock())
    asked = 0
    for one in waiting:
        with calendar.state.begin() as connection:
            take_turns(connection)
            found = schedules.find_schedule(connection, one.id, one.organization_id)
            # Another process may have seen to it meanwhile.
            if found == one and not _is_under_way(connection, one):
                asked += _ask(connection, one, calendar.clock())
    return asked


def _ask(connection: Connection, found: Schedule, now: datetime) -> bool:
    if not _may_export(connection, found, now):
        problem = f"{found.made_by} may not export any more, so nothing is made."
        schedules.stop(connection, found, problem=problem, now=now)
        return False
    try:
        request = found.request(found.next_at)
        job = deeds.request_export(
            connection,
            organization_id=found.organization_id,
            person=f"schedule:{found.id}",
            requested_by=found.made_by,
            title=found.name,
            request=request,
            now=now,
            may_reveal=False,
        )
    except BusyError:
        return False  # Its turn comes.
    except AuditError as error:
        schedules.stop(connection, found, problem=f"{error.message} {error.hint}", now=now)
        return False
    connection.execute(
        update(export)
        .where(export.c.id == job.id)
        .values(schedule_id=found.id, slot=found.next_at, to_folder=found.to_folder)
    )
    schedules.go_on(connection, found)
    return True


def _is_under_way(connection: Connection, found: Schedule) -> bool:
    states = [state.value for state in OPEN]
    statement = select(export.c.id).where(
        export.c.schedule_id == found.id, export.c.state.in_(states)
    )
    return connection.execute(statement.limit(1)).first() is not None


def _may_export(connection: Connection, found: Schedule, now: datetime) -> bool:
    """Whether whose it is may export at this moment."""
    if found.account_id is None:
        token = token_by_id(connection, found.token_id or "", organization_id=found.organization_id)
        return token is not None and token.is_valid(now) and token.may(EXPORT)
    if is_barred(connection, found.account_id, now):
        return False
    joined = memberships(connection, found.account_id, now)
    own = next((one for one in joined if one.organization_id == found.organization_id), None)
    return isinstance(decide(own, Permission.EXPORT), Allowed)


def hand_over(calendar: Calendar) -> int:
    """Copy complete files of schedules to the folder, each once; how many. What cannot be copied
    is tried again, and its schedule says why."""
    with calendar.state.read() as connection:
        found = connection.execute(
            select(export.c.id, export.c.organization_id, export.c.schedule_id).where(
                export.c.to_folder.is_(True),
                export.c.handed_at.is_(None),
                export.c.state == JobState.DONE.value,
            )
        ).all()
    handed = 0
    for row in found:
        with calendar.state.read() as connection:
            job = store.find_job(connection, row.id, row.organization_id)
        if job is None:
            continue
        try:
            path = _copy(calendar, job)
        except (ExportError, OSError) as error:
            why = getattr(error, "message", None) or f"It cannot be written: {error.strerror}."  # type: ignore[union-attr]
            with calendar.state.begin() as connection:
                schedules.note_problem(connection, row.schedule_id, f"The folder: {why}")
            continue
        with calendar.state.begin() as connection:
            now = calendar.clock()
            connection.execute(update(export).where(export.c.id == job.id).values(handed_at=now))
            schedules.note_problem(connection, row.schedule_id, None)
            more = {"path": f"{path.parent.name}/{path.name}"}
            store.note(connection, job, "export.handed", actor=store.BY_ITSELF, now=now, more=more)
        handed += 1
    return handed


def _copy(calendar: Calendar, job: ExportJob) -> Path:
    """Copy the file below the folder, where it has its name once it is whole."""
    if calendar.folder is None:
        raise ExportError(
            "No folder is set to which files are handed.",
            "Whoever runs the server sets SANDTRAIL_EXPORT_FOLDER.",
        )
    # Names of organizations are no names of folders, and two may be alike without their marks.
    mark = sha256(job.organization_id.encode("utf-8", "replace")).hexdigest()[:8]
    folder = calendar.folder / f"{name_part(job.organization_id, 'organization')}-{mark}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / (job.file or job.id)
    part = target.with_name(f"{target.name}.part")
    try:
        with (
            calendar.files.path(job.id).open("rb") as source,
            os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as copy,
        ):
            shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
