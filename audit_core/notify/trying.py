"""Test messages: whether a channel takes one, told at once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from audit_core.domain.errors import AuditError, BusyError
from audit_core.identity.administration import Administrator, require_admin
from audit_core.notify.channels import Channel, note, require_channel
from audit_core.notify.content import ChannelTest, Message
from audit_core.notify.delivery.retry_schedule import Delivered
from audit_core.notify.delivery.sending import send
from audit_core.notify.tools import NotificationTools
from audit_core.state.access_log.record import list_events
from audit_core.state.secrets import new_id

TRIES, WITHIN = 10, timedelta(minutes=1)
"""How many test messages an organization may send within so long: whoever manages channels chooses
who is asked."""


def try_channel(tools: NotificationTools, by: Administrator, found: Channel) -> str:
    """Send one test message to a channel, and say in a sentence what came back. Nothing is kept
    but that it was done, and it is not tried again. Blocks, for half a minute at most.

    Raises `AuditError` where `by` may not, and for a message that did not arrive, `BusyError`
    where many were sent lately.
    """
    with tools.state.begin() as connection:
        require_admin(connection, by, found.organization_id)
        present = require_channel(connection, found.id, found.organization_id)
        _require_turn(connection, by, found.organization_id)
        note(connection, by, present, "channel.tested")
    content = ChannelTest(channel=present.name, sent_by=by.actor)
    message = Message(id=new_id(), created_at=by.now, content=content)
    outcome = send(tools, present, message)
    if isinstance(outcome, Delivered):
        return f"The test message was delivered. {outcome.answer}"
    raise AuditError(
        f"The test message was not delivered. {outcome.problem}",
        "Check where the channel leads, then test it again.",
    )


def _require_turn(connection: Connection, by: Administrator, organization_id: str) -> None:
    """The access record knows when tests were sent, by whichever process."""
    lately = list_events(
        connection, organization_id=organization_id, verb="channel.tested", limit=TRIES
    )
    if len(lately) == TRIES and by.now - lately[-1].at < WITHIN:
        wait_s = int((lately[-1].at + WITHIN - by.now).total_seconds()) + 1
        raise BusyError(
            f"{TRIES} test messages were sent within a minute, and that is the most.",
            f"Try again in {wait_s} s.",
            retry_after_s=wait_s,
            own=True,
        )
