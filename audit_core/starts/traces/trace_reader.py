"""Reads about single targets: lists of them, and the trace of one sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from audit_core.domain.access import Scope
from audit_core.domain.entries import CREATE, SANDBOX
from audit_core.domain.redaction import redact, redact_text
from audit_core.log.schema import Statement, from_arrow
from audit_core.log.store import AuditLog
from audit_core.query.keyset import numbers_of
from audit_core.query.planner.sandbox_creations import Creations, creations
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import SilentRule
from audit_core.starts.reader import instant, rule_for
from audit_core.starts.sandboxes_sql import GONE_ACTIONS, NAMED_BEFORE, REQUESTED_BEFORE
from audit_core.starts.traces import state_changes_sql, targets_sql, traces_sql
from audit_core.starts.traces.second_witness import SecondWitness, SeenChange
from audit_core.starts.traces.state_changes_sql import ChangeRow, EntryTime, ReachRow
from audit_core.starts.traces.state_timeline import BandState
from audit_core.starts.traces.targets_sql import TargetPlace, TargetRow
from audit_core.starts.traces.trace import Trace, TraceRow, trace_of
from audit_core.starts.traces.traces_sql import Bearer, BirthOrEnd, Done, NameBinding

_Row = TypeVar("_Row", Bearer, BirthOrEnd, Done)

NEAR = timedelta(days=7)
"""How far from a given time a sandbox is looked for that is not known by its id."""

AHEAD = timedelta(days=1)
"""How far behind the last state change an entry may be dated to be taken for how far the log
reaches."""

MAX_BEARERS = 1_000
"""How many sandboxes of one name are looked at, the oldest first: of more, the last of these is
taken for the last."""

_STATE_AFTER = {
    **dict.fromkeys(("create", "start", "recover"), BandState.STARTED.value),
    **dict.fromkeys(("stop", "auto_stop", "pause", "auto_pause", "spot_evict"), "stopped"),
    **dict.fromkeys(("archive", "auto_archive"), BandState.ARCHIVED.value),
    **dict.fromkeys(GONE_ACTIONS, "deleted"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target in the list."""

    target: str
    """The id, or the name of a sandbox whose creates all failed."""
    name: str | None
    """Of a sandbox that was created in the window or up to `NAMED_BEFORE` before it."""
    state: str | None
    """`started`, `stopped`, `archived`, `suspected`, `error`, `never_created`, `creating` or
    `deleted` at the end of the window, as far as the log shows it from `NAMED_BEFORE` before it on;
    `None` if it does not, and for other targets than sandboxes."""
    entries: int
    last: datetime
    failing: int
    """Attempts to start that failed or are suspected to have."""
    suspected: int
    """How many of them are suspected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPage:
    """One page of targets, those with most failed starts first, then the latest."""

    targets: tuple[Target, ...]
    following: TargetPlace | None
    """Where the next page begins; `None` on the last one."""


@dataclass(frozen=True, slots=True)
class TracesReader:
    """The reads."""

    log: AuditLog
    rule: SilentRule

    @property
    def _creations(self) -> Creations:
        return creations(materialized=self.log.keeps_counts)

    def targets(
        self,
        query: Query,
        *,
        target_type: str = SANDBOX,
        searched: str = "",
        after: TargetPlace | None = None,
        rows: int = 50,
    ) -> TargetPage:
        """A page of the targets of a type; see `targets_sql.targets`."""
        statement = targets_sql.targets(
            query,
            rule_for(self.rule, query.scope, self.log),
            target_type=target_type,
            searched=searched,
            after=after,
            creations=self._creations,
        )
        listed = self.log.fetch_rows(statement, query.scope, TargetRow, limit=rows)
        ids = tuple(row.target for row in listed.items if row.born)
        known: tuple[Done, ...] = ()
        if target_type == SANDBOX and ids:
            naming = traces_sql.names_and_states(
                ids, query.scope, query.time_range, self._creations
            )
            known = self._rows(naming, query.scope, Done)
        names = {row.sandbox: row.name for row in known if row.name}
        states = _states(known, {row.target: row for row in listed.items})
        page = tuple(
            Target(
                target=row.target if row.born else _shown(row.target, query.scope) or "",
                name=_shown(names.get(row.target), query.scope),
                state=states.get(row.target) if row.born else _unborn(row),
                entries=row.count,
                last=instant(row.last_us),
                failing=int(row.failing),
                suspected=int(row.suspected),
            )
            for row in listed.items
        )
        if not listed.truncated:
            return TargetPage(targets=page, following=None)
        last = listed.items[-1]
        following = TargetPlace(failing=int(last.failing), last_us=last.last_us, target=last.target)
        return TargetPage(targets=page, following=following)

    def trace(
        self, key: str, scope: Scope, *, near: datetime | None = None, rows: int = 2_000
    ) -> Trace | None:
        """The sandbox with this id, or else the last one of this name, with the newest `rows`
        entries about it; `None` if the scope holds nothing about it.

        With `near` a sandbox that is not known by its id is looked for around that time only,
        up to `NEAR` from it, and among sandboxes created up to `NAMED_BEFORE` before.
        """
        naming = self._naming(key, scope, near)
        sandbox = naming.sandbox if naming else key
        around = (
            TimeRange(since=None, until=None)
            if near is None
            else TimeRange(since=near - NEAR, until=near + NEAR)
        )
        statement = traces_sql.trace(sandbox, naming, scope, around, self._creations)
        fetched = self.log.fetch(statement, scope, max_rows=rows)
        found = [
            TraceRow(
                seq=seq,
                entry=entry if scope.secrets else redact(entry),
                by_name=entry.target_id != sandbox,
            )
            for seq, entry in zip(
                numbers_of(fetched.table, scope), from_arrow(fetched.table), strict=True
            )
        ]
        rule = rule_for(self.rule, scope, self.log)
        witness = self._witness(sandbox, scope, rows) if rule.witnessed else None
        if not found and not (witness and witness.changes):
            return None
        name = naming.name if naming else None
        return trace_of(
            sandbox,
            _shown(name, scope),
            found[::-1],
            rule,
            truncated=fetched.truncated,
            witness=witness,
        )

    def _witness(self, sandbox: str, scope: Scope, rows: int) -> SecondWitness | None:
        """What state changes tell of the sandbox with this id, the newest `rows` of them."""
        (reach,) = self.log.fetch_rows(
            state_changes_sql.reach(scope), scope, ReachRow, limit=1
        ).items
        if reach.since_us is None or reach.until_us is None:
            return None
        found = self.log.fetch_rows(
            state_changes_sql.changes_of(sandbox, scope), scope, ChangeRow, limit=rows
        )
        # What is dated ahead says nothing of how far the log reaches.
        before = instant(reach.until_us) + AHEAD
        newest = self.log.fetch_rows(
            state_changes_sql.newest_entry(scope, before), scope, EntryTime, limit=1
        ).items
        return SecondWitness(
            changes=tuple(
                SeenChange(row.id, row.old_state, row.new_state, instant(row.at_us))
                for row in reversed(found.items)
            ),
            truncated=found.truncated,
            since=instant(reach.since_us),
            until=instant(reach.until_us),
            entries_until=instant(newest[0].at_us) if newest else None,
        )

    def _naming(self, key: str, scope: Scope, near: datetime | None) -> NameBinding | None:
        """How the sandbox is named: the one of this id, or else the last one of this name."""
        naming = self._naming_of(key, scope)
        if naming is None:
            time_range = (
                TimeRange(since=None, until=None)
                if near is None
                else TimeRange(since=near - NAMED_BEFORE, until=near + NEAR)
            )
            if bearers := self._bearers(key, scope, time_range):
                naming = self._naming_of(bearers[-1].sandbox, scope)
        return naming

    def _naming_of(self, sandbox: str, scope: Scope) -> NameBinding | None:
        """How the sandbox of this id is named; `None` if that is not in the log."""
        events = self._rows(
            traces_sql.births_and_ends(sandbox, scope, self._creations), scope, BirthOrEnd
        )
        made = next((row for row in events if row.action == CREATE and row.name), None)
        if made is None or made.name is None:
            return None
        since = instant(made.at_us)
        # A name is given again only after the sandbox that bore it is gone.
        gone = next((instant(row.at_us) for row in events if row.action in GONE_ACTIONS), None)
        shortly = TimeRange(since=since - REQUESTED_BEFORE, until=since)
        before = self._bearers(made.name, scope, shortly)
        after = self._bearers(made.name, scope, TimeRange(since=gone, until=None)) if gone else ()
        return NameBinding(
            sandbox=sandbox,
            name=made.name,
            since=since,
            before=instant(before[-1].since_us) if before else None,
            until=instant(after[0].since_us) if after else None,
        )

    def _bearers(self, name: str, scope: Scope, time_range: TimeRange) -> tuple[Bearer, ...]:
        statement = traces_sql.sandboxes_named(name, scope, time_range, self._creations)
        return self._rows(statement, scope, Bearer)

    def _rows(self, statement: Statement, scope: Scope, row: type[_Row]) -> tuple[_Row, ...]:
        return self.log.fetch_rows(statement, scope, row, limit=MAX_BEARERS).items


def _shown(name: str | None, scope: Scope) -> str | None:
    return name if name is None or scope.secrets else redact_text(name)


def _unborn(row: TargetRow) -> str:
    return (BandState.NEVER_CREATED if row.failing else BandState.CREATING).value


def _states(known: Sequence[Done], targets: Mapping[str, TargetRow]) -> dict[str, str]:
    """The state of each sandbox after the last thing that was done to it."""
    return {row.sandbox: _state(row, targets[row.sandbox]) for row in known if row.place == 1}


def _state(last: Done, target: TargetRow) -> str:
    if last.at_us == target.broken_us:
        return BandState.ERROR.value
    if last.at_us == target.silent_us:
        return BandState.SUSPECTED.value
    return _STATE_AFTER[last.action]
