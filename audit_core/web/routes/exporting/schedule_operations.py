"""What the routes of schedules say of themselves, and what they answer with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from audit_core.domain.errors import FilterError
from audit_core.evidence.download import Format
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.jobs.job import KEPT_FOR, ExportRequest
from audit_core.evidence.schedules.schedule import MAX_NAME, MAX_SCHEDULES, Schedule
from audit_core.evidence.schedules.slots import Every
from audit_core.identity.token_verbs import EXPORT
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import format_instant
from audit_core.web.errors import ErrorCode
from audit_core.web.openapi.operation import Answer, Caller, Operation, Parameter, Section
from audit_core.web.openapi.parameters import (
    AUDIENCE,
    FILE_CHOICES,
    FORMAT,
    SHOWN_ORGANIZATION,
    filter_parameters,
)
from audit_core.web.routes.exporting.operations import EXPORTS_PATH, MAX_HOURS

SCHEDULES_PATH = f"{EXPORTS_PATH}/schedules"
SCHEDULE_PATH = f"{SCHEDULES_PATH}/{{id}}"

NOT_GIVEN = ("window", "from", "to", "as_of")
"""Parameters of a filter that a schedule does not take: it has a window of its own."""

_CALLERS = (Caller.PERSON, Caller.PROGRAM)
_HOURS = f"{KEPT_FOR.total_seconds() / 3600:.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSchedule:
    """Exports that are made by themselves."""

    id: str
    name: str
    described: str
    """What is asked for each time, in words."""
    filter: dict[str, list[str]]
    """What is asked for, as parameters of an address; its window is that of `every`."""
    format: Format
    audience: Audience
    """Whom CSV is for."""
    every: Every
    """Each file holds the whole day, week or month before."""
    at: str
    """The time of day, by the clocks of `zone`: `06:30`."""
    zone: str
    hours: float
    """How long each file is kept."""
    folder: bool
    """Whether each file is handed to the server's folder as well."""
    paused: bool
    """Whether none is made until somebody resumes it."""
    next_at: datetime
    """When the next one is due, unless it is paused."""
    made_by: str
    """The e-mail address of a person, or the name of a token."""
    made_at: datetime
    problem: str | None
    """Why the last one did not come to its end, or why none is made."""

    def as_json(self) -> dict[str, Any]:
        """As it goes out."""
        return {
            name: format_instant(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSchedules:
    """All schedules of an organization."""

    schedules: list[ExportSchedule]
    """By name."""


def schedule_answer(found: Schedule) -> ExportSchedule:
    """What is told of a schedule."""
    what = found.what
    return ExportSchedule(
        id=found.id,
        name=found.name,
        described=_described(what),
        filter={
            name: list(values) for name, values in what["filter"].items() if name not in NOT_GIVEN
        },
        format=Format(what["format"]),
        audience=Audience(what["for"]),
        every=found.every,
        at=f"{found.minute // 60:02}:{found.minute % 60:02}",
        zone=found.zone,
        hours=what["hours"],
        folder=found.to_folder,
        paused=found.paused,
        next_at=found.next_at,
        made_by=found.made_by,
        made_at=found.made_at,
        problem=found.problem,
    )


def _described(what: Mapping[str, Any]) -> str:
    try:
        conditions = ExportRequest.from_params(what).entry_filter.describe_conditions()
    except FilterError:
        return "what an earlier version understood"
    return conditions or "all entries"


LIST = Operation(
    id="listExportSchedules",
    summary="The schedules of exports",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    answers={200: Answer(description="All of the organization.", kinds=(ExportSchedules,))},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.TOO_MANY_REQUESTS),
)
CREATE = Operation(
    id="createExportSchedule",
    summary="Have exports made by themselves",
    description="Each day, week or month, of the whole day, week or month before, always redacted. "
    "It is whose it is by whom it was made: it stops once that person or token may not export any "
    f"more. At most {MAX_SCHEDULES} of an organization.",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    method="POST",
    parameters=(
        Parameter(name="name", description=f"At most {MAX_NAME} characters.", required=True),
        Parameter(name="every", description="How often.", kind=Every, required=True),
        Parameter(
            name="at",
            description="The time of day on the clocks of `zone`, from `00:00` to `23:59`.",
            required=True,
            example="06:30",
        ),
        *(one for one in filter_parameters(EntryFilter) if one.name not in NOT_GIVEN),
        FORMAT,
        AUDIENCE,
        *FILE_CHOICES,
        Parameter(
            name="hours",
            description=f"How long each file is kept: from 1 to {MAX_HOURS} hours; {_HOURS} if "
            "none is given.",
            kind=int,
        ),
        Parameter(
            name="folder",
            description="`1` to have each file handed to the server's folder as well.",
        ),
        SHOWN_ORGANIZATION,
    ),
    answers={201: Answer(description="It is made.", kinds=(ExportSchedule,))},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.OTHER_ORGANIZATION, ErrorCode.TOO_MANY_REQUESTS),
)
DELETE = Operation(
    id="deleteExportSchedule",
    summary="Make no more exports of a schedule",
    description="What was made stays as long as it is kept.",
    section=Section.DOWNLOAD,
    callers=_CALLERS,
    permission=EXPORT.name,
    method="DELETE",
    parameters=(Parameter(name="id", description="The id of the schedule.", in_path=True),),
    answers={204: Answer(description="It is gone.", media_types=())},
    errors=(ErrorCode.NOT_FOUND, ErrorCode.TOO_MANY_REQUESTS),
)
