"""Test messages: whether a channel takes one, told at once."""

from __future__ import annotations

from audit_core.domain.errors import AuditError
from audit_core.identity.administration import Administrator, require_admin
from audit_core.notify.channels import Channel, note, require_channel
from audit_core.notify.content import ChannelTest, Message
from audit_core.notify.delivery.retry_schedule import Delivered
from audit_core.notify.delivery.sending import send
from audit_core.notify.tools import NotificationTools
from audit_core.state.secrets import new_id


def try_channel(tools: NotificationTools, by: Administrator, found: Channel) -> str:
    """Send one test message to a channel, and say in a sentence what came back. Nothing is kept
    but that it was done, and it is not tried again. Blocks, for half a minute at most.

    Raises `AuditError` where `by` may not, and for a message that did not arrive.
    """
    with tools.state.begin() as connection:
        require_admin(connection, by, found.organization_id)
        present = require_channel(connection, found.id, found.organization_id)
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
