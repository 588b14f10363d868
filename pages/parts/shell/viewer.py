"""Who looks at the page and what they may see, from the state database on every run."""

from __future__ import annotations

from typing import Any, NoReturn

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Denied, Permission, Scope, decide, readable
from audit_core.identity.sessions import Viewer
from audit_core.state.access_log.record import record
from audit_core.web.security.identity import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    note_activity,
    secret_of,
    viewer_of,
)
from pages.parts.shell import access_request, cached, session
from pages.parts.shell.app_address import page_path

_RECORDED = "refusals_recorded"
LOOPBACK = "127.0.0.1"


def session_secret() -> str | None:
    """The session secret that the browser sent; `None` without one."""
    return secret_of(st.context.cookies.get(SESSION_COOKIE))


def browser_secret() -> str | None:
    """The secret of the device cookie that the browser sent; `None` without one."""
    return secret_of(st.context.cookies.get(BROWSER_COOKIE))


def address() -> str:
    """Where the browser is; Streamlit hides the loopback address."""
    return st.context.ip_address or LOOPBACK


def find() -> Viewer | None:
    """The signed-in viewer, or `None`. Raises `StoreUnavailableError`."""
    return viewer_of(cached.installation(), session_secret())


def note_run(person: Viewer) -> None:
    """A page runs, which keeps the session from idling out unless it runs by itself."""
    if not session.runs_by_itself():
        note_activity(cached.installation(), person)


def require_person() -> Viewer:
    """The viewer, whatever they may: the first statement of a page that is about themselves.

    Whoever is no longer signed in gets the sign-in page.
    """
    viewer = find()
    if viewer is None:
        st.rerun()
    return viewer


def require(permission: Permission) -> tuple[Viewer, Scope]:
    """The viewer and what they may see; the first statement of every page and fragment.

    With `Permission.READ_OWN` that is all of the organization, or only what the viewer did.

    Whoever lacks the permission sees which one, and the run ends here. Whoever is no longer
    signed in gets the sign-in page.
    """
    viewer = find()
    if viewer is None:
        st.rerun()
    decision = decide(viewer.membership, permission)
    if isinstance(decision, Denied) or viewer.organization_id is None:
        _record_refusal(viewer, permission)
        _draw_refusal(viewer, permission)
        st.stop()
    whole = Scope(organization_id=viewer.organization_id)
    if permission is not Permission.READ_OWN:
        return viewer, whole
    own: frozenset[str] = frozenset()
    if isinstance(decide(viewer.membership, Permission.READ), Denied):
        head = cached.installation().log.head(whole.organization_id)
        own = cached.answer(head, cached.actor_reader().own_actor_ids, viewer.email, whole)
    scope = readable(viewer.membership, own)
    if isinstance(scope, Denied):
        refuse(viewer, scope)
    return viewer, scope


def refuse(viewer: Viewer, denied: Denied) -> NoReturn:
    """Say why something is not shown, put it on record, and end the run."""
    _record_refusal(viewer, denied.permission)
    st.header("You do not have access to this page", anchor=False)
    st.text(denied.reason)
    st.stop()


def record_deed(connection: Connection, viewer: Viewer, verb: str, detail: dict[str, Any]) -> None:
    """Put on record what the viewer does now in the present organization, from this address; in
    the transaction of the deed."""
    record(
        connection,
        at=cached.installation().clock(),
        verb=verb,
        actor=viewer.email,
        organization_id=viewer.organization_id,
        address=address(),
        detail=detail,
    )


def _record_refusal(viewer: Viewer, permission: Permission) -> None:
    """Once for each session, page and permission, however often the page runs."""
    page = page_path()
    refusal = (viewer.session_id, viewer.organization_id, page, permission.value)
    recorded = st.session_state.setdefault(_RECORDED, set())
    if refusal in recorded:
        return
    with cached.installation().state.begin() as connection:
        detail = {"permission": permission.value, "page": page}
        record_deed(connection, viewer, "permission.refused", detail)
    recorded.add(refusal)


def _draw_refusal(viewer: Viewer, permission: Permission) -> None:
    membership = viewer.membership
    st.header("You do not have access to this page", anchor=False)
    if membership is None:
        st.write("You are not a member of any organization yet.")
        st.write("Ask an admin of your organization to invite you:")
        st.code(viewer.email, language=None, width="content")
        return
    st.write("It requires this permission, which you do not have:")
    st.code(permission.value, language=None, width="content")
    # The organization's name and the role are data, so they are not read as Markdown.
    st.text(
        f"Your role in {membership.organization_name} is {membership.role.value}. "
        f"Contact an admin of {membership.organization_name} for access."
    )
    access_request.draw(viewer, permission, address())
