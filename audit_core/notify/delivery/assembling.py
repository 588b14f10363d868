"""Notices that wait become messages: several that come close together are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, func, insert, select, update

from audit_core.domain.alerts.level import Level
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import Channel, channels_of
from audit_core.notify.content import Content, content_of, is_about_channel
from audit_core.notify.delivery.message_state import MessageState
from audit_core.notify.formats import mail, slack, standard_webhook
from audit_core.state.database import take_turns
from audit_core.state.secrets import new_id
from audit_core.state.tables import notification, notification_message

_Row: TypeAlias = Row[int, Any]

AT_ONCE = 1_000
"""How many notices of a channel are looked at at once."""

MAX_NOTICES = {
    ChannelKind.WEBHOOK: standard_webhook.MAX_NOTICES,
    ChannelKind.SLACK: slack.MAX_NOTICES,
    ChannelKind.EMAIL: mail.MAX_NOTICES,
    ChannelKind.PAGERDUTY: AT_ONCE,
}
"""How many notices one message may have."""

CRITICAL_WAITS = timedelta(minutes=1)
"""A critical alert waits no longer for others that may come, however long others do."""


def is_waiting(connection: Connection) -> bool:
    """Whether any notice waits for a message."""
    statement = select(notification.c.id).where(notification.c.message_id.is_(None)).limit(1)
    return connection.execute(statement).first() is not None


def assemble(connection: Connection, now: datetime) -> int:
    """Make messages of the notices whose time has come, of all channels; how many messages."""
    take_turns(connection)
    waiting = connection.execute(
        select(notification.c.channel_id).where(notification.c.message_id.is_(None)).distinct()
    ).scalars()
    wanted = set(waiting)
    made = 0
    for channel in channels_of(connection, None):
        if channel.id in wanted and not channel.paused and channel.disabled_at is None:
            made += _assemble(connection, channel, now)
    return made


def _assemble(connection: Connection, channel: Channel, now: datetime) -> int:
    rows = connection.execute(
        select(notification.c.id, notification.c.notice)
        .where(notification.c.channel_id == channel.id, notification.c.message_id.is_(None))
        .order_by(notification.c.id)
        .limit(AT_ONCE)
    ).all()
    contents = [(row, content_of([row.notice])) for row in rows]
    due = [
        (row, content)
        for row, content in contents
        if channel.quiet is None or not channel.quiet.holds_back(content.level, now)
    ]
    last = connection.execute(
        select(func.max(notification_message.c.created_at)).where(
            notification_message.c.channel_id == channel.id
        )
    ).scalar()
    if not due or not is_time(channel, [content for _, content in due], last, now):
        return 0
    parts = grouped(channel.kind, [row for row, _ in due])
    for part in parts:
        _make(connection, channel, part, now)
    return len(parts)


def is_time(
    channel: Channel, waiting: Iterable[Content], last: datetime | None, now: datetime
) -> bool:
    """Whether the next message may be made, where the last was made at `last` (`None`: there is
    none). PagerDuty puts together what belongs together by itself."""
    if last is None or channel.kind is ChannelKind.PAGERDUTY:
        return True
    between = timedelta(minutes=channel.group_minutes)
    if any(content.level is Level.CRITICAL for content in waiting):
        between = min(between, CRITICAL_WAITS)
    return now >= last + between


def grouped(kind: ChannelKind, rows: Sequence[_Row]) -> list[list[_Row]]:
    """Rows of `notification` by the messages that they make. What is about a channel is a message
    of its own, and so is each alert for PagerDuty."""
    by: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        if is_about_channel(row.notice):
            by[f"channel {row.id}"].append(row)
        elif kind is ChannelKind.PAGERDUTY:
            by[f"alert {row.notice['alert_id']}"].append(row)
        else:
            by["alerts"].append(row)
    most = MAX_NOTICES[kind]
    return [
        part[start : start + most] for part in by.values() for start in range(0, len(part), most)
    ]


def _make(connection: Connection, channel: Channel, rows: list[_Row], now: datetime) -> None:
    content = content_of([row.notice for row in rows])
    about = {row.notice.get("alert_id") for row in rows}
    message_id = new_id()
    connection.execute(
        insert(notification_message).values(
            id=message_id,
            channel_id=channel.id,
            state=MessageState.WAITING.value,
            created_at=now,
            notices=len(rows),
            level=content.level.value,
            alert_id=about.pop() if len(about) == 1 else None,
            next_at=now,
        )
    )
    for row in rows:
        connection.execute(
            update(notification).where(notification.c.id == row.id).values(message_id=message_id)
        )
