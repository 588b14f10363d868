"""Routes in the state: what admins have a channel told of."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import AuditError
from audit_core.identity.administration import Administrator, require_admin
from audit_core.notify.channels import Channel, note
from audit_core.notify.outbox import route_of
from audit_core.notify.routes import Route
from audit_core.state.secrets import new_id
from audit_core.state.tables import notification_route

MAX_ROUTES = 20
"""Of one channel."""
MAX_VALUES = 100
"""Rules, or kinds of targets, of one route."""


def routes_of(connection: Connection, channel_id: str) -> list[Route]:
    """The routes of a channel, the lowest level first; none: it is told everything."""
    found = connection.execute(
        select(notification_route).where(notification_route.c.channel_id == channel_id)
    )
    return sorted(map(route_of, found), key=lambda route: (route.level.rank, route.id))


def add_route(
    connection: Connection,
    by: Administrator,
    found: Channel,
    *,
    level: Level,
    rule_ids: Collection[str] = (),
    target_types: Collection[str] = (),
) -> Route:
    """Tell the channel of what this route takes, beside what its others take. Raises
    `AuditError`."""
    require_admin(connection, by, found.organization_id)
    if len(routes_of(connection, found.id)) >= MAX_ROUTES:
        raise AuditError(
            f"The channel has {MAX_ROUTES} routes, and that is the most.",
            "Remove one that is not needed.",
        )
    if max(len(rule_ids), len(target_types)) > MAX_VALUES:
        raise AuditError(
            f"A route names at most {MAX_VALUES} rules and {MAX_VALUES} kinds of targets.",
            "Leave the list empty to have all of them.",
        )
    added = Route(
        id=new_id(),
        channel_id=found.id,
        level=level,
        rule_ids=tuple(sorted(set(rule_ids))),
        target_types=tuple(sorted(set(target_types))),
    )
    connection.execute(
        insert(notification_route).values(
            id=added.id,
            channel_id=added.channel_id,
            level=level.value,
            rule_ids=list(added.rule_ids),
            target_types=list(added.target_types),
        )
    )
    note(connection, by, found, "channel.route_added", route=added.describe())
    return added


def remove_route(connection: Connection, by: Administrator, found: Channel, route_id: str) -> None:
    """Tell the channel no more of what only this route takes; without any route it is told of
    everything. Raises `AuditError`."""
    require_admin(connection, by, found.organization_id)
    own = next((one for one in routes_of(connection, found.id) if one.id == route_id), None)
    if own is None:
        raise AuditError("The route is not there any more.", "Reload the page.")
    connection.execute(delete(notification_route).where(notification_route.c.id == route_id))
    note(connection, by, found, "channel.route_removed", route=own.describe())
