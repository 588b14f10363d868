"""The systems that entries are pulled from: how each goes, and what an admin does to it."""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from audit_core.sources.figures import figures
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import (
    Progress,
    Source,
    change_key,
    deployment_sources,
    find_source,
    remove_source,
    set_paused,
    source_with_progress,
    sources_with_progress,
)
from audit_core.sources.source_input import MAX_KEY, require_key
from audit_core.sources.standing import Standing, standing_of
from audit_core.sources.trials import try_source
from pages.parts.admin.acting import act, administrator
from pages.parts.shell import cached, error_boundary, refreshed
from pages.parts.sources import source_form
from pages.parts.tables.safe_text import visible

Color = Literal["green", "gray", "orange", "red"]
BADGES: dict[Standing, tuple[Color, str]] = {
    Standing.READ: ("green", ":material/sync:"),
    Standing.NOT_YET: ("gray", ":material/hourglass_empty:"),
    Standing.TRIED_AGAIN: ("orange", ":material/sync_problem:"),
    Standing.STALE: ("orange", ":material/notifications_off:"),
    Standing.STOPPED: ("red", ":material/error:"),
    Standing.PAUSED: ("gray", ":material/pause:"),
}
_LOOK = "2s"
"""How often a source that is shown is looked at again."""


def draw(person: Viewer, scope: Scope) -> None:
    """Each source with its state and what is wrong; who manages the organization may add one,
    pause it, give it another key and remove it."""
    with cached.installation().state.read() as connection:
        found = sources_with_progress(connection, scope.organization_id or "")
        whole = deployment_sources(connection) if person.operator else []
    manages = isinstance(decide(person.membership, Permission.MANAGE), Allowed)
    if not found:
        told = "Nothing is pulled yet. The audit log of an organization in Daytona can be, its past"
        st.caption(f"{told} and what is new{'' if manages else ': an admin adds it here'}.")
    for source, _ in found:
        with st.container(border=True):
            # Alone, so that what is typed below it stays when it is drawn again.
            _keep_drawn(source, scope)
            if manages:
                _draw_deeds(source, scope)
    if manages:
        source_form.draw_button(scope)
    if whole:
        st.caption(
            "These bring entries of all organizations; only operators see them. Change one at the "
            "command line: `sandtrail source --help`."
        )
    for source, _ in whole:
        with st.container(border=True):
            _keep_drawn(source, scope)


def _keep_drawn(source: Source, scope: Scope) -> None:
    refreshed.draw(partial(_draw_state, source.id), Permission.INGEST, scope, every=_LOOK)


def _draw_state(source_id: str, person: Viewer, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        found = source_with_progress(connection, source_id)
    if found is None or not _may_see(person, scope, found[0]):
        st.rerun()
    own = found[0].organization_id is not None
    manages = own and isinstance(decide(person.membership, Permission.MANAGE), Allowed)
    _draw_source(*found, scope, manages=manages)


def _may_see(person: Viewer, scope: Scope, source: Source) -> bool:
    if source.organization_id is None:
        return person.operator
    return source.organization_id == scope.organization_id


def _draw_source(source: Source, progress: Progress, scope: Scope, *, manages: bool) -> None:
    now = cached.installation().clock()
    standing = standing_of(source, progress, now)
    color, icon = BADGES[standing]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(visible(source.name), width="content")
        st.badge(standing.label, icon=icon, color=color)
        st.space("stretch")
        if manages:
            _draw_switch(source, scope, resumes=source.paused or progress.stopped)
    st.caption(" · ".join(figures(progress, now)))
    if progress.problem is not None:
        # As text: what a server answered is in it.
        st.text(visible(f"{progress.problem}\n{progress.hint or ''}".strip()))
    if standing is Standing.STOPPED:
        st.caption("It is asked nothing until it has another key, or is resumed.")


def _draw_switch(source: Source, scope: Scope, *, resumes: bool) -> None:
    label, icon = ("Resume", ":material/play_arrow:") if resumes else ("Pause", ":material/pause:")
    if st.button(label, key=f"source_{source.id}_pause", icon=icon):
        act(
            scope,
            lambda connection, by: set_paused(
                connection,
                source,
                paused=not resumes,
                actor=by.actor,
                now=by.now,
                address=by.address,
            ),
        )


@st.fragment
def _draw_deeds(source: Source, scope: Scope) -> None:
    with error_boundary.boundary():
        with st.container(horizontal=True):
            tests = st.button(
                "Test", icon=":material/network_check:", key=f"source_{source.id}_test"
            )
            _draw_key(source, scope)
            _draw_removal(source, scope)
        if tests:
            by = administrator(scope)
            with cached.installation().state.read() as connection:
                # Its key may have been changed elsewhere.
                present = find_source(connection, source.id)
            if present is None:
                st.rerun()
            with error_boundary.attempt(), st.spinner("Asking…"):
                checked = try_source(cached.installation(), by, present)
                remote = present.remote_organization_id or present.organization_id or ""
                source_form.draw_checked(checked, remote)


def _draw_key(source: Source, scope: Scope) -> None:
    with (
        st.popover("New key", icon=":material/key:", key=f"source_{source.id}_keys"),
        st.form(f"source_{source.id}_key_form", border=False, clear_on_submit=True),
    ):
        typed = f"source_{source.id}_new_key"
        key = st.text_input("API key", type="password", max_chars=MAX_KEY, key=typed)
        st.caption("It takes the place of the present one, and the source goes on with it.")
        saved = st.form_submit_button("Save key", type="primary", icon=":material/save:")
    if saved:
        # Streamlit would keep it until the next run that the browser asks for.
        st.session_state.pop(typed, None)
        installation_key = cached.installation().key
        act(
            scope,
            lambda connection, by: change_key(
                connection,
                source,
                sealed_key=seal(require_key(key), installation_key),
                actor=by.actor,
                now=by.now,
                address=by.address,
            ),
        )


def _draw_removal(source: Source, scope: Scope) -> None:
    with st.popover("Remove", icon=":material/delete:", key=f"source_{source.id}_removal"):
        st.write("It is asked nothing any more, and its key is forgotten. What it brought stays.")
        removed = st.button("Remove source", type="primary", key=f"source_{source.id}_remove")
    if removed:
        act(
            scope,
            lambda connection, by: remove_source(
                connection, source, actor=by.actor, now=by.now, address=by.address
            ),
        )
