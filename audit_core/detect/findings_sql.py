"""The statements of what a rule finds. Builds, never runs.

A rule finds something *at* an entry: at each that a single rule selects; at an entry with which a
count within the time span before it is reached; at the last entry of a sequence. Spans are sliding,
in whole milliseconds, both ends included: entries of one millisecond come before each other.

Found entries of one group and one hour (of UTC) are one *finding*. So which findings there are
depends on the entries alone, and not on the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.rule import (
    MAX_GROUPS,
    AboveBand,
    EventCount,
    FirstSeen,
    Missing,
    Rule,
    Single,
    Temporal,
    TemporalOrdered,
    ValueCount,
)
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import epoch_microseconds, floor_div
from audit_core.log.sql.text_tests import distinct_within
from audit_core.query.where import within_scope

GROUPS = tuple(f"group_{number}" for number in range(1, MAX_GROUPS + 1))
"""What the values of a group are called in a statement."""

_MILLISECONDS = 1000
_HOUR = 3_600_000
"""In milliseconds."""


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row of `findings`."""

    group_1: str | None
    group_2: str | None
    group_3: str | None
    group_4: str | None
    """The values of the group; `None` behind its last."""
    hour: int
    """Whole hours since 1970, in UTC."""
    count: int
    """At how many entries something was found."""
    first: datetime
    last: datetime
    """When the first and the last of them were made: UTC without a zone."""


def group_of(row: Any, groups: int) -> tuple[str, ...]:
    """The values of a row's group; `groups`: by how many fields the rule tells entries apart."""
    return tuple(str(getattr(row, name)) for name in GROUPS[:groups])


def findings(
    rule: Rule,
    scope: Scope,
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    groups: Sequence[Sequence[str]] | None = None,
) -> Statement:
    """What a rule finds at entries made from `since` to before `until` (aware): rows of `FoundRow`,
    in no order. `groups` are the values of those that are looked at; `None`: all. What is missing
    at `now` is missing only once its time is up."""
    found = _found(_Search(rule, scope, since, until, now, groups))
    names = GROUPS[: len(rule.groups)]
    hour = floor_div(found.c.at, literal(_HOUR, BigInteger))
    shown = [found.c[name] if name in names else absent_text().label(name) for name in GROUPS]
    return (
        select(
            *shown,
            hour.label("hour"),
            cast(func.count(), BigInteger).label("count"),
            func.min(found.c.created_at).label("first"),
            func.max(found.c.created_at).label("last"),
        )
        .where(found.c.created_at >= since, found.c.created_at < until)
        .group_by(*(found.c[name] for name in names), hour)
    )


def absent_text() -> ColumnElement[Any]:
    """NULL as a text, on every engine."""
    return case((false(), literal("")))


@dataclass(frozen=True, slots=True)
class _Search:
    rule: Rule
    scope: Scope
    since: datetime
    until: datetime
    now: datetime
    groups: Sequence[Sequence[str]] | None


def _found(search: _Search) -> Subquery:
    """The entries at which something is found: their groups, `at` in milliseconds, `created_at`."""
    correlation = search.rule.correlation
    if isinstance(correlation, Single):
        return _selected(search)
    if isinstance(correlation, EventCount):
        return _event_count(search, correlation)
    if isinstance(correlation, ValueCount):
        return _value_count(search, correlation)
    if isinstance(correlation, Temporal):
        return _temporal(search, correlation)
    if isinstance(correlation, TemporalOrdered):
        return _temporal_ordered(search, correlation)
    if isinstance(correlation, FirstSeen):
        return _first_seen(search, correlation)
    if isinstance(correlation, Missing):
        return _missing(search, correlation)
    return _above_band(search, correlation)


def _event_count(search: _Search, correlation: EventCount) -> Subquery:
    rows = _selected(search, before=correlation.span)
    reached = func.count().over(**_within(rows, search.rule, correlation.span))
    counted = select(rows, reached.label("reached")).subquery()
    return select(counted).where(counted.c.reached >= correlation.least).subquery()


