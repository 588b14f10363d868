"""The state of a sandbox over time, as far as its entries show it: a pure fold over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from audit_core.domain.entries import CREATE, TOOLBOX_PREFIX, AuditEntry, Outcome
from audit_core.explore.overview import STARTING_ACTIONS
from audit_core.starts.attempts_sql import StartOutcome
from audit_core.starts.sandboxes_sql import GONE_ACTIONS


class BandState(StrEnum):
    """What a sandbox was, as far as the log shows it."""

    CREATING = "creating"
    """Asked for, and not there yet: a request is in flight, or failed and came again."""
    NEVER_CREATED = "never_created"
    """Every request for it failed, and none came after: it never was. Only ever the last band."""
    STARTED = "started"
    STOPPED = "stopped"
    ARCHIVED = "archived"
    SUSPECTED = "suspected"
    """A start was answered well, and what came next tells that it failed: no fact, a suspicion.
    One that says itself that it failed leaves a sandbox in the state it had."""
    ERROR = "error"
    """A start was answered well, and a change of state tells that it failed."""
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        if self is BandState.SUSPECTED:
            return StartOutcome.SUSPECTED.label
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One stretch of time in one state."""

    state: BandState
    since: datetime
    until: datetime | None
    """Exclusive; `None` for the last one, which lasts as far as is known."""
    entry_id: str
    """The entry that began it."""


_AFTER = {
    **dict.fromkeys(("stop", "auto_stop", "pause", "auto_pause", "spot_evict"), BandState.STOPPED),
    **dict.fromkeys(("archive", "auto_archive"), BandState.ARCHIVED),
}
_NOT_THERE = (BandState.CREATING, BandState.NEVER_CREATED)
_WELL = (Outcome.INFO, Outcome.SUCCESS, Outcome.REDIRECT)


@dataclass(frozen=True, slots=True)
class _Gone:
    """There is nothing any more."""


def bands(
    lifecycle: Iterable[tuple[AuditEntry, StartOutcome | None]],
) -> tuple[Band, ...]:
    """The bands, from entries about one sandbox in order of time, each attempt to start with its
    outcome and every other entry with `None`.

    A refused request changes nothing. Before the first entry that tells a state it is unknown.
    Ends with a deletion: then the last band has an end.
    """
    found: list[Band] = []
    for entry, outcome in lifecycle:
        present = found[-1].state if found and found[-1].until is None else None
        gone = bool(found) and found[-1].until is not None
        state = _state(entry, outcome, present, gone=gone)
        if state is None or state is present:
            continue
        if found and found[-1].until is None:
            found[-1] = replace(found[-1], until=entry.created_at)
        if isinstance(state, BandState):
            found.append(Band(state=state, since=entry.created_at, until=None, entry_id=entry.id))
    return tuple(
        replace(band, state=BandState.CREATING)
        if band.state is BandState.NEVER_CREATED and band.until is not None
        else band
        for band in found
        if band.until is None or band.until > band.since
    )


def _state(
    entry: AuditEntry, outcome: StartOutcome | None, present: BandState | None, *, gone: bool
) -> BandState | _Gone | None:
    """The state after an entry; `None` if it tells nothing new."""
    if outcome is not None and entry.action in STARTING_ACTIONS:
        return _after_attempt(entry, outcome, present)
    well = entry.outcome in _WELL
    if well and entry.action in GONE_ACTIONS:
        return _Gone()
    if well and entry.action in _AFTER:
        return _AFTER[entry.action]
    if well and entry.action.startswith(TOOLBOX_PREFIX) and present in (None, BandState.UNKNOWN):
        return None if gone else BandState.STARTED
    if present is None and not gone:
        return BandState.UNKNOWN
    return None


def _after_attempt(
    entry: AuditEntry, outcome: StartOutcome, present: BandState | None
) -> BandState | None:
    if outcome is StartOutcome.STARTED:
        return BandState.STARTED
    if outcome is StartOutcome.SUSPECTED:
        return BandState.SUSPECTED
    if outcome is StartOutcome.FAILED and entry.outcome in _WELL:
        return BandState.ERROR
    if entry.action == CREATE and present in (None, *_NOT_THERE):
        return BandState.NEVER_CREATED if outcome is StartOutcome.FAILED else BandState.CREATING
    if outcome is StartOutcome.UNKNOWN:
        return BandState.CREATING if entry.status_code is None else BandState.UNKNOWN
    return BandState.UNKNOWN if present is None else None


def state_at(found: tuple[Band, ...], when: datetime) -> BandState | None:
    """The state at a time; `None` before the first band and after the last."""
    for band in found:
        if band.since <= when and (band.until is None or when < band.until):
            return band.state
    return None
