"""An organization with channels, tools on a clock that tests turn, and what waits there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from sqlalchemy import select

from audit_core.identity.accounts import ensure_organization
from audit_core.identity.administration import Administrator
from audit_core.notify.channel_input import (
    ChannelInput,
    email_input,
    pagerduty_input,
    slack_input,
    webhook_input,
)
from audit_core.notify.channels import Channel, add_channel, find_channel
from audit_core.notify.delivery.attempts import channels_with_due
from audit_core.notify.delivery.running import make_messages, send_next
from audit_core.notify.delivery.telling import tell_of_failing
from audit_core.notify.notice import Notice
from audit_core.notify.outbox import enqueue
from audit_core.notify.secrets import ChannelSecrets
from audit_core.notify.tools import NotificationTools
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.outgoing.posting import PostLimits
from audit_core.state.database import State
from audit_core.state.tables import notification_message
from tests.support.new_state import new_state

KEY = b"k" * 32
HERE = OutgoingPolicy(networks=(ip_network("127.0.0.0/8"),))
"""Receivers of tests are at this machine."""
ORGANIZATION = "org-a"


@dataclass
class Notifications:
    """The outbox of a state, and a clock."""

    state: State
    now: datetime
    tools: NotificationTools = field(init=False)

    def __post_init__(self) -> None:
        self.tools = NotificationTools(
            state=self.state,
            clock=lambda: self.now,
            key=KEY,
            policy=HERE,
            limits=PostLimits(connect_s=1.0, answer_s=1.0),
        )

    @property
    def by(self) -> Administrator:
        """The operator."""
        return Administrator(actor="operator", account_id=None, address=None, now=self.now)

    def add(self, given: ChannelInput, name: str = "Team") -> tuple[Channel, ChannelSecrets]:
        """A channel of the organization."""
        with self.state.begin() as connection:
            return add_channel(
                connection,
                self.by,
                organization_id=ORGANIZATION,
                name=name,
                given=given,
                installation_key=KEY,
            )

    def add_webhook(self, url: str, name: str = "Team") -> tuple[Channel, ChannelSecrets]:
        return self.add(webhook_input(url, HERE), name)

    def add_slack(self, url: str, name: str = "Slack") -> Channel:
        return self.add(slack_input(url, HERE), name)[0]

    def add_pagerduty(self, url: str, name: str = "Pager") -> Channel:
        return self.add(pagerduty_input("R" * 32, HERE, url), name)[0]

    def add_email(self, recipients: str, name: str = "Mail") -> Channel:
        return self.add(email_input(recipients), name)[0]

    def raise_(self, *notices: Notice) -> None:
        """Keep notices, as the ledger of alerts does."""
        with self.state.begin() as connection:
            enqueue(connection, ORGANIZATION, notices, self.now)

    def send(self, at_most: int = 100) -> int:
        """Send all that is due at this moment; how many attempts."""
        make_messages(self.tools)
        attempts = 0
        while attempts < at_most:
            with self.state.read() as connection:
                due = channels_with_due(connection, self.now)
            sent = [send_next(self.tools, channel_id) for channel_id in due]
            if not any(sent):
                return attempts
            attempts += sum(kind is not None for kind in sent)
        return attempts

    def care(self) -> None:
        """Look for channels that fail for long."""
        with self.state.begin() as connection:
            tell_of_failing(connection, self.now)

    def later(self, **span: float) -> None:
        """Turn the clock."""
        self.now += timedelta(**span)

    def channel(self, found: Channel) -> Channel:
        """As it is now."""
        with self.state.read() as connection:
            present = find_channel(connection, found.id)
        assert present is not None
        return present

    def messages(self) -> list[Any]:
        """The rows of all messages, in their order."""
        with self.state.read() as connection:
            return list(
                connection.execute(
                    select(notification_message).order_by(notification_message.c.created_at)
                )
            )

    def use(self, **changed: Any) -> None:
        """Other tools."""
        self.tools = replace(self.tools, **changed)


@contextmanager
def notifications(folder: Path) -> Iterator[Notifications]:
    """An organization without channels."""
    state = new_state(folder / "state.sqlite")
    with state.begin() as connection:
        ensure_organization(connection, organization_id=ORGANIZATION, name="Acme")
        ensure_organization(connection, organization_id="org-b", name="Bolt")
    try:
        # The package that verifies what we send compares with the clock of this machine.
        yield Notifications(state, datetime.now(UTC))
    finally:
        state.close()
