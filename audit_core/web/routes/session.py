"""The routes that set and take away the session cookie, and the two small pages that call them.

No GET changes anything. After a right password the browser is sent to a page of ours whose script
posts the one-time code; after signing out, to one whose script has the dead cookie taken away.
The code stands behind the # of the page's address, which browsers keep to themselves.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from audit_core.identity.known_devices import remember_browser
from audit_core.identity.sessions import end_session, find_viewer, redeem_code
from audit_core.installation.opened import Installation
from audit_core.state.access_log.record import record
from audit_core.web.errors import ErrorCode, not_found
from audit_core.web.limits.body_limit import BodyTooLarge, read_body
from audit_core.web.openapi.operation import Answer, ApiRoute, Body, Operation, Parameter, Section
from audit_core.web.security.identity import (
    address_of,
    browser_secret,
    device_cookie,
    session_cookie,
    session_secret,
    viewer_of,
)
from audit_core.web.security.origins import own_site

START_PATH = "/api/session/start"
END_PATH = "/api/session/end"
SIGNED_IN_PAGE = "/api/session/signed-in"
SIGNED_OUT_PAGE = "/api/session/signed-out"
FILES_PATH = "/api/session/pages/{name}"

FILES = Path(__file__).parent / "session_pages"
SHARED_FILES = ("session.css", "session.js", "one_time_link.js", "theme.js", "reference.css")

MAX_BODY_BYTES = 16_384
MAX_CODE_LENGTH = 200
MAX_NEXT_LENGTH = 4000
MAX_USER_AGENT_LENGTH = 300

FORM = "application/x-www-form-urlencoded"
HTML = Answer(description="The page.", media_types=("text/html",))
_ELSEWHERE = Answer(description="Leads to a page of the app.", media_types=())


@dataclass(frozen=True, slots=True, kw_only=True)
class StartForm:
    """What the page that follows a correct password posts."""

    code: str = ""
    """Works once, and for 30 seconds."""
    next: str = "/"
    """A path of the app, to go to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndForm:
    """What signing out posts."""

    ended: str | None = None
    """If it stands, only the cookie of a session that is over already is removed."""


_PAGE = {200: HTML, 303: _ELSEWHERE}
SIGNED_IN = Operation(
    id="getSignedInPage",
    summary="The page that follows a correct password",
    section=Section.SIGN_IN,
    answers=_PAGE,
)
SIGNED_OUT = Operation(
    id="getSignedOutPage",
    summary="The page that follows signing out",
    section=Section.SIGN_IN,
    answers=_PAGE,
)
FILE = Operation(
    id="getSignInFile",
    summary="The style and the scripts of the pages of the sign-in",
    section=Section.SIGN_IN,
    parameters=(Parameter(name="name", description="The name of the file.", in_path=True),),
    answers={200: Answer(description="The file.", media_types=("text/css", "text/javascript"))},
    errors=(ErrorCode.NOT_FOUND,),
)
START = Operation(
    id="startSession",
    summary="Sign in with a one-time code",
    description="From the app's own pages only. Sets the cookie of the session if the code is "
    "valid, and leads to `next` in either case.",
    section=Section.SIGN_IN,
    method="POST",
    body=Body(description="A form.", media_types=(FORM,), kind=StartForm, required=False),
    answers={303: _ELSEWHERE},
    errors=(ErrorCode.UNAVAILABLE, ErrorCode.MISCONFIGURED),
)
END = Operation(
    id="endSession",
    summary="Sign out",
    description="From the app's own pages only.",
    section=Section.SIGN_IN,
    method="POST",
    body=Body(description="A form.", media_types=(FORM,), kind=EndForm, required=False),
    answers={303: _ELSEWHERE},
    errors=(ErrorCode.UNAVAILABLE, ErrorCode.MISCONFIGURED),
)


def signed_in_address(code: str, next_address: str) -> str:
    """Where to send a browser with a one-time code, and from there on to `next_address`."""
    return f"{SIGNED_IN_PAGE}#{urlencode({'code': code, 'next': next_address})}"


