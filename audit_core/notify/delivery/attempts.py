"""Messages in the state: which are due, and what became of each attempt.

Between an attempt and its note this process may be killed: then the message is sent once more,
under the same id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy.orm import aliased

from audit_core.domain.alerts.level import Level
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import Channel, find_channel
from audit_core.notify.content import Message, content_of
from audit_core.notify.delivery.message_state import MessageState
from audit_core.notify.delivery.retry_schedule import Delivered, Failed, Outcome, next_attempt
from audit_core.state.access_log.record import record
from audit_core.state.tables import channel, notification, notification_message

BY_ITSELF = "Sandtrail"
"""Who ends a channel whose receiver answers 410."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMessage:
    """A message whose time has come, and how often it was tried."""

    message: Message
    attempts: int


def channels_with_due(connection: Connection, now: datetime) -> list[str]:
    """The ids of channels to which something may be sent now."""
    statement = (
        select(notification_message.c.channel_id)
        .join(channel, channel.c.id == notification_message.c.channel_id)
        .where(
            notification_message.c.state == MessageState.WAITING.value,
            notification_message.c.next_at <= now,
            channel.c.paused.is_(False),
            channel.c.disabled_at.is_(None),
            or_(channel.c.rest_until.is_(None), channel.c.rest_until <= now),
        )
        .group_by(notification_message.c.channel_id)
        .order_by(func.min(notification_message.c.next_at))
    )
    return list(connection.execute(statement).scalars())


def next_due(
    connection: Connection, channel_id: str, now: datetime
) -> tuple[Channel, DueMessage] | None:
    """The message of a channel that has been due longest, with the channel as it is now; `None`:
    nothing is to be sent to it at present."""
    found = find_channel(connection, channel_id)
    if found is None or found.paused or found.disabled_at is not None:
        return None
    if found.rest_until is not None and found.rest_until > now:
        return None
    column = notification_message.c
    statement = select(notification_message).where(
        column.channel_id == channel_id,
        column.state == MessageState.WAITING.value,
        column.next_at <= now,
    )
    if found.kind is ChannelKind.PAGERDUTY:
        statement = statement.where(~_has_earlier())
    if found.quiet is not None and found.quiet.are_at(now):
        passing = [one.value for one in Level if not found.quiet.holds_back(one, now)]
        statement = statement.where(column.level.in_(passing))
    row = connection.execute(statement.order_by(column.next_at, column.created_at).limit(1)).first()
    if row is None:
        return None
    kept = connection.execute(
        select(notification.c.notice)
        .where(notification.c.message_id == row.id)
        .order_by(notification.c.id)
    ).scalars()
    message = Message(id=row.id, created_at=row.created_at, content=content_of(list(kept)))
    return found, DueMessage(message=message, attempts=row.attempts)


def note_attempt(
    connection: Connection, to: Channel, due: DueMessage, outcome: Outcome, now: datetime
) -> None:
    """Keep what became of an attempt, and when the next one is."""
    attempts = due.attempts + 1
    values: dict[str, Any] = {"attempts": attempts, "attempted_at": now}
    if isinstance(outcome, Delivered):
        values |= _ended(MessageState.DELIVERED, now) | {"problem": None}
        about: dict[str, Any] = {
            "delivered_at": now,
            "problem": None,
            "failing_since": None,
            "told_at": None,
            "rest_until": None,
        }
    else:
        next_at = None if outcome.gone else next_attempt(attempts, outcome.rest, now)
        values["problem"] = outcome.problem
        values |= _ended(MessageState.DEAD, now) if next_at is None else {"next_at": next_at}
        about = {
            "problem": outcome.problem,
            "failing_since": func.coalesce(channel.c.failing_since, now),
            "rest_until": None if outcome.rest is None else now + outcome.rest,
        }
    column = notification_message.c
    changed = connection.execute(
        update(notification_message)
        # Another process may have had the work meanwhile.
        .where(column.id == due.message.id, column.attempts == due.attempts)
        .values(values)
    )
    if not changed.rowcount:
        return
    connection.execute(update(channel).where(channel.c.id == to.id).values(about))
    if isinstance(outcome, Failed) and outcome.gone:
        _end(connection, to, now)


def _ended(state: MessageState, now: datetime) -> dict[str, Any]:
    return {"state": state.value, "ended_at": now, "next_at": None}


def _end(connection: Connection, to: Channel, now: datetime) -> None:
    """Send it nothing any more: what waits is given up, to be sent again by hand."""
    connection.execute(update(channel).where(channel.c.id == to.id).values(disabled_at=now))
    connection.execute(
        update(notification_message)
        .where(
            notification_message.c.channel_id == to.id,
            notification_message.c.state == MessageState.WAITING.value,
        )
        .values(_ended(MessageState.DEAD, now) | {"problem": "The receiver wants no messages."})
    )
    record(
        connection,
        at=now,
        verb="channel.ended",
        actor=BY_ITSELF,
        organization_id=to.organization_id,
        detail={"channel": to.name},
    )


def _has_earlier() -> Any:
    """Whether an earlier message about the same alert waits still: what resolves it must not come
    before what opens it."""
    earlier = aliased(notification_message)
    return (
        select(earlier.c.id)
        .where(
            earlier.c.channel_id == notification_message.c.channel_id,
            earlier.c.alert_id == notification_message.c.alert_id,
            earlier.c.state == MessageState.WAITING.value,
            earlier.c.created_at < notification_message.c.created_at,
        )
        .exists()
    )
