"""The secrets of a channel, encrypted with the installation's key: used, and shown once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from cryptography.fernet import InvalidToken

from audit_core.domain.errors import AuditError
from audit_core.runtime.encryption import cipher_for

_PURPOSE = "channels of notifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSecrets:
    """What a channel is reached or signed by; each is empty where its kind has none."""

    secret: str = field(default="", repr=False)
    """`whsec_…`, by which the receiver of a webhook knows us."""
    private_key: str = field(default="", repr=False)
    """`whsk_…`, whose public half the receiver of a webhook may have."""
    address: str = field(default="", repr=False)
    """An address that lets whoever knows it write there."""
    routing_key: str = field(default="", repr=False)
    """Of PagerDuty."""


def seal(secrets: ChannelSecrets, installation_key: bytes) -> str:
    """The secrets as they are kept."""
    text = json.dumps(asdict(secrets))
    return cipher_for(_PURPOSE, installation_key).encrypt(text.encode()).decode()


def unseal(sealed: str, installation_key: bytes) -> ChannelSecrets:
    """The secrets that were sealed. Raises `AuditError` where the installation's key is another."""
    try:
        text = cipher_for(_PURPOSE, installation_key).decrypt(sealed.encode())
    except InvalidToken as error:
        raise AuditError(
            "The secrets of this channel cannot be read: they were encrypted with another key "
            "file.",
            "Put the key file back from the backup, or remove the channel and add it again.",
        ) from error
    return ChannelSecrets(**json.loads(text))
