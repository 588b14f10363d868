"""Mutes: what rules leave out for a while, why, until when; setting one, and ending it."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st
from sqlalchemy import Connection

from audit_core.detect.rules.reading import MAX_FILTER_CHARACTERS
from audit_core.detect.ruleset.applied import Mute
from audit_core.detect.ruleset.deeds import MAX_REASON
from audit_core.detect.ruleset.mutes import LONGEST, lift_mute, set_mute
from audit_core.detect.ruleset.ruleset import OrganizationRule, Ruleset
from audit_core.domain.access import Scope
from audit_core.identity.administration import Administrator
from audit_core.query.time.windows import written
from pages.parts.admin.acting import act
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

MAX_ENDED = 50
"""How many that have ended are listed, the newest."""

LENGTHS = {
    "1 hour": timedelta(hours=1),
    "8 hours": timedelta(hours=8),
    "1 day": timedelta(days=1),
    "1 week": timedelta(days=7),
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
    "1 year": LONGEST,
}
_START = """\
filter:
  selection:
    actorId: ci-runner
  condition: not selection
"""
_ALL = "All rules"


def draw(
    own: Ruleset, scope: Scope, *, manages: bool, rule: OrganizationRule | None = None
) -> None:
    """The mutes of a rule, those of all rules among them; without a rule: all there are."""
    now = cached.utc_now()
    found = [one for one in own.mutes if rule is None or one.rule_id in (None, rule.rule.id)]
    lasting = [one for one in found if one.lasts(now)]
    ended = [one for one in found if not one.lasts(now)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Mutes", anchor=False, width="content")
        if manages:
            st.space("stretch")
            _draw_new(own, scope, rule)
    st.caption(
        "A mute leaves out entries that are made while it lasts, and ends by itself. What was "
        "found before stands."
    )
    if not lasting:
        st.text("Nothing is muted.")
    for one in lasting:
        with st.container(border=True):
            _draw_mute(one, own, scope, manages=manages)
    if ended:
        with st.expander(f"Ended ({len(ended):,})", icon=":material/history:"):
            for one in ended[:MAX_ENDED]:
                st.text(visible(f"{_title(one, own)}, {_span(one, scope)}\n{_why(one)}"))
            if len(ended) > MAX_ENDED:
                st.caption(f"The newest {MAX_ENDED} of {len(ended):,}.")


def _draw_mute(one: Mute, own: Ruleset, scope: Scope, *, manages: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        begun = one.begins_at <= cached.utc_now()
        st.badge("Muted" if begun else "Later", icon=":material/notifications_off:", color="orange")
        st.text(visible(f"{_title(one, own)}, {_span(one, scope)}"), width="content")
        if manages:
            st.space("stretch")
            if st.button("End now", icon=":material/notifications:", key=f"mute_{one.id}_lift"):
                act(scope, lambda connection, by: _lift(connection, by, one, scope))
    st.text(visible(_why(one)))
    st.code(visible(one.filter), language="yaml")


def _title(one: Mute, own: Ruleset) -> str:
    if one.rule_id is None:
        return _ALL
    rule = own.find(one.rule_id)
    return f"Rule {one.rule_id}" if rule is None else rule.rule.title


def _span(one: Mute, scope: Scope) -> str:
    zone = cached.organization_zone(scope)
    begin, end = (written(at, zone, "minutes") for at in (one.begins_at, one.ends_at))
    return f"{begin} to {end} {zone}"


def _why(one: Mute) -> str:
    lifted = "" if one.lifted_by is None else f" Ended by {one.lifted_by}."
    return f"{one.reason}\nSet by {one.set_by}.{lifted}"


def _draw_new(own: Ruleset, scope: Scope, rule: OrganizationRule | None) -> None:
    with (
        st.popover("Mute", icon=":material/notifications_off:", key="mute_new"),
        st.container(width=460),
    ):
        titles = {None: _ALL} | {one.rule.id: one.rule.title for one in own.rules}
        chosen = list(titles)
        rule_id = st.selectbox(
            "Rule",
            chosen,
            index=chosen.index(None if rule is None else rule.rule.id),
            format_func=lambda one: visible(titles[one]),
            key="mute_rule",
        )
        text = st.text_area(
            "What is left out: a Sigma filter",
            _START,
            height=150,
            max_chars=MAX_FILTER_CHARACTERS,
            key="mute_filter",
            help="The condition says what stays: not, and the selection to leave out.",
        )
        reason = st.text_area("Reason", max_chars=MAX_REASON, height=80, key="mute_reason")
        lasts = st.selectbox("For", list(LENGTHS), index=3, key="mute_length")
        if st.button("Mute it", type="primary", key="mute_set"):
            act(
                scope,
                lambda connection, by: set_mute(
                    connection,
                    by,
                    organization_id=scope.organization_id or "",
                    filter=text,
                    reason=reason,
                    ends_at=by.now + LENGTHS[lasts],
                    rule_id=rule_id,
                ),
            )


def _lift(connection: Connection, by: Administrator, one: Mute, scope: Scope) -> None:
    lift_mute(connection, by, organization_id=scope.organization_id or "", mute_id=one.id)