def _value_count(search: _Search, correlation: ValueCount) -> Subquery:
    rows = _selected(search, before=correlation.span, field=correlation.field)
    window = _within(rows, search.rule, correlation.span)
    collected, number = distinct_within(rows.c.value, window)
    counted = select(rows, collected.label("reached")).subquery()
    return select(counted).where(number(counted.c.reached) >= correlation.least).subquery()


def _temporal(search: _Search, correlation: Temporal) -> Subquery:
    rows = _selected(search, before=correlation.span, numbered=True)
    window = _within(rows, search.rule, correlation.span)
    met = [
        func.max(case((rows.c.selection == number, 1), else_=0)).over(**window)
        for number in range(len(search.rule.selections))
    ]
    total: ColumnElement[Any] = met[0]
    for one in met[1:]:
        total = total + one
    counted = select(rows, total.label("reached")).subquery()
    return _each_once(select(counted).where(counted.c.reached >= correlation.least).subquery())


def _temporal_ordered(search: _Search, correlation: TemporalOrdered) -> Subquery:
    """At each entry of a selection: the latest beginning of a sequence that has come so far."""
    rows = _selected(search, before=correlation.span, numbered=True)
    begun: Subquery = select(
        rows, case((rows.c.selection == 0, rows.c.at)).label("begun")
    ).subquery()
    for number in range(1, len(search.rule.selections)):
        before = func.max(begun.c.begun).over(
            partition_by=_groups(begun, search.rule) or None,
            order_by=begun.c.at,
            range_=(None, 0),
        )
        latest = select(begun, before.label("latest")).subquery()
        kept = [column for column in latest.c if column.name not in ("begun", "latest")]
        begun = select(
            *kept, case((latest.c.selection == number, latest.c.latest)).label("begun")
        ).subquery()
    span = _milliseconds(correlation.span)
    return _each_once(
        select(begun).where(begun.c.begun >= begun.c.at - literal(span, BigInteger)).subquery()
    )


def _missing(search: _Search, correlation: Missing) -> Subquery:
    rows = _selected(search, after=correlation.span, numbered=True)
    span = _milliseconds(correlation.span)
    followed = func.max(case((rows.c.selection == 1, 1), else_=0)).over(
        partition_by=_groups(rows, search.rule) or None, order_by=rows.c.at, range_=(0, span)
    )
    counted = select(rows, followed.label("followed")).subquery()
    return (
        select(counted)
        .where(
            counted.c.selection == 0,
            counted.c.followed == 0,
            # As long as it may still come, nothing is missing.
            counted.c.created_at < search.now - correlation.span,
        )
        .subquery()
    )


def _first_seen(search: _Search, correlation: FirstSeen) -> Subquery:
    before = _milliseconds(correlation.before)
    rows = _selected(search, before=correlation.before, field=correlation.field)
    own = _groups(rows, search.rule)
    earlier = {
        "had": func.max(rows.c.at).over(
            partition_by=[*own, rows.c.value], order_by=rows.c.at, range_=(None, -1)
        ),
        "known": func.max(rows.c.at).over(
            partition_by=own or None, order_by=rows.c.at, range_=(None, -1)
        ),
    }
    told = select(rows, *(column.label(name) for name, column in earlier.items())).subquery()
    begin = told.c.at - literal(before, BigInteger)
    return (
        select(told)
        .where(
            or_(told.c.had.is_(None), told.c.had < begin),
            # Of whom nothing is known, everything is new.
            told.c.known >= begin,
        )
        .subquery()
    )


