"""Which values fulfil a condition, and where the entries on a target lie.

Small statements on what the log keeps by the hour, instead of a long look at every entry: few
targets, messages and clients hold a text. They see every entry that the log holds, so what they
do not name is not there. Only for a log that keeps counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    text,
    union_all,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.log.schema import (
    COUNTED_REVISION,
    READS_COUNTS,
    Statement,
    audit_entry,
    searched_value,
    target_hour,
    unfinished_entry,
)
from audit_core.log.sql.functions import ONCE, contains_any_folded
from audit_core.log.sql.redaction import looks_secret, redacted
from audit_core.query.derived_columns import Condition
from audit_core.query.language.ast import Contains, Field, Leaf, Matches
from audit_core.query.predicate_sql import fulfilling, text_shown

_WORTH_SHOWING = 2
"""From so many words on, what is shown of the messages is made once for all of them."""


def values_fulfilling(conditions: Sequence[Leaf], scope: Scope, most: int) -> Statement:
    """The values (`value`) that fulfil each condition (`number`, from 0), as the scope's viewer
    is shown them; in no order. Of a condition that more than `most` fulfil `most` and one more.

    The conditions are of the kind that `sought.lookups` gives. Of the whole organization, also for
    a scope of one actor.
    """
    held: dict[Field, CTE] = {}
    shown = _shown_messages(conditions, scope, held)
    parts = []
    for number, condition in enumerate(conditions):
        field = _field_of(condition)
        source: FromClause
        if field is Field.TARGET_ID:
            source = _places()
        else:
            source = held.setdefault(field, _values(field, scope))
        if shown is not None and field is Field.ERROR_MESSAGE and isinstance(condition, Contains):
            source, met = shown, text_shown(shown, condition, shown.c.shown)
        else:
            met = fulfilling(source, condition, scope)
        value = source.c[field.value]
        fulfilled = (
            select(literal(number).label("number"), value.label("value"))
            .where(value.is_not(None), met)
            .limit(most + 1)
        )
        if field is Field.TARGET_ID:
            fulfilled = fulfilled.where(_own(source, scope)).distinct()
        parts.append(fulfilled.subquery().select())
    both = union_all(*parts).subquery("fulfilled")
    return select(both).execution_options(**READS_COUNTS)


def _field_of(condition: Leaf) -> Field:
    if isinstance(condition, Contains):
        (field,) = condition.fields
        return field
    if isinstance(condition, Matches):
        return condition.field
    raise TypeError(f"{condition} is no condition that values are looked up for")


def _values(field: Field, scope: Scope) -> CTE:
    """The values of a field, each once: the long look at a value is taken once."""
    kept = select(searched_value.c.value.label(field.value)).where(
        _own(searched_value, scope), searched_value.c.field == literal(field.value)
    )
    later, unfinished = (
        select(table.c[field.value]).where(_own(table, scope), table.c[field.value].is_not(None))
        for table in (audit_entry, unfinished_entry)
    )
    later = later.where(audit_entry.c.revision > COUNTED_REVISION)
    every = union_all(kept, later, unfinished).subquery()
    return select(every).distinct().cte(f"all_{field.value}").prefix_with(ONCE)


def _shown_messages(conditions: Sequence[Leaf], scope: Scope, held: dict[Field, CTE]) -> CTE | None:
    """The messages that hold anything that is looked for in them, each also as it is `shown`;
    `None` where that is not worth the while. What is shown of one is so made once for all."""
    words = [
        text
        for condition in conditions
        if isinstance(condition, Contains) and condition.fields == (Field.ERROR_MESSAGE,)
        for text in condition.texts
    ]
    if scope.secrets or len(words) < _WORTH_SHOWING:
        return None
    every = held.setdefault(Field.ERROR_MESSAGE, _values(Field.ERROR_MESSAGE, scope))
    message = every.c.error_message
    shown = case((looks_secret(message), redacted(message)), else_=message).label("shown")
    # The limit, which nothing reaches, keeps DuckDB from making `shown` again for each condition.
    found = select(message, shown).where(contains_any_folded(message, words)).limit(2**40)
    return found.cte("shown_message").prefix_with(ONCE)


def hours_of(targets: Iterable[str], scope: Scope) -> Statement:
    """The hours in which entries on any of the targets were made: `hour` (its beginning) and
    `count`, newest first. Of the whole organization, also for a scope of one actor."""
    places = _places()
    return (
        select(places.c.hour, cast(func.sum(places.c.alike), BigInteger).label("count"))
        .where(_own(places, scope), places.c.target_id.in_(tuple(targets)))
        .group_by(places.c.hour)
        .order_by(places.c.hour.desc())
        .execution_options(**READS_COUNTS)
    )


def first_hour(
    targets: Iterable[str], scope: Scope, since: datetime | None
) -> ScalarSelect[datetime | None]:
    """The beginning of the first hour, from `since` on, in which entries on any of the targets were
    made; NULL if none were. For a statement that says that it reads counts."""
    places = _places()
    first = select(func.min(places.c.hour)).where(
        _own(places, scope), places.c.target_id.in_(tuple(targets))
    )
    if since is not None:
        first = first.where(places.c.hour > since - timedelta(hours=1))
    return first.scalar_subquery()


def _places() -> FromClause:
    kept = select(
        target_hour.c.organization_id,
        target_hour.c.target_id,
        target_hour.c.hour,
        target_hour.c.alike,
    )
    later, unfinished = (
        select(
            table.c.organization_id,
            table.c.target_id,
            func.date_trunc(text("'hour'"), table.c.created_at).label("hour"),
            literal(1, BigInteger).label("alike"),
        )
        for table in (audit_entry, unfinished_entry)
    )
    later = later.where(audit_entry.c.revision > COUNTED_REVISION)
    return union_all(kept, later, unfinished).subquery("place")


def _own(rows: FromClause | Table, scope: Scope) -> Condition:
    if scope.organization_id is None:
        return literal(True)
    return rows.c.organization_id == scope.organization_id
