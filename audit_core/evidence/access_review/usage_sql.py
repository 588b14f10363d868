"""The statements of what people and API keys of the platform did. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, or_, select

from audit_core.log.schema import Statement
from audit_core.query.derived_columns import failed
from audit_core.query.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class AddressUse:
    """The entries of one spelling of an e-mail address."""

    email: str
    count: int
    last: datetime
    """In UTC without a zone; from a rollup the beginning of its hour."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """The entries of one API key, by who used it."""

    prefix: str | None
    suffix: str | None
    email: str
    actor_id: str
    count: int
    failed: int
    last: datetime
    """As of `AddressUse`."""


def address_uses(plan: Plan) -> Statement:
    """The rows of `AddressUse`."""
    table = plan.source.table
    return plan.source.options(
        select(
            table.c.actor_email.label("email"),
            plan.source.count().label("count"),
            func.max(table.c.created_at).label("last"),
        )
        .where(plan.where, table.c.actor_email != literal(""))
        .group_by(table.c.actor_email)
        .order_by(table.c.actor_email)
    )


def key_uses(plan: Plan) -> Statement:
    """The rows of `KeyUse`, most entries first."""
    table = plan.source.table
    count = plan.source.count().label("count")
    groups = (
        table.c.actor_api_key_prefix.label("prefix"),
        table.c.actor_api_key_suffix.label("suffix"),
        table.c.actor_email.label("email"),
        table.c.actor_id,
    )
    return plan.source.options(
        select(
            *groups,
            count,
            plan.source.count(failed(table)).label("failed"),
            func.max(table.c.created_at).label("last"),
        )
        .where(
            plan.where,
            or_(
                table.c.actor_api_key_prefix.is_not(None),
                table.c.actor_api_key_suffix.is_not(None),
            ),
        )
        .group_by("prefix", "suffix", "email", table.c.actor_id)
        .order_by(count.desc(), table.c.actor_id)
    )
