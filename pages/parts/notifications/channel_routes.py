"""Which alerts a channel is told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from audit_core.detect.ruleset.ruleset import read_ruleset
from audit_core.domain.access import Scope
from audit_core.domain.alerts.level import Level
from audit_core.notify.channels import Channel
from audit_core.notify.route_deeds import add_route, remove_route
from audit_core.notify.routes import Route
from pages.parts.admin.acting import act
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

TARGETS = ("sandbox", "snapshot", "volume", "user", "organization", "api_key", "docker_registry")
"""The kinds of targets that are offered; others can be typed."""


def summary(routes: Sequence[Route]) -> str:
    """For the line below a channel."""
    if not routes:
        return "told of every alert"
    return "told by one route" if len(routes) == 1 else f"told by {len(routes)} routes"


def draw(channel: Channel, routes: Sequence[Route], scope: Scope) -> None:
    """The routes, with a new one and removing."""
    popover = st.popover("Alerts", icon=":material/alt_route:", key=f"channel_{channel.id}_routes")
    with popover, st.container(width=420):
        titles = _titles(scope)
        if routes:
            st.caption("It is told of what any of these takes.")
        else:
            st.caption("It is told of every alert. With a first route only of what that takes.")
        for route in routes:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(visible(route.describe(titles)), width="stretch")
                _draw_removal(channel, route, scope)
        _draw_form(channel, titles, scope)


def _draw_removal(channel: Channel, route: Route, scope: Scope) -> None:
    if st.button("Remove", icon=":material/close:", key=f"route_{route.id}_remove"):
        act(scope, lambda connection, by: remove_route(connection, by, channel, route.id))


def _draw_form(channel: Channel, titles: Mapping[str, str], scope: Scope) -> None:
    with st.form(f"channel_{channel.id}_route", border=False, clear_on_submit=True):
        level = st.selectbox(
            "Level, and above",
            [one.value for one in sorted(Level, key=lambda one: -one.rank)],
            index=1,
            format_func=str.capitalize,
        )
        rules = st.multiselect(
            "Rules",
            list(titles),
            format_func=lambda rule_id: visible(titles[rule_id]),
            placeholder="Any rule",
        )
        targets = st.multiselect(
            "Targets", TARGETS, placeholder="Any target", accept_new_options=True
        )
        added = st.form_submit_button("Add route", icon=":material/add:")
    if added:
        act(
            scope,
            lambda connection, by: add_route(
                connection, by, channel, level=Level(level), rule_ids=rules, target_types=targets
            ),
        )


def _titles(scope: Scope) -> dict[str, str]:
    """The rules of the organization by their ids, in the order of their titles."""
    with cached.installation().state.read() as connection:
        found = read_ruleset(connection, scope.organization_id or "")
    return {one.rule.id: one.rule.title for one in found.rules}
