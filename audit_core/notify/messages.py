"""Messages as people see them: what was sent to which channel, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from audit_core.domain.alerts.level import Level
from audit_core.domain.listing import Listing
from audit_core.identity.administration import Administrator, require_admin
from audit_core.notify.channels import channels_of, note
from audit_core.notify.content import content_of
from audit_core.notify.delivery.message_state import MessageState
from audit_core.notify.formats.texts import subject
from audit_core.state.tables import channel, notification, notification_message


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """One message and what became of it."""

    id: str
    channel_id: str
    channel: str
    """The name of the channel."""
    state: MessageState
    subject: str
    """What it is about, in a line."""
    notices: int
    """How many notices it has; 1 or more."""
    level: Level
    created_at: datetime
    attempts: int
    """How often it was sent so far."""
    next_at: datetime | None
    """When it is sent, or sent again; `None` once it has ended."""
    ended_at: datetime | None
    problem: str | None
    """What became of the last attempt that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is on its way."""

    notices: int
    """How many notices wait to become messages: for quiet hours, or for others to come."""
    messages: int
    """How many messages wait to be sent, or sent again."""


def messages_of(
    connection: Connection,
    organization_id: str,
    *,
    states: Collection[MessageState] = tuple(MessageState),
    channel_id: str | None = None,
    limit: int = 50,
) -> Listing[StoredMessage]:
    """The messages of an organization, or of one of its channels, that are in these states, the
    newest first."""
    statement = (
        _of(organization_id, states)
        .add_columns(channel.c.name.label("channel"))
        .order_by(notification_message.c.created_at.desc(), notification_message.c.id)
        .limit(limit + 1)
    )
    if channel_id is not None:
        statement = statement.where(channel.c.id == channel_id)
    rows = connection.execute(statement).all()
    single = _single_notices(connection, [row.id for row in rows if row.notices == 1])
    found = tuple(_message(row, single.get(row.id)) for row in rows[:limit])
    return Listing(items=found, truncated=len(rows) > limit)


def waiting_of(connection: Connection, organization_id: str) -> Waiting:
    """What of an organization is on its way."""
    notices = connection.execute(
        select(func.count())
        .select_from(notification)
        .join(channel, channel.c.id == notification.c.channel_id)
        .where(channel.c.organization_id == organization_id, notification.c.message_id.is_(None))
    ).scalar_one()
    messages = connection.execute(
        select(func.count()).select_from(
            _of(organization_id, [MessageState.WAITING]).subquery("waiting")
        )
    ).scalar_one()
    return Waiting(notices=notices, messages=messages)


def send_again(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    message_ids: Collection[str],
) -> int:
    """Send messages again that could not be delivered, at once and under their ids; how many. Each
    is tried as often as a new one. Raises `AccountError` where `by` may not."""
    require_admin(connection, by, organization_id)
    own = {one.id: one for one in channels_of(connection, organization_id)}
    sent = 0
    for channel_id, found in own.items():
        changed = connection.execute(
            update(notification_message)
            .where(
                notification_message.c.id.in_(message_ids),
                notification_message.c.channel_id == channel_id,
                notification_message.c.state == MessageState.DEAD.value,
            )
            .values(
                state=MessageState.WAITING.value,
                attempts=0,
                next_at=by.now,
                ended_at=None,
            )
        ).rowcount
        if changed:
            note(connection, by, found, "channel.sent_again", messages=changed)
        sent += changed
    return sent


def _of(organization_id: str, states: Collection[MessageState]) -> Select[Any]:
    return (
        select(notification_message)
        .join(channel, channel.c.id == notification_message.c.channel_id)
        .where(
            channel.c.organization_id == organization_id,
            notification_message.c.state.in_([state.value for state in states]),
        )
    )


def _single_notices(connection: Connection, message_ids: Collection[str]) -> dict[str, Any]:
    """What is kept for messages of one notice. Of those with many only the number is said: a storm
    would be read anew with each look at the list."""
    column = notification.c
    statement = select(column.message_id, column.notice).where(column.message_id.in_(message_ids))
    return {row.message_id: row.notice for row in connection.execute(statement)}


def _message(row: Row[Any], notice: Any | None) -> StoredMessage:
    about = f"{row.notices:,} alerts, highest level {row.level}"
    return StoredMessage(
        id=row.id,
        channel_id=row.channel_id,
        channel=row.channel,
        state=MessageState(row.state),
        subject=about if notice is None else subject(content_of([notice])),
        notices=row.notices,
        level=Level(row.level),
        created_at=row.created_at,
        attempts=row.attempts,
        next_at=row.next_at,
        ended_at=row.ended_at,
        problem=row.problem,
    )
