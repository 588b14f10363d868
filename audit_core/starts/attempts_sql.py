"""Attempts to start a sandbox and what became of each. (filter, scope) → SELECT. Never runs.

The platform waits 30 seconds for a start and then answers 200 with whatever state the sandbox is
in: so an answer of 2xx alone does not say that the sandbox started. See `SilentRule`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, case, func, literal, literal_column, or_, select
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.domain.entries import SANDBOX, TOOLBOX_PREFIX
from audit_core.domain.state_changes import STARTED_STATE
from audit_core.explore.overview import STARTING_ACTIONS
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import ONCE, epoch_microseconds, starts_with
from audit_core.query.derived_columns import Condition
from audit_core.query.keyset import Cursor, numbered_by
from audit_core.query.planner.sandbox_creations import FROM_ENTRIES, Creations
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans, span_number
from audit_core.query.time.windows import EPOCH, TimeRange
from audit_core.query.where import where_clause, within, within_scope
from audit_core.starts.sandboxes_sql import (
    DELETE,
    Lifecycles,
    answered_well,
    extended,
    lifecycles,
    microseconds,
)
from audit_core.starts.witness_sql import TOLD_WITHIN, done_next, tells_failure, told

SSH_ACTIONS = ("create_ssh_access", "revoke_ssh_access")
"""What shows, beside the toolbox, that a sandbox is in use."""

AGAIN_ACTIONS = ("recover", "start")
"""What is done to a sandbox that does not run."""


DONE = "done_us"
"""The column of what `witness_sql.done_next` gives."""


class StartOutcome(StrEnum):
    """What became of an attempt to start a sandbox. The value is the name in the address."""

    STARTED = "started"
    """Answered with 2xx, and nothing speaks against it."""
    FAILED = "failed"
    """Answered with 4xx or 5xx."""
    SUSPECTED = "suspected"
    """Answered with 2xx, but what came next tells that it failed; see `SilentRule`."""
    UNKNOWN = "unknown"
    """In flight, never answered, or answered with neither of the above."""

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return "Suspected failed" if self is StartOutcome.SUSPECTED else self.value.capitalize()


FAILING = (StartOutcome.FAILED, StartOutcome.SUSPECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentRule:
    """When an attempt that was answered with 2xx is suspected to have failed.

    The next thing done to the sandbox, at most `within` later, is a start or a recover, or else
    a delete no sooner than `delete_after`; and there was no use by toolbox or SSH in between. A
    delete that comes sooner was most likely planned. Use is a request that was not refused.

    Against the ground truth of the simulator 8 minutes and 60 seconds did best: `benchmarks`
    has the figures of other values.
    """

    within: timedelta = timedelta(minutes=8)
    delete_after: timedelta = timedelta(seconds=60)
    witnessed: bool = False
    """Whether state changes are asked too: what they tell is a fact, and nothing that it speaks of
    is suspected. Only for an organization that has any."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """What a row of `attempts` says of an attempt."""

    seq: int
    at_us: int
    sandbox: str | None
    by_name: int
    outcome: str
    next_action: str
    next_us: int
    told_state: str
    """The state that a change told, `error`, `build_failed` or `started`; '' if none did."""
    told_us: int
    """When it changed; 0 with ''."""


def attempts(query: Query, rule: SilentRule, creations: Creations) -> CTE:
    """The attempts that match the filter: `seq`, `at_us`, `action`, `status_code`, `sandbox`,
    `by_name` (see `Lifecycles`), `outcome`, `next_action` and `next_us`: what was done to the
    sandbox next, '' and 0 if nothing was within the time range and the rule's time after them; and
    `told_state` and `told_us`, as in `AttemptRow`.
    """
    return attempts_and_lifecycles(query, rule, creations)[0]


def attempts_and_lifecycles(
    query: Query, rule: SilentRule, creations: Creations
) -> tuple[CTE, Lifecycles]:
    """The attempts, see `attempts`, and what they were found among."""
    matches = where_clause(entries, query)
    after = max(rule.within, TOLD_WITHIN) if rule.witnessed else rule.within
    lifecycle = lifecycles(matches, query.scope, query.time_range, creations, after=after)
    followed = _followed(lifecycle, witnessed=rule.witnessed)
    silent = _silent(followed, rule)
    used = _used(followed.alias("risky"), lifecycle, query.scope, query.time_range, rule)
    rows = followed.outerjoin(used, used.c.seq == followed.c.seq)
    suspected = and_(answered_well(followed.c.status_code), silent, used.c.seq.is_(None))
    told_failed: list[tuple[Condition, ColumnElement[str]]] = []
    state: ColumnElement[str] = literal_column("''")
    state_us: ColumnElement[int] = literal_column("0")
    if rule.witnessed:
        asked = followed.alias("asked")
        which = and_(_is_attempt(asked), answered_well(asked.c.status_code))
        told_of = told(asked, which, query.scope, query.time_range)
        rows = rows.outerjoin(told_of, told_of.c.seq == followed.c.seq)
        fails, starts = tells_failure(told_of), told_of.c.started_us.is_not(None)
        told_failed = [(fails, literal(StartOutcome.FAILED.value))]
        suspected = and_(suspected, ~starts)
        state = case((fails, told_of.c.failed_state), (starts, literal(STARTED_STATE)), else_=state)
        state_us = case(
            (fails, told_of.c.failed_us), (starts, told_of.c.started_us), else_=state_us
        )
    status = followed.c.status_code
    outcome = case(
        (status.between(400, 599), literal(StartOutcome.FAILED.value)),
        *told_failed,
        (suspected, literal(StartOutcome.SUSPECTED.value)),
        (answered_well(status), literal(StartOutcome.STARTED.value)),
        else_=literal(StartOutcome.UNKNOWN.value),
    )
    attempt = (
        select(
            *(column for column in followed.c if column.name not in ("matches", DONE)),
            outcome.label("outcome"),
            state.label("told_state"),
            state_us.label("told_us"),
        )
        .select_from(rows)
        .where(_is_attempt(followed))
        .cte("attempt")
        .prefix_with(ONCE)
    )
    return attempt, lifecycle


def _is_attempt(followed: FromClause) -> Condition:
    """Whether a row of a life is an attempt that was asked for."""
    return and_(followed.c.matches == literal_column("1"), followed.c.action.in_(STARTING_ACTIONS))


def _followed(lifecycle: Lifecycles, *, witnessed: bool) -> CTE:
    """Each entry with the next one of the same sandbox; if witnessed, also with `DONE`."""
    resolved = lifecycle.entries
    order: dict[str, Any] = {
        "partition_by": resolved.c.sandbox,
        "order_by": (resolved.c.at_us, resolved.c.seq),
    }
    known = resolved.c.sandbox.is_not(None)
    return select(
        resolved,
        case((known, func.lead(resolved.c.action, 1, literal_column("''")).over(**order)), else_="")
        .label("next_action"),
        case((known, func.lead(resolved.c.at_us, 1, literal_column("0")).over(**order)), else_=0)
        .label("next_us"),
        *([done_next(resolved).label(DONE)] if witnessed else []),
    ).cte("followed").prefix_with(ONCE)  # fmt: skip


def _silent(followed: CTE, rule: SilentRule) -> Condition:
    """Whether what was done next, and when, is what is done after a failure."""
    later = followed.c.next_us - followed.c.at_us
    return and_(
        later <= microseconds(rule.within),
        or_(
            followed.c.next_action.in_(AGAIN_ACTIONS),
            and_(
                followed.c.next_action == literal(DELETE),
                later >= microseconds(rule.delete_after),
            ),
        ),
    )


def _used(
    risky: CTE, lifecycle: Lifecycles, scope: Scope, time_range: TimeRange, rule: SilentRule
) -> CTE:
    """Attempts after which the sandbox was in use before the next thing was done to it: `seq`."""
    keys = _doubtful(risky, lifecycle, rule)
    use = (
        select(entries.c.target_id, epoch_microseconds(entries.c.created_at).label("at_us"))
        .where(
            within_scope(entries, scope),
            within(entries, extended(time_range, before=timedelta(0), after=rule.within)),
            entries.c.target_type == literal(SANDBOX),
            or_(
                starts_with(entries.c.action, literal(TOOLBOX_PREFIX)),
                entries.c.action.in_(SSH_ACTIONS),
            ),
            or_(entries.c.status_code.is_(None), entries.c.status_code < 400),
        )
        .subquery("use")
    )
    return (
        select(keys.c.seq)
        .join(use, use.c.target_id == keys.c.target_id)
        .where(use.c.at_us >= keys.c.at_us, use.c.at_us <= keys.c.next_us)
        .distinct()
        .cte("used")
        .prefix_with(ONCE)
    )


def _doubtful(risky: CTE, lifecycle: Lifecycles, rule: SilentRule) -> CTE:
    """What is suspected unless the sandbox was in use: `seq`, `at_us`, `next_us`, and as
    `target_id` the id of the sandbox in one row and its name in another."""
    # Once by the id and once by the name, without naming the attempts twice: engines that work
    # out a common table expression for each use would do so many times over.
    one: ColumnElement[int] = literal_column("1")
    two: ColumnElement[int] = literal_column("2")
    way = (
        select(one.label("matches"), one.label("by"))
        .union_all(select(one.label("matches"), two.label("by")))
        .subquery("way")
    )
    key = case((way.c.by == one, risky.c.sandbox), else_=lifecycle.aliases.c.name)
    return (
        select(risky.c.seq, risky.c.at_us, risky.c.next_us, key.label("target_id"))
        .outerjoin(lifecycle.aliases, lifecycle.aliases.c.sandbox == risky.c.sandbox)
        .join(way, way.c.matches == risky.c.matches)
        .where(
            risky.c.matches == one,
            risky.c.action.in_(STARTING_ACTIONS),
            answered_well(risky.c.status_code),
            _silent(risky, rule),
        )
        .cte("doubtful")
        .prefix_with(ONCE)
    )


def start_page(
    query: Query,
    rule: SilentRule,
    *,
    outcomes: tuple[StartOutcome, ...],
    cursor: Cursor | None,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """The attempts with one of the outcomes beyond the cursor, nearest first (newest first, for a
    cursor that points to newer ones oldest first); the columns of `attempts`."""
    attempt = attempts(query, rule, creations)
    newer = cursor is not None and cursor.newer
    statement = select(attempt).where(attempt.c.outcome.in_([item.value for item in outcomes]))
    if cursor is not None:
        at_us = microseconds(cursor.created_at - EPOCH)
        at, seq = attempt.c.at_us, attempt.c.seq
        beyond = (
            or_(at > at_us, and_(at == at_us, seq > cursor.seq))
            if newer
            else or_(at < at_us, and_(at == at_us, seq < cursor.seq))
        )
        statement = statement.where(beyond)
    order = (attempt.c.at_us, attempt.c.seq)
    ordered = statement.order_by(*(key.asc() if newer else key.desc() for key in order))
    return creations.options(ordered)


@dataclass(frozen=True, slots=True)
class OutcomeInSpan:
    """How many attempts had an outcome in a span."""

    outcome: str
    span: int
    count: int


def start_counts(
    query: Query,
    rule: SilentRule,
    spans: Spans,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """How many attempts had which outcome in which span: rows of `OutcomeInSpan`, no zeros."""
    attempt = attempts(query, rule, creations)
    counts = select(
        attempt.c.outcome,
        span_number(attempt.c.at_us, spans).label("span"),
        func.count().label("count"),
    ).group_by(attempt.c.outcome, "span")
    return creations.options(counts)


def whole_entries(
    seqs: tuple[int, ...], scope: Scope, *, since: datetime, until: datetime
) -> Statement:
    """The entries with these numbers in the scope, whole, made from `since` until `until`, both
    included."""
    return select(entries).where(
        within_scope(entries, scope),
        entries.c.created_at >= since,
        entries.c.created_at <= until,
        numbered_by(entries, scope).in_(seqs),
    )
