"""How long messages are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from audit_core.notify.delivery.message_state import MessageState
from audit_core.state.tables import notification_message

KEPT = {MessageState.DELIVERED: timedelta(days=30), MessageState.DEAD: timedelta(days=90)}
"""After their end, with the notices in them; what waits is kept."""


def drop_ended(connection: Connection, now: datetime) -> int:
    """Drop what ended long ago; how many messages."""
    dropped = 0
    for state, kept in KEPT.items():
        dropped += connection.execute(
            delete(notification_message).where(
                notification_message.c.state == state.value,
                notification_message.c.ended_at < now - kept,
            )
        ).rowcount
    return dropped
