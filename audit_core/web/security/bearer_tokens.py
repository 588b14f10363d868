"""Bearer tokens: which organization a program may write to, and what it may do there."""

from __future__ import annotations

from starlette.requests import Request

from audit_core.identity.api_tokens import Token, find_token
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of

MAX_TOKEN_LENGTH = 200


def bearer_secret(request: Request) -> str | None:
    """The secret of an `Authorization: Bearer` header; `None` without a usable one."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if kind.lower() != "bearer" or not secret or len(secret) > MAX_TOKEN_LENGTH:
        return None
    return secret if secret.isascii() else None


def token_of(installation: Installation, secret: str | None) -> Token | None:
    """The valid token of a secret. Blocks: call it in a thread."""
    if secret is None:
        return None
    with installation.state.begin() as connection:
        return find_token(connection, secret=secret, now=installation.clock())


def record_refusal(
    installation: Installation, address: str | None, *, token: Token | None = None
) -> None:
    """Put a refused request into the access record, joined with those that are alike."""
    attempts_of(installation.state).add(
        at=installation.clock(),
        verb="token.refused",
        actor=token.name if token else "unknown",
        organization_id=token.organization_id if token else None,
        address=address,
    )
