"""The outbox: notices are kept for channels in the transaction of what they tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from audit_core.domain.alerts.level import Level
from audit_core.domain.redaction import redact_text
from audit_core.notify.notice import Notice
from audit_core.notify.routes import Route, is_told
from audit_core.state.tables import channel, notification, notification_route


def enqueue(
    connection: Connection, organization_id: str, notices: Iterable[Notice], now: datetime
) -> int:
    """Keep notices for each channel of the organization that is to be told; how many were kept.

    In the caller's transaction: they are sent once it is committed, and never if it is undone.
    Without channels nothing is written. A channel that is paused keeps them for later; one that
    its receiver has ended (410) is told nothing.
    """
    told = [
        channel_id
        for (channel_id,) in connection.execute(
            select(channel.c.id)
            .where(channel.c.organization_id == organization_id, channel.c.disabled_at.is_(None))
            .order_by(channel.c.id)
        )
    ]
    if not told:
        return 0
    routes = _routes(connection, organization_id)
    rows = [
        {"channel_id": channel_id, "notice": _kept(notice), "created_at": now}
        for notice in notices
        for channel_id in told
        if is_told(routes.get(channel_id, ()), notice)
    ]
    if rows:
        connection.execute(insert(notification), rows)
    return len(rows)


def _kept(notice: Notice) -> dict[str, Any]:
    """The notice without secrets: it leaves the house."""
    return replace(
        notice,
        sentence=redact_text(notice.sentence),
        group={name: redact_text(value) for name, value in notice.group.items()},
        reason=None if notice.reason is None else redact_text(notice.reason),
    ).as_json()


def _routes(connection: Connection, organization_id: str) -> dict[str, list[Route]]:
    """The routes of each channel that has any."""
    statement = (
        select(notification_route)
        .join(channel, channel.c.id == notification_route.c.channel_id)
        .where(channel.c.organization_id == organization_id)
    )
    found: dict[str, list[Route]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.channel_id].append(route_of(row))
    return found


def route_of(row: Row[Any]) -> Route:
    """The route that a row of `notification_route` keeps."""
    return Route(
        id=row.id,
        channel_id=row.channel_id,
        level=Level(row.level),
        rule_ids=tuple(row.rule_ids),
        target_types=tuple(row.target_types),
    )
