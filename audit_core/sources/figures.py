"""How a source goes, in figures for people. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from audit_core.query.time.windows import ago
from audit_core.sources.daytona.checkpoint import read_checkpoint
from audit_core.sources.source import Progress

MINUTE = timedelta(minutes=1)


def figures(progress: Progress, now: datetime) -> tuple[str, ...]:
    """One short text for each figure; those that are nothing are left out, but for what was
    accepted, finished and rejected."""
    return (
        f"{progress.accepted:,} accepted",
        *_if_any(_last_minute(progress, now), "a minute"),
        *_if_any(progress.in_flight, "in flight"),
        f"{progress.finished:,} finished",
        f"{progress.rejected:,} rejected",
        *_if_any(progress.late, "late"),
        *_times(progress, now),
        *_past(progress, now),
    )


def _if_any(count: int, what: str) -> tuple[str, ...]:
    return (f"{count:,} {what}",) if count else ()


def _last_minute(progress: Progress, now: datetime) -> int:
    """What came in the minute before the last answer, unless that is over."""
    answered = progress.last_success_at
    return progress.last_minute if answered is not None and now - answered < MINUTE else 0


def _times(progress: Progress, now: datetime) -> tuple[str, ...]:
    times = (
        ("newest entry", progress.newest),
        ("last answer", progress.last_success_at),
        ("next try", progress.next_try_at),
    )
    return tuple(f"{label} {ago(at, now)}" for label, at in times if at is not None)


def _past(progress: Progress, now: datetime) -> tuple[str, ...]:
    """How far the past is read, which is read from its end."""
    if progress.checkpoint is None:
        return ()
    unread = read_checkpoint(progress.checkpoint).unread_before
    if unread is None:
        return ()
    if unread > now:
        return ("the past is being read",)
    return (f"the past is being read, back to {unread:%Y-%m-%d} so far",)
