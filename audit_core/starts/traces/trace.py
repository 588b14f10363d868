"""Everything about one sandbox in order, and what follows from it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.domain.addresses import address_key
from audit_core.domain.entries import TOOLBOX_PREFIX, AuditEntry, outcome_of
from audit_core.domain.entries import Outcome as EntryOutcome
from audit_core.domain.state_changes import FAILED_STATES
from audit_core.explore.overview import STARTING_ACTIONS
from audit_core.starts.attempt import StartAttempt
from audit_core.starts.attempts_sql import (
    AGAIN_ACTIONS,
    FAILING,
    SSH_ACTIONS,
    SilentRule,
    StartOutcome,
)
from audit_core.starts.sandboxes_sql import DELETE, LIFECYCLE_ACTIONS
from audit_core.starts.traces.configuration import SettingChange, setting_changes
from audit_core.starts.traces.second_witness import SecondWitness, SeenChange, Told, told_of
from audit_core.starts.traces.state_timeline import Band, bands


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow:
    """One entry about the sandbox."""

    seq: int
    entry: AuditEntry
    """Redacted for a scope without secrets."""
    by_name: bool
    """Whether it does not carry the id: "matched by name"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toucher:
    """Who did something to the sandbox."""

    actor: str
    """Of spellings of an address that differ in case or form the last by the alphabet."""
    entries: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One sandbox."""

    sandbox: str
    """The id; the name where no id is known."""
    name: str | None
    rows: tuple[TraceRow, ...]
    """Oldest first."""
    truncated: bool
    """Whether there is more that is older than the first row."""
    attempts: tuple[StartAttempt, ...]
    """The attempts to start it, oldest first."""
    bands: tuple[Band, ...]
    changes: tuple[SettingChange, ...]
    touchers: tuple[Toucher, ...]
    """Those with most entries first."""
    witness: SecondWitness | None = None
    """What state changes tell; `None` for an organization without any."""

    @property
    def to_first_success(self) -> timedelta | None:
        """From the first attempt to the first one that worked; `None` if none did."""
        worked = (
            attempt.entry.created_at
            for attempt in self.attempts
            if attempt.outcome is StartOutcome.STARTED
        )
        first = next(worked, None)
        return None if first is None else first - self.attempts[0].entry.created_at

    @property
    def failing(self) -> tuple[StartAttempt, ...]:
        """The attempts that failed or are suspected to have, oldest first."""
        return tuple(attempt for attempt in self.attempts if attempt.outcome in FAILING)

    def number_of(self, outcome: StartOutcome) -> int:
        """How many attempts had an outcome."""
        return sum(attempt.outcome is outcome for attempt in self.attempts)


def trace_of(
    sandbox: str,
    name: str | None,
    rows: Sequence[TraceRow],
    rule: SilentRule,
    *,
    truncated: bool,
    witness: SecondWitness | None = None,
) -> Trace:
    """What follows from the entries about a sandbox, given in order of time, and from what state
    changes tell of it."""
    attempts = judged(sandbox, rows, rule, () if witness is None else witness.changes)
    outcomes = {attempt.seq: attempt.outcome for attempt in attempts}
    return Trace(
        sandbox=sandbox,
        name=name,
        rows=tuple(rows),
        truncated=truncated,
        attempts=attempts,
        bands=bands((row.entry, outcomes.get(row.seq)) for row in rows),
        changes=setting_changes(row.entry for row in rows),
        touchers=_touchers(rows),
        witness=witness,
    )


def judged(
    sandbox: str,
    rows: Sequence[TraceRow],
    rule: SilentRule,
    changes: Sequence[SeenChange] = (),
) -> tuple[StartAttempt, ...]:
    """The attempts among entries about one sandbox, in order of time, each with its outcome: as
    `attempts_sql.attempts` judges them."""
    lifecycle = [row for row in rows if row.entry.action in LIFECYCLE_ACTIONS]
    used = [row.entry.created_at for row in rows if _shows_use(row.entry)]
    found = []
    for place, row in enumerate(lifecycle):
        if row.entry.action not in STARTING_ACTIONS:
            continue
        following = lifecycle[place + 1 :]
        after = following[0].entry if following else None
        done = next((one.entry for one in following if not _refused(one.entry)), None)
        told = told_of(row.entry.created_at, done.created_at if done else None, changes)
        if not _answered_well(row.entry):
            told = None
        found.append(
            StartAttempt(
                seq=row.seq,
                entry=row.entry,
                sandbox=sandbox,
                by_name=row.by_name,
                outcome=_outcome(row.entry, after, used, rule, told),
                next_action=after.action if after else None,
                next_at=after.created_at if after else None,
                told_state=told.state if told else None,
                told_at=told.at if told else None,
            )
        )
    return tuple(found)


def _refused(entry: AuditEntry) -> bool:
    return outcome_of(entry.status_code) in (EntryOutcome.CLIENT_ERROR, EntryOutcome.SERVER_ERROR)


def _answered_well(entry: AuditEntry) -> bool:
    return outcome_of(entry.status_code) is EntryOutcome.SUCCESS


def _outcome(
    entry: AuditEntry,
    after: AuditEntry | None,
    used: Sequence[datetime],
    rule: SilentRule,
    told: Told | None,
) -> StartOutcome:
    if _refused(entry):
        return StartOutcome.FAILED
    if not _answered_well(entry):
        return StartOutcome.UNKNOWN
    if told is not None:
        return StartOutcome.FAILED if told.state in FAILED_STATES else StartOutcome.STARTED
    if after is None:
        return StartOutcome.STARTED
    later = after.created_at - entry.created_at
    again = after.action in AGAIN_ACTIONS
    dropped = after.action == DELETE and later >= rule.delete_after
    if not (again or dropped) or later > rule.within:
        return StartOutcome.STARTED
    in_use = any(entry.created_at <= at <= after.created_at for at in used)
    return StartOutcome.STARTED if in_use else StartOutcome.SUSPECTED


def _shows_use(entry: AuditEntry) -> bool:
    if entry.status_code is not None and entry.status_code >= 400:
        return False
    return entry.action.startswith(TOOLBOX_PREFIX) or entry.action in SSH_ACTIONS


def _touchers(rows: Sequence[TraceRow]) -> tuple[Toucher, ...]:
    acted: dict[str, list[AuditEntry]] = defaultdict(list)
    for row in rows:
        acted[address_key(row.entry.actor)].append(row.entry)
    found = [
        Toucher(
            actor=max(entry.actor for entry in made),
            entries=len(made),
            first=min(entry.created_at for entry in made),
            last=max(entry.created_at for entry in made),
        )
        for made in acted.values()
    ]
    return tuple(sorted(found, key=lambda item: (-item.entries, item.actor)))
