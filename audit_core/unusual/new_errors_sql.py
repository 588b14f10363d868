"""The statements of errors whose message is like none before. Builds, never runs.

First the messages of now that were not there word for word, which are few; only if there are any
does it pay to make templates of all those of before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    and_,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import hour_number
from audit_core.query.derived_columns import Condition, failed
from audit_core.query.planner.plan import Plan
from audit_core.query.visibility import shown_template


@dataclass(frozen=True, slots=True)
class NewErrorRow:
    """Errors of one template."""

    template: str
    """As the scope's viewer is shown it."""
    count: int
    hour: int
    """Of the first one: whole hours since 1970."""
    actors: int


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template that there was."""

    template: str


def new_messages(now: Plan, before: Plan) -> Statement:
    """The templates of errors of now with a message that is word for word none of before's, most
    frequent first: rows of `NewErrorRow`. Their older messages count in none of them."""
    table, source = now.source.table, now.source
    earlier = _messages(before).subquery("earlier")
    fresh = (
        select(
            table.c.error_message,
            table.c.actor_id,
            source.count().label("number"),
            func.min(table.c.created_at).label("first"),
        )
        .where(
            now.where,
            _error(table),
            table.c.error_message.not_in(select(earlier.c.error_message)),
        )
        .group_by(table.c.error_message, table.c.actor_id)
        .cte("fresh")
    )
    distinct = select(fresh.c.error_message).group_by(fresh.c.error_message).subquery("distinct_")
    named = select(
        distinct.c.error_message,
        shown_template(distinct.c.error_message, now.query.scope).label("template"),
    ).subquery("named")
    count = cast(func.sum(fresh.c.number), BigInteger).label("count")
    hour = hour_number(func.min(fresh.c.first))
    return source.options(
        before.source.options(
            select(
                named.c.template,
                count,
                hour.label("hour"),
                func.count(fresh.c.actor_id.distinct()).label("actors"),
            )
            .join(fresh, fresh.c.error_message == named.c.error_message)
            .group_by(named.c.template)
            .order_by(count.desc(), named.c.template)
        )
    )


def templates_among(before: Plan, templates: Sequence[str], scope: Scope) -> Statement:
    """Which of some templates errors of before have: rows of `TemplateRow`, no order."""
    earlier = _messages(before).subquery("earlier")
    made = select(shown_template(earlier.c.error_message, scope).label("template")).subquery("made")
    return before.source.options(
        select(made.c.template).where(made.c.template.in_(templates)).group_by(made.c.template)
    )


def _messages(plan: Plan) -> Statement:
    table = plan.source.table
    return (
        select(table.c.error_message)
        .where(plan.where, _error(table))
        .group_by(table.c.error_message)
    )


def _error(table: FromClause) -> Condition:
    return and_(
        failed(table),
        table.c.error_message.is_not(None),
        table.c.error_message != literal(""),
    )
