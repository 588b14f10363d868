"""Schedules in the state: what is made each time, when the next is due, how the last one went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from audit_core.domain.errors import ExportError
from audit_core.evidence.jobs.job import ExportRequest
from audit_core.evidence.schedules.slots import Every, next_slot
from audit_core.query.time.windows import Window
from audit_core.runtime.zones import MINUTES_OF_DAY, is_zone
from audit_core.state.access_log.record import record
from audit_core.state.export_tables import export_schedule
from audit_core.state.operator_text import plain_text
from audit_core.state.secrets import new_id

MAX_SCHEDULES = 50
"""How many an organization may have."""
MAX_NAME = 100
"""In characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule. Its fields are columns of `export_schedule`."""

    id: str
    organization_id: str
    name: str
    account_id: str | None
    """Whose it is: what they may not export any more is not made. `None` for one of a token."""
    token_id: str | None
    """The token whose it is, likewise."""
    made_by: str
    made_at: datetime
    what: Mapping[str, Any]
    """The request, whose window is that of `Every`."""
    every: Every
    minute: int
    """Of the day, by the clocks of the zone."""
    zone: str
    to_folder: bool
    """Whether each file is handed to the folder of the installation as well."""
    paused: bool
    next_at: datetime
    problem: str | None
    """Why the last one did not come to its end, or why none is made."""

    def request(self, slot: datetime) -> ExportRequest:
        """What is asked for at a slot: the whole day, week or month before. Raises `FilterError`
        for what an earlier version kept and this one cannot read."""
        kept = ExportRequest.from_params(self.what)
        window = Window(preset=self.every.window, zone=self.zone)
        return ExportRequest(
            entry_filter=kept.entry_filter.changed(window=window),
            as_of=slot,
            kind=kept.kind,
            kept_for=kept.kept_for,
        )

    def describe(self) -> str:
        """When it is due, for people."""
        return self.every.describe(self.minute, self.zone)


_FIELDS = tuple(Schedule.__dataclass_fields__)
_COLUMNS = tuple(export_schedule.c[name] for name in _FIELDS)


def add_schedule(
    connection: Connection,
    *,
    organization_id: str,
    name: str,
    account_id: str | None = None,
    token_id: str | None = None,
    made_by: str,
    request: ExportRequest,
    every: Every,
    minute: int,
    zone: str,
    to_folder: bool,
    now: datetime,
    address: str | None = None,
) -> Schedule:
    """A new schedule of an account or of a token, due the next time that its clock shows. Raises
    `ExportError` for what does not fit, `QueryError` for what may not be asked."""
    _require_fitting(connection, organization_id, request, minute, zone)
    added = Schedule(
        id=new_id(),
        organization_id=organization_id,
        name=plain_text("name", name, longest=MAX_NAME),
        account_id=account_id,
        token_id=token_id,
        made_by=made_by,
        made_at=now,
        what=request.as_params(),
        every=every,
        minute=minute,
        zone=zone,
        to_folder=to_folder,
        paused=False,
        next_at=next_slot(every, minute, zone, now),
        problem=None,
    )
    connection.execute(insert(export_schedule).values(asdict(added) | {"every": every.value}))
    _note(connection, added, "export_schedule.added", made_by, now, address)
    return added


def _require_fitting(
    connection: Connection, organization_id: str, request: ExportRequest, minute: int, zone: str
) -> None:
    if not 0 <= minute < MINUTES_OF_DAY or not is_zone(zone):
        raise ExportError("The schedule has no time of day.", "Choose a time and a zone.")
    if request.secrets:
        raise ExportError(
            "A schedule makes files without secrets.", "Ask for one with secrets by hand."
        )
    request.query(organization_id)  # Refuses what may not be asked.
    if len(list_schedules(connection, organization_id)) >= MAX_SCHEDULES:
        raise ExportError(
            f"Your organization has {MAX_SCHEDULES} schedules, which is as many as may be.",
            "Remove one first.",
        )


def list_schedules(connection: Connection, organization_id: str) -> list[Schedule]:
    """Those of an organization, by name."""
    statement = select(*_COLUMNS).where(export_schedule.c.organization_id == organization_id)
    return sorted(_schedules(connection, statement), key=lambda one: (one.name.casefold(), one.id))


def find_schedule(
    connection: Connection, schedule_id: str, organization_id: str
) -> Schedule | None:
    """The one with this id in this organization."""
    statement = select(*_COLUMNS).where(
        export_schedule.c.id == schedule_id,
        export_schedule.c.organization_id == organization_id,
    )
    return next(iter(_schedules(connection, statement)), None)


def due(connection: Connection, now: datetime) -> list[Schedule]:
    """Those of all organizations whose time has come, the oldest first: for who makes them."""
    statement = (
        select(*_COLUMNS)
        .where(export_schedule.c.next_at <= now, export_schedule.c.paused.is_(False))
        .order_by(export_schedule.c.next_at, export_schedule.c.id)
    )
    return _schedules(connection, statement)


def go_on(connection: Connection, found: Schedule) -> None:
    """The slot has been seen to: the next one is the one after it, even if that is past."""
    following = next_slot(found.every, found.minute, found.zone, found.next_at)
    _change(connection, found, next_at=following, problem=None)


def stop(connection: Connection, found: Schedule, *, problem: str, now: datetime) -> None:
    """Nothing is made until somebody resumes it."""
    _change(connection, found, paused=True, problem=problem)
    _note(connection, found, "export_schedule.stopped", "exports", now, None)


def note_problem(connection: Connection, schedule_id: str, problem: str | None) -> None:
    """Keep how the last one went."""
    connection.execute(
        update(export_schedule).where(export_schedule.c.id == schedule_id).values(problem=problem)
    )


def set_paused(
    connection: Connection,
    found: Schedule,
    *,
    paused: bool,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Leave out what comes due meanwhile, or go on with the next one from now on."""
    following = next_slot(found.every, found.minute, found.zone, now)
    _change(connection, found, paused=paused, next_at=following, problem=None)
    _note(
        connection,
        found,
        "export_schedule.paused" if paused else "export_schedule.resumed",
        actor,
        now,
        address,
    )


def remove_schedule(
    connection: Connection,
    found: Schedule,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Make no more of them; what was made stays as long as it is kept."""
    connection.execute(delete(export_schedule).where(export_schedule.c.id == found.id))
    _note(connection, found, "export_schedule.removed", actor, now, address)


def _change(connection: Connection, found: Schedule, **values: Any) -> None:
    connection.execute(
        update(export_schedule).where(export_schedule.c.id == found.id).values(values)
    )


def _schedules(connection: Connection, statement: Select[Any]) -> list[Schedule]:
    return [_schedule(row) for row in connection.execute(statement)]


def _schedule(row: Row[Any]) -> Schedule:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Schedule(**{**values, "every": Every(row.every)})


def _note(
    connection: Connection,
    found: Schedule,
    verb: str,
    actor: str,
    now: datetime,
    address: str | None,
) -> None:
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=found.organization_id,
        address=address,
        detail={
            "schedule": found.name,
            "id": found.id,
            "when": found.describe(),
            "filter": found.what["filter"],
            "format": found.what["format"],
            "folder": found.to_folder,
        },
    )
