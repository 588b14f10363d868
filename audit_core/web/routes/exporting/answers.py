"""What the routes of exports answer with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from audit_core.evidence.download import Format
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.jobs.figures import described
from audit_core.evidence.jobs.held import Held
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.evidence.jobs.limits import reason_to_wait
from audit_core.query.time.windows import format_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export that is made in the background."""

    id: str
    state: JobState
    title: str
    """What it is called after: a saved view, or the filter in words."""
    described: str
    """What was asked for, in words."""
    filter: dict[str, list[str]]
    """What was asked for, as parameters of an address."""
    format: Format
    audience: Audience
    """Whom CSV is for."""
    secrets: bool
    """Whether secrets stand in it unredacted."""
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    """When the file goes; `None` while there is none."""
    expected: int | None
    """How many entries it will have; `None`: not counted yet."""
    entries: int
    """How many it has so far."""
    left_out: int
    """How many matched and are not in it, for the limit of the organization or installation."""
    ends_at: datetime | None
    """When the last entry of one was made that leaves something out: what it leaves out was made
    then or later."""
    size: int
    """In bytes."""
    seconds_left: float | None
    """How long it will take, at its pace so far; `None`: nobody can tell."""
    waits: str | None
    """Why it does not begin yet."""
    sha256: str | None
    """Of a complete one."""
    file: str | None
    """The name of the file of a complete one."""
    problem: str | None
    """Why it failed."""
    hint: str | None
    """What to do then."""
    since: str | None
    """The id of the export that it goes on from: it holds only what came since."""
    head: int | None
    """Up to which number of the organization's writes it is complete."""
    arrived_until: datetime | None
    """All that had arrived by then was looked at."""
    in_flight: int | None
    """How many of its entries were unfinished."""
    changes: dict[str, int] | None
    """What came since the export that it goes on from, and what is gone: `new`, `late`,
    `finished`, `changed` (have a finer time), `vanished` (an alarm), `expired` (by retention),
    `erased` (changed by erasures), `unknown`."""

    def as_json(self) -> dict[str, Any]:
        """As it goes out."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportList:
    """The newest exports of an organization."""

    exports: list[Export]
    """Newest first."""
    more: bool
    """Whether there are older ones."""


def answer_of(job: ExportJob, open_jobs: Sequence[ExportJob], now: datetime) -> Export:
    """What is told of an export; `open_jobs` are all that run or wait."""
    left = job.time_left(now)
    held = None if job.held is None else Held.from_params(job.held)
    waiting = job.state in (JobState.WAITING, JobState.INTERRUPTED)
    return Export(
        id=job.id,
        state=job.state,
        title=job.title,
        described=described(job),
        filter={name: list(values) for name, values in job.what["filter"].items()},
        format=Format(job.what["format"]),
        audience=Audience(job.what["for"]),
        secrets=job.holds_secrets,
        requested_by=job.requested_by,
        requested_at=job.requested_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        expires_at=job.expires_at,
        expected=job.expected,
        entries=job.entries,
        left_out=job.left_out,
        ends_at=job.ends_at,
        size=job.size,
        seconds_left=None if left is None else left.total_seconds(),
        waits=reason_to_wait(job, open_jobs) if waiting else None,
        sha256=job.sha256,
        file=job.file,
        problem=job.problem,
        hint=job.hint,
        since=job.since_export_id,
        head=None if held is None else held.head,
        arrived_until=None if held is None else held.received_at,
        in_flight=None if held is None else held.in_flight,
        changes=None if job.changes is None else dict(job.changes),
    )


def _plain(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value
