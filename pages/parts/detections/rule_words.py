"""What is said of rules wherever one is shown: how well it does, and what a person needs to know.

None of its texts is read as markup: they may be of an organization's own writing.
"""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from audit_core.detect.alerts.rule_figures import RuleFigures, figures_of, rule_figures
from audit_core.detect.rules.attack import name_of
from audit_core.detect.rules.rule import Rule
from audit_core.explore.presentation.text import percent
from audit_core.query.time.windows import length
from pages.parts.shell import cached
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible

FIGURES_DAYS = 90
"""Over how many days the figures of a rule are."""


def figures_by_rule(organization_id: str) -> dict[str, RuleFigures]:
    """The figures of all rules that raised an alert."""
    return _read(organization_id, None)


def figures_of_rule(organization_id: str, rule_id: str) -> RuleFigures:
    """The figures of one rule."""
    return _read(organization_id, rule_id).get(rule_id, figures_of(()))


def _read(organization_id: str, rule_id: str | None) -> dict[str, RuleFigures]:
    since = cached.utc_now() - timedelta(days=FIGURES_DAYS)
    with cached.installation().state.read() as connection:
        return rule_figures(connection, organization_id, since=since, rule_id=rule_id)


def false_share(figures: RuleFigures) -> str:
    """`12% of 25`: false positives among the alerts that somebody judged."""
    return f"{percent(figures.false_positives, figures.judged)} of {figures.judged:,}"


def figures_in_words(figures: RuleFigures) -> str:
    """How well the rule does, as one sentence."""
    if not figures.alerts:
        return f"No alerts in the last {FIGURES_DAYS} days."
    noun = "alert" if figures.alerts == 1 else "alerts"
    parts = [f"{figures.alerts:,} {noun} in the last {FIGURES_DAYS} days, {figures.open:,} open"]
    if figures.judged:
        parts.append(f"false positives: {false_share(figures)}")
    if figures.median_open is not None:
        parts.append(f"half of them closed within {length(figures.median_open)}")
    return ", ".join(parts) + "."


def draw_guidance(rule: Rule) -> None:
    """What to do, what looks the same, the techniques, and the text."""
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
    with st.expander(f"Text of the rule “{plain(rule.title)}”", icon=":material/code:"):
        st.code(visible(rule.text), language="yaml", height=400)
