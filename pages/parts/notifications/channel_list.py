"""The channels of an organization: how each goes, and what an admin does to it."""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Permission, Scope
from audit_core.identity.administration import Administrator
from audit_core.identity.sessions import Viewer
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import (
    Channel,
    Standing,
    channels_of,
    find_channel,
    remove_channel,
    set_paused,
)
from audit_core.notify.route_deeds import routes_of
from audit_core.notify.routes import Route
from audit_core.notify.trying import try_channel
from audit_core.query.time.windows import ago
from pages.parts.admin.acting import act, administrator
from pages.parts.notifications import channel_routes, channel_secret, channel_times
from pages.parts.shell import cached, error_boundary, refreshed
from pages.parts.tables.safe_text import visible

Color = Literal["green", "gray", "orange", "red"]
BADGES: dict[Standing, tuple[Color, str]] = {
    Standing.DELIVERS: ("green", ":material/check:"),
    Standing.UNUSED: ("gray", ":material/hourglass_empty:"),
    Standing.FAILING: ("orange", ":material/sync_problem:"),
    Standing.ENDED: ("red", ":material/error:"),
    Standing.PAUSED: ("gray", ":material/pause:"),
}
ICONS = {
    ChannelKind.WEBHOOK: ":material/webhook:",
    ChannelKind.SLACK: ":material/tag:",
    ChannelKind.EMAIL: ":material/mail:",
    ChannelKind.PAGERDUTY: ":material/notification_important:",
}
_LOOK = "5s"
"""How often a channel that is shown is looked at again."""


def draw(scope: Scope) -> None:
    """Each channel with its state and what is wrong, and what can be done to it."""
    with cached.installation().state.read() as connection:
        found = channels_of(connection, scope.organization_id or "")
        routes = {channel.id: routes_of(connection, channel.id) for channel in found}
    if not found:
        st.caption("There is none yet: alerts are seen here only, by who looks.")
    for channel in found:
        with st.container(border=True, key=f"channel_{channel.id}"):
            # Alone, so that what is typed below it stays when it is drawn again.
            part = partial(_draw_state, channel.id)
            refreshed.draw(part, Permission.MANAGE, scope, every=_LOOK)
            _draw_deeds(channel, routes[channel.id], scope)


def _draw_state(channel_id: str, person: Viewer, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        found = find_channel(connection, channel_id, scope.organization_id or "")
        routes = [] if found is None else routes_of(connection, found.id)
    if found is None:
        st.rerun()
    color, icon = BADGES[found.standing]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(visible(found.name), width="content")
        st.badge(found.kind.label, icon=ICONS[found.kind], color="gray")
        st.badge(found.standing.value, icon=icon, color=color)
        st.space("stretch")
        _draw_switch(found, scope)
    # As text: what people typed, and what a server answered, is in it.
    st.text(visible(found.destination))
    st.caption(error_boundary.plain(" · ".join(_facts(found, routes))))
    if found.problem is not None:
        st.text(visible(found.problem))
    if found.standing is Standing.ENDED:
        st.caption("It is sent nothing, until it is resumed.")


def _facts(found: Channel, routes: list[Route]) -> list[str]:
    now = cached.installation().clock()
    facts = [channel_routes.summary(routes), channel_times.summary(found)]
    if found.delivered_at is not None:
        facts.append(f"last delivered {ago(found.delivered_at, now)}")
    if found.failing_since is not None:
        facts.append(f"failing for {ago(found.failing_since, now).removesuffix(' ago')}")
    if found.rest_until is not None and found.rest_until > now:
        facts.append(f"asked to be left alone, next {ago(found.rest_until, now)}")
    return facts


def _draw_switch(found: Channel, scope: Scope) -> None:
    resumes = found.paused or found.disabled_at is not None
    label, icon = ("Resume", ":material/play_arrow:") if resumes else ("Pause", ":material/pause:")
    if st.button(label, key=f"channel_{found.id}_pause", icon=icon):
        act(scope, lambda connection, by: set_paused(connection, by, found, paused=not resumes))


@st.fragment
def _draw_deeds(channel: Channel, routes: list[Route], scope: Scope) -> None:
    with error_boundary.boundary():
        with st.container(horizontal=True):
            tests = st.button("Test", icon=":material/send:", key=f"channel_{channel.id}_test")
            channel_routes.draw(channel, routes, scope)
            channel_times.draw(channel, scope)
            channel_secret.draw_new(channel, scope)
            _draw_removal(channel, scope)
        if tests:
            by = administrator(scope)
            with error_boundary.attempt(), st.spinner("Sending…"):
                said = try_channel(cached.installation().notifications, by, channel)
                st.success(error_boundary.plain(said), icon=":material/check:")


def _draw_removal(channel: Channel, scope: Scope) -> None:
    with st.popover("Remove", icon=":material/delete:", key=f"channel_{channel.id}_removal"):
        st.write("It is told nothing any more. Its secrets, and its messages below, are forgotten.")
        removed = st.button("Remove channel", type="primary", key=f"channel_{channel.id}_remove")
    if removed:
        act(scope, lambda connection, by: _remove(connection, by, channel, scope))


def _remove(connection: Connection, by: Administrator, channel: Channel, scope: Scope) -> None:
    own = find_channel(connection, channel.id, scope.organization_id or "")
    if own is not None:
        remove_channel(connection, by, own)
