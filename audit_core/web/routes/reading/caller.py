"""Who reads the log over HTTP: a program with a token, or a person with a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import BusyError
from audit_core.explore.reader import Reader
from audit_core.identity.api_tokens import Token
from audit_core.identity.token_verbs import READ, REVEAL
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of
from audit_core.web.limits.rate_limit import SPAN, Pace
from audit_core.web.security.bearer_tokens import TokenRefused, bearer_secret, require_token
from audit_core.web.security.identity import address_of, require

MAX_REQUESTS = 300
"""How many requests of one caller are answered in `rate_limit.SPAN`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, and what they may see."""

    name: str
    """For the access record: the name of a token, the e-mail address of a person."""
    person: str
    """For the limits of reads and requests: one for each token, and for each account."""
    scope: Scope


def caller_of_token(token: Token, scope: Scope) -> Caller:
    """Whoever holds the token, reading within the scope."""
    return Caller(name=token.name, person=f"token:{token.id}", scope=scope)


def scope_of_token(token: Token) -> Scope:
    """What a token of one organization may read: its entries, with secrets if it may see them."""
    return Scope(organization_id=token.organization_id or "", secrets=token.may(REVEAL))


async def require_caller(
    request: Request, installation: Callable[[], Installation]
) -> Caller | Response:
    """Who asks to read entries of one organization, or the refusal to answer with.

    A bearer token decides where there is one; without it the session, whose person needs
    `read:audit_logs` and is shown no secrets.
    """
    if "authorization" in request.headers or bearer_secret(request):
        token = await require_token(request, installation, READ)
        if isinstance(token, TokenRefused):
            return token.as_response()
        return caller_of_token(token, scope_of_token(token))
    found = await require(request, installation, Permission.READ)
    if isinstance(found, Response):
        return found
    viewer, scope = found
    return Caller(name=viewer.email, person=viewer.account_id, scope=scope)


class Reading:
    """What the routes that read share: the pace of each caller, and one `Reader` while the same
    product is open, so that what its planner found serves the next page too."""

    def __init__(self, installation: Callable[[], Installation]) -> None:
        self.installation = installation
        self._pace = Pace(max_requests=MAX_REQUESTS)
        self._reader: tuple[Installation, Reader] | None = None

    def reader(self, opened: Installation) -> Reader:
        """The reader of the product that is open."""
        kept = self._reader
        if kept is None or kept[0] is not opened:  # The first one, or opened anew.
            self._reader = kept = (opened, Reader(opened.log))
        return kept[1]

    def begin(
        self, request: Request, caller: Caller, *, verb: str = "entries.read"
    ) -> Installation:
        """Count a request and put it on record by the verb; the product it reads.

        Raises `BusyError` where the caller asks too often.
        """
        opened, path = self.installation(), request.url.path
        if not self._pace.allows(caller.person, opened.clock()):
            self._note(request, caller, opened, verb="pace.refused", detail={"path": path})
            seconds = int(SPAN.total_seconds())
            raise BusyError(
                f"These are more than {MAX_REQUESTS} requests in {seconds} seconds.",
                "Ask less often, and for more at once (limit).",
                retry_after_s=seconds,
                own=True,
            )
        secrets = {"secrets": True} if caller.scope.secrets else {}
        self._note(request, caller, opened, verb=verb, detail={"path": path, **secrets})
        return opened

    def _note(
        self,
        request: Request,
        caller: Caller,
        opened: Installation,
        *,
        verb: str,
        detail: dict[str, Any],
    ) -> None:
        attempts_of(opened.state).note(
            at=opened.clock(),
            verb=verb,
            actor=caller.name,
            organization_id=caller.scope.organization_id,
            address=address_of(request),
            detail=detail,
        )
