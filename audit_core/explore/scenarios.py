"""Which actions an organization's log holds, by the kind of target."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.schema import Statement
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.planner.plan import Plan
from audit_core.query.query import Query
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window

MAX_ACTIONS = 10_000
"""How many actions are listed, over all targets."""


@dataclass(frozen=True, slots=True)
class ActionOnTarget:
    """An action that was done to some target of a type."""

    target_type: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenarios:
    """What was done, by target types and actions in order of the alphabet."""

    targets: tuple[tuple[str, tuple[str, ...]], ...]
    """(type, its actions) of each."""
    truncated: bool
    """Whether there are more than `MAX_ACTIONS`."""


def statement(plan: Plan) -> Statement:
    """The rows of `ActionOnTarget`, in order; none of entries without a target type."""
    columns = plan.source.table.c
    return plan.source.options(
        select(columns.target_type, columns.action)
        .where(plan.where, columns.target_type.is_not(None))
        .group_by(columns.target_type, columns.action)
        .order_by(columns.target_type, columns.action)
    )


def read_scenarios(reader: Reader, scope: Scope) -> Scenarios:
    """What entries of the scope are about."""
    everything = EntryFilter(window=Window(preset=ALL_TIME))
    query = Query(everything, scope, TimeRange(since=None, until=None))
    plan = reader.planner.plan(query)
    found = reader.log.fetch_rows(statement(plan), scope, ActionOnTarget, limit=MAX_ACTIONS)
    # The order is the engine's, by which equal types stand together.
    groups = groupby(found.items, key=lambda item: item.target_type)
    return Scenarios(
        targets=tuple((name, tuple(item.action for item in items)) for name, items in groups),
        truncated=found.truncated,
    )
