"""One rule: what it says, what an organization settled for it, and how well it does."""

from __future__ import annotations

import streamlit as st

from audit_core.detect.rules.words import in_words
from audit_core.detect.ruleset.ruleset import OrganizationRule, Ruleset
from audit_core.domain.access import Scope
from audit_core.explore.presentation.level_colors import LOOK_OF_LEVEL
from audit_core.query.time.windows import written
from pages.parts.alerts import alert_place
from pages.parts.detections import (
    backtest_view,
    mute_list,
    rule_place,
    rule_settings,
    rule_words,
)
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible


def draw(rule_id: str, own: Ruleset, scope: Scope, *, manages: bool) -> None:
    """The rule with this id, or that there is none."""
    st.button(
        "All rules", icon=":material/arrow_back:", type="tertiary", on_click=rule_place.list_all
    )
    one = own.find(rule_id)
    if one is None:
        st.info("This organization has no such rule.", icon=":material/search_off:")
        return
    st.title(plain(visible(one.rule.title)), anchor=False)
    _draw_state(one, scope)
    if manages:
        rule_settings.draw(one, scope)
    _draw_figures(one.rule.id, scope)
    # None of its texts is read as markup: they may be the organization's.
    st.text(visible(one.settled.why))
    rule_words.draw_guidance(one.settled)
    st.header("Backtest", anchor=False)
    if not one.enabled:
        st.caption("See what it would have raised before you switch it on.")
    backtest_view.draw(own.in_force(one), scope, name=one.rule.id)
    mute_list.draw(own, scope, manages=manages, rule=one)


def _draw_state(one: OrganizationRule, scope: Scope) -> None:
    level = one.settled.level
    with st.container(horizontal=True, vertical_alignment="center"):
        if one.enabled:
            st.badge("On", icon=":material/check:", color="green")
        else:
            st.badge("Off", icon=":material/pause:", color="gray")
        st.badge(level.label, color=LOOK_OF_LEVEL[level].badge)
        if one.own and one.saved_at is not None:
            zone = cached.organization_zone(scope)
            saved = f"{written(one.saved_at, zone, 'minutes')} {zone}"
            st.text(visible(f"Own rule, saved by {one.saved_by}, {saved}"), width="content")
        else:
            st.text("Comes with Sandtrail", width="content")
    st.text(visible(f"{in_words(one.settled)}."))


def _draw_figures(rule_id: str, scope: Scope) -> None:
    figures = rule_words.figures_of_rule(scope.organization_id or "", rule_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(rule_words.figures_in_words(figures), width="content")
        if figures.alerts:
            st.page_link(
                alert_place.PAGE,
                label="Alerts",
                icon=":material/notifications:",
                query_params={"rule": rule_id},
            )
