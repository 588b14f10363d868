"""The systems that entries are pulled from: how each goes, and pausing it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import ago
from audit_core.sources.source import Progress, Source, set_paused, sources_with_progress
from audit_core.sources.standing import Standing, standing_of
from pages.parts.admin.acting import administrator
from pages.parts.shell import cached, error_boundary
from pages.parts.tables.safe_text import visible

Color = Literal["green", "gray", "orange", "red"]
BADGES: dict[Standing, tuple[Color, str]] = {
    Standing.READ: ("green", ":material/sync:"),
    Standing.NOT_YET: ("gray", ":material/hourglass_empty:"),
    Standing.TRIED_AGAIN: ("orange", ":material/sync_problem:"),
    Standing.STOPPED: ("red", ":material/error:"),
    Standing.PAUSED: ("gray", ":material/pause:"),
}


def draw(person: Viewer, scope: Scope) -> None:
    """Each source with its state and what is wrong; who manages the organization may pause it."""
    with cached.installation().state.read() as connection:
        found = sources_with_progress(connection, scope.organization_id or "")
    if not found:
        st.caption(
            "Nothing is pulled yet. Whoever runs this server can have it read an organization's "
            "audit log from Daytona, its past and what is new:"
        )
        st.code(
            f'sandtrail source add --organization {scope.organization_id} --name "Daytona"',
            language=None,
            wrap_lines=True,
        )
    manages = isinstance(decide(person.membership, Permission.MANAGE), Allowed)
    for source, progress in found:
        with st.container(border=True):
            _draw_source(source, progress, scope, manages=manages)


def _draw_source(source: Source, progress: Progress, scope: Scope, *, manages: bool) -> None:
    standing = standing_of(source, progress)
    color, icon = BADGES[standing]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(visible(source.name), width="content")
        st.badge(standing.label, icon=icon, color=color)
        st.space("stretch")
        if manages:
            _draw_switch(source, scope, resumes=source.paused or progress.stopped)
    st.caption(described(progress, cached.installation().clock()))
    if progress.problem is not None:
        # As text: what a server answered is in it.
        st.text(visible(progress.problem))
        st.text(visible(progress.hint or ""))


def described(progress: Progress, now: datetime) -> str:
    """Numbers and times in a sentence, as Markdown."""
    told = [
        f"{progress.accepted:,} accepted",
        f"{progress.finished:,} finished",
        f"{progress.rejected:,} rejected",
    ]
    for label, at in (
        ("newest entry", progress.newest),
        ("last answer", progress.last_success_at),
        ("next try", progress.next_try_at),
    ):
        if at is not None:
            told.append(f"{label} {ago(at, now)}")
    return " · ".join(told)


def _draw_switch(source: Source, scope: Scope, *, resumes: bool) -> None:
    label, icon = ("Resume", ":material/play_arrow:") if resumes else ("Pause", ":material/pause:")
    if not st.button(label, key=f"source_{source.id}_pause", icon=icon):
        return
    by = administrator(scope)
    with (
        error_boundary.attempt() as attempt,
        cached.installation().state.begin() as connection,
    ):
        set_paused(
            connection,
            source,
            paused=not resumes,
            actor=by.actor,
            now=by.now,
            address=by.address,
        )
    if attempt.succeeded:
        st.rerun()