def _above_band(search: _Search, correlation: AboveBand) -> Subquery:
    """At each entry of such an hour."""
    begin = search.since.replace(minute=0, second=0, microsecond=0)
    whole = _Search(
        search.rule,
        search.scope,
        begin,
        search.until.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1),
        search.now,
        search.groups,
    )
    rows = _selected(whole, before=correlation.before)
    own = _groups(rows, search.rule)
    hour = floor_div(rows.c.at, literal(_HOUR, BigInteger))
    names = [column.name for column in own]
    hours = (
        select(*own, hour.label("hour"), func.count().label("number"))
        .group_by(*own, hour)
        .subquery()
    )
    grouped = [hours.c[name] for name in names]
    width = correlation.before // timedelta(hours=1)
    usual = func.max(hours.c.number).over(
        partition_by=grouped or None, order_by=hours.c.hour, range_=(-width, -1)
    )
    told = select(hours, usual.label("usual")).subquery()
    above = (
        select(told)
        .where(
            told.c.number >= correlation.least,
            told.c.number > told.c.usual * correlation.factor,
        )
        .subquery()
    )
    same = and_(hour == above.c.hour, *(rows.c[name] == above.c[name] for name in names))
    return select(rows).join_from(rows, above, same).subquery()


def _selected(
    search: _Search,
    *,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
    field: RuleField | None = None,
    numbered: bool = False,
) -> Subquery:
    """The entries that count, as far as a window around the searched time reaches. With `field`
    those that have it, as `value`. `numbered`: an entry once for each selection that selects it,
    with that as `selection`, counted from 0; else once."""
    rule, table = search.rule, entries
    if not numbered and all(len(set(group.fields)) == 1 for group in rule.groups):
        condition = or_(*(compile_condition(table, one.condition) for one in rule.selections))
        return _part(search, table, 0, condition, before, after, field).subquery()
    parts = []
    for number, selection in enumerate(rule.selections):
        condition = compile_condition(table, selection.condition)
        part = _part(search, table, number, condition, before, after, field)
        if numbered:
            part = part.add_columns(literal(number, BigInteger).label("selection"))
        parts.append(part)
    if len(parts) == 1:
        return parts[0].subquery()
    return (union_all(*parts) if numbered else union(*parts)).subquery()


def _part(
    search: _Search,
    table: FromClause,
    number: int,
    condition: ColumnElement[bool],
    before: timedelta,
    after: timedelta,
    field: RuleField | None,
) -> Statement:
    """The entries of one selection."""
    made = table.c.created_at
    values = [value_of(table, group.fields[number]) for group in search.rule.groups]
    columns = [value.label(name) for value, name in zip(values, GROUPS, strict=False)]
    needed = [value.is_not(None) for value in values]
    if field is not None:
        value = value_of(table, field)
        columns.append(value.label("value"))
        needed.append(value.is_not(None))
    at = floor_div(epoch_microseconds(made), literal(_MILLISECONDS, BigInteger))
    # A window in whole milliseconds may reach one further.
    edge = timedelta(milliseconds=1)
    return select(
        *columns, at.label("at"), made.label("created_at"), table.c.seq.label("seq")
    ).where(
        within_scope(table, search.scope),
        made >= search.since - before - edge,
        made < search.until + after + edge,
        condition,
        *needed,
        *_in_groups(values, search.groups),
    )


def _in_groups(
    values: Sequence[ColumnElement[Any]], groups: Sequence[Sequence[str]] | None
) -> Iterable[ColumnElement[bool]]:
    if groups is None or not values:
        return
    if len(values) == 1:
        yield values[0].in_([group[0] for group in groups])
        return
    yield or_(
        *(
            and_(*(value == one for value, one in zip(values, group, strict=True)))
            for group in groups
        )
    )


def _within(rows: Subquery, rule: Rule, span: timedelta) -> dict[str, Any]:
    """The window of the time span before each row."""
    return {
        "partition_by": _groups(rows, rule) or None,
        "order_by": rows.c.at,
        "range_": (-_milliseconds(span), 0),
    }


def _groups(rows: Subquery, rule: Rule) -> list[ColumnElement[Any]]:
    return [rows.c[name] for name in GROUPS[: len(rule.groups)]]


def _each_once(rows: Subquery) -> Subquery:
    """An entry that several selections select is found once."""
    kept = [column for column in rows.c if column.name in (*GROUPS, "at", "created_at", "seq")]
    return select(*kept).distinct().subquery()


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
