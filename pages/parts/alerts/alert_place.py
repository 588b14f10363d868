"""Where alerts are in the app: the page, its address, and what is read for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import open_by_level
from audit_core.detect.rules.rule import Rule
from audit_core.detect.ruleset.ruleset import read_ruleset
from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import QueryTimeoutError
from audit_core.identity.sessions import Viewer
from pages.parts.shell import cached, own_preferences

PAGE = "activity/alerts.py"
PARAM = "alert"
"""The alert that is open, in the address."""
OFFSET = "alerts"
"""Where the list begins, in the address."""
WITHIN = "within"
"""How far the list reaches back, in the address."""
PATIENCE_S = 2.0
"""How long names may take, in seconds: ids do as well."""
PARAMS = (*AlertFilter.params(), PARAM, OFFSET, WITHIN)
"""The parameters of the page's address."""


def open_alert(one: Alert) -> None:
    """Show one on this page; for callbacks."""
    st.query_params[PARAM] = one.id


def params_of(one: Alert) -> dict[str, str]:
    """The address of an alert on its page."""
    return {PARAM: one.id}


def zone(scope: Scope) -> str:
    """The zone in which the page shows times."""
    return own_preferences.zone() or cached.organization_zone(scope)


def rule_of(one: Alert) -> Rule | None:
    """The rule of an alert as the organization has it now; `None` if it has it no more."""
    with cached.installation().state.read() as connection:
        ruleset = read_ruleset(connection, one.organization_id)
    found = ruleset.find(one.rule_id)
    return None if found is None else ruleset.in_force(found)


def open_counts(person: Viewer | None) -> Mapping[Level, int]:
    """How many alerts wait in the organization that a person looks at, highest level first; none
    for whoever may not read them."""
    if person is None or person.organization_id is None:
        return {}
    if not isinstance(decide(person.membership, Permission.READ), Allowed):
        return {}
    with cached.installation().state.read() as connection:
        return open_by_level(connection, person.organization_id)


def counted(title: str, person: Viewer | None) -> str:
    """What the page is called in the navigation: with how many alerts wait, if any does."""
    waiting = sum(open_counts(person).values())
    return f"{title} ({waiting:,})" if waiting else title


def names_of(alerts: Sequence[Alert], scope: Scope) -> Mapping[str, str]:
    """The e-mail addresses of actors that alerts name by id; none where that takes too long."""
    ids = {value for one in alerts for name, value in one.group.items() if name in NAMED and value}
    if not ids:
        return {}
    # Who has which address hardly ever changes: any head will do for as long as answers are kept.
    try:
        with cached.installation().log.patience(PATIENCE_S):
            return cached.answer(-1, cached.actor_reader().names, tuple(sorted(ids)), scope)
    except QueryTimeoutError:
        return {}


NAMED = ("actorId", "person")
"""What groups call the id of an actor by."""
