"""How a source stands, in one word. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from audit_core.domain.silence import is_silent, read_arrivals
from audit_core.sources.source import Progress, Source

ANSWERS_WITHIN = timedelta(hours=1)
"""A source is asked every few seconds, and left alone for a quarter of an hour at most."""


class Standing(StrEnum):
    """What becomes of a source now."""

    READ = "read"
    """It is read, and answered last time."""
    NOT_YET = "not_yet"
    """It was never asked: it was just added, or no app runs."""
    TRIED_AGAIN = "tried_again"
    """Something is wrong that may pass by itself."""
    STALE = "stale"
    """It has been silent for longer than usual."""
    STOPPED = "stopped"
    """Something is wrong that waits for a person."""
    PAUSED = "paused"
    """A person paused it."""

    @property
    def label(self) -> str:
        """For people."""
        return _LABELS[self]


_LABELS = {
    Standing.READ: "Read",
    Standing.NOT_YET: "Not read yet",
    Standing.TRIED_AGAIN: "Trying again",
    Standing.STALE: "Stale",
    Standing.STOPPED: "Stopped",
    Standing.PAUSED: "Paused",
}


def standing_of(source: Source, progress: Progress, now: datetime) -> Standing:
    """How it stands: what a person decided first, then what is wrong."""
    if source.paused:
        return Standing.PAUSED
    if progress.stopped:
        return Standing.STOPPED
    if now - answered_at(source, progress) > ANSWERS_WITHIN or is_silent(
        read_arrivals(progress.arrivals), now
    ):
        return Standing.STALE
    if progress.problem is not None:
        return Standing.TRIED_AGAIN
    return Standing.NOT_YET if progress.last_success_at is None else Standing.READ


def answered_at(source: Source, progress: Progress) -> datetime:
    """When the source last answered, was resumed after it had brought entries, or was set up."""
    arrivals = read_arrivals(progress.arrivals)
    resumed_at = source.created_at if arrivals is None else arrivals.last
    return max(progress.last_success_at or source.created_at, resumed_at)
