"""What somebody types to set up a source: whether it can be used. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from audit_core.domain.errors import AuditError
from audit_core.runtime.outgoing.policy import OutgoingPolicy

MAX_NAME, MAX_URL, MAX_KEY = 100, 500, 500
FASTEST, SLOWEST = 6_000, 1
"""Requests a minute that a source may be set to."""


def require_key(key: str) -> str:
    """An API key as somebody typed it, without blanks around it. Raises `AuditError`, which does
    not repeat it, for what can be none."""
    key = key.strip()
    if not key or len(key) > MAX_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise AuditError(
            f"An API key has 1 to {MAX_KEY} printable characters without blanks.",
            "Copy it whole from Daytona.",
        )
    return key


def require_address(url: str, policy: OutgoingPolicy | None) -> None:
    """Raises `AuditError` for what is no address of an API, or may not be asked by its scheme."""
    example = "Give one such as https://app.daytona.io/api."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise AuditError(f"“{url[:100]}” is no address of an API.", example) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise AuditError(
            "The address holds more than a host and a path.",
            "Give the key in its own field, and nothing behind the path.",
        )
    plain = url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme not in {"http", "https"} or not host or not plain or len(url) > MAX_URL:
        raise AuditError(f"“{url[:100]}” is no address of an API.", example)
    if policy is not None:
        policy.require_scheme(host, parts.scheme)


def require_fitting(name: str, remote_organization_id: str, requests_per_minute: int) -> None:
    """Raises `AuditError` for a name, an id or a pace that a source cannot have."""
    remote = remote_organization_id
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise AuditError(
            f"The name of a source has 1 to {MAX_NAME} printable characters, not {len(name)}.",
            "Call it after where it comes from, such as “Daytona production”.",
        )
    printable = remote.isprintable() and len(remote) <= MAX_NAME
    if not printable or "/" in remote or remote in {".", ".."}:
        raise AuditError(
            f"“{remote[:100]}” is no id of an organization.",
            "Copy it from the settings of the organization in Daytona.",
        )
    if not SLOWEST <= requests_per_minute <= FASTEST:
        raise AuditError(
            f"{requests_per_minute} requests a minute cannot be set.",
            f"Choose from {SLOWEST} to {FASTEST:,}.",
        )
