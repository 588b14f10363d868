"""Who a request comes from: the session cookie, looked up in the state database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.access import Denied, Permission, Scope, decide
from audit_core.product import Product
from audit_core.state.access_attempts import attempts_of
from audit_core.state.access_record import record
from audit_core.state.sessions import Viewer, find_viewer

SESSION_COOKIE = "sandtrail_session"
"""Holds the session secret, and nothing else."""

ACCOUNT_HEADER = "x-sandtrail-account"
SESSION_HEADER = "x-sandtrail-session"
IDENTITY_PREFIX = "x-sandtrail-"
"""Headers with this start come from the middleware only; those that a client sent are dropped."""

NOBODY = "(not signed in)"
"""Stands in the access record for whoever is not signed in."""

MAX_SECRET_LENGTH = 200
"""A longer cookie is none of ours."""


def session_secret(cookie_headers: Iterable[str]) -> str | None:
    """The session secret in Cookie headers; `None` if there is none or there are several.

    Several would let a neighbouring site, which can add a cookie, choose the session.
    """
    found: set[str] = set()
    for header in cookie_headers:
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            if name == SESSION_COOKIE and value:
                found.add(value)
    return session_secret_of(found.pop()) if len(found) == 1 else None


def session_secret_of(value: str | None) -> str | None:
    """The session secret in the value of the cookie, if it can be one of ours."""
    return value if value and len(value) <= MAX_SECRET_LENGTH and value.isascii() else None


def session_cookie(secret: str, *, lifetime_s: int, secure: bool) -> str:
    """The Set-Cookie value that signs a browser in; an empty secret takes the cookie away.

    Raises `ValueError` for a secret that a cookie cannot hold.
    """
    cookie: SimpleCookie = SimpleCookie()
    try:
        cookie[SESSION_COOKIE] = secret
    except CookieError as error:
        raise ValueError("the session secret does not fit into a cookie") from error
    crumb = cookie[SESSION_COOKIE]
    crumb["path"] = "/"
    crumb["max-age"] = str(lifetime_s if secret else 0)
    crumb["httponly"] = True
    crumb["samesite"] = "Lax"
    if secure:
        crumb["secure"] = True
    return crumb.OutputString()


def viewer_of(product: Product, secret: str | None) -> Viewer | None:
    """The signed-in viewer of a session secret. Blocks: call it in a thread."""
    if secret is None:
        return None
    with product.state.read() as connection:
        return find_viewer(connection, secret=secret, now=product.clock())


def address_of(request: Request) -> str | None:
    """The address that the request came from, `None` if the server does not know.

    The gate has put the client's address there, see `forwarded.with_client`; Streamlit's
    `st.context.ip_address` is the same one.
    """
    return request.client.host if request.client else None


async def require(
    request: Request, product: Callable[[], Product], permission: Permission
) -> tuple[Viewer, Scope] | Response:
    """The viewer of a request and what that viewer may see, or the refusal to answer with.

    401 for nobody, 403 with the missing permission for those who lack it. Both are put on record.
    """
    secret = session_secret(request.headers.getlist("cookie"))
    return await run_in_threadpool(
        _require, product, secret, permission, address_of(request), request.url.path
    )


def _require(
    product: Callable[[], Product],
    secret: str | None,
    permission: Permission,
    address: str | None,
    path: str,
) -> tuple[Viewer, Scope] | Response:
    opened = product()
    viewer = known_viewer(opened, secret, address, path)
    if isinstance(viewer, Response):
        return viewer
    decision = decide(viewer.membership, permission)
    if isinstance(decision, Denied) or viewer.organization_id is None:
        reason = decision.reason if isinstance(decision, Denied) else "no organization"
        return refuse(opened, viewer, permission.value, reason, address)
    return viewer, Scope(organization_id=viewer.organization_id)


def known_viewer(
    opened: Product, secret: str | None, address: str | None, path: str
) -> Viewer | Response:
    """The viewer of a session secret, or 401, which is put on record. Blocks."""
    viewer = viewer_of(opened, secret)
    if viewer is not None:
        return viewer
    attempts_of(opened.state).add(
        at=opened.clock(),
        verb="request.refused",
        actor=NOBODY,
        address=address,
        detail={"path": path},
    )
    return JSONResponse({"error": "unauthorized"}, status_code=401)


def refuse(
    opened: Product, viewer: Viewer, permission: str, reason: str, address: str | None
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
    return JSONResponse(
        {"error": "forbidden", "permission": permission, "reason": reason}, status_code=403
    )
