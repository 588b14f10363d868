"""How a source stands, in one word. Pure."""

from __future__ import annotations

from enum import StrEnum

from audit_core.sources.source import Progress, Source


class Standing(StrEnum):
    """What becomes of a source now."""

    READ = "read"
    """It is read, and answered last time."""
    NOT_YET = "not_yet"
    """It was never asked: it was just added, or no app runs."""
    TRIED_AGAIN = "tried_again"
    """Something is wrong that may pass by itself."""
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
    Standing.STOPPED: "Stopped",
    Standing.PAUSED: "Paused",
}


def standing_of(source: Source, progress: Progress) -> Standing:
    """How it stands: what a person decided first, then what is wrong."""
    if source.paused:
        return Standing.PAUSED
    if progress.stopped:
        return Standing.STOPPED
    if progress.problem is not None:
        return Standing.TRIED_AGAIN
    return Standing.NOT_YET if progress.last_success_at is None else Standing.READ
