"""Retry chains: attempts on one sandbox that follow each other closely, as one incident.

(filter, scope) → SELECT. Builds, never runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, and_, case, func, literal, literal_column, or_, select

from audit_core.domain.access import Scope
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import ONCE
from audit_core.query.planner.sandbox_creations import FROM_ENTRIES, Creations
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import SilentRule, StartOutcome, attempts
from audit_core.starts.failure_groups_sql import described, failing
from audit_core.starts.sandboxes_sql import DELETE, flag, microseconds

LONGEST_PAUSE = timedelta(minutes=15)
"""An attempt that comes later than this after the one before begins another chain."""

_GONE = (DELETE, "auto_delete")


class Ending(StrEnum):
    """How a chain ended."""

    STARTED = "started"
    DELETED = "deleted"
    """The last attempt failed, and then the sandbox was deleted."""
    GIVEN_UP = "given_up"
    """The last attempt failed, and nothing came after it, as far as was looked."""
    UNKNOWN = "unknown"
    """The last attempt has no outcome yet, or never had one."""

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryChain:
    """One incident: two or more attempts, at least one of which failed or is suspected to have."""

    sandbox: str
    """The id; the name where no id is known."""
    by_name: bool
    """Whether an attempt was matched by name."""
    attempts: int
    failing: int
    suspected: int
    """How many of the failing ones are suspected only."""
    errors: int
    """How many different messages, by template."""
    first: datetime
    last: datetime
    """When the first and the last attempt were made."""
    lost: timedelta
    """From the first attempt to the one that worked, to the delete, or to the last one."""
    who: str
    """Who tried; one of them where `people` is above 1."""
    people: int
    client: str
    """With which client; one of them where `clients` is above 1; empty for none that said so."""
    clients: int
    ending: Ending


@dataclass(frozen=True, slots=True)
class ChainRow:
    """A chain as the statement gives it."""

    sandbox: str
    by_name: int
    attempts: int
    failing: int
    suspected: int
    errors: int
    first_us: int
    last_us: int
    last_outcome: str
    last_next: str
    last_next_us: int
    who: str
    people: int
    client: str
    clients: int


def retry_chains(
    query: Query,
    rule: SilentRule,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """The chains, the latest first: rows of `ChainRow`."""
    attempt = attempts(query, rule, creations)
    placed = _placed(_numbered(attempt), query.scope, query.time_range)
    at_end = placed.c.from_end == literal_column("1")

    def last(column: Any) -> Any:
        return func.max(case((at_end, column)))

    size = func.count()
    fails = func.sum(placed.c.fails)
    chains = (
        select(
            placed.c.sandbox,
            func.max(placed.c.by_name).label("by_name"),
            size.label("attempts"),
            fails.label("failing"),
            func.sum(flag(placed.c.outcome == literal(StartOutcome.SUSPECTED.value))).label(
                "suspected"
            ),
            func.count(placed.c.pattern.distinct()).label("errors"),
            func.min(placed.c.at_us).label("first_us"),
            func.max(placed.c.at_us).label("last_us"),
            last(placed.c.outcome).label("last_outcome"),
            last(placed.c.next_action).label("last_next"),
            last(placed.c.next_us).label("last_next_us"),
            func.max(placed.c.who).label("who"),
            func.count(placed.c.who.distinct()).label("people"),
            func.max(placed.c.client).label("client"),
            func.count(placed.c.client.distinct()).label("clients"),
        )
        .group_by(placed.c.sandbox, placed.c.chain)
        .having(and_(size > 1, fails > 0))
        .order_by(func.max(placed.c.at_us).desc(), placed.c.sandbox)
    )
    return creations.options(chains)


def _numbered(attempt: CTE) -> CTE:
    """The attempts with the number of their chain within the sandbox."""
    order: dict[str, Any] = {
        "partition_by": attempt.c.sandbox,
        "order_by": (attempt.c.at_us, attempt.c.seq),
    }
    before = (
        select(
            attempt,
            func.lag(attempt.c.at_us, 1, literal_column("0")).over(**order).label("before_us"),
            func.lag(attempt.c.outcome, 1, literal_column("''")).over(**order).label("before"),
        )
        .where(attempt.c.sandbox.is_not(None))
        .cte("before")
        .prefix_with(ONCE)
    )
    begins = flag(
        or_(
            before.c.at_us - before.c.before_us > microseconds(LONGEST_PAUSE),
            before.c.before == literal(StartOutcome.STARTED.value),
        )
    )
    marked = select(before, begins.label("begins")).cte("marked").prefix_with(ONCE)
    return (
        select(
            marked,
            func.sum(marked.c.begins)
            .over(partition_by=marked.c.sandbox, order_by=(marked.c.at_us, marked.c.seq))
            .label("chain"),
        )
        .cte("numbered")
        .prefix_with(ONCE)
    )


def _placed(numbered: CTE, scope: Scope, time_range: TimeRange) -> CTE:
    """With who tried, with what, the template of the message, and the place from the end."""
    attempt = described(numbered, scope, time_range)
    from_end = func.row_number().over(
        partition_by=(attempt.c.sandbox, attempt.c.chain),
        order_by=(attempt.c.at_us.desc(), attempt.c.seq.desc()),
    )
    failed = attempt.c.outcome == literal(StartOutcome.FAILED.value)
    return (
        select(
            *(
                attempt.c[name]
                for name in ("sandbox", "by_name", "at_us", "outcome", "chain", "who")
            ),
            attempt.c.next_action,
            attempt.c.next_us,
            flag(failing(attempt)).label("fails"),
            case((failed, attempt.c.pattern)).label("pattern"),
            func.coalesce(attempt.c.user_agent, attempt.c.source, literal("")).label("client"),
            from_end.label("from_end"),
        )
        .cte("placed")
        .prefix_with(ONCE)
    )


def ending_of(outcome: StartOutcome, next_action: str) -> Ending:
    """How a chain ended, from its last attempt and what was done next ('' for nothing)."""
    if outcome is StartOutcome.STARTED:
        return Ending.STARTED
    if outcome is StartOutcome.UNKNOWN:
        return Ending.UNKNOWN
    return Ending.DELETED if next_action in _GONE else Ending.GIVEN_UP
