"""The rule of an alert: why it matters, what to do, and its text."""

from __future__ import annotations

import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.rules.attack import name_of
from audit_core.detect.rules.rule import Rule
from pages.parts.shell.error_boundary import plain
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


def _technique(technique: str) -> str:
    name = name_of(technique)
    return technique if name is None else f"{technique}  {name}"
