"""What somebody types to set up a channel: whether it can be used. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from urllib.parse import urlsplit

from audit_core.domain.errors import AuditError
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.formats.pagerduty import DEFAULT_URL
from audit_core.notify.secrets import ChannelSecrets
from audit_core.runtime.outgoing.policy import OutgoingPolicy

MAX_URL, MAX_KEY, MAX_ADDRESS = 500, 200, 254
MAX_RECIPIENTS = 20
"""Of one channel."""
_KEY = re.compile(r"[A-Za-z0-9_-]{20,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInput:
    """Where a channel leads, read from what was typed."""

    kind: ChannelKind
    destination: str
    """See `Channel.destination`."""
    secrets: ChannelSecrets = field(default_factory=ChannelSecrets)


def webhook_input(url: str, policy: OutgoingPolicy) -> ChannelInput:
    """A generic webhook. Raises `AuditError`."""
    return ChannelInput(kind=ChannelKind.WEBHOOK, destination=_url(url, policy)[0])


def slack_input(url: str, policy: OutgoingPolicy) -> ChannelInput:
    """An incoming webhook, whose address is the secret: only its host is shown. Raises
    `AuditError`, which does not repeat it."""
    address, host = _url(url, policy, secret=True)
    secrets = ChannelSecrets(address=address)
    return ChannelInput(kind=ChannelKind.SLACK, destination=host, secrets=secrets)


def pagerduty_input(
    routing_key: str, policy: OutgoingPolicy, url: str = DEFAULT_URL
) -> ChannelInput:
    """PagerDuty, or what has its Events API, by an integration's key. Raises `AuditError`, which
    does not repeat the key."""
    key = routing_key.strip()
    if not _KEY.fullmatch(key):
        raise AuditError(
            "That is no integration key: it has 20 to 200 letters and digits.",
            "Copy it whole from the service's integration “Events API v2”.",
        )
    return ChannelInput(
        kind=ChannelKind.PAGERDUTY,
        destination=_url(url, policy)[0],
        secrets=ChannelSecrets(routing_key=key),
    )


def email_input(recipients: str) -> ChannelInput:
    """E-mail to addresses, with commas or line ends in between. Raises `AuditError`."""
    given = [part.strip() for part in re.split(r"[,;\n]", recipients) if part.strip()]
    found = list(dict.fromkeys(require_email(one) for one in given))
    if not 0 < len(found) <= MAX_RECIPIENTS:
        raise AuditError(
            f"{len(found)} addresses cannot be told.",
            f"Give 1 to {MAX_RECIPIENTS} e-mail addresses, with commas in between.",
        )
    return ChannelInput(kind=ChannelKind.EMAIL, destination=", ".join(found))


def require_email(address: str) -> str:
    """An address that a mail can be sent to. Raises `AuditError`."""
    plain = address.isascii() and address.isprintable() and len(address) <= MAX_ADDRESS
    try:
        parsed = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        parsed = None
    if not plain or " " in address or parsed is None or "." not in parsed.domain:
        raise AuditError(
            f"“{address[:100]}” is no e-mail address.", "Give one such as team@example.org."
        )
    return address


def _url(url: str, policy: OutgoingPolicy, *, secret: bool = False) -> tuple[str, str]:
    """The address as it is asked, and its host."""
    text = url.strip()
    shown = "This" if secret else f"“{text[:100]}”"
    wrong = AuditError(
        f"{shown} is no address that messages can be sent to.",
        "Give one such as https://example.org/alerts, without a password in it.",
    )
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    plain = text.isascii() and text.isprintable() and not {" ", "\\"} & set(text)
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or parts.fragment:
        raise wrong
    if not plain or len(text) > MAX_URL:
        raise wrong
    policy.require_scheme(host, parts.scheme)
    return text, parts.netloc
