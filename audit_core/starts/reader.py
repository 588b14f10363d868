"""Reads of attempts to start: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.listing import Listing
from audit_core.domain.redaction import redact, redact_text
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog
from audit_core.query.keyset import Cursor, numbers_of
from audit_core.query.planner.sandbox_creations import Creations, creations
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import EPOCH
from audit_core.runtime.settings import Settings
from audit_core.starts import attempts_sql, failure_groups_sql, retries_sql, suspects_sql
from audit_core.starts.attempt import StartAttempt, StartPage
from audit_core.starts.attempts_sql import (
    AttemptRow,
    OutcomeInSpan,
    SilentRule,
    StartOutcome,
)
from audit_core.starts.failure_groups_sql import FailureGroups, GroupKey, GroupRow, SeenRow
from audit_core.starts.retries_sql import ChainRow, Ending, RetryChain, ending_of
from audit_core.starts.suspects_sql import MAX_VALUES, TRAITS, Suspects

MAX_GROUPS_BEFORE = 20_000
"""How many groups may have been seen before a window; far above what anybody can read."""

Counts = dict[StartOutcome, tuple[int, ...]]
"""Attempts by outcome in each span, oldest first; every outcome is there."""


def silent_rule(settings: Settings) -> SilentRule:
    """When a start that was answered well is suspected to have failed, as the operator set it."""
    return SilentRule(
        within=timedelta(minutes=settings.silent_failure_minutes),
        delete_after=timedelta(seconds=settings.silent_failure_delete_s),
    )


def rule_for(rule: SilentRule, scope: Scope, log: AuditLog) -> SilentRule:
    """The rule for a viewer: state changes are asked where the organization has any, but not for
    one who may see only what a single actor did, since nobody does them."""
    witnessed = scope.actor_id is None and log.state_changes.head(scope.organization_id) > 0
    return replace(rule, witnessed=witnessed)


@dataclass(frozen=True, slots=True)
class StartsReader:
    """The reads of attempts."""

    log: AuditLog
    rule: SilentRule

    def rule_for(self, scope: Scope) -> SilentRule:
        """See `rule_for`."""
        return rule_for(self.rule, scope, self.log)

    @property
    def _creations(self) -> Creations:
        return creations(materialized=self.log.keeps_counts)

    def page(
        self,
        query: Query,
        *,
        outcomes: tuple[StartOutcome, ...] = tuple(StartOutcome),
        cursor: Cursor | None = None,
        rows: int = 50,
    ) -> StartPage:
        """The attempts with one of the outcomes at the cursor; the newest for `None`."""
        statement = attempts_sql.start_page(
            query,
            self.rule_for(query.scope),
            outcomes=outcomes,
            cursor=cursor,
            creations=self._creations,
        )
        fetched = self.log.fetch(statement, query.scope, max_rows=rows)
        found = fetched.rows(AttemptRow)
        back = cursor is not None and cursor.newer
        if back:
            found = found[::-1]
        attempts = self._attempts(found, query.scope)
        more_older = True if back else fetched.truncated
        more_newer = fetched.truncated if back else cursor is not None
        return StartPage(
            attempts=attempts,
            older=attempts[-1].cursor(newer=False) if attempts and more_older else None,
            newer=attempts[0].cursor(newer=True) if attempts and more_newer else None,
            elapsed_s=fetched.elapsed_s,
        )

    def counts(self, query: Query, spans: Spans) -> Counts:
        """How many attempts had which outcome, over time."""
        statement = attempts_sql.start_counts(
            query, self.rule_for(query.scope), spans, self._creations
        )
        counts = self.log.fetch_rows(
            statement, query.scope, OutcomeInSpan, limit=spans.number * len(StartOutcome)
        )
        found: dict[str, dict[int, int]] = defaultdict(dict)
        for row in counts.items:
            found[row.outcome][row.span] = row.count
        return {
            outcome: tuple(found[outcome].get(number, 0) for number in range(spans.number))
            for outcome in StartOutcome
        }

    def groups(self, query: Query, spans: Spans, limit: int) -> FailureGroups:
        """The largest failure groups."""
        statement = failure_groups_sql.failure_groups(
            query, self.rule_for(query.scope), spans, limit=limit, creations=self._creations
        )
        rows = (limit + 1) * (spans.number + 1)
        found = self.log.fetch_rows(statement, query.scope, GroupRow, limit=rows)
        return failure_groups_sql.add_up(found.items, query.scope, spans, limit=limit)

    def first_seen(self, scope: Scope, before: datetime) -> dict[str, datetime]:
        """When each group of failures that say so themselves was first seen in the log before a
        time, by fingerprint. The commonest `MAX_GROUPS_BEFORE` at most."""
        statement = failure_groups_sql.seen_before(scope, before)
        found = self.log.fetch_rows(statement, scope, SeenRow, limit=MAX_GROUPS_BEFORE)
        return {
            failure_groups_sql.group_key(row).fingerprint: instant(row.first_us)
            for row in found.items
        }

    def group_members(self, query: Query, key: GroupKey, rows: int) -> Listing[StartAttempt]:
        """The newest failures of a group."""
        statement = failure_groups_sql.group_page(
            query, self.rule_for(query.scope), key, self._creations
        )
        found = self.log.fetch_rows(statement, query.scope, AttemptRow, limit=rows)
        return Listing(self._attempts(found.items, query.scope), found.truncated)

    def suspects(self, query: Query, key: GroupKey) -> Suspects:
        """What the failures of a group have in common that successful attempts have not."""
        statement = suspects_sql.suspects(query, self.rule_for(query.scope), key, self._creations)
        table = self.log.fetch(statement, query.scope, max_rows=MAX_VALUES * len(TRAITS)).table
        return suspects_sql.weigh(table.to_pylist(), query.scope)

    def retries(self, query: Query, limit: int) -> Listing[RetryChain]:
        """The latest retry chains."""
        statement = retries_sql.retry_chains(query, self.rule_for(query.scope), self._creations)
        found = self.log.fetch_rows(statement, query.scope, ChainRow, limit=limit)
        chains = tuple(_chain(row, query.scope) for row in found.items)
        return Listing(chains, found.truncated)

    def _attempts(self, rows: Sequence[AttemptRow], scope: Scope) -> tuple[StartAttempt, ...]:
        entries = self._entries({row.seq: row.at_us for row in rows}, scope)
        return tuple(
            StartAttempt(
                seq=row.seq,
                entry=entries[row.seq],
                sandbox=_shown(row.sandbox, scope),
                by_name=bool(row.by_name),
                outcome=StartOutcome(row.outcome),
                next_action=row.next_action or None,
                next_at=instant(row.next_us) if row.next_action else None,
                told_state=row.told_state or None,
                told_at=instant(row.told_us) if row.told_state else None,
            )
            for row in rows
            if row.seq in entries
        )

    def _entries(self, times_us: dict[int, int], scope: Scope) -> dict[int, AuditEntry]:
        """The entries by seq; one that retention dropped meanwhile is missing."""
        if not times_us:
            return {}
        statement = attempts_sql.whole_entries(
            tuple(sorted(times_us)),
            scope,
            since=instant(min(times_us.values())),
            until=instant(max(times_us.values())),
        )
        table = self.log.fetch(statement, scope, max_rows=len(times_us)).table
        return {
            seq: entry if scope.secrets else redact(entry)
            for seq, entry in zip(numbers_of(table, scope), from_arrow(table), strict=True)
        }


def _shown(sandbox: str | None, scope: Scope) -> str | None:
    """A name may come from the metadata, and look like a secret."""
    return sandbox if sandbox is None or scope.secrets else redact_text(sandbox)


def _chain(row: ChainRow, scope: Scope) -> RetryChain:
    ending = ending_of(StartOutcome(row.last_outcome), row.last_next)
    first, last = instant(row.first_us), instant(row.last_us)
    until = instant(row.last_next_us) if ending is Ending.DELETED else last
    return RetryChain(
        sandbox=_shown(row.sandbox, scope) or "",
        by_name=bool(row.by_name),
        attempts=row.attempts,
        failing=int(row.failing),
        suspected=int(row.suspected),
        errors=row.errors,
        first=first,
        last=last,
        lost=until - first,
        who=row.who,
        people=row.people,
        client=row.client,
        clients=row.clients,
        ending=ending,
    )


def instant(at_us: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at_us)
