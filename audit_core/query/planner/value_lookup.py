"""Dictionary lookup: which values match a condition, and in which hours a target has entries.

Small statements on the rollups instead of a scan of the entries: few targets, messages and clients
contain a text. They cover every entry of the log, so a value they do not return does not occur.
Only for a log that keeps rollups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    CTE,
    BigInteger,
    ScalarSelect,
    Table,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.log.rollups import NOT_COUNTED, READS_COUNTS, TARGET_HOURS, VALUES
from audit_core.log.schema import Statement, actor_address, audit_entry, unfinished_entry
from audit_core.log.sql.functions import ONCE, contains_any_folded, key_of_address
from audit_core.log.sql.redaction import looks_secret, redacted
from audit_core.query.derived_columns import Condition
from audit_core.query.language.ast import Contains, Equals, Field, Leaf, Matches
from audit_core.query.predicate_sql import compile_predicate, text_shown
from audit_core.query.time.windows import TimeRange

_WORTH_SHOWING = 2
"""From this many words on, the redacted messages are computed once for all of them."""


@dataclass(frozen=True, slots=True)
class MatchingValue:
    """A value that matches a condition."""

    number: int
    """Of the condition, from 0."""
    value: str


def matching_values(conditions: Sequence[Leaf], scope: Scope, limit: int) -> Statement:
    """The values (`value`) that match each condition (`number`, from 0), as the scope's viewer is
    shown them, unordered. At most `limit` + 1 for each condition.

    The conditions are of the kind that `rewrite.dictionary_lookups` gives. Covers the whole
    organization, even for the scope of one actor.
    """
    value_sets: dict[Field, CTE] = {}
    shown = _shown_messages(conditions, scope, value_sets)
    parts = []
    for number, condition in enumerate(conditions):
        field = _field_of(condition)
        source: FromClause
        if field is Field.TARGET_ID:
            source = TARGET_HOURS.current()
        else:
            source = value_sets.setdefault(field, _values(field, scope))
        if shown is not None and field is Field.ERROR_MESSAGE and isinstance(condition, Contains):
            source, met = shown, text_shown(shown, condition, shown.c.shown)
        else:
            met = compile_predicate(source, condition, scope)
        value = source.c[field.value]
        matched = (
            select(literal(number).label("number"), value.label("value"))
            .where(value.is_not(None), met)
            .limit(limit + 1)
        )
        if field is Field.TARGET_ID:
            matched = matched.where(_own(source, scope)).distinct()
        parts.append(matched.subquery().select())
    both = union_all(*parts).subquery("matched")
    return select(both).execution_options(**READS_COUNTS)


def spellings(conditions: Sequence[Leaf], scope: Scope) -> Statement:
    """The same of conditions that `rewrite.address_lookups` gives, for a log that keeps addresses:
    each spelling of an address that is stored."""
    parts = (
        select(literal(number).label("number"), actor_address.c.actor_email.label("value")).where(
            _own(actor_address, scope),
            actor_address.c.address_key == key_of_address(str(condition.value)),
        )
        for number, condition in enumerate(conditions)
        if isinstance(condition, Equals)
    )
    return select(union_all(*parts).subquery("spelled"))


def _field_of(condition: Leaf) -> Field:
    if isinstance(condition, Contains):
        (field,) = condition.fields
        return field
    if isinstance(condition, Matches | Equals):
        return condition.field
    raise TypeError(f"no values can be looked up for {condition}")


def _values(field: Field, scope: Scope) -> CTE:
    """The distinct values of a field, so that each is examined once."""
    kept = select(VALUES.table.c.value.label(field.value)).where(
        _own(VALUES.table, scope), VALUES.table.c.field == literal(field.value)
    )
    # Of the one column alone: the others would be planned, if not read.
    later, unfinished = (
        select(table.c[field.value]).where(_own(table, scope), table.c[field.value].is_not(None))
        for table in (audit_entry, unfinished_entry)
    )
    every = union_all(kept, later.where(NOT_COUNTED), unfinished).subquery()
    return select(every).distinct().cte(f"all_{field.value}").prefix_with(ONCE)


def _shown_messages(
    conditions: Sequence[Leaf], scope: Scope, value_sets: dict[Field, CTE]
) -> CTE | None:
    """The messages that contain any of the texts searched in them, each also as `shown` to the
    viewer, so that it is redacted once; `None` where that does not pay."""
    words = [
        text
        for condition in conditions
        if isinstance(condition, Contains) and condition.fields == (Field.ERROR_MESSAGE,)
        for text in condition.texts
    ]
    if scope.secrets or len(words) < _WORTH_SHOWING:
        return None
    every = value_sets.setdefault(Field.ERROR_MESSAGE, _values(Field.ERROR_MESSAGE, scope))
    message = every.c.error_message
    shown = case((looks_secret(message), redacted(message)), else_=message).label("shown")
    # The limit, never reached, keeps DuckDB from computing `shown` anew for each condition.
    found = select(message, shown).where(contains_any_folded(message, words)).limit(2**40)
    return found.cte("shown_message").prefix_with(ONCE)


@dataclass(frozen=True, slots=True)
class HourOnTargets:
    """Entries on some targets in one hour."""

    hour: datetime
    """Its start, in UTC without a zone."""
    count: int


def hours_of(targets: Iterable[str], scope: Scope) -> Statement:
    """The hours with entries on any of the targets: `hour` (its start) and `count`, newest first.
    Covers the whole organization, even for the scope of one actor."""
    target_hours = TARGET_HOURS.current()
    return (
        select(target_hours.c.hour, cast(func.sum(target_hours.c.alike), BigInteger).label("count"))
        .where(_own(target_hours, scope), target_hours.c.target_id.in_(tuple(targets)))
        .group_by(target_hours.c.hour)
        .order_by(target_hours.c.hour.desc())
        .execution_options(**READS_COUNTS)
    )


@dataclass(frozen=True, slots=True)
class Ends:
    """When some targets had entries first and last; `None` for never."""

    first: datetime | None
    last: datetime | None
    """The starts of the two hours, in UTC without a zone."""


def ends_of(targets: Iterable[str], scope: Scope, time_range: TimeRange) -> Statement:
    """One row of `Ends`, of the hours that the time range touches. Covers the whole organization,
    even for the scope of one actor."""
    hours = TARGET_HOURS.current()
    conditions = [_own(hours, scope), hours.c.target_id.in_(tuple(targets))]
    if time_range.since is not None:
        conditions.append(hours.c.hour > time_range.since - timedelta(hours=1))
    if time_range.until is not None:
        conditions.append(hours.c.hour < time_range.until)
    return (
        select(func.min(hours.c.hour).label("first"), func.max(hours.c.hour).label("last"))
        .where(*conditions)
        .execution_options(**READS_COUNTS)
    )


def first_hour(
    targets: Iterable[str], scope: Scope, since: datetime | None
) -> ScalarSelect[datetime | None]:
    """The start of the first hour, from `since` on, with entries on any of the targets; NULL for
    none. For a statement marked with `READS_COUNTS`."""
    target_hours = TARGET_HOURS.current()
    first = select(func.min(target_hours.c.hour)).where(
        _own(target_hours, scope), target_hours.c.target_id.in_(tuple(targets))
    )
    if since is not None:
        first = first.where(target_hours.c.hour > since - timedelta(hours=1))
    return first.scalar_subquery()


def _own(rows: FromClause | Table, scope: Scope) -> Condition:
    if scope.organization_id is None:
        return literal(True)
    return rows.c.organization_id == scope.organization_id
