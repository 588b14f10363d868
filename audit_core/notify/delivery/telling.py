"""A channel that delivers nothing for long is told by the others of its organization."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, or_, select, update

from audit_core.notify.channels import Channel, channel_of, channels_of
from audit_core.notify.content import FailingChannel
from audit_core.state.tables import channel, notification

FAILING_FOR = timedelta(hours=1)
"""How long a channel may fail before others tell of it; one that its receiver ended is told of at
once."""


def is_failing_long(found: Channel, now: datetime) -> bool:
    """Whether somebody should know that a channel does not deliver."""
    if found.disabled_at is not None:
        return True
    since = found.failing_since
    return since is not None and not found.paused and now - since >= FAILING_FOR


def tell_of_failing(connection: Connection, now: datetime) -> int:
    """Keep a notice of each channel that fails for long, once until it delivers again, for each
    other one of its organization that works; of how many channels. Where none works, that is
    tried again."""
    statement = select(channel).where(
        channel.c.told_at.is_(None),
        or_(channel.c.failing_since <= now - FAILING_FOR, channel.c.disabled_at.is_not(None)),
    )
    told = 0
    for row in connection.execute(statement).all():
        failing = channel_of(row)
        if not is_failing_long(failing, now):
            continue
        others = [
            other
            for other in channels_of(connection, failing.organization_id)
            if other.id != failing.id and _works(other)
        ]
        if not others:
            continue
        notice = _notice(failing, now).as_json()
        connection.execute(
            insert(notification),
            [{"channel_id": other.id, "notice": notice, "created_at": now} for other in others],
        )
        connection.execute(update(channel).where(channel.c.id == failing.id).values(told_at=now))
        told += 1
    return told


def _works(found: Channel) -> bool:
    return found.disabled_at is None and not found.paused and found.failing_since is None


def _notice(failing: Channel, now: datetime) -> FailingChannel:
    return FailingChannel(
        channel_id=failing.id,
        name=failing.name,
        kind=failing.kind.value,
        since=failing.failing_since or failing.disabled_at or now,
        problem=failing.problem or "Its receiver wants no messages.",
    )
