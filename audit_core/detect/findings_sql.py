"""The statements of what a rule finds. Builds, never runs.

A rule finds something *at* an entry: at each that a single rule selects; at an entry with which a
count within the time span before it is reached; at the last entry of a sequence. Spans are sliding,
in whole milliseconds, both ends included: entries of one millisecond come before each other.

Found entries of one group and one hour (of UTC) are one *finding*. So which findings there are
depends on the entries alone, and not on the order in which they arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    select,
    union,
    union_all,
)

from audit_core.detect.first_seen_sql import first_seen
from audit_core.detect.rules.rule import (
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
from audit_core.detect.selected_sql import (
    GROUPS,
    Search,
    groups_of,
    milliseconds,
    selected,
    selected_numbered,
)
from audit_core.domain.access import Scope
from audit_core.log.schema import READS_MOST, Statement
from audit_core.log.sql.functions import ONCE, floor_div
from audit_core.log.sql.text_tests import distinct_within

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
    through_most: bool = False,
) -> Statement:
    """What a rule finds at entries made from `since` to before `until` (aware): rows of `FoundRow`,
    in no order. `groups` are the values of those that are looked at; `None`: all. What is missing
    at `now` is missing only once its time is up. `through_most`: the time holds most entries of the
    scope."""
    found = _found(Search(rule, scope, since, until, now, groups, through_most))
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
        .execution_options(**(READS_MOST if through_most else {}))
    )


def absent_text() -> ColumnElement[Any]:
    """NULL as a text, on every engine."""
    return case((false(), literal("")))


def _found(search: Search) -> Subquery:
    """The entries at which something is found: their groups, `at` in milliseconds, `created_at`."""
    correlation = search.rule.correlation
    if isinstance(correlation, Single):
        return selected(search)
    if isinstance(correlation, EventCount):
        return _event_count(search, correlation)
    if isinstance(correlation, ValueCount):
        return _value_count(search, correlation)
    if isinstance(correlation, Temporal):
        return _temporal(search, correlation)
    if isinstance(correlation, TemporalOrdered):
        return _temporal_ordered(search, correlation)
    if isinstance(correlation, FirstSeen):
        return first_seen(search, correlation)
    if isinstance(correlation, Missing):
        return _missing(search, correlation)
    return _above_band(search, correlation)


def _event_count(search: Search, correlation: EventCount) -> Subquery:
    rows = selected(search, before=correlation.span)
    reached = func.count().over(**_within(rows, search.rule, correlation.span))
    counted = select(rows, reached.label("reached")).subquery()
    return select(counted).where(counted.c.reached >= correlation.least).subquery()


def _value_count(search: Search, correlation: ValueCount) -> Subquery:
    every = select(selected(search, before=correlation.span, fields=[correlation.field]))
    rows = _crowded(every.cte("every").prefix_with(ONCE), search.rule, correlation)
    window = _within(rows, search.rule, correlation.span)
    collected, number = distinct_within(rows.c.value_1, window)
    counted = select(rows, collected.label("reached")).subquery()
    return select(counted).where(number(counted.c.reached) >= correlation.least).subquery()


def _crowded(rows: CTE, rule: Rule, correlation: ValueCount) -> Subquery:
    """Without entries around which there are too few values for certain, mostly nearly all. Time is
    cut into pieces as long as the span: a window touches two neighbours at most."""
    own = groups_of(rows, rule)
    names = [column.name for column in own]
    length = literal(max(1, milliseconds(correlation.span)), BigInteger)
    piece = floor_div(rows.c.at, length)
    values = (
        select(*own, piece.label("piece"), rows.c.value_1)
        .group_by(*own, piece, rows.c.value_1)
        .subquery()
    )
    grouped = [values.c[name] for name in names]
    # Each value counts for its own piece and for the next one, whose windows reach back into it.
    twice = union_all(
        *(
            select(*grouped, (values.c.piece + later).label("piece"), values.c.value_1)
            for later in (0, 1)
        )
    ).subquery()
    keys = [twice.c[name] for name in (*names, "piece")]
    many = (
        select(*keys)
        .group_by(*keys)
        .having(func.count(twice.c.value_1.distinct()) >= correlation.least)
        .subquery()
    )
    needed = union(
        *(
            select(*(many.c[name] for name in names), (many.c.piece - earlier).label("piece"))
            for earlier in (0, 1)
        )
    ).subquery()
    same = and_(piece == needed.c.piece, *(rows.c[name] == needed.c[name] for name in names))
    return select(rows).join_from(rows, needed, same).subquery()


def _temporal(search: Search, correlation: Temporal) -> Subquery:
    rows = selected_numbered(search, before=correlation.span)
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


def _temporal_ordered(search: Search, correlation: TemporalOrdered) -> Subquery:
    """At each entry of a selection: the latest beginning of a sequence that has come so far."""
    rows = selected_numbered(search, before=correlation.span, first_needed=True)
    begun: Subquery = select(
        rows, case((rows.c.selection == 0, rows.c.at)).label("begun")
    ).subquery()
    for number in range(1, len(search.rule.selections)):
        before = func.max(begun.c.begun).over(
            partition_by=groups_of(begun, search.rule) or None,
            order_by=begun.c.at,
            range_=(None, 0),
        )
        latest = select(begun, before.label("latest")).subquery()
        kept = [column for column in latest.c if column.name not in ("begun", "latest")]
        begun = select(
            *kept, case((latest.c.selection == number, latest.c.latest)).label("begun")
        ).subquery()
    span = milliseconds(correlation.span)
    return _each_once(
        select(begun).where(begun.c.begun >= begun.c.at - literal(span, BigInteger)).subquery()
    )


def _missing(search: Search, correlation: Missing) -> Subquery:
    rows = selected_numbered(search, after=correlation.span, first_needed=True)
    span = milliseconds(correlation.span)
    followed = func.max(case((rows.c.selection == 1, 1), else_=0)).over(
        partition_by=groups_of(rows, search.rule) or None, order_by=rows.c.at, range_=(0, span)
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


def _above_band(search: Search, correlation: AboveBand) -> Subquery:
    """At each entry of such an hour."""
    begin = search.since.replace(minute=0, second=0, microsecond=0)
    whole = Search(
        search.rule,
        search.scope,
        begin,
        search.until.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1),
        search.now,
        search.groups,
        search.through_most,
    )
    rows = selected(whole, before=correlation.before)
    own = groups_of(rows, search.rule)
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


def _within(rows: Subquery, rule: Rule, span: timedelta) -> dict[str, Any]:
    """The window of the time span before each row."""
    return {
        "partition_by": groups_of(rows, rule) or None,
        "order_by": rows.c.at,
        "range_": (-milliseconds(span), 0),
    }


def _each_once(rows: Subquery) -> Subquery:
    """An entry that several selections select is found once."""
    kept = [column for column in rows.c if column.name in (*GROUPS, "at", "created_at", "seq")]
    return select(*kept).distinct().subquery()
