"""What messages are sent with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from audit_core.notify.delivery.mail_server import MailServer, mail_server_of
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.outgoing.posting import PostLimits
from audit_core.runtime.settings import Settings
from audit_core.state.database import State


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationTools:
    """The state, and what leads outside."""

    state: State
    clock: Callable[[], datetime]
    key: bytes = field(repr=False)
    """The installation's."""
    policy: OutgoingPolicy
    """Where channels may lead."""
    mail_server: MailServer | None = None
    """`None`: no e-mail is sent."""
    public_url: str = ""
    """How people reach the app, without a slash at its end; empty: not known, and messages have
    no links."""
    limits: PostLimits = field(default_factory=PostLimits)


def tools_of(
    settings: Settings, state: State, key: bytes, clock: Callable[[], datetime]
) -> NotificationTools:
    """By the operator's settings. Raises `SettingsError` for a mail server that lacks something."""
    return NotificationTools(
        state=state,
        clock=clock,
        key=key,
        policy=OutgoingPolicy(networks=settings.outgoing_networks),
        mail_server=mail_server_of(settings),
        public_url=settings.public_url,
    )
