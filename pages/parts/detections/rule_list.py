"""The list of rules: what each finds, whether it is on, and how well it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from audit_core.detect.alerts.rule_figures import RuleFigures
from audit_core.detect.rules.words import in_words
from audit_core.detect.ruleset.ruleset import OrganizationRule, Ruleset
from pages.parts.detections import rule_place, rule_words
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

ABSENT = "–"
_ALL, _ON, _OFF, _OWN = "All", "On", "Off", "Own"
_LINES = 30


def draw(own: Ruleset, figures: Mapping[str, RuleFigures], *, manages: bool) -> None:
    """The rules that the choices above the table leave; a click opens one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            "Find",
            key="rules_search",
            max_chars=200,
            icon=":material/search:",
            placeholder="Title, what it finds, or ATT&CK id",
            width=300,
        )
        which = st.segmented_control(
            "Which", [_ALL, _ON, _OFF, _OWN], default=_ALL, required=True, key="rules_which"
        )
        if manages:
            st.space("stretch")
            st.button(
                "New rule",
                icon=":material/add:",
                key="rule_new",
                on_click=rule_place.edit,
                args=(rule_place.NEW,),
            )
    found = matching(own.rules, search, which)
    on = sum(one.enabled for one in own.rules)
    st.caption(
        f"{len(own.rules):,} rules, {on:,} on. Figures are of the last {rule_words.FIGURES_DAYS} "
        "days. Click a line to open a rule."
    )
    _draw_unreadable(own, manages=manages)
    column = st.column_config
    selection.draw(
        frame(found, figures),
        "rules",
        found,
        identify=lambda one: one.rule.id,
        take=lambda one: rule_place.show(one.rule.id),
        column_config={
            "on": column.TextColumn("State", width=60),
            "level": column.TextColumn("Level", width=100),
            "title": column.TextColumn("Rule", width=330),
            "alerts": column.NumberColumn("Alerts", width=70, format="localized"),
            "false": column.TextColumn("False positives", width=110),
            "finds": column.TextColumn("Finds", width=330),
            "techniques": column.TextColumn("ATT&CK", width=160),
        },
        row_height=table_size.ROW,
        height=table_size.height(len(found), most=_LINES),
        alt=f"The rules of this organization, {len(found)} of them, those that are on first; "
        "select a cell to open its rule.",
    )


def matching(rules: Sequence[OrganizationRule], search: str, which: str) -> list[OrganizationRule]:
    """Those that hold every word of the search: on first, then by level and title."""
    words = search.casefold().split()
    found = [
        one
        for one in rules
        if all(word in _searched(one) for word in words)
        and (which != _ON or one.enabled)
        and (which != _OFF or not one.enabled)
        and (which != _OWN or one.own)
    ]
    return sorted(found, key=lambda one: (not one.enabled, -one.settled.level.rank))


def _searched(one: OrganizationRule) -> str:
    parts = (one.rule.title, in_words(one.settled), *one.rule.techniques, one.rule.id)
    return "\n".join(parts).casefold()


def frame(rules: Sequence[OrganizationRule], figures: Mapping[str, RuleFigures]) -> pd.DataFrame:
    """One line for each rule in their order."""
    return pd.DataFrame(
        [
            {
                "on": "On" if one.enabled else "Off",
                "level": one.settled.level.label,
                "title": visible(one.rule.title),
                "alerts": figures[one.rule.id].alerts if one.rule.id in figures else 0,
                "false": _false_share(figures.get(one.rule.id)),
                "finds": visible(in_words(one.settled)),
                "techniques": ", ".join(one.rule.techniques),
            }
            for one in rules
        ],
        columns=["on", "level", "title", "alerts", "false", "finds", "techniques"],
    )


def _false_share(figures: RuleFigures | None) -> str:
    return ABSENT if figures is None or not figures.judged else rule_words.false_share(figures)


def _draw_unreadable(own: Ruleset, *, manages: bool) -> None:
    """Nothing is silently off."""
    for broken in own.unreadable:
        what = "A rule finds nothing" if broken.is_rule else "A mute leaves nothing out"
        st.warning(f"{what}, because it cannot be read any more.", icon=":material/warning:")
        st.text(visible(f"{broken.id}: {broken.error.message} {broken.error.hint}"))
        if manages and broken.is_rule:
            st.button(
                "Write it anew",
                key=f"rule_mend_{broken.id}",
                on_click=rule_place.edit,
                args=(broken.id,),
            )
