"""The two routes that set and take away the session cookie."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from audit_core.api.identity import address_of, session_cookie, session_secret, viewer_of
from audit_core.api.origins import own_site
from audit_core.product import Product
from audit_core.state.access_record import record
from audit_core.state.sessions import end_session, redeem_code

START_PATH = "/api/session/start"
END_PATH = "/api/session/end"

MAX_CODE_LENGTH = 200
MAX_NEXT_LENGTH = 4000
MAX_USER_AGENT_LENGTH = 300


def local_path(wanted: str | None) -> str:
    """Where to go after sign-in: a path of this app with its query, else "/".

    Anything that a browser could read as another site is "/".
    """
    if (
        not wanted
        or len(wanted) > MAX_NEXT_LENGTH
        or not wanted.startswith("/")
        or wanted.startswith("//")
        or "\\" in wanted
        or any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in wanted)
    ):
        return "/"
    path = wanted.partition("?")[0]
    return "/" if path == "/api" or path.startswith("/api/") else wanted


def session_routes(product: Callable[[], Product]) -> list[Route]:
    """`START_PATH` takes `code` and `next`; `END_PATH` takes nothing. Both answer with 303."""

    async def start(request: Request) -> RedirectResponse:
        code = request.query_params.get("code", "")
        response = RedirectResponse(local_path(request.query_params.get("next")), status_code=303)
        # Another site must not sign a visitor in as somebody else.
        if not own_site(request.headers.get("sec-fetch-site")):
            return response
        if not code or len(code) > MAX_CODE_LENGTH:
            return response
        opened = await run_in_threadpool(product)
        lifetime = timedelta(hours=opened.settings.session_hours)
        secret = await run_in_threadpool(_redeem, opened, code, lifetime, request)
        if secret is not None:
            response.headers["set-cookie"] = session_cookie(
                secret,
                lifetime_s=int(lifetime.total_seconds()),
                secure=_secure(opened, request),
            )
        return response

    async def end(request: Request) -> RedirectResponse:
        response = RedirectResponse("/", status_code=303)
        if not own_site(request.headers.get("sec-fetch-site")):
            return response
        opened = await run_in_threadpool(product)
        await run_in_threadpool(_end, opened, request)
        response.headers["set-cookie"] = session_cookie(
            "", lifetime_s=0, secure=_secure(opened, request)
        )
        return response

    return [
        Route(START_PATH, start, methods=["GET"]),
        Route(END_PATH, end, methods=["GET"]),
    ]


def _secure(product: Product, request: Request) -> bool:
    return product.settings.secure_cookie or request.url.scheme == "https"


def _redeem(product: Product, code: str, lifetime: timedelta, request: Request) -> str | None:
    with product.state.begin() as connection:
        return redeem_code(
            connection,
            code=code,
            now=product.clock(),
            lifetime=lifetime,
            address=address_of(request),
            user_agent=request.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH],
        )


def _end(product: Product, request: Request) -> None:
    viewer = viewer_of(product, session_secret(request.headers.getlist("cookie")))
    if viewer is None:
        return
    with product.state.begin() as connection:
        end_session(connection, session_id=viewer.session_id)
        record(
            connection,
            at=product.clock(),
            verb="sign_out",
            actor=viewer.email,
            organization_id=viewer.organization_id,
            address=address_of(request),
        )
