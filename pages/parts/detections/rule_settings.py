"""What an admin does to a rule: on or off, level and threshold, change, remove."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from audit_core.detect.rules.correlations import MOST
from audit_core.detect.ruleset.own_rules import remove_own_rule
from audit_core.detect.ruleset.ruleset import OrganizationRule
from audit_core.detect.ruleset.settings import set_rule_level, set_rule_threshold, switch_rule
from audit_core.domain.access import Scope
from audit_core.domain.alerts.level import Level
from audit_core.identity.administration import Administrator
from pages.parts.admin.acting import act
from pages.parts.detections import rule_place


def draw(one: OrganizationRule, scope: Scope) -> None:
    """The buttons of a rule, for who manages the organization."""
    with st.container(horizontal=True, vertical_alignment="center"):
        word, icon = ("off", "pause") if one.enabled else ("on", "play_arrow")
        if st.button(
            f"Switch {word}",
            icon=f":material/{icon}:",
            type="secondary" if one.enabled else "primary",
            key="rule_switch",
            help="What it found stays." if one.enabled else "It looks at what arrives from now on.",
        ):
            act(scope, lambda connection, by: _switch(connection, by, one, scope))
        with st.popover("Settings", icon=":material/tune:", key="rule_settings"):
            _draw_settings(one, scope)
        st.button(
            "Edit" if one.own else "Copy and edit",
            icon=":material/edit_note:",
            key="rule_edit",
            on_click=rule_place.edit,
            args=(one.rule.id,),
        )
        if one.own:
            with st.popover("Remove", icon=":material/delete:", key="rule_remove"):
                st.write("Its alerts stay. It finds nothing any more.")
                if st.button("Remove this rule", type="primary", key="rule_removed"):
                    _remove(one, scope)


def _switch(connection: Connection, by: Administrator, one: OrganizationRule, scope: Scope) -> None:
    switch_rule(
        connection,
        by,
        organization_id=scope.organization_id or "",
        rule_id=one.rule.id,
        enabled=not one.enabled,
    )


def _draw_settings(one: OrganizationRule, scope: Scope) -> None:
    as_it_comes = f"As the rule says ({one.rule.level.label.lower()})"
    level: Level | None = st.selectbox(
        "Level",
        [None, *Level],
        index=[None, *Level].index(one.setting.level),
        format_func=lambda item: as_it_comes if item is None else item.label,
        key=f"rule_level_{one.rule.id}",
        help="Of the alerts that it raises from now on.",
    )
    threshold = one.setting.threshold
    if one.rule.threshold is not None:
        threshold = st.number_input(
            "Threshold",
            min_value=1,
            max_value=MOST,
            value=one.setting.threshold,
            placeholder=f"As the rule says ({one.rule.threshold:,})",
            key=f"rule_threshold_{one.rule.id}",
            help="From which number on it finds something. What it found before stays.",
        )
    if st.button("Save settings", type="primary", key="rule_settings_save"):
        act(scope, lambda connection, by: _settle(connection, by, one, scope, level, threshold))


def _settle(
    connection: Connection,
    by: Administrator,
    one: OrganizationRule,
    scope: Scope,
    level: Level | None,
    threshold: int | None,
) -> None:
    organization_id, rule_id = scope.organization_id or "", one.rule.id
    set_rule_level(connection, by, organization_id=organization_id, rule_id=rule_id, level=level)
    if one.rule.threshold is not None:
        set_rule_threshold(
            connection,
            by,
            organization_id=organization_id,
            rule_id=rule_id,
            threshold=threshold,
        )


def _remove(one: OrganizationRule, scope: Scope) -> None:
    def deed(connection: Connection, by: Administrator) -> None:
        remove_own_rule(
            connection, by, organization_id=scope.organization_id or "", rule_id=one.rule.id
        )
        rule_place.list_all()

    act(scope, deed)
