"""Bearer tokens: what a program may do, in which organization, and from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.identity.api_tokens import Token, find_token
from audit_core.identity.token_verbs import TokenVerb
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of
from audit_core.web.errors import ErrorBody, ErrorCode, error_response, unauthorized
from audit_core.web.security.identity import address_of

MAX_TOKEN_LENGTH = 200


def bearer_secret(request: Request) -> str | None:
    """The secret of an `Authorization: Bearer` header; `None` without a usable one."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    secret = secret.strip()
    if kind.lower() != "bearer" or not secret or len(secret) > MAX_TOKEN_LENGTH:
        return None
    return secret if secret.isascii() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused:
    """Why a request is not answered; it is on record."""

    status: int
    """401 without a valid token, 403 for one that does not open this."""
    permission: str
    """The verb that is needed."""
    reason: str
    """A sentence for the holder of a valid token; empty for others."""

    def as_response(self) -> Response:
        """In the shape of every error."""
        if self.status == 401:
            return unauthorized(bearer=True)
        return error_response(
            ErrorBody(
                error=self.reason,
                hint="Use a token that is for this; admins make them in Admin → Access, operators "
                "at the command line.",
                code=ErrorCode.FORBIDDEN,
                permission=self.permission,
                reason=self.reason,
            )
        )


async def require_token(
    request: Request,
    installation: Callable[[], Installation],
    verb: TokenVerb,
    *,
    of_installation: bool = False,
) -> Token | TokenRefused:
    """The token of a request, or why it is refused, which is put on record.

    Refused are those without a valid token, and a token that lacks the verb, that does not accept
    the address which the request comes from, or that is of an organization where one of the whole
    installation is needed (`of_installation`), or the other way round. Looked up at each request:
    one that was revoked opens nothing any more.
    """
    opened = await run_in_threadpool(installation)
    return await run_in_threadpool(_require, opened, request, verb, of_installation)


def _require(
    installation: Installation, request: Request, verb: TokenVerb, of_installation: bool
) -> Token | TokenRefused:
    secret, address = bearer_secret(request), address_of(request)
    token = None
    if secret is not None:
        with installation.state.begin() as connection:
            token = find_token(connection, secret=secret, now=installation.clock(), address=address)
    if token is None:
        record_refusal(installation, address)
        return TokenRefused(status=401, permission=verb.name, reason="")
    reason = _lacking(token, verb, address, of_installation)
    return token if reason is None else refused_token(installation, request, token, verb, reason)


def refused_token(
    installation: Installation, request: Request, token: Token, verb: TokenVerb, reason: str
) -> TokenRefused:
    """The refusal of a valid token, put on record."""
    record_refusal(installation, address_of(request), token=token, reason=reason)
    return TokenRefused(status=403, permission=verb.name, reason=reason)


def _lacking(
    token: Token, verb: TokenVerb, address: str | None, of_installation: bool
) -> str | None:
    """Why a valid token does not open this, as a sentence; `None` if it does."""
    if not token.accepts(address):
        return f"The token is not accepted from the address {address or 'of this request'}."
    if not token.may(verb):
        return f"The token is not for {verb.name}."
    if of_installation and token.organization_id is not None:
        return "The token is of one organization; this takes one of the whole installation."
    if not of_installation and token.organization_id is None:
        return "The token is of the whole installation; this takes one of an organization."
    return None


def record_refusal(
    installation: Installation,
    address: str | None,
    *,
    token: Token | None = None,
    reason: str | None = None,
) -> None:
    """Put a refused request into the access record, joined with those that are alike."""
    attempts_of(installation.state).add(
        at=installation.clock(),
        verb="token.refused",
        actor=token.name if token else "unknown",
        organization_id=token.organization_id if token else None,
        address=address,
        detail={"reason": reason} if reason else None,
    )
