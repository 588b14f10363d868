"""Who makes and takes exports over HTTP: a program with a token, or a person with a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.identity.sessions import Viewer
from audit_core.identity.token_verbs import EXPORT, REVEAL
from audit_core.installation.opened import Installation
from audit_core.web.security.bearer_tokens import TokenRefused, require_token
from audit_core.web.security.identity import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """Who asks, at this moment."""

    name: str
    """For the access record: the name of a token, the e-mail address of a person."""
    person: str
    """For the limits: one for each token, and for each account."""
    organization_id: str
    may_reveal: bool
    """Whether they may have files with secrets."""
    viewer: Viewer | None
    """`None` for a program."""
    token_id: str | None = None
    """Of the token of a program; `None` for a person."""


async def require_exporter(
    request: Request, installation: Callable[[], Installation]
) -> Exporter | Response:
    """Who asks, or the refusal to answer with, which is put on record.

    The header `Authorization` decides where there is one; without it the session.
    """
    if "authorization" in request.headers:
        token = await require_token(request, installation, EXPORT)
        if isinstance(token, TokenRefused):
            return token.as_response()
        return Exporter(
            name=token.name,
            person=f"token:{token.id}",
            organization_id=token.organization_id or "",
            may_reveal=token.may(REVEAL),
            viewer=None,
            token_id=token.id,
        )
    found = await require(request, installation, Permission.EXPORT)
    if isinstance(found, Response):
        return found
    viewer, scope = found
    return Exporter(
        name=viewer.email,
        person=viewer.account_id,
        organization_id=scope.organization_id or "",
        may_reveal=isinstance(decide(viewer.membership, Permission.REVEAL), Allowed),
        viewer=viewer,
    )
