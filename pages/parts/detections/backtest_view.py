"""What a rule would have raised over the past: one click, per week, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import streamlit as st

from audit_core.detect.alerts.context import filter_of
from audit_core.detect.alerts.entries_sql import Occurrence
from audit_core.detect.alerts.would_be import WouldBeAlert
from audit_core.detect.backtest import DEFAULT_DAYS, backtest
from audit_core.detect.rules.rule import Rule
from audit_core.domain.access import Permission, Scope
from audit_core.explore.presentation import text
from audit_core.query.time.windows import written
from pages.parts.charts.figures.weeks import per_week
from pages.parts.filters.explore_link import EXPLORE
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables.safe_text import visible

DAYS = (7, 30, DEFAULT_DAYS, 365)
EXAMPLES = 8
"""How many alerts are shown, the newest."""
CHART = {"displayModeBar": False, "typesetMath": False, "doubleClick": False}
_DONE = "backtest_done"
"""What came of the last one."""


@dataclass(frozen=True, slots=True)
class _Done:
    """A backtest that was made."""

    rule: Rule
    scope: Scope
    since: datetime
    until: datetime
    number: int
    """Of alerts."""
    more: bool
    weeks: Mapping[date, int]
    examples: tuple[WouldBeAlert, ...]
    """The newest first; the session keeps no more than is shown."""


def draw(rule: Rule, scope: Scope, *, name: str) -> None:
    """The button, and what came of the last click, if that was for this rule as it is now. `name`
    is unique on the page."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.segmented_control(
            "Look at the last",
            DAYS,
            default=DEFAULT_DAYS,
            format_func=lambda number: f"{number} days",
            required=True,
            key=f"backtest_days_{name}",
        )
        clicked = st.button("Backtest", icon=":material/history:", key=f"backtest_{name}")
    if clicked:
        _run(rule, scope, days)
    done: _Done | None = st.session_state.get(_DONE)
    if done is None or done.scope != scope or done.rule != rule:
        st.caption(
            "Looks through what the log holds, as the rule would have. Nothing is raised, and "
            "nobody is told."
        )
        return
    _draw_done(done)


def _run(rule: Rule, scope: Scope, days: int) -> None:
    """Under the limits of a page: it ends when the reader leaves, and says so when it takes too
    long."""
    _, present = viewer.require(Permission.READ)
    if present != scope:
        st.rerun()
    st.session_state.pop(_DONE, None)
    now = cached.utc_now()
    since = now - timedelta(days=days)
    with (
        error_boundary.attempt(),
        st.spinner(f"Looking through the last {days} days…", show_time=True),
    ):
        found = backtest(cached.installation().log, rule, scope, since=since, until=now, now=now)
        st.session_state[_DONE] = _Done(
            rule=rule,
            scope=scope,
            since=since,
            until=now,
            number=len(found.alerts),
            more=found.more,
            weeks=found.weeks,
            examples=found.alerts[-EXAMPLES:][::-1],
        )


def _draw_done(done: _Done) -> None:
    number, zone = done.number, cached.organization_zone(done.scope)
    more = " and more than is looked at" if done.more else ""
    st.markdown(f"**{number:,} {'alert' if number == 1 else 'alerts'}{more}**")
    days = (done.until - done.since) // timedelta(days=1)
    weeks = max(days / 7, 1)
    st.caption(
        f"In the {days} days up to {written(done.until, zone, 'minutes')} {zone}: "
        f"{number / weeks:,.1f} a week."
    )
    if not number:
        return
    chart = per_week(done.weeks, done.since.date(), done.until.date(), noun="alerts")
    st.plotly_chart(chart.figure, key="backtest_weeks", config=CHART, alt=chart.alt)
    st.caption("The newest:" if number > EXAMPLES else "All of them:")
    for alert in done.examples:
        _draw_example(alert, done, zone)


def _draw_example(alert: WouldBeAlert, done: _Done, zone: str) -> None:
    names = [group.name for group in done.rule.groups]
    who = ", ".join(f"{name} {value}" for name, value in zip(names, alert.group, strict=True))
    at = f"{written(alert.first, zone)} {zone}"
    occurrence = Occurrence(
        group=tuple(zip(names, alert.group, strict=True)),
        first_at=alert.first,
        last_at=alert.last,
    )
    line, link = st.columns([6, 1], vertical_alignment="center")
    line.text(visible(f"{at}  {text.entries(alert.count)}  {who}"))
    link.page_link(
        EXPLORE,
        label="Entries",
        icon=":material/list:",
        query_params=filter_of(occurrence, done.rule, zone).to_params(),
    )
