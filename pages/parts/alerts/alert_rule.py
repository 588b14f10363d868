"""The rule of an alert: why it matters, what to do, and its text."""

from __future__ import annotations

import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.rules.rule import Rule
from pages.parts.detections import rule_place, rule_words
from pages.parts.tables.safe_text import visible


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
    figures = rule_words.figures_of_rule(one.organization_id, one.rule_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(rule_words.figures_in_words(figures), width="content")
        st.page_link(
            rule_place.RULES,
            label="See the rule",
            icon=":material/notification_settings:",
            query_params={rule_place.RULE: rule.id},
        )
    rule_words.draw_guidance(rule)
