"""One rule: what it says, what an organization settled for it, and how well it does."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from audit_core.detect.alerts.rule_figures import RuleFigures
from audit_core.detect.rules.attack import name_of
from audit_core.detect.rules.rule import Rule
from audit_core.detect.rules.words import in_words
from audit_core.detect.ruleset.ruleset import OrganizationRule, Ruleset
from audit_core.domain.access import Scope
from audit_core.domain.alerts.level import Level
from audit_core.query.time.windows import length, written
from pages.parts.alerts import alert_place
from pages.parts.detections import backtest_view, mute_list, rule_place, rule_settings
from pages.parts.detections.rule_list import FIGURES_DAYS, false_share, level_label
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible

COLOR_OF_LEVEL: dict[Level, Literal["gray", "blue", "yellow", "orange", "red"]] = {
    Level.INFORMATIONAL: "gray",
    Level.LOW: "blue",
    Level.MEDIUM: "yellow",
    Level.HIGH: "orange",
    Level.CRITICAL: "red",
}


def draw(
    rule_id: str,
    own: Ruleset,
    figures: RuleFigures | None,
    scope: Scope,
    *,
    manages: bool,
) -> None:
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
    _draw_figures(figures, one.rule.id)
    draw_text(one.settled)
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
        st.badge(level_label(level), color=COLOR_OF_LEVEL[level])
        if one.own and one.saved_at is not None:
            zone = cached.organization_zone(scope)
            saved = f"{written(one.saved_at, zone, 'minutes')} {zone}"
            st.text(visible(f"Own rule, saved by {one.saved_by}, {saved}"), width="content")
        else:
            st.text("Comes with Sandtrail", width="content")
    st.text(visible(f"{in_words(one.settled)}."))


def _draw_figures(figures: RuleFigures | None, rule_id: str) -> None:
    if figures is None or not figures.alerts:
        st.caption(f"No alerts in the last {FIGURES_DAYS} days.")
        return
    parts = [
        f"{figures.alerts:,} {'alert' if figures.alerts == 1 else 'alerts'} in the last "
        f"{FIGURES_DAYS} days, {figures.open:,} open"
    ]
    if figures.judged:
        parts.append(f"false positives: {false_share(figures)}")
    if figures.median_open is not None:
        parts.append(f"half of them closed within {length(figures.median_open)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(", ".join(parts) + ".", width="content")
        st.page_link(
            alert_place.PAGE,
            label="Alerts",
            icon=":material/notifications:",
            query_params={"rule": rule_id},
        )


def draw_text(rule: Rule) -> None:
    """What a person needs to know. None of it is read as markup: it may be the organization's."""
    st.text(visible(rule.why))
    if rule.what_to_do:
        st.markdown("**What to do**")
        st.text(visible(rule.what_to_do))
    if rule.false_positives:
        st.markdown("**Known false positives**")
        st.text(visible("\n".join(f"– {item}" for item in rule.false_positives)))
    if rule.techniques:
        st.markdown("**MITRE ATT&CK**")
        named = (f"{item}  {name_of(item) or ''}".rstrip() for item in rule.techniques)
        st.text(visible("\n".join(named)))
    with st.expander("Text of the rule", icon=":material/code:"):
        st.code(visible(rule.text), language="yaml", height=400)
