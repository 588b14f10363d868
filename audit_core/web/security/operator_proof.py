"""How this machine's operator proves to the running app to hold the installation's key file."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from audit_core.query.time.windows import format_instant, parse_instant

VALID_FOR = timedelta(minutes=2)
"""How long a proof may be used, before or after the time it names."""


def proof(key: bytes, now: datetime) -> str:
    """What the operator sends as bearer token: the time, signed with the installation's key."""
    instant = format_instant(now)
    return f"{instant}~{_signature(key, instant)}"


def proves(text: str | None, key: bytes, now: datetime) -> bool:
    """Whether a bearer token is a `proof` that is still valid."""
    instant, _, signature = (text or "").partition("~")
    try:
        signed_at = parse_instant(instant)
    except ValueError:
        return False
    known = hmac.compare_digest(signature, _signature(key, instant))
    return known and abs(now - signed_at) <= VALID_FOR


def _signature(key: bytes, instant: str) -> str:
    return hmac.new(key, f"operator {instant}".encode(), "sha256").hexdigest()
