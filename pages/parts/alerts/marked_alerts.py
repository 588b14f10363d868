"""The alerts that charts of entries mark."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import list_alerts
from audit_core.domain.access import Scope
from audit_core.domain.listing import Listing
from pages.parts.alerts import alert_place
from pages.parts.charts.figures.alert_marks import AlertMark
from pages.parts.filters import filter_bar
from pages.parts.shell import cached

MAX_ALERTS = 500
"""How many are read: those that wait first, by level."""
NONE: Listing[AlertMark] = Listing((), False)


def of_view(view: filter_bar.View, scope: Scope) -> Listing[AlertMark]:
    """Those of the window; where the filter names users or targets, those that name one of them."""
    asked = view.entry_filter
    return _marks(view, scope, {*asked.actors, *asked.targets})


def of_actor(view: filter_bar.View, scope: Scope) -> Listing[AlertMark]:
    """Those of the window that name the actor of the scope."""
    return NONE if scope.actor_id is None else _marks(view, scope, {scope.actor_id})


def draw_limit(marks: Listing[AlertMark]) -> None:
    """Say so where there are more alerts than were read."""
    if marks.truncated:
        st.caption(f"Of more than {MAX_ALERTS:,} alerts in this window, not all are marked.")


def _marks(view: filter_bar.View, scope: Scope, named: set[str]) -> Listing[AlertMark]:
    asked = AlertFilter(since=view.time_range.since, until=view.time_range.until)
    with cached.installation().state.read() as connection:
        found = list_alerts(connection, scope.organization_id or "", asked, limit=MAX_ALERTS)
    alerts = [one for one in found.items if one.withdrawn_at is None]
    if named and alerts:
        whole = Scope(organization_id=scope.organization_id)
        names = alert_place.names_of(alerts, whole)
        alerts = [one for one in alerts if not named.isdisjoint(_values(one, names))]
    marks = tuple(
        AlertMark(at=one.first_at, level=one.level, title=one.rule_title) for one in alerts
    )
    return Listing(marks, found.truncated)


def _values(one: Alert, names: Mapping[str, str]) -> set[str]:
    """What an alert names, and the e-mail addresses of whom it names."""
    values = set(one.group.values())
    return values | {names[value] for value in values if value in names}
