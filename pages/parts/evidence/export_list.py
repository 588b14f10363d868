"""The exports of the organization: how far each is, its file, and what can be done to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.evidence.download import Format
from audit_core.evidence.jobs import deeds, store
from audit_core.evidence.jobs.figures import (
    changes_text,
    completeness,
    described,
    facts,
    left_out_text,
    progress_of,
    progress_text,
    title_of,
)
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.evidence.jobs.limits import reason_to_wait
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import UTC_NAME, parse_instant, written
from audit_core.web.routes.exporting.operations import FILE_PATH
from pages.parts.evidence import exporting
from pages.parts.evidence.download_menu import size_text
from pages.parts.shell import cached, refreshed, viewer
from pages.parts.shell.app_address import own_address
from pages.parts.tables.safe_text import visible

SHOWN = 10
"""How many are listed at first, and how many more each time."""
_LOOK = "2s"
"""How often one that is not over is looked at again."""
_MORE = "exports_shown"

Color = Literal["green", "blue", "gray", "orange", "red"]
BADGES: dict[JobState, tuple[Color, str]] = {
    JobState.WAITING: ("gray", ":material/hourglass_empty:"),
    JobState.RUNNING: ("blue", ":material/progress_activity:"),
    JobState.INTERRUPTED: ("orange", ":material/restart_alt:"),
    JobState.DONE: ("green", ":material/check:"),
    JobState.FAILED: ("red", ":material/error:"),
    JobState.CANCELLED: ("gray", ":material/block:"),
    JobState.EXPIRED: ("gray", ":material/event_busy:"),
}


def draw(scope: Scope) -> None:
    """The newest ones, newest first."""
    refreshed.draw(_draw_jobs, Permission.EXPORT, scope)


def _draw_jobs(person: Viewer, scope: Scope) -> None:
    shown = int(st.session_state.get(_MORE, SHOWN))
    with cached.installation().state.read() as connection:
        jobs = store.list_jobs(connection, scope.organization_id or "", limit=shown + 1)
    if not jobs:
        st.caption("None yet. What is made stays here for 24 hours, or for as long as you say.")
    for job in jobs[:shown]:
        with st.container(border=True, key=f"export_{job.id}"):
            if job.state.is_open:
                refreshed.draw(partial(_draw_open, job.id), Permission.EXPORT, scope, every=_LOOK)
            else:
                _draw_job(job, (), person, scope)
    if len(jobs) > shown:
        st.button(
            "Show older ones",
            icon=":material/expand_more:",
            key="exports_more",
            on_click=_show_more,
            args=(shown,),
        )


def _show_more(shown: int) -> None:
    st.session_state[_MORE] = shown + SHOWN


def _draw_open(export_id: str, person: Viewer, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        job = store.find_job(connection, export_id, scope.organization_id or "")
        others = store.open_jobs(connection)
    if job is None or not job.state.is_open:
        st.rerun()
    _draw_job(job, others, person, scope)


def _draw_job(job: ExportJob, others: Sequence[ExportJob], person: Viewer, scope: Scope) -> None:
    now = cached.installation().clock()
    color, icon = BADGES[job.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(visible(title_of(job)), width="content")
        st.badge(job.state.label, icon=icon, color=color)
        st.space("stretch")
        _draw_deeds(job, person, scope)
    # As text: what people typed is in it.
    st.text(visible(described(job)))
    st.text(visible(" · ".join(facts(job, now, size=size_text(job.size)))))
    if job.state is JobState.RUNNING:
        st.progress(progress_of(job), text=progress_text(job, now))
    elif job.state.is_open:
        st.caption(reason_to_wait(job, others) or "It begins in a moment.")
        if job.state is JobState.INTERRUPTED:
            st.caption("The server was stopped while it was made: it is made again from its start.")
    elif job.problem is not None:
        st.text(visible(f"{job.problem}\n{job.hint or ''}".strip()))
    if job.state is JobState.DONE:
        _draw_changes(job)
        st.code(f"{job.sha256}  {job.file}", language=None, wrap_lines=True)


def _draw_changes(job: ExportJob) -> None:
    """What it leaves out, up to where it is complete, and what changed since the export that it
    goes on from."""
    if left_out := left_out_text(job):
        st.warning(left_out, icon=":material/content_cut:")
    st.caption(" · ".join(completeness(job)))
    changes = job.changes
    if changes is None:
        return
    st.text(changes_text(changes))
    if (known := job.acknowledged) is not None:
        at = written(parse_instant(known["at"]), UTC_NAME)
        # As text: the reason is what somebody typed.
        st.text(visible(f"Acknowledged by {known['by']} on {at} UTC: {known['reason']}"))


def _draw_deeds(job: ExportJob, person: Viewer, scope: Scope) -> None:
    if job.state is JobState.DONE:
        refused = job.holds_secrets and not exporting.may_reveal(person)
        st.link_button(
            "Download",
            own_address(FILE_PATH.format(id=job.id)),
            icon=":material/download:",
            key=f"export_{job.id}_file",
            disabled=refused,
            help="It holds secrets, which you may not see." if refused else None,
        )
    if job.state.is_open:
        if st.button("Cancel", icon=":material/close:", key=f"export_{job.id}_cancel"):
            _cancel(job, scope)
        return
    with st.popover("Repeat", icon=":material/replay:", key=f"export_{job.id}_repeats"):
        st.write("The same once more, of the log as it is now.")
        if st.button("All of it", icon=":material/replay:", key=f"export_{job.id}_repeat"):
            _repeat(job, scope)
        # A pack proves all that its window holds.
        if job.can_be_continued and job.what["format"] != Format.PACK:
            st.write("Only what came since: new, late and finished entries, and what is gone.")
            if st.button("What came since", icon=":material/update:", key=f"export_{job.id}_since"):
                _repeat(job, scope, since=True)
    if st.button("Delete", icon=":material/delete:", key=f"export_{job.id}_delete"):
        _delete(job, scope)


def _cancel(job: ExportJob, scope: Scope) -> None:
    if exporting.act(
        scope,
        lambda connection, by, now: deeds.cancel(
            connection, job, actor=by.email, now=now, address=viewer.address()
        ),
    ):
        st.rerun()


def _repeat(job: ExportJob, scope: Scope, *, since: bool = False) -> None:
    if exporting.act(
        scope,
        lambda connection, by, now: deeds.repeat(
            connection,
            job,
            person=by.account_id,
            requested_by=by.email,
            now=now,
            address=viewer.address(),
            may_reveal=exporting.may_reveal(by),
            since=since,
        ),
    ):
        st.rerun()


def _delete(job: ExportJob, scope: Scope) -> None:
    if exporting.act(
        scope,
        lambda connection, by, now: deeds.delete_job(
            connection, job, actor=by.email, now=now, address=viewer.address()
        ),
    ):
        cached.installation().exports.files.remove(job.id)
        st.rerun()
