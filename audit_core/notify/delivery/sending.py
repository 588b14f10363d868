"""One attempt to send one message to one channel."""

from __future__ import annotations

from datetime import datetime

from audit_core.domain.errors import AuditError
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import Channel
from audit_core.notify.content import Message
from audit_core.notify.delivery.mail_server import hand_in
from audit_core.notify.delivery.retry_schedule import REST, Failed, Outcome, outcome_of
from audit_core.notify.formats.mail import mail_message
from audit_core.notify.formats.pagerduty import pagerduty_request
from audit_core.notify.formats.request import ChannelRequest
from audit_core.notify.formats.slack import slack_request
from audit_core.notify.formats.standard_webhook import webhook_request
from audit_core.notify.secrets import ChannelSecrets, unseal
from audit_core.notify.tools import NotificationTools
from audit_core.runtime.outgoing.posting import Unreachable, post

NO_SERVER = "No mail server is set: whoever runs this server names one in SANDTRAIL_SMTP_HOST."


def send(tools: NotificationTools, to: Channel, message: Message) -> Outcome:
    """Send it, and say what became of it. Blocks, for half a minute at most; of e-mail a minute."""
    try:
        if to.kind is ChannelKind.EMAIL:
            return _mail(tools, to, message)
        return _post(tools, _request(tools, to, message))
    except AuditError as error:
        return Failed(problem=f"{error.message} {error.hint}")


def _mail(tools: NotificationTools, to: Channel, message: Message) -> Outcome:
    server = tools.mail_server
    if server is None:
        return Failed(problem=NO_SERVER)
    recipients = to.destination.split(", ")
    mail = mail_message(
        message, sender=server.sender, recipients=recipients, public_url=tools.public_url
    )
    return hand_in(server, mail)


def _request(tools: NotificationTools, to: Channel, message: Message) -> ChannelRequest:
    now = tools.clock()
    secrets = unseal(to.sealed, tools.key)
    if to.kind is ChannelKind.SLACK:
        return slack_request(message, secrets.address, tools.public_url)
    if to.kind is ChannelKind.PAGERDUTY:
        return pagerduty_request(message, to.destination, secrets.routing_key, tools.public_url)
    used = (secrets, *_former(tools, to, now))
    return webhook_request(message, to.destination, used, tools.public_url, now)


def _former(tools: NotificationTools, to: Channel, now: datetime) -> tuple[ChannelSecrets, ...]:
    """The secrets that are valid beside the present ones."""
    if to.former is None or to.former_until is None or to.former_until <= now:
        return ()
    return (unseal(to.former, tools.key),)


def _post(tools: NotificationTools, request: ChannelRequest) -> Outcome:
    try:
        answer = post(
            request.url,
            request.body,
            request.headers,
            policy=tools.policy,
            limits=tools.limits,
        )
    except Unreachable as error:
        # Whoever hangs is asked less often, so that others have their turn.
        return Failed(problem=str(error), rest=REST if error.hung else None)
    return outcome_of(answer.status, answer.headers.get("retry-after"), tools.clock())
