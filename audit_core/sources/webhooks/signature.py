"""The signatures of webhooks, in the scheme of Standard Webhooks, which is also Svix's. Pure.

What is signed is `id.timestamp.body`, by HMAC-SHA256 under a secret that both sides hold. While the
sender changes from one secret to another, the header holds a signature by each.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.errors import AuditError
from audit_core.runtime.webhook_signing import SECRET_PREFIX, signed_content, symmetric_digest

FEWEST_BYTES, MOST_BYTES = 16, 96
"""How long a key may be; Svix makes 24 bytes, the standard asks for 24 to 64."""
MAX_SECRET = 200
"""Characters of a secret as it is typed."""
TOLERANCE_S = 300
"""How far the time of a message may be from ours, either way: what is older may be repeated by
somebody who saw it. Each attempt to send is signed anew."""
HEADER_NAMES = ("svix", "webhook")
"""How the names of the three headers begin: `svix-id`, or by the standard `webhook-id`."""
MAX_ID, MAX_SIGNATURES = 256, 16
_VERSION = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHeaders:
    """What the headers of a message say."""

    id: str
    """The same each time that the message is sent."""
    timestamp: str
    signatures: tuple[str, ...]
    """As sent, such as `v1,…`."""


def key_of(secret: str) -> bytes:
    """The key that a secret stands for. Raises `AuditError`, which does not repeat it."""
    text = secret.strip().removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise AuditError(
            "That is no secret of a webhook.",
            "Copy it whole from Daytona's page of webhooks: it begins with whsec_.",
        )
    return key


def signed_headers(headers: Mapping[str, str]) -> SignedHeaders | None:
    """What the headers say, by either spelling of their names, which are in lower case; `None` if
    one is missing or is nothing that a sender writes."""
    for name in HEADER_NAMES:
        id_, timestamp, signature = (
            headers.get(f"{name}-{part}", "") for part in ("id", "timestamp", "signature")
        )
        # A full stop parts what is signed: with one in the id two messages would sign alike.
        legible = id_.isascii() and id_.isprintable() and len(id_) <= MAX_ID and "." not in id_
        counts = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
        if id_ and legible and counts and signature:
            return SignedHeaders(
                id=id_,
                timestamp=timestamp,
                signatures=tuple(signature.split()[:MAX_SIGNATURES]),
            )
    return None


def verifies(key: bytes, headers: SignedHeaders, body: bytes, now: datetime) -> bool:
    """Whether the message was signed by who holds the key, and lately."""
    signed = signed_content(headers.id, headers.timestamp, body)
    digest = symmetric_digest(key, signed).encode()
    known = False
    for signature in headers.signatures:
        version, _, value = signature.partition(",")
        # All are compared, in constant time each.
        matches = hmac.compare_digest(value.encode(), digest)
        known = known or (matches and version == _VERSION)
    return known and abs(now.timestamp() - int(headers.timestamp)) <= TOLERANCE_S
