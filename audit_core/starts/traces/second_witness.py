"""The audit log and the state changes of one sandbox, held against each other. Pure.

Each tells of the other: what is done to a sandbox changes its state, and its state changes because
something was done to it. What only one of them tells of may have been lost, or have happened by
itself. Both may come late, so what is younger than that is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from audit_core.domain.entries import AuditEntry, Outcome
from audit_core.domain.state_changes import FAILED_STATES, STARTED_STATE
from audit_core.starts.witness_sql import TOLD_WITHIN

LASTS = TOLD_WITHIN
"""How long after an entry its changes of state may come."""
LATE = timedelta(minutes=36)
"""How late an entry or a message may come: an entry that was never answered appears after 30."""
SKEW = timedelta(seconds=5)
"""How far the clocks of two machines of the platform may differ."""


@dataclass(frozen=True, slots=True)
class SeenChange:
    """One change of the sandbox's state."""

    id: str
    old_state: str | None
    """`None` when it was created."""
    new_state: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondWitness:
    """What state changes tell of a sandbox, and how far they and the log reach."""

    changes: tuple[SeenChange, ...]
    """Oldest first."""
    truncated: bool
    """Whether there are older ones."""
    since: datetime
    until: datetime
    """When the first and the last change of the organization were, whatever the sandbox: what lies
    before or behind them nobody may have been there to tell."""
    entries_until: datetime | None
    """The time of the newest entry of the organization; `None` without one."""


@dataclass(frozen=True, slots=True)
class Told:
    """What changes of state tell of an attempt."""

    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ComparedChange:
    """One change, and the entry that goes with it."""

    change: SeenChange
    entry: AuditEntry | None
    """The last one before it that may have caused it; `None` if there is none."""
    judged: bool
    """Whether the entry, if there were one, would have come by now and be seen."""

    @property
    def lacks_entry(self) -> bool:
        """Whether no entry goes with it."""
        return self.judged and self.entry is None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both, held against each other."""

    changes: tuple[ComparedChange, ...]
    """Oldest first."""
    lone_entries: tuple[AuditEntry, ...]
    """Those that should have changed the state, and did not, oldest first."""


class _Family(Enum):
    START, STOP, ARCHIVE, END, COPY = (auto() for _ in range(5))


_OF_ACTION = {
    **dict.fromkeys(("create", "start", "recover"), _Family.START),
    **dict.fromkeys(("stop", "auto_stop", "pause", "auto_pause", "spot_evict"), _Family.STOP),
    **dict.fromkeys(("archive", "auto_archive"), _Family.ARCHIVE),
    **dict.fromkeys(("delete", "auto_delete", "ttl_expire"), _Family.END),
    **dict.fromkeys(("snapshot", "fork", "create_backup"), _Family.COPY),
}
_CHANGING = frozenset(_Family) - {_Family.COPY}
"""What always changes the state of the sandbox itself."""
_OF_STATE = {
    **dict.fromkeys(
        (
            *("creating", "restoring", "starting", STARTED_STATE, "pulling_snapshot"),
            *("pending_build", "building_snapshot", "build_failed"),
        ),
        _Family.START,
    ),
    **dict.fromkeys(("stopping", "stopped", "pausing", "paused"), _Family.STOP),
    **dict.fromkeys(("archiving", "archived"), _Family.ARCHIVE),
    **dict.fromkeys(("destroying", "destroyed"), _Family.END),
    **dict.fromkeys(("snapshotting", "forking"), _Family.COPY),
}
"""What leads to a state; to one that is not here anything may."""
_PASSING = ("snapshotting", "forking", "restoring")
"""States that a sandbox leaves by itself, back to where it was."""


def told_of(at: datetime, until: datetime | None, changes: Iterable[SeenChange]) -> Told | None:
    """What changes tell of an attempt made `at`, when nothing else was done before `until`: as
    `witness_sql.told`."""
    near = [
        change
        for change in changes
        if at <= change.at <= at + LASTS and (until is None or change.at < until)
    ]
    failed = [change for change in near if change.new_state in FAILED_STATES]
    started = min((change.at for change in near if change.new_state == STARTED_STATE), default=None)
    first = min((change.at for change in failed), default=None)
    if first is not None and (started is None or first < started):
        return Told(min(change.new_state for change in failed), first)
    return None if started is None else Told(STARTED_STATE, started)


def compare(
    entries: Sequence[AuditEntry], witness: SecondWitness, now: datetime, *, truncated: bool
) -> Comparison:
    """Hold the entries about a sandbox, in order of time, against its changes of state.
    `truncated` says whether there are older entries."""
    done = [entry for entry in entries if _is_done(entry)]
    seen_since = entries[0].created_at + LASTS if truncated and entries else None
    return Comparison(
        changes=tuple(
            _compared(change, done, witness, seen_since, now) for change in witness.changes
        ),
        lone_entries=tuple(entry for entry in done if _is_lone(entry, witness, now)),
    )


def _is_done(entry: AuditEntry) -> bool:
    return entry.outcome is Outcome.SUCCESS and entry.action in _OF_ACTION


def _compared(
    change: SeenChange,
    done: Sequence[AuditEntry],
    witness: SecondWitness,
    seen_since: datetime | None,
    now: datetime,
) -> ComparedChange:
    caused = [
        entry
        for entry in done
        if change.at - LASTS <= entry.created_at <= change.at + SKEW and _leads_to(entry, change)
    ]
    entries_until = witness.entries_until
    judged = (
        now - change.at >= LATE
        and entries_until is not None
        and change.at <= entries_until
        and (seen_since is None or change.at >= seen_since)
    )
    return ComparedChange(change, caused[-1] if caused else None, judged)


def _leads_to(entry: AuditEntry, change: SeenChange) -> bool:
    family = _OF_STATE.get(change.new_state)
    if family is None:
        return True
    families = {family}
    if change.old_state in _PASSING:
        families.add(_OF_STATE[change.old_state])
    return _OF_ACTION[entry.action] in families


def _is_lone(entry: AuditEntry, witness: SecondWitness, now: datetime) -> bool:
    """Whether an entry should have changed the state, and did not while somebody was there to
    tell."""
    at = entry.created_at
    if _OF_ACTION[entry.action] not in _CHANGING or now - at < LASTS + LATE:
        return False
    first = witness.changes[0].at if witness.truncated and witness.changes else witness.since
    if not first <= at < witness.until:
        return False
    return not any(
        at - SKEW <= change.at <= at + LASTS and _leads_to(entry, change)
        for change in witness.changes
    )
