"""What state changes tell of attempts to start. (attempts, scope) → SELECT. Never runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CTE,
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
from audit_core.domain.state_changes import FAILED_STATES, STARTED_STATE
from audit_core.log.schema import state_change
from audit_core.log.sql.functions import epoch_microseconds
from audit_core.query.derived_columns import Condition
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import instant_within
from audit_core.starts.sandboxes_sql import FOREVER_US, extended, microseconds

TOLD_WITHIN = timedelta(minutes=35)
"""How long after an attempt a change of state tells what became of it: Daytona waits 5 to 30
minutes before it gives up."""


def done_next(lifecycle: CTE) -> ColumnElement[int]:
    """When something was next done to the same sandbox that was not refused: what changes after
    that is no more about the entry. `FOREVER_US` if nothing was."""
    refused = lifecycle.c.status_code.between(400, 599)
    at_us = case((or_(lifecycle.c.status_code.is_(None), ~refused), lifecycle.c.at_us))
    following = func.min(at_us).over(
        partition_by=lifecycle.c.sandbox,
        order_by=(lifecycle.c.at_us, lifecycle.c.seq),
        rows=(1, None),
    )
    return func.coalesce(following, literal_column(str(FOREVER_US)))


def told(attempt: Any, which: Condition, scope: Scope, time_range: TimeRange) -> Subquery:
    """What changes of state tell of those attempts that fulfil a condition, one row for each that
    they tell anything of: `seq`, `failed_us` and `started_us` (NULL where it did not), and
    `failed_state`.

    `attempt` has `seq`, `sandbox`, `at_us`, and `done_us` as `done_next` gives it.
    """
    column = state_change.c
    change = (
        select(
            column.target_id,
            epoch_microseconds(column.changed_at).label("at_us"),
            column.new_state,
        )
        .where(
            column.organization_id == scope.organization_id,
            column.target_type == literal(SANDBOX),
            column.new_state.in_((*FAILED_STATES, STARTED_STATE)),
            instant_within(
                column.changed_at, extended(time_range, before=timedelta(0), after=TOLD_WITHIN)
            ),
        )
        .subquery("state_changed")
    )
    # Each is read once. ClickHouse reads one that is materialized too early in some statements.
    failed = change.c.new_state.in_(FAILED_STATES)
    started = change.c.new_state == literal(STARTED_STATE)
    return (
        select(
            attempt.c.seq,
            func.min(case((failed, change.c.at_us))).label("failed_us"),
            func.min(case((started, change.c.at_us))).label("started_us"),
            func.min(case((failed, change.c.new_state))).label("failed_state"),
        )
        .join(change, change.c.target_id == attempt.c.sandbox)
        .where(
            which,
            change.c.at_us >= attempt.c.at_us,
            change.c.at_us < attempt.c.done_us,
            change.c.at_us - attempt.c.at_us <= microseconds(TOLD_WITHIN),
        )
        .group_by(attempt.c.seq)
        .subquery("told")
    )


def tells_failure(told_of: Subquery) -> Condition:
    """Whether the sandbox failed before it started."""
    return and_(
        told_of.c.failed_us.is_not(None),
        or_(told_of.c.started_us.is_(None), told_of.c.failed_us < told_of.c.started_us),
    )