def local_path(next_address: str | None) -> str:
    """Where to go after sign-in: a path of this app with its query, else "/".

    Anything that a browser could read as another site is "/".
    """
    if (
        not next_address
        or len(next_address) > MAX_NEXT_LENGTH
        or not next_address.startswith("/")
        or next_address.startswith("//")
        or "\\" in next_address
        or any(
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            for character in next_address
        )
    ):
        return "/"
    path = next_address.partition("?")[0]
    return "/" if path == "/api" or path.startswith("/api/") else next_address


def session_routes(installation: Callable[[], Installation]) -> list[ApiRoute]:
    """Two pages for GET, which change nothing, and two routes for POST, which answer with 303.

    `START_PATH` takes a form with `code` and `next`; `END_PATH` one with nothing, or with `ended`
    to take away the cookie of a session that has ended and leave one that has not.
    """

    async def start(request: Request) -> Response:
        form = await form_of(request)
        code = form.get("code", "")
        response = RedirectResponse(local_path(form.get("next")), status_code=303)
        if not code or len(code) > MAX_CODE_LENGTH:
            return response
        opened = await run_in_threadpool(installation)
        for cookie in await run_in_threadpool(_start, opened, code, request):
            response.headers.append("set-cookie", cookie)
        return response

    async def end(request: Request) -> Response:
        response = RedirectResponse("/", status_code=303)
        only_dead = "ended" in await form_of(request)
        opened = await run_in_threadpool(installation)
        if await run_in_threadpool(_end, opened, request, only_dead):
            response.headers["set-cookie"] = session_cookie(
                "", lifetime_s=0, secure=_secure(opened, request)
            )
        return response

    def page(name: str) -> Callable[[Request], Response]:
        def serve(request: Request) -> Response:
            # Another site must not sign a visitor in as somebody else.
            if not own_site(request.headers.get("sec-fetch-site")):
                return RedirectResponse("/", status_code=303)
            return FileResponse(FILES / name, media_type="text/html")

        return serve

    def shared_file(request: Request) -> Response:
        name = request.path_params["name"]
        return FileResponse(FILES / name) if name in SHARED_FILES else not_found()

    return [
        ApiRoute(SIGNED_IN_PAGE, page("sign_in.html"), SIGNED_IN),
        ApiRoute(SIGNED_OUT_PAGE, page("sign_out.html"), SIGNED_OUT),
        ApiRoute(FILES_PATH, shared_file, FILE),
        ApiRoute(START_PATH, start, START),
        ApiRoute(END_PATH, end, END),
    ]


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a small form, each by its first value; what cannot be read is no field."""
    try:
        body = await read_body(request, max_bytes=MAX_BODY_BYTES)
        found = parse_qs(body.decode("ascii"), max_num_fields=10)
    except (BodyTooLarge, ValueError):
        return {}
    return {name: values[0] for name, values in found.items()}


def _secure(installation: Installation, request: Request) -> bool:
    return installation.settings.secure_cookie or request.url.scheme == "https"


def _start(installation: Installation, code: str, request: Request) -> tuple[str, ...]:
    """The Set-Cookie values that a code is good for: none when it is good for nothing."""
    lifetime = timedelta(hours=installation.settings.session_hours)
    secure, now = _secure(installation, request), installation.clock()
    with installation.state.begin() as connection:
        secret = redeem_code(
            connection,
            code=code,
            now=now,
            lifetime=lifetime,
            address=address_of(request),
            user_agent=request.headers.get("user-agent", "")[:MAX_USER_AGENT_LENGTH],
        )
        viewer = secret and find_viewer(connection, secret=secret, now=now)
        if not secret or not viewer:
            return ()
        browser = remember_browser(
            connection,
            account_id=viewer.account_id,
            browser=browser_secret(request.headers.getlist("cookie")),
            now=now,
        )
    return (
        session_cookie(secret, lifetime_s=int(lifetime.total_seconds()), secure=secure),
        device_cookie(browser, secure=secure),
    )


def _end(installation: Installation, request: Request, only_dead: bool) -> bool:
    """End the session of a request; whether its cookie is to be taken away."""
    viewer = viewer_of(installation, session_secret(request.headers.getlist("cookie")))
    if viewer is None:
        return True
    if only_dead:
        return False
    with installation.state.begin() as connection:
        end_session(connection, session_id=viewer.session_id)
        record(
            connection,
            at=installation.clock(),
            verb="sign_out",
            actor=viewer.email,
            organization_id=viewer.organization_id,
            address=address_of(request),
        )
    return True
