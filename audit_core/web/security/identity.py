"""Who a request comes from: the session cookie, looked up in the state database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Denied, Permission, Scope, decide
from audit_core.identity.sessions import SEEN_EVERY, Viewer, find_viewer, keep_session_alive
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of
from audit_core.state.access_log.record import record
from audit_core.web.errors import forbidden, unauthorized
from audit_core.web.security.refusals import NOBODY

SESSION_COOKIE = "sandtrail_session"
"""Holds the session secret, and nothing else."""

BROWSER_COOKIE = "sandtrail_browser"
"""The device cookie: the secret of a browser that somebody has signed in from. It opens nothing,
see `state.known_devices`."""
LONGEST_COOKIE_S = 400 * 24 * 3600
"""Browsers keep none for longer."""

ACCOUNT_HEADER = "x-sandtrail-account"
SESSION_HEADER = "x-sandtrail-session"
IDENTITY_PREFIX = "x-sandtrail-"
"""Headers with this start come from the middleware only; those that a client sent are dropped."""

MAX_SECRET_LENGTH = 200
"""A longer cookie is none of ours."""


def session_secret(cookie_headers: Iterable[str]) -> str | None:
    """The session secret in Cookie headers; `None` if there is none or there are several.

    Several would let a neighbouring site, which can add a cookie, choose the session.
    """
    return _only(SESSION_COOKIE, cookie_headers)


def browser_secret(cookie_headers: Iterable[str]) -> str | None:
    """The secret of the device cookie; `None` if there is none or there are several."""
    return _only(BROWSER_COOKIE, cookie_headers)


def secret_of(value: str | None) -> str | None:
    """The secret in the value of one of our cookies, if it can be one of ours."""
    return value if value and len(value) <= MAX_SECRET_LENGTH and value.isascii() else None


def _only(cookie_name: str, cookie_headers: Iterable[str]) -> str | None:
    found: set[str] = set()
    for header in cookie_headers:
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            if name == cookie_name and value:
                found.add(value)
    return secret_of(found.pop()) if len(found) == 1 else None


def session_cookie(secret: str, *, lifetime_s: int, secure: bool) -> str:
    """The Set-Cookie value that signs a browser in; an empty secret takes the cookie away.

    Raises `ValueError` for a secret that a cookie cannot hold.
    """
    return _cookie(SESSION_COOKIE, secret, lifetime_s=lifetime_s if secret else 0, secure=secure)


def device_cookie(secret: str, *, secure: bool) -> str:
    """The Set-Cookie value that makes a browser known. Signing out leaves it there."""
    return _cookie(BROWSER_COOKIE, secret, lifetime_s=LONGEST_COOKIE_S, secure=secure)


def _cookie(name: str, secret: str, *, lifetime_s: int, secure: bool) -> str:
    cookie: SimpleCookie = SimpleCookie()
    try:
        cookie[name] = secret
    except CookieError as error:
        raise ValueError("the secret does not fit into a cookie") from error
    crumb = cookie[name]
    crumb["path"] = "/"
    crumb["max-age"] = str(lifetime_s)
    crumb["httponly"] = True
    crumb["samesite"] = "Lax"
    if secure:
        crumb["secure"] = True
    return crumb.OutputString()


def viewer_of(installation: Installation, secret: str | None) -> Viewer | None:
    """The signed-in viewer of a session secret. Blocks: call it in a thread."""
    if secret is None:
        return None
    idle = timedelta(minutes=installation.settings.session_idle_minutes)
    with installation.state.read() as connection:
        return find_viewer(connection, secret=secret, now=installation.clock(), idle=idle)


def note_activity(installation: Installation, viewer: Viewer) -> None:
    """The person does something, which keeps the session from idling out. Blocks.

    Not for what a page asks by itself. Written at most once in `SEEN_EVERY`.
    """
    now = installation.clock()
    if timedelta(0) <= now - viewer.last_seen_at < SEEN_EVERY:
        return
    with installation.state.begin() as connection:
        keep_session_alive(connection, viewer, now)


def address_of(request: Request) -> str | None:
    """The address that the request came from, `None` if the server does not know.

    The gate has put the client's address there, see `forwarded.with_client`; Streamlit's
    `st.context.ip_address` is the same one.
    """
    return request.client.host if request.client else None


async def require(
    request: Request,
    installation: Callable[[], Installation],
    permission: Permission,
    *,
    by_itself: bool = False,
) -> tuple[Viewer, Scope] | Response:
    """The viewer of a request and what that viewer may see, or the refusal to answer with.

    401 for nobody, 403 with the missing permission for those who lack it. Both are put on record.
    `by_itself` says that pages ask this without a person's doing: then it does not keep the
    session alive.
    """
    secret = session_secret(request.headers.getlist("cookie"))
    address, path = address_of(request), request.url.path
    return await run_in_threadpool(
        _require, installation, secret, permission, address, path, by_itself
    )


def _require(
    installation: Callable[[], Installation],
    secret: str | None,
    permission: Permission,
    address: str | None,
    path: str,
    by_itself: bool,
) -> tuple[Viewer, Scope] | Response:
    opened = installation()
    viewer = known_viewer(opened, secret, address, path, by_itself=by_itself)
    if isinstance(viewer, Response):
        return viewer
    decision = decide(viewer.membership, permission)
    if isinstance(decision, Denied) or viewer.organization_id is None:
        reason = decision.reason if isinstance(decision, Denied) else "no organization"
        return refuse(opened, viewer, permission.value, reason, address)
    return viewer, Scope(organization_id=viewer.organization_id)


def known_viewer(
    opened: Installation,
    secret: str | None,
    address: str | None,
    path: str,
    *,
    by_itself: bool = False,
) -> Viewer | Response:
    """The viewer of a session secret, or 401, which is put on record. Blocks.

    `by_itself` as in `require`.
    """
    viewer = viewer_of(opened, secret)
    if viewer is not None:
        if not by_itself:
            note_activity(opened, viewer)
        return viewer
    attempts_of(opened.state).add(
        at=opened.clock(),
        verb="request.refused",
        actor=NOBODY,
        address=address,
        detail={"path": path},
    )
    return unauthorized()


def refuse(
    opened: Installation, viewer: Viewer, permission: str, reason: str, address: str | None
) -> Response:
    """403 with the permission that the viewer lacks, which is put on record. Blocks."""
    with opened.state.begin() as connection:
        record(
            connection,
            at=opened.clock(),
            verb="permission.refused",
            actor=viewer.email,
            organization_id=viewer.organization_id,
            address=address,
            detail={"permission": permission, "by": "http"},
        )
    return forbidden(permission, reason, "Ask an admin of the organization for it.")
