"""The rule of an alert: why it matters, what to do, and its text."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.rule_figures import RuleFigures, figures_of, rule_figures
from audit_core.detect.rules.attack import name_of
from audit_core.detect.rules.rule import Rule
from audit_core.explore.presentation.text import percent
from audit_core.query.time.windows import length
from pages.parts.detections import rule_place
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible

FIGURES_DAYS = 90
"""How far back it is looked how well a rule does."""


def draw(one: Alert, rule: Rule | None) -> None:
    """What a person needs to know of the rule. Its texts may be of an organization's own writing,
    so none of them is read as markup."""
    st.header("The rule", anchor=False)
    if rule is None:
        st.caption("It was deleted since.")
        return
    if rule.title != one.rule_title:
        st.text(visible(f"It is called “{rule.title}” by now."))
    st.text(visible(rule.why))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(figures_in_words(_figures(one)), width="content")
        st.page_link(
            rule_place.RULES,
            label="See the rule",
            icon=":material/notification_settings:",
            query_params={rule_place.RULE: rule.id},
        )
    if rule.what_to_do:
        st.markdown("**What to do**")
        st.text(visible(rule.what_to_do))
    if rule.false_positives:
        st.markdown("**Known false positives**")
        st.text(visible("\n".join(f"– {item}" for item in rule.false_positives)))
    if rule.techniques:
        st.markdown("**MITRE ATT&CK**")
        st.text(visible("\n".join(_technique(one) for one in rule.techniques)))
    with st.expander(f"Text of the rule “{plain(rule.title)}”", icon=":material/code:"):
        st.code(visible(rule.text) or "It has none.", language="yaml", height=400)


def _figures(one: Alert) -> RuleFigures:
    since = cached.utc_now() - timedelta(days=FIGURES_DAYS)
    with cached.installation().state.read() as connection:
        found = rule_figures(connection, one.organization_id, since=since, rule_id=one.rule_id)
    return found.get(one.rule_id, figures_of(()))


def figures_in_words(figures: RuleFigures) -> str:
    """How well the rule does: `12 alerts in 90 days, 25% of 8 judged were false positives`."""
    noun = "alert" if figures.alerts == 1 else "alerts"
    said = f"{figures.alerts:,} {noun} in {FIGURES_DAYS} days"
    if figures.false_share is not None:
        share = percent(figures.false_positives, figures.judged)
        said += f", {share} of {figures.judged:,} judged were false positives"
    if figures.median_open is not None:
        said += f", half were closed within {length(figures.median_open)}"
    return f"{said}."


def _technique(technique: str) -> str:
    name = name_of(technique)
    return technique if name is None else f"{technique}  {name}"
