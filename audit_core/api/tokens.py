"""Bearer tokens: which organization a program may write to, and what it may do there."""

from __future__ import annotations

from datetime import datetime, timedelta

from starlette.requests import Request

from audit_core.product import Product
from audit_core.state.access_record import record
from audit_core.state.tokens import Token, find_token

MAX_TOKEN_LENGTH = 200
REFUSAL_PAUSE = timedelta(seconds=60)
"""Refusals from one address are recorded at most this often: nobody can fill the record."""
MAX_ADDRESSES = 1024

_last_recorded: dict[str, datetime] = {}


def bearer_secret(request: Request) -> str | None:
    """The secret of an `Authorization: Bearer` header; `None` without a usable one."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if kind.lower() != "bearer" or not secret or len(secret) > MAX_TOKEN_LENGTH:
        return None
    return secret if secret.isascii() else None


def token_of(product: Product, secret: str | None) -> Token | None:
    """The valid token of a secret. Blocks: call it in a thread."""
    if secret is None:
        return None
    with product.state.begin() as connection:
        return find_token(connection, secret=secret, now=product.clock())


def record_refusal(product: Product, address: str | None, *, token: Token | None = None) -> None:
    """Put a refused request into the access record, see `REFUSAL_PAUSE`."""
    now = product.clock()
    source = address or ""
    last = _last_recorded.get(source)
    if last is not None and timedelta(0) <= now - last < REFUSAL_PAUSE:
        return
    if len(_last_recorded) >= MAX_ADDRESSES:
        _last_recorded.clear()
    _last_recorded[source] = now
    with product.state.begin() as connection:
        record(
            connection,
            at=now,
            verb="token.refused",
            actor=token.name if token else "unknown",
            organization_id=token.organization_id if token else None,
            address=address,
        )
