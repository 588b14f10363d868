"""The statement of the API keys that one actor used. Builds, never runs."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from audit_core.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.conditions import within, within_scope
from audit_core.query.people import api_key_text, failed
from audit_core.query.timelines import require_actor
from audit_core.query.windows import Bounds


def used_keys(scope: Scope, bounds: Bounds) -> Statement:
    """The keys that the scope's actor used, latest use first.

    Columns `api_key` (masked), `count`, `failed`, `first`, `last`, `addresses` and `actions`
    (numbers of different ones).
    """
    columns = (
        entries.c.actor_api_key_prefix,
        entries.c.actor_api_key_suffix,
    )
    used = (
        select(
            *columns,
            func.count().label("count"),
            func.count().filter(failed(entries)).label("failed"),
            func.min(entries.c.created_at).label("first"),
            func.max(entries.c.created_at).label("last"),
            func.count(entries.c.ip_address.distinct()).label("addresses"),
            func.count(entries.c.action.distinct()).label("actions"),
        )
        .where(
            within_scope(entries, require_actor(scope)),
            within(entries, bounds),
            or_(*(column.is_not(None) for column in columns)),
        )
        .group_by(*columns)
        .subquery("used")
    )
    return select(
        api_key_text(used).label("api_key"),
        *(used.c[name] for name in ("count", "failed", "first", "last", "addresses", "actions")),
    ).order_by(used.c.last.desc(), "api_key")
