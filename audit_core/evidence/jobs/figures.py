"""How an export goes, in words for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from audit_core.domain.errors import FilterError
from audit_core.evidence.jobs.held import Held
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.query.time.windows import ago, written


def described(job: ExportJob) -> str:
    """What was asked for, in words; what an earlier version understood is told by its title."""
    try:
        return job.request.entry_filter.describe()
    except FilterError:
        return job.title or "all"


def title_of(job: ExportJob) -> str:
    """What it is called on a list."""
    return job.title or "All entries"


def kind_of(job: ExportJob) -> str:
    """`CSV for spreadsheets`, with a word about secrets if they stand in it."""
    try:
        kind = job.request.kind.describe()
    except FilterError:
        kind = str(job.what["format"])
    return f"{kind}, secrets unredacted" if job.holds_secrets else kind


def facts(job: ExportJob, now: datetime, *, size: str) -> tuple[str, ...]:
    """One short text for each thing that is known of it; `size` is that of its file, in words."""
    complete = job.state is JobState.DONE
    return (
        kind_of(job),
        *((f"{job.entries:,} {'entry' if job.entries == 1 else 'entries'}", size) * complete),
        f"by {job.requested_by} {ago(job.requested_at, now)}",
        *((f"expires {ago(job.expires_at, now)}",) if complete and job.expires_at else ()),
    )


def completeness(job: ExportJob) -> tuple[str, ...]:
    """Up to where a complete one is complete: the number of the last write, when that arrived, and
    how many of its entries were in flight."""
    if job.held is None:
        return ()
    held = Held.from_params(job.held)
    arrived = (
        ()
        if held.received_at is None
        else (f"all that arrived until {written(held.received_at, 'UTC')} UTC",)
    )
    return f"complete up to number {held.head:,}", *arrived, f"{held.in_flight:,} in flight"


def left_out_text(job: ExportJob) -> str | None:
    """What matched and is not in a complete one, and why; `None` if all of it is."""
    if not job.left_out:
        return None
    matched = job.entries + job.left_out
    made = "" if job.ends_at is None else f", made at or after {written(job.ends_at, 'UTC')} UTC"
    return (
        f"{matched:,} matched. It holds the {job.entries:,} oldest, as many as one export may hold "
        f"here; {job.left_out:,} are left out{made}."
    )


def changes_text(changes: Mapping[str, int]) -> str:
    """What came since an earlier export, and what is gone: `Since then: 12 new, 1 late.`."""
    words = {
        "new": "new",
        "late": "late",
        "finished": "finished",
        "changed": "with a finer time",
        "expired": "gone by retention",
        "erased": "changed by erasures",
        "vanished": "vanished",
        "unknown": "that were in flight not compared",
    }
    found = [f"{changes[name]:,} {word}" for name, word in words.items() if changes.get(name)]
    return f"Since then: {', '.join(found) or 'nothing new'}."


def progress_of(job: ExportJob) -> float:
    """Which part of it is written, from 0 to 1; 0 before it is known how much there is."""
    if not job.expected:
        return 0.0
    return min(1.0, job.entries / job.expected)


def progress_text(job: ExportJob, now: datetime) -> str:
    """How far it is: `12,300 of 60,000 entries · 35,000 a second · 2 seconds left`."""
    if job.expected is None:
        return "Counting what matches"
    parts = [f"{job.entries:,} of {job.expected:,} entries"]
    pace, left = job.rate(now), job.time_left(now)
    if pace is not None:
        parts.append(f"{pace:,.0f} a second")
    if left is not None:
        parts.append(f"{duration(left)} left")
    return " · ".join(parts)


def duration(length: timedelta) -> str:
    """A length for people, rounded up: `1 second`, `40 seconds`, `3 minutes`, `2 hours`."""
    seconds = max(1, -(-int(length.total_seconds() * 1000) // 1000))
    for unit, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= 2 * unit or unit == 1:
            number = -(-seconds // unit)
            return f"{number} {name}{'' if number == 1 else 's'}"
    raise AssertionError("one second is the last unit")
