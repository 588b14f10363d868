"""The entries that tell the life of sandboxes, each with the sandbox that it belongs to.

An entry may carry the sandbox's name in place of its id, and a failed `create` has neither: its
name stands in its metadata. Names are joined to ids by the creates that succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from audit_core.domain.access import Scope
from audit_core.domain.entries import CREATE, NAME_PATH, SANDBOX
from audit_core.explore.overview import STARTING_ACTIONS
from audit_core.log.schema import entries
from audit_core.log.sql.functions import ONCE, epoch_microseconds, json_text
from audit_core.query.derived_columns import Condition
from audit_core.query.keyset import numbered_by
from audit_core.query.planner.sandbox_creations import Creations
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import within, within_scope

DELETE = "delete"

SETTLING_ACTIONS = (
    "archive",
    "auto_archive",
    "auto_delete",
    "auto_pause",
    "auto_stop",
    "pause",
    "spot_evict",
    "stop",
    "ttl_expire",
)
"""What is done to a sandbox that runs or ran: after one of these a start was no failure."""

GONE_ACTIONS = ("auto_delete", DELETE, "ttl_expire")
"""After one of these, answered well, there is no sandbox."""

LIFECYCLE_ACTIONS = tuple(sorted((*STARTING_ACTIONS, DELETE, *SETTLING_ACTIONS)))

NAMED_BEFORE = timedelta(days=30)
"""How long before the time looked at a sandbox may have been created for its name to be known."""

REQUESTED_BEFORE = timedelta(hours=1)
"""How long before a create that succeeded a failed one of the same name counts as the same wish."""

FOREVER_US = 2**62

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycles:
    """The common table expressions of one statement."""

    entries: CTE
    """The entries: `seq` (the number in the scope), `at_us`, `action`, `status_code`, `matches` (1
    or 0), `unborn` (1: a create without an id), `sandbox` (the id; a name where no id is known,
    NULL where neither is), `by_name` (1: the id was found by the name)."""
    aliases: CTE
    """Names and ids: `name`, `sandbox`, `since_us`, `until_us`, `before_us`."""


def microseconds(length: timedelta) -> ColumnElement[int]:
    """A length of time as a bound number."""
    return literal(length // _MICROSECOND, BigInteger)


def flag(condition: Condition) -> ColumnElement[int]:
    """1 where the condition holds, else 0: engines do not agree on truth values in results."""
    return case((condition, literal_column("1")), else_=literal_column("0"))


def extended(time_range: TimeRange, *, before: timedelta, after: timedelta) -> TimeRange:
    """The time range with more time at both ends."""
    return TimeRange(
        since=None if time_range.since is None else time_range.since - before,
        until=None if time_range.until is None else time_range.until + after,
    )


def answered_well(status: ColumnElement[Any]) -> Condition:
    """Whether the answer was a 2xx."""
    return status.between(200, 299)


def lifecycles(
    matches: Condition,
    scope: Scope,
    time_range: TimeRange,
    creations: Creations,
    *,
    after: timedelta,
) -> Lifecycles:
    """The life of all sandboxes within the time range and for `after` beyond their end.

    `matches` is what an entry must fulfil to be marked as asked for.
    """
    lifecycle = _lifecycle_entries(matches, scope, time_range, after=after)
    named = _aliases(lifecycle, scope, time_range, creations, after=after)
    by_name = _by_name(lifecycle, named)
    resolved = (
        select(
            lifecycle.c.seq,
            lifecycle.c.at_us,
            lifecycle.c.action,
            lifecycle.c.status_code,
            lifecycle.c.matches,
            lifecycle.c.unborn,
            func.coalesce(by_name.c.sandbox, lifecycle.c.name).label("sandbox"),
            flag(by_name.c.sandbox.is_not(None)).label("by_name"),
        )
        .outerjoin(by_name, by_name.c.seq == lifecycle.c.seq)
        .cte("lifecycle")
        .prefix_with(ONCE)
    )
    return Lifecycles(entries=resolved, aliases=named)


def _lifecycle_entries(
    matches: Condition, scope: Scope, time_range: TimeRange, *, after: timedelta
) -> CTE:
    column = entries.c
    unborn = and_(column.action == literal(CREATE), column.target_id.is_(None))
    return (
        select(
            numbered_by(entries, scope).label("seq"),
            epoch_microseconds(column.created_at).label("at_us"),
            column.action,
            column.status_code,
            column.target_id,
            func.nullif(
                case((unborn, json_text(column.metadata, NAME_PATH)), else_=column.target_id),
                literal(""),
            ).label("name"),
            flag(unborn).label("unborn"),
            flag(matches).label("matches"),
        )
        .where(
            within_scope(entries, scope),
            within(entries, extended(time_range, before=timedelta(0), after=after)),
            column.target_type == literal(SANDBOX),
            column.action.in_(LIFECYCLE_ACTIONS),
        )
        .cte("lifecycle_entry")
        .prefix_with(ONCE)
    )


def _aliases(
    lifecycle: CTE, scope: Scope, time_range: TimeRange, creations: Creations, *, after: timedelta
) -> CTE:
    """The names of the sandboxes that are seen by their ids in `lifecycle`."""
    seen = select(lifecycle.c.target_id).where(lifecycle.c.target_id.is_not(None))
    # Worked out before the names are: taking metadata apart is slow, and most creates that are
    # looked at are not of these sandboxes.
    table = creations.table
    creation = (
        select(
            table.c.target_id.label("sandbox"),
            creations.naming,
            epoch_microseconds(table.c.created_at).label("since_us"),
            table.c.seq,
        )
        .where(
            within_scope(table, scope),
            within(table, extended(time_range, before=NAMED_BEFORE, after=after)),
            creations.condition,
            answered_well(table.c.status_code),
            table.c.target_id.in_(seen),
        )
        .cte("created")
        .prefix_with(ONCE)
    )
    made = select(
        creation.c.sandbox,
        creations.name_in(creation).label("name"),
        creation.c.since_us,
        creation.c.seq,
    ).subquery("made")
    order: dict[str, Any] = {
        "partition_by": made.c.name,
        "order_by": (made.c.since_us, made.c.seq),
    }
    return (
        select(
            made.c.name,
            made.c.sandbox,
            made.c.since_us,
            func.lead(made.c.since_us, 1, literal_column(str(FOREVER_US)))
            .over(**order)
            .label("until_us"),
            func.lag(made.c.since_us, 1, literal_column("0")).over(**order).label("before_us"),
        )
        .cte("alias")
        .prefix_with(ONCE)
    )


def _by_name(lifecycle: CTE, named: CTE) -> CTE:
    """The ids of entries that carry a name: `seq`, `sandbox`."""
    carries = and_(
        lifecycle.c.unborn == literal_column("0"),
        lifecycle.c.at_us >= named.c.since_us,
        lifecycle.c.at_us < named.c.until_us,
        lifecycle.c.name != named.c.sandbox,
    )
    asked_for = and_(
        lifecycle.c.unborn == literal_column("1"),
        lifecycle.c.at_us <= named.c.since_us,
        lifecycle.c.at_us > named.c.before_us,
        named.c.since_us - lifecycle.c.at_us <= microseconds(REQUESTED_BEFORE),
    )
    # A name that is the id of another sandbox must not draw that one's entries to itself.
    ids = select(named.c.sandbox)
    return (
        select(lifecycle.c.seq, func.max(named.c.sandbox).label("sandbox"))
        .join(named, named.c.name == lifecycle.c.name)
        .where(or_(carries, asked_for), lifecycle.c.name.not_in(ids))
        .group_by(lifecycle.c.seq)
        .cte("by_name")
        .prefix_with(ONCE)
    )
