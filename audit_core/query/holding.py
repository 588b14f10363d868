"""What holds the texts that a filter looks for, and where the entries on a target lie.

Small statements on what the log keeps by the hour, instead of a long look at every entry: few
targets and few messages hold a text. They see every entry that the log holds, so what they do
not name is not there. Only for a log that keeps counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, func, literal, or_, select, text, union_all
from sqlalchemy.sql.expression import FromClause

from audit_core.access import Scope
from audit_core.log.dialects.functions import contains_folded
from audit_core.log.schema import (
    COUNTED_REVISION,
    Statement,
    audit_entry,
    entry_count,
    target_hour,
    unfinished_entry,
)
from audit_core.query.classification import Condition
from audit_core.query.expressions import (
    AllOf,
    AnyOf,
    Contains,
    Equals,
    Expression,
    Field,
    Not,
    all_of,
    any_of,
    leaves,
    negation,
)
from audit_core.query.filters import EntryFilter
from audit_core.query.secrecy import contains_shown

_READS_COUNTS = {COUNTED_REVISION.key: True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of the texts that a filter looks for."""

    in_targets: bool = True
    """`False`: no target holds any text that is looked for there."""
    messages: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Texts, each with all messages that hold it as the viewer is shown them."""

    def messages_with(self, part: str) -> tuple[str, ...] | None:
        """All messages that hold a text; `None`: not known."""
        return dict(self.messages).get(part)

    def applied(self, expression: Expression) -> Expression:
        """An expression that is true of the same entries, without what is known."""
        if isinstance(expression, AllOf | AnyOf):
            parts = [self.applied(part) for part in expression.parts]
            return all_of(parts) if isinstance(expression, AllOf) else any_of(parts)
        if isinstance(expression, Not):
            return negation(self.applied(expression.part))
        return self._found(expression) if isinstance(expression, Contains) else expression

    def _found(self, leaf: Contains) -> Expression:
        fields = list(leaf.fields)
        found: list[Expression] = []
        if Field.TARGET_ID in fields and not self.in_targets:
            fields.remove(Field.TARGET_ID)
        messages = self.messages_with(leaf.text)
        if Field.ERROR_MESSAGE in fields and messages is not None:
            fields.remove(Field.ERROR_MESSAGE)
            found += (Equals(field=Field.ERROR_MESSAGE, value=each) for each in messages)
        if fields or not found:
            # Without fields nothing holds it.
            found.append(Contains(fields=tuple(fields), text=leaf.text))
        return any_of(found)


UNKNOWN = Held()


def target_texts(wanted: EntryFilter) -> tuple[str, ...]:
    """The texts that the filter looks for in targets, among other columns."""
    return _texts(wanted, Field.TARGET_ID)


def message_texts(wanted: EntryFilter) -> tuple[str, ...]:
    """The texts that the filter looks for in messages."""
    return _texts(wanted, Field.ERROR_MESSAGE)


def _texts(wanted: EntryFilter, field: Field) -> tuple[str, ...]:
    texts = {wanted.text} if wanted.text else set()
    for leaf in leaves(wanted.expression):
        if isinstance(leaf, Contains) and field in leaf.fields:
            texts.add(leaf.text)
    return tuple(sorted(texts))


def messages_holding(part: str, scope: Scope) -> Statement:
    """The messages (`error_message`) that hold a text as the scope's viewer is shown them; no
    order. Of the whole organization, also for a scope of one actor."""
    later, unfinished, kept = (
        select(table.c.organization_id, table.c.error_message)
        for table in (audit_entry, unfinished_entry, entry_count)
    )
    later = later.where(audit_entry.c.revision > COUNTED_REVISION)
    every = union_all(kept, later, unfinished).subquery("every")
    # Found first, so that the long look at a message is taken once.
    messages = (
        select(every.c.error_message)
        .where(_own(every, scope), every.c.error_message.is_not(None))
        .distinct()
        .cte("message")
        .prefix_with("MATERIALIZED")
    )
    return (
        select(messages.c.error_message)
        .where(contains_shown(messages.c.error_message, part, scope))
        .execution_options(**_READS_COUNTS)
    )


def targets_holding(texts: Sequence[str], scope: Scope) -> Statement:
    """The targets (`target_id`) that hold at least one of the texts, whatever the case; no order.

    Of the whole organization, also for a scope of one actor.
    """
    places = _places()
    target = places.c.target_id
    return (
        select(target)
        .where(
            _own(places, scope),
            target.is_not(None),
            or_(*(contains_folded(target, literal(part)) for part in texts)),
        )
        .distinct()
        .execution_options(**_READS_COUNTS)
    )


def hours_of(targets: Sequence[str], scope: Scope) -> Statement:
    """The hours in which entries on any of the targets were made: `hour` (its beginning) and
    `count`, newest first. Of the whole organization, also for a scope of one actor."""
    places = _places()
    return (
        select(places.c.hour, cast(func.sum(places.c.alike), BigInteger).label("count"))
        .where(_own(places, scope), places.c.target_id.in_(targets))
        .group_by(places.c.hour)
        .order_by(places.c.hour.desc())
        .execution_options(**_READS_COUNTS)
    )


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


def _own(places: FromClause, scope: Scope) -> Condition:
    if scope.organization_id is None:
        return literal(True)
    return places.c.organization_id == scope.organization_id
