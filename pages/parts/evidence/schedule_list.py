"""The exports that are made by themselves: which, when the next one is due, and a new one."""

from __future__ import annotations

from datetime import time

import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.evidence.jobs.job import ExportRequest
from audit_core.evidence.schedules import schedule as schedules
from audit_core.evidence.schedules.schedule import MAX_NAME, Schedule
from audit_core.evidence.schedules.slots import Every
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import written
from pages.parts.evidence import exporting
from pages.parts.shell import cached, refreshed, viewer
from pages.parts.tables.safe_text import visible

_LABELS = {Every.DAY: "Daily", Every.WEEK: "Weekly", Every.MONTH: "Monthly"}
_COVERED = {
    Every.DAY: "Each holds the whole day before.",
    Every.WEEK: "Made on Mondays; each holds the whole week before.",
    Every.MONTH: "Made on the first; each holds the whole month before.",
}


def draw_button(asked: ExportRequest | None, scope: Scope) -> None:
    """What has the same made by itself; nothing for `None`, of what only a person may ask for."""
    if asked is None:
        return
    popover = st.popover("Make regularly", icon=":material/event_repeat:", key="schedule_new")
    with popover, st.container(width=380):
        _draw_form(asked, scope)


def _draw_form(asked: ExportRequest, scope: Scope) -> None:
    zone = asked.entry_filter.window.zone
    name = st.text_input("Name", max_chars=MAX_NAME, key="schedule_name")
    every: Every = st.segmented_control(
        "How often",
        list(Every),
        default=Every.DAY,
        format_func=lambda one: _LABELS[one],
        required=True,
        key="schedule_every",
    )
    st.caption(_COVERED[every])
    at: time = st.time_input(f"At ({zone})", time(6, 0), key="schedule_at", step=900)
    to_folder = cached.installation().settings.export_folder is not None and st.toggle(
        "Hand files to the server's folder as well", key="schedule_folder"
    )
    st.caption("The filter above is asked, without its window; secrets are redacted.")
    if not st.button("Add schedule", type="primary", key="schedule_add"):
        return
    if exporting.act(
        scope,
        lambda connection, by, now: schedules.add_schedule(
            connection,
            organization_id=scope.organization_id or "",
            name=name,
            account_id=by.account_id,
            made_by=by.email,
            request=asked,
            every=every,
            minute=at.hour * 60 + at.minute,
            zone=zone,
            to_folder=to_folder,
            now=now,
            address=viewer.address(),
        ),
    ):
        st.rerun()


def draw(scope: Scope) -> None:
    """Each with what it asks for; nothing where there are none."""
    refreshed.draw(_draw_schedules, Permission.EXPORT, scope)


def _draw_schedules(person: Viewer, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        found = schedules.list_schedules(connection, scope.organization_id or "")
    if not found:
        return
    st.header("Made regularly", anchor=False)
    for one in found:
        with st.container(border=True, key=f"schedule_{one.id}"):
            _draw_one(one, scope)


def _draw_one(one: Schedule, scope: Scope) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(visible(one.name), width="content")
        if one.paused:
            st.badge("Paused", icon=":material/pause:", color="gray")
        else:
            st.badge("Scheduled", icon=":material/event_repeat:", color="green")
        st.space("stretch")
        label, icon = ("Resume", "play_arrow") if one.paused else ("Pause", "pause")
        if st.button(label, icon=f":material/{icon}:", key=f"schedule_{one.id}_pause"):
            _set_paused(one, scope)
        if st.button("Remove", icon=":material/delete:", key=f"schedule_{one.id}_remove"):
            _remove(one, scope)
    conditions = EntryFilter.from_params(one.what["filter"]).describe_conditions()
    st.text(visible(conditions or "All entries"))
    due = "" if one.paused else f" · next {written(one.next_at, one.zone, 'minutes')}"
    folder = " · handed to the server's folder" if one.to_folder else ""
    st.caption(f"{one.describe()}{due}{folder}")
    st.text(visible(f"by {one.made_by}"))
    if one.problem is not None:
        st.text(visible(one.problem))


def _set_paused(one: Schedule, scope: Scope) -> None:
    if exporting.act(
        scope,
        lambda connection, by, now: schedules.set_paused(
            connection,
            one,
            paused=not one.paused,
            actor=by.email,
            now=now,
            address=viewer.address(),
        ),
    ):
        st.rerun()


def _remove(one: Schedule, scope: Scope) -> None:
    if exporting.act(
        scope,
        lambda connection, by, now: schedules.remove_schedule(
            connection, one, actor=by.email, now=now, address=viewer.address()
        ),
    ):
        st.rerun()
