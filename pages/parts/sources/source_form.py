"""Adding a source: where it is, the key, a test, and the start."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.sources.daytona.check import Checked
from audit_core.sources.daytona.client import HOSTED_URL
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import DEFAULT_PACE, add_source
from audit_core.sources.source_input import (
    FASTEST,
    MAX_KEY,
    MAX_NAME,
    MAX_URL,
    SLOWEST,
    require_key,
)
from audit_core.sources.trials import try_out
from pages.parts.admin.acting import administrator
from pages.parts.shell import cached, error_boundary

_SHOWN, _OPENED, _ADDED = "source_form_shown", "source_forms_opened", "source_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What was typed."""

    name: str
    url: str
    remote_organization_id: str
    key: str = field(repr=False)
    requests_per_minute: int


def draw_button(scope: Scope) -> None:
    """The button that opens the form, and the form while it is open."""
    if added := st.session_state.pop(_ADDED, None):
        st.toast(error_boundary.plain(f"“{added}” begins."), icon=":material/check:")
    if st.button("Add a source", icon=":material/add:"):
        st.session_state[_SHOWN] = st.session_state.get(_OPENED, 0) + 1
    shown = st.session_state.get(_SHOWN)
    if shown is not None:
        form = st.dialog("Add a source", icon=":material/sync:", on_dismiss=_close)
        form(_draw_form)(scope, f"source_{shown}")


def _close() -> None:
    number = st.session_state.pop(_SHOWN, 0)
    st.session_state[_OPENED] = number
    # Streamlit would drop it with the next run only.
    st.session_state.pop(f"source_{number}_key", None)


def _draw_form(scope: Scope, prefix: str) -> None:
    with error_boundary.boundary():
        # A run of this dialog alone runs neither the page nor its gate.
        administrator(scope)
        st.caption(
            "Reads the audit log of an organization in Daytona: all of its past, then what is new."
        )
        with st.form(f"{prefix}_form", border=False):
            draft = _draw_fields(scope, prefix)
            with st.container(horizontal=True):
                starts = st.form_submit_button(
                    "Start", type="primary", icon=":material/play_arrow:"
                )
                tests = st.form_submit_button("Test", icon=":material/network_check:")
        if tests:
            with error_boundary.attempt():
                _test(scope, draft)
        if starts:
            with error_boundary.attempt() as attempt:
                _start(scope, draft)
            if attempt.succeeded:
                st.session_state[_ADDED] = draft.name
                _close()
                st.rerun()


def _draw_fields(scope: Scope, prefix: str) -> _Draft:
    return _Draft(
        name=st.text_input("Name", "Daytona", max_chars=MAX_NAME, key=f"{prefix}_name"),
        url=st.text_input("API URL", HOSTED_URL, max_chars=MAX_URL, key=f"{prefix}_url"),
        remote_organization_id=st.text_input(
            "Organization ID at Daytona",
            scope.organization_id or "",
            max_chars=MAX_NAME,
            help="If it is another one than here, entries are stored under the one here.",
            key=f"{prefix}_organization",
        ),
        key=st.text_input(
            "API key",
            type="password",
            max_chars=MAX_KEY,
            help="With the permission read:audit_logs. It is kept encrypted and never shown again.",
            key=f"{prefix}_key",
        ),
        requests_per_minute=int(
            st.number_input(
                "Requests a minute, at most", SLOWEST, FASTEST, DEFAULT_PACE, key=f"{prefix}_pace"
            )
        ),
    )


def _test(scope: Scope, draft: _Draft) -> None:
    by = administrator(scope)
    with st.spinner("Asking…"):
        checked = try_out(
            cached.installation(),
            by,
            organization_id=scope.organization_id or "",
            remote_organization_id=draft.remote_organization_id,
            name=draft.name,
            url=draft.url,
            key=draft.key,
        )
    draw_checked(checked, draft.remote_organization_id)


def draw_checked(checked: Checked, remote_organization_id: str) -> None:
    """What a test found."""
    st.success(
        error_boundary.plain(checked.sentence),
        title=error_boundary.plain(f"The key may read the audit log of {remote_organization_id}."),
        icon=":material/check:",
    )


def _start(scope: Scope, draft: _Draft) -> None:
    by = administrator(scope)
    installation = cached.installation()
    with installation.state.begin() as connection:
        add_source(
            connection,
            organization_id=scope.organization_id or "",
            remote_organization_id=draft.remote_organization_id,
            name=draft.name,
            url=draft.url,
            sealed_key=seal(require_key(draft.key), installation.key),
            requests_per_minute=draft.requests_per_minute,
            policy=installation.outgoing_policy,
            actor=by.actor,
            now=by.now,
            address=by.address,
        )
