"""Signing in and out: streamlit-authenticator's form, and nothing else of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit_authenticator import Authenticate
from streamlit_authenticator.controllers import AuthenticationController

from audit_core.identity.accounts import Account
from audit_core.identity.login import check_password
from audit_core.identity.sessions import Viewer, end_session, issue_code
from audit_core.installation.opened import Installation
from audit_core.installation.readiness import NO_ACCOUNTS, state_was_lost
from audit_core.state.access_log.record import record
from audit_core.web.routes.session import SIGNED_OUT_PAGE, signed_in_address
from pages.parts.shell import session, viewer
from pages.parts.shell.app_address import own_address, page_path
from pages.parts.shell.error_boundary import plain
from pages.parts.shell.viewer import address

REFUSED = (
    "Sign-in failed. Check the e-mail address and the password, and try again. After "
    "several failures, wait a few minutes first."
)
"""The one answer to every failure, whatever the reason."""
ENDED = "Your session has ended. Sign in to continue where you left off."

PROFILE, SIGN_OUT = "Profile", "Sign out"
"""What the account menu offers."""

FORM = "sign_in"
FIELDS = {
    "Form name": "Sign in",
    "Username": "E-mail address",
    "Password": "Password",
    "Login": "Sign in",
}
_LEFT_BY_THE_FORM = ("authentication_status", "name", "username", "email", "roles", "logout")


def draw(installation: Installation) -> None:
    """The sign-in page; after the right password the browser goes on to the page it wanted."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.title("Sandtrail", anchor=False)
        st.caption("Audit-log explorer")
        # Signing out takes the cookie away: one that opens nothing is of a session that ran out.
        if viewer.session_secret() is not None:
            st.info(ENDED, icon=":material/schedule:")
        form = _Form(installation)
        form.login(location="main", fields=FIELDS, key=FORM)
        refused = st.session_state.get("authentication_status") is False
        # What the form leaves in the session state says who signed in; nobody may rely on it.
        for key in _LEFT_BY_THE_FORM:
            st.session_state.pop(key, None)
        if form.matched is not None:
            _go_on(installation, form.matched)
        elif refused:
            st.error(REFUSED, icon=":material/lock:")
        if state_was_lost(installation):
            st.warning(plain(NO_ACCOUNTS), icon=":material/person_off:")
        st.caption(
            "No account, or forgot your password? Ask an admin of your organization for a link, or "
            "whoever runs this server."
        )


def draw_sign_out(installation: Installation, person: Viewer) -> None:
    """Who is signed in, with the way to the profile and the way out."""
    chosen = st.menu_button(
        plain(person.email),
        [PROFILE, SIGN_OUT],
        key="account_menu",
        icon=":material/person:",
        width="stretch",
        wrap=False,
    )
    if chosen == PROFILE:
        st.switch_page("account/profile.py")
    if chosen == SIGN_OUT:
        sign_out(installation, person)


def sign_out(installation: Installation, person: Viewer) -> None:
    """End the session of this browser, in every tab, and go to the sign-in page."""
    with installation.state.begin() as connection:
        end_session(connection, session_id=person.session_id)
        record(
            connection,
            at=installation.clock(),
            verb="sign_out",
            actor=person.email,
            organization_id=person.organization_id,
            address=address(),
        )
    session.forget()
    send_to(own_address(SIGNED_OUT_PAGE))
    st.stop()


def send_to(path: str) -> None:
    """Send the browser to a path of this server, as Streamlit's own sign-in does."""
    context = get_script_run_ctx()
    if context is not None:
        message = ForwardMsg()
        message.auth_redirect.url = path
        context.enqueue(message)


def wanted_page() -> str:
    """The page and query of the browser's address, to come back to after sign-in."""
    query = [(key, value) for key in st.query_params for value in st.query_params.get_all(key)]
    return page_path() + (f"?{urlencode(query)}" if query else "")


def _go_on(installation: Installation, account: Account) -> None:
    """Hand the browser a one-time code for the route that sets the session cookie."""
    with installation.state.begin() as connection:
        code = issue_code(connection, account_id=account.id, now=installation.clock())
    path = own_address(signed_in_address(code, wanted_page()))
    send_to(path)
    st.success("Signed in. One moment…", icon=":material/check:")
    st.link_button("Continue", path)


class _Form(Authenticate):  # type: ignore[misc]  # the library has no types
    """The form of streamlit-authenticator, without its cookie and with our check.

    Its constructor would load a component that reads and writes cookies from JavaScript,
    and its cookie would stay valid after sign-out: neither is used here.
    """

    def __init__(self, installation: Installation) -> None:
        self.matched: Account | None = None
        """Whose password was right in this run."""
        self._installation = installation
        self._credentials: dict[str, Any] = {"usernames": {}}
        self.path = None
        self.attrs = {"login_sleep_time": 0}
        self.cookie_controller = _NoCookie()
        self.authentication_controller = AuthenticationController(
            self._credentials, auto_hash=False, secret_key=installation.key.hex()
        )
        self.authentication_controller.authentication_model.check_credentials = self._check

    def _check(self, username: str, password: str) -> bool:
        self.matched = check_password(
            self._installation.state,
            email=username,
            password=password,
            address=address(),
            browser=viewer.browser_secret(),
            now=self._installation.clock(),
        )
        if self.matched is None:
            return False
        self._credentials["usernames"][username] = {
            "email": self.matched.email,
            "name": self.matched.name,
        }
        return True


class _NoCookie:
    """Stands where the form would keep a cookie."""

    def get_cookie(self) -> None:
        """There is none."""

    def set_cookie(self) -> None:
        """The session cookie is set by our own route."""
