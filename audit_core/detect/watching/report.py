"""Whether the rules watch, as people and probes are to know it: there is no silent blind time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, select

from audit_core.detect.watching.progress import (
    BlindTime,
    RuleProgress,
    read_beat,
    read_blind_times,
    read_progress,
)
from audit_core.log.numbering import NO_HEAD, Head
from audit_core.state.detections.tables import rule_watermark
from audit_core.state.detections.watch_tables import rule_watch

SILENT_AFTER = timedelta(minutes=2)
"""After so long without a sign of any process that watches, none does."""

BLIND_SHOWN = timedelta(days=30)
"""How long it is said that a rule did not watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """How the watching goes in one organization. Times are aware."""

    begun_at: datetime | None
    """When rules first watched this installation; `None`: they never did."""
    silent_since: datetime | None
    """When a process last watched, where none does; `None`: one does, or none ever did."""
    failing: tuple[RuleProgress, ...]
    """The rules that could not look when they last tried, by id."""
    behind: int
    """How many writes the rule that is farthest back has not looked at; 0: all have looked at all,
    or will within moments."""
    behind_since: datetime | None
    """Since when one has not been able to keep up; `None`: all do."""
    blind: tuple[BlindTime, ...]
    """When rules did not watch within the last `BLIND_SHOWN`, the newest first."""

    @property
    def watches(self) -> bool:
        """Whether some process watches."""
        return self.begun_at is not None and self.silent_since is None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchFigures:
    """How the watching goes in all: numbers that tell nothing of any organization."""

    begun: bool
    """Whether rules have ever watched, or there is nothing to be watched."""
    silent: timedelta
    """How long ago a process last was known to watch; zero if none ever was."""
    failing: int
    """How many rules of organizations could not look when they last tried."""
    behind: int
    """How many rules of organizations do not keep up."""
    behind_entries: int
    """How many writes the one that is farthest back has not looked at."""

    @property
    def is_silent(self) -> bool:
        """Whether no process watches."""
        return not self.begun or self.silent >= SILENT_AFTER


def watch_report(
    connection: Connection, organization_id: str, *, head: int, now: datetime
) -> WatchReport:
    """The report of an organization that has had `head` writes."""
    beat = read_beat(connection)
    progress = read_progress(connection, organization_id)
    is_silent = beat is not None and now - beat.beat_at >= SILENT_AFTER
    late = [one.behind_since for one in progress.values() if one.behind_since is not None]
    # Between two rounds there is always a little that nobody has looked at.
    counts = bool(late) or is_silent
    reached = _reached(connection).get(organization_id, head)
    return WatchReport(
        begun_at=None if beat is None else beat.begun_at,
        silent_since=beat.beat_at if beat is not None and is_silent else None,
        failing=tuple(one for _, one in sorted(progress.items()) if one.problem is not None),
        behind=max(0, head - reached) if counts else 0,
        behind_since=min(late, default=None),
        blind=tuple(read_blind_times(connection, organization_id, since=now - BLIND_SHOWN)),
    )


def watch_figures(
    connection: Connection, heads: Mapping[str, Head], *, now: datetime
) -> WatchFigures:
    """The figures of all organizations; `heads` as of `AuditLog.known_heads`."""
    beat = read_beat(connection)
    column = rule_watch.c
    failing, behind = connection.execute(
        select(func.count(column.problem), func.count(column.behind_since))
    ).one()
    left = [
        heads.get(organization_id, NO_HEAD).organization_revision - reached
        for organization_id, reached in _reached(connection).items()
    ]
    return WatchFigures(
        begun=beat is not None or not any(heads.values()),
        silent=timedelta() if beat is None else max(now - beat.beat_at, timedelta()),
        failing=failing,
        behind=behind,
        behind_entries=max([0, *left]),
    )


def _reached(connection: Connection) -> dict[str, int]:
    """The write of each organization up to which all its rules that are on have looked."""
    mark, watch = rule_watermark.c, rule_watch.c
    joined = rule_watermark.outerjoin(
        rule_watch,
        and_(watch.organization_id == mark.organization_id, watch.rule_id == mark.rule_id),
    )
    rows = connection.execute(
        select(mark.organization_id, func.min(mark.revision))
        .select_from(joined)
        .where(watch.off_since.is_(None), mark.revision >= 0)
        .group_by(mark.organization_id)
    )
    return {organization_id: reached for organization_id, reached in rows}
