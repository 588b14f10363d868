"""What a one-time link leads to: a small page for those who are not signed in, and the route that
it posts to.

The code stands behind the # of the link, which browsers keep to themselves, so it reaches no log,
referrer or proxy. The page is the same file for everybody: until somebody has proved who they are
it names no organization, no address, and not whether the link is good for anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from audit_core.domain.errors import AccountError
from audit_core.identity.accounts import Account
from audit_core.identity.invitations import accept_with_new_account, accept_with_own_account
from audit_core.identity.password_links import set_password_by_link
from audit_core.identity.sessions import issue_code
from audit_core.installation.opened import Installation
from audit_core.web.addresses import INVITATION_PAGE, NEW_PASSWORD_PAGE
from audit_core.web.errors import ErrorBody, ErrorCode, error_response, refusal
from audit_core.web.openapi.operation import Answer, ApiRoute, Body, Operation, Section
from audit_core.web.routes.session import FILES, FORM, HTML, MAX_CODE_LENGTH, form_of
from audit_core.web.security.identity import address_of, browser_secret

ACCEPT_PATH = "/api/session/accept"

MAX_FIELD_LENGTH = 1_000
"""Of a name, an address and a password, in characters."""

REFUSED = ErrorBody(
    error="That did not work.",
    hint="The link works once and for a limited time, and a password has to be right. After "
    "several attempts, wait a few minutes. If it still does not work, ask for a new link.",
    code=ErrorCode.FORBIDDEN,
)
"""The one answer to every failure but a password that will not do, whatever the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptForm:
    """What the page of a one-time link posts."""

    code: str = ""
    """Of the link."""
    way: Literal["", "new", "own", "password"] = ""
    """`new` for an address without an account, `own` for one that has an account, `password` to
    choose a new password."""
    name: str = ""
    """With `new`: of the person."""
    email: str = ""
    """With `own`: of the account."""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInCode:
    """What signs in."""

    code: str
    """For `POST /api/session/start`."""


INVITATION = Operation(
    id="getInvitationPage",
    summary="The page of an invitation, the same for everybody",
    section=Section.SIGN_IN,
    answers={200: HTML},
)
NEW_PASSWORD = Operation(
    id="getNewPasswordPage",
    summary="The page of a link for a new password, the same for everybody",
    section=Section.SIGN_IN,
    answers={200: HTML},
)
ACCEPT = Operation(
    id="acceptLink",
    summary="Use a one-time link",
    description="From the app's own pages only. An address of the network that tries many has to "
    "wait, as at the sign-in.",
    section=Section.SIGN_IN,
    method="POST",
    body=Body(description="A form.", media_types=(FORM,), kind=AcceptForm, required=False),
    answers={200: Answer(description="The link was used.", kinds=(SignInCode,))},
    errors=(
        ErrorCode.FORBIDDEN,
        ErrorCode.REJECTED,
        ErrorCode.UNAVAILABLE,
        ErrorCode.MISCONFIGURED,
    ),
)


def one_time_link_routes(installation: Callable[[], Installation]) -> list[ApiRoute]:
    """Two pages for GET, which change nothing, and `ACCEPT_PATH` for POST.

    That takes a form with `code` and `way`: `new` with `name` and `password`, `own` with `email`
    and `password`, or `password` with `password`. It answers 200 with the `code` of a sign-in, 403
    with `REFUSED`, and 422 with what is wrong with the name or the password.
    """

    def page(name: str) -> Callable[[Request], Response]:
        # Also from another site, unlike the pages of the sign-in: links arrive by mail and chat.
        return lambda _: FileResponse(FILES / name, media_type="text/html")

    async def accept(request: Request) -> Response:
        form = await form_of(request)
        if any(len(value) > MAX_FIELD_LENGTH for value in form.values()):
            return error_response(REFUSED)
        opened = await run_in_threadpool(installation)
        return await run_in_threadpool(_answer, opened, form, request)

    return [
        ApiRoute(INVITATION_PAGE, page("invitation.html"), INVITATION),
        ApiRoute(NEW_PASSWORD_PAGE, page("new_password.html"), NEW_PASSWORD),
        ApiRoute(ACCEPT_PATH, accept, ACCEPT),
    ]


def _answer(opened: Installation, form: Mapping[str, str], request: Request) -> Response:
    try:
        account = _accepted(opened, form, request)
    except AccountError as error:
        return refusal(ErrorCode.REJECTED, error.message, error.hint)
    if account is None:
        return error_response(REFUSED)
    with opened.state.begin() as connection:
        code = issue_code(connection, account_id=account.id, now=opened.clock())
    return JSONResponse(asdict(SignInCode(code=code)))


def _accepted(opened: Installation, form: Mapping[str, str], request: Request) -> Account | None:
    code, password = form.get("code", ""), form.get("password", "")
    if not code or len(code) > MAX_CODE_LENGTH:
        return None
    state, address, now = opened.state, address_of(request), opened.clock()
    way = form.get("way")
    if way == "new":
        return accept_with_new_account(
            state,
            code=code,
            name=form.get("name", ""),
            password=password,
            address=address,
            now=now,
        )
    if way == "own":
        return accept_with_own_account(
            state,
            code=code,
            email=form.get("email", ""),
            password=password,
            address=address,
            now=now,
            browser=browser_secret(request.headers.getlist("cookie")),
        )
    if way == "password":
        return set_password_by_link(state, code=code, password=password, address=address, now=now)
    return None
