"""An export that is made in the background: what was asked for, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.download import FileKind, Format, file_name
from audit_core.evidence.formats.csv_text import Audience
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, format_instant, parse_instant

KEPT_FOR = timedelta(hours=24)
"""How long a file is kept unless something else is asked for."""
MAX_KEPT_FOR = timedelta(days=30)
MAX_ATTEMPTS = 3
"""How often one is begun: what ends the process each time must not do so for ever."""


class JobState(StrEnum):
    """How far an export has come. The value is what stands in the state and goes out by HTTP."""

    WAITING = "waiting"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    """The process that made it has ended; it is made again, from its beginning."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DELETED = "deleted"

    @property
    def label(self) -> str:
        """For people, in sentence case."""
        return "Complete" if self is JobState.DONE else self.value.capitalize()

    @property
    def is_open(self) -> bool:
        """Whether it is yet to come to an end."""
        return self in OPEN


OPEN = (JobState.WAITING, JobState.RUNNING, JobState.INTERRUPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported. `as_params` and `from_params` are each other's inverse."""

    entry_filter: EntryFilter
    as_of: datetime
    """What a relative window counts from; aware."""
    kind: FileKind
    secrets: bool = False
    """Whether secrets stand in the file unredacted: only for those who may see them."""
    kept_for: timedelta = KEPT_FOR

    def __post_init__(self) -> None:
        if not timedelta(hours=1) <= self.kept_for <= MAX_KEPT_FOR:
            raise FilterError(
                (f"An export is kept for 1 hour at least, and {MAX_KEPT_FOR.days} days at most.",),
                "Choose another time.",
            )

    @property
    def time_range(self) -> TimeRange:
        """What the window meant when it was asked for."""
        return self.entry_filter.window.time_range(self.as_of)

    def query(self, organization_id: str) -> Query:
        """What is read. Raises `QueryError` for what may not be asked."""
        scope = Scope(organization_id=organization_id, secrets=self.secrets)
        return Query(self.entry_filter, scope, self.time_range)

    def again(self, now: datetime) -> ExportRequest:
        """The same, with a relative window that counts from now."""
        return replace(self, as_of=now)

    def as_params(self) -> dict[str, Any]:
        """As it is kept, by names that never change."""
        return {
            "filter": self.entry_filter.to_params(),
            "as_of": format_instant(self.as_of),
            "format": self.kind.format.value,
            "for": self.kind.audience.value,
            "file": self.kind.choices(),
            "secrets": self.secrets,
            "hours": self.kept_for.total_seconds() / 3600,
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ExportRequest:
        """Raises `FilterError` for what an earlier version kept and this one cannot read."""
        return cls(
            entry_filter=EntryFilter.from_params(params["filter"]),
            as_of=parse_instant(params["as_of"]),
            kind=FileKind(
                format=Format(params["format"]), audience=Audience(params["for"])
            ).with_choices(dict(params.get("file", {}))),
            secrets=params["secrets"],
            kept_for=timedelta(hours=params["hours"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One export as the state has it. Its fields are columns of `export`."""

    id: str
    """128 random bits. Opens nothing: who asks is looked at each time."""
    organization_id: str
    person: str
    """Whom the limits count it for: the id of an account, or `token:` and that of a token."""
    requested_by: str
    """An e-mail address, or the name of a token."""
    requested_at: datetime
    title: str
    """What it is called after: a saved view, or the filter in words."""
    what: Mapping[str, Any]
    since_export_id: str | None
    state: JobState
    attempts: int
    cancelled: bool
    """Whether somebody asked it to end while it ran."""
    holder: str | None
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    """When the file goes; `None` while there is none."""
    expected: int | None
    """How many entries it will have; `None`: not known yet."""
    entries: int
    size: int
    """In bytes."""
    left_out: int
    """How many matched and are not in it, for the limit of the organization or installation."""
    sha256: str | None
    file: str | None
    """What it is called where it is saved; `None` before it is complete."""
    problem: str | None
    hint: str | None
    held: Mapping[str, Any] | None
    """What the window held, see `held.Held`, and with `changes` what `held.Changes` counted; `None`
    before it was looked at."""

    @property
    def can_be_continued(self) -> bool:
        """Whether another one can hold what came since."""
        return self.held is not None and self.state in (JobState.DONE, JobState.EXPIRED)

    @property
    def changes(self) -> Mapping[str, int] | None:
        """What has changed since the export that it goes on from; `None` if it goes on from none,
        or before it is complete."""
        return None if self.held is None else self.held.get("changes")

    @property
    def acknowledged(self) -> Mapping[str, str] | None:
        """Who has acknowledged that entries have vanished: `by`, `at` and `reason`; `None`: nobody
        has."""
        return None if self.held is None else self.held.get("acknowledged")

    @property
    def alarms(self) -> bool:
        """Whether it found that entries have vanished, and nobody has acknowledged that."""
        return bool((self.changes or {}).get("vanished")) and self.acknowledged is None

    @property
    def ends_at(self) -> datetime | None:
        """When the last entry of one was made that leaves something out: what it leaves out was
        made then or later. `None` where it leaves out nothing, or holds nothing."""
        found = None if self.held is None else self.held.get("ends_at")
        return None if found is None else parse_instant(found)

    @property
    def request(self) -> ExportRequest:
        """What was asked for. Raises `FilterError`, see `ExportRequest.from_params`."""
        return ExportRequest.from_params(self.what)

    @property
    def holds_secrets(self) -> bool:
        """Whether only those may have it who may see secrets."""
        return bool(self.what.get("secrets"))

    def rate(self, now: datetime) -> float | None:
        """Entries a second since it began; `None` before the first ones."""
        if self.started_at is None or not self.entries:
            return None
        seconds = ((self.ended_at or now) - self.started_at).total_seconds()
        return self.entries / seconds if seconds > 0 else None

    def time_left(self, now: datetime) -> timedelta | None:
        """How long it will take from now on at the present pace; `None` if nobody can tell."""
        pace = self.rate(now)
        if self.state is not JobState.RUNNING or pace is None or self.expected is None:
            return None
        return timedelta(seconds=max(0, self.expected - self.entries) / pace)


def name_of_file(
    organization_name: str,
    title: str,
    request: ExportRequest,
    head: int,
    span: tuple[datetime, datetime],
) -> str:
    """What the file is called; `span` is the first and last instant that it covers."""
    return file_name(organization_name, title, *span, head, request.kind)
