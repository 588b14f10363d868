"""The verbs of the access record that are about working off alerts."""

from __future__ import annotations

from audit_core.state.access_log.verb import Category, Verb

_TARGET = "alert"

ALERT_VERBS = (
    Verb(
        name="alert.state_changed",
        sentence="Changed how far an alert is, or what came of it.",
        category=Category.WORK,
        target=_TARGET,
    ),
    Verb(
        name="alert.assigned",
        sentence="Changed to whom an alert is assigned.",
        category=Category.WORK,
        target=_TARGET,
    ),
    Verb(
        name="alert.commented",
        sentence="Commented on an alert.",
        category=Category.WORK,
        target=_TARGET,
    ),
    Verb(
        name="alerts.read",
        sentence="Read alerts over HTTP.",
        category=Category.EXPORT,
        target="path",
        joined=True,
    ),
    Verb(
        name="alert.trail_downloaded",
        sentence="Downloaded what happened to an alert.",
        category=Category.EXPORT,
        target=_TARGET,
    ),
)
