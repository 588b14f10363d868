"""The statement of the list of targets: sandboxes and other things, failing ones first. Builds,
never runs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from audit_core.domain.access import Scope
from audit_core.domain.entries import SANDBOX
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import ONCE, epoch_microseconds, starts_with
from audit_core.query.derived_columns import Condition
from audit_core.query.keyset import numbered_by
from audit_core.query.planner.sandbox_creations import FROM_ENTRIES, Creations
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import where_clause
from audit_core.starts.attempts_sql import SilentRule, StartOutcome, attempts_and_lifecycles
from audit_core.starts.failure_groups_sql import failing
from audit_core.starts.sandboxes_sql import (
    flag,
)
from audit_core.starts.traces.traces_sql import creates, lately


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlace:
    """A place in the list of targets: just behind this one."""

    failing: int
    last_us: int
    target: str


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target as the statement gives it."""

    target: str
    """The id, or the name of a sandbox whose creates all failed."""
    count: int
    last_us: int
    born: int
    """0 for a sandbox that only creates without an id speak of."""
    failing: int
    suspected: int
    silent_us: int
    """The last suspected attempt; 0 for none."""
    broken_us: int
    """The last attempt that was answered well, and failed as a state change tells; 0 for none."""


_OF_ATTEMPTS = ("failing", "suspected", "silent_us", "broken_us")


def targets(
    query: Query,
    rule: SilentRule,
    *,
    target_type: str,
    searched: str = "",
    after: TargetPlace | None = None,
    creations: Creations = FROM_ENTRIES,
) -> Statement:
    """The targets of a type among the matches, those with most failed starts first, then the
    latest: rows of `TargetRow`.

    `searched` is an id, the beginning of one, or, of sandboxes, the beginning of a name that was
    given from `NAMED_BEFORE` before the time range on.
    """
    found = (
        _sandboxes(query, rule, creations)
        if target_type == SANDBOX
        else _others(query, target_type)
    )
    conditions: list[Condition] = []
    if searched:
        begins = starts_with(found.c.target, literal(searched))
        if target_type == SANDBOX:
            begins = or_(begins, _called(found, searched, query.scope, query.time_range, creations))
        conditions.append(begins)
    if after is not None:
        conditions.append(_behind(found, after))
    return creations.options(
        select(found)
        .where(*conditions)
        .order_by(found.c.failing.desc(), found.c.last_us.desc(), found.c.target)
    )


def _called(
    found: Subquery, searched: str, scope: Scope, time_range: TimeRange, creations: Creations
) -> Condition:
    """Whether a sandbox has a name that begins so."""
    called = and_(
        lately(creations.table, time_range),
        *creations.mentions(f'"{searched}'),
        starts_with(creations.name_in(), literal(searched)),
    )
    named = creates(scope, called, creations).order_by(None).subquery()
    return found.c.target.in_(select(named.c.sandbox))


def _behind(found: Subquery, after: TargetPlace) -> Condition:
    last_us = literal(after.last_us, BigInteger)
    later = or_(
        found.c.last_us < last_us,
        and_(found.c.last_us == last_us, found.c.target > literal(after.target)),
    )
    return or_(found.c.failing < after.failing, and_(found.c.failing == after.failing, later))


def _others(query: Query, target_type: str) -> Subquery:
    zero: ColumnElement[int] = literal_column("0")
    return (
        select(
            entries.c.target_id.label("target"),
            func.count().label("count"),
            func.max(epoch_microseconds(entries.c.created_at)).label("last_us"),
            func.max(literal_column("1")).label("born"),
            *(func.max(zero).label(name) for name in _OF_ATTEMPTS),
        )
        .where(
            where_clause(entries, query),
            entries.c.target_type == literal(target_type),
            entries.c.target_id.is_not(None),
        )
        .group_by(entries.c.target_id)
        .subquery("found")
    )


def _sandboxes(query: Query, rule: SilentRule, creations: Creations) -> Subquery:
    """Entries that carry a name are counted for the sandbox that bears it, and creates that failed
    for the name that they asked for where no sandbox bears it."""
    attempt, lifecycle = attempts_and_lifecycles(query, rule, creations)
    matches = where_clause(entries, query)
    resolved = lifecycle.entries.alias("lifecycle_entries")
    named = (
        select(resolved.c.seq, resolved.c.sandbox, resolved.c.by_name)
        .where(
            or_(resolved.c.by_name == literal_column("1"), resolved.c.unborn == literal_column("1"))
        )
        .subquery("named")
    )
    target = func.coalesce(named.c.sandbox, entries.c.target_id)
    active = (
        select(
            target.label("target"),
            func.count().label("count"),
            func.max(epoch_microseconds(entries.c.created_at)).label("last_us"),
            func.max(
                flag(or_(entries.c.target_id.is_not(None), named.c.by_name == literal_column("1")))
            ).label("born"),
        )
        .select_from(entries)
        .outerjoin(named, named.c.seq == numbered_by(entries, query.scope))
        .where(matches, entries.c.target_type == literal(SANDBOX), target.is_not(None))
        .group_by("target")
        .subquery("active")
    )
    failed = _failed(attempt)
    zero: ColumnElement[int] = literal_column("0")
    return (
        select(
            active,
            *(func.coalesce(failed.c[name], zero).label(name) for name in _OF_ATTEMPTS),
        )
        .outerjoin(failed, failed.c.sandbox == active.c.target)
        .subquery("found")
    )


def _failed(attempt: CTE) -> CTE:
    """The sandboxes of attempts that failed or are suspected to have, with `_OF_ATTEMPTS`; see
    `targets`."""
    told = and_(
        attempt.c.outcome == literal(StartOutcome.FAILED.value),
        attempt.c.told_state != literal(""),
    )
    suspected = attempt.c.outcome == literal(StartOutcome.SUSPECTED.value)
    suspected_us = case((suspected, attempt.c.at_us), else_=literal_column("0"))
    return (
        select(
            attempt.c.sandbox,
            func.count().label("failing"),
            func.sum(flag(suspected)).label("suspected"),
            func.max(suspected_us).label("silent_us"),
            func.max(case((told, attempt.c.at_us), else_=literal_column("0"))).label("broken_us"),
        )
        .where(failing(attempt), attempt.c.sandbox.is_not(None))
        .group_by(attempt.c.sandbox)
        .cte("failed")
        .prefix_with(ONCE)
    )
