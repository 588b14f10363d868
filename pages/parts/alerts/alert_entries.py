"""The entries of an alert, what is usual there, and the ways to where they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.context import (
    USUAL_DAYS,
    Usual,
    actor_of,
    alert_entries,
    filter_of,
    target_of,
    usual,
)
from audit_core.detect.alerts.entries_sql import Occurrence, fits
from audit_core.detect.alerts.reading import AlertDetail
from audit_core.detect.rules.rule import LogSource, Rule
from audit_core.domain.access import Scope
from audit_core.domain.errors import QueryTimeoutError
from audit_core.domain.redaction import redact
from audit_core.domain.sentences import sentence
from audit_core.explore.presentation import text
from audit_core.explore.results import Row
from audit_core.query.time.windows import format_instant, written
from pages.parts.alerts import alert_place
from pages.parts.entries.entry_table import message_text, outcome_text, target_text
from pages.parts.filters import explore_link
from pages.parts.shell import cached
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

MAX_ROWS = 200
SELDOM = 0.1
"""Fewer entries a day than this are hardly any."""
PATIENCE_S = 5.0
"""How long what the log says may take, in seconds: the rest of the page is there meanwhile."""


def draw(
    found: AlertDetail, rule: Rule | None, names: Mapping[str, str], scope: Scope, zone: str
) -> None:
    """All that the log says about an alert."""
    one = found.alert
    st.header("Entries", anchor=False)
    rows = _draw_entries(one, rule, scope, zone)
    _draw_links(one, rule, rows, zone)
    st.header("What is usual", anchor=False)
    _draw_usual(found, rule, names, scope, zone)


def _draw_entries(one: Alert, rule: Rule | None, scope: Scope, zone: str) -> Sequence[Row]:
    if rule is None or not fits(Occurrence.of(one), rule):
        st.caption(
            "The rule is gone, or tells entries apart by other fields by now. Explore shows what "
            "happened then."
        )
        return ()
    if rule.source is not LogSource.ENTRIES:
        st.caption("This rule looks at something else than entries.")
        return ()
    head = cached.installation().log.head(scope.organization_id)
    try:
        with cached.installation().log.patience(PATIENCE_S):
            listed = cached.answer(head, _read, Occurrence.of(one), rule, scope)
    except QueryTimeoutError:
        st.info(
            f"Finding them takes longer than {PATIENCE_S:g} seconds. Explore shows what happened "
            "then.",
            icon=":material/timer:",
        )
        return ()
    if not listed:
        st.caption("None is left in the log.")
        return ()
    shown = listed[:MAX_ROWS]
    more = f"The newest {MAX_ROWS:,} of more. " if len(listed) > MAX_ROWS else ""
    st.caption(f"{more}What the rule selects of this group in this time. Click a line to open it.")
    selection.draw(
        frame(shown, zone),
        "alert_entries",
        shown,
        identify=lambda row: row.entry.id,
        take=lambda row: _open(one, rule, row, zone),
        column_config=_columns(zone),
        row_height=table_size.ROW,
        height=table_size.height(len(shown), most=10),
        alt=f"Entries of this alert, newest first, {len(shown)} of them; select a cell to open "
        "its entry.",
    )
    return shown


def _read(what: Occurrence, rule: Rule, scope: Scope) -> tuple[Row, ...]:
    return alert_entries(cached.count_reader(), what, rule, scope, limit=MAX_ROWS + 1).items


def frame(rows: Sequence[Row], zone: str) -> pd.DataFrame:
    """One line for each entry in their order, without secrets."""
    entries = [redact(row.entry) for row in rows]
    return pd.DataFrame(
        {
            "time": [written(one.created_at, zone) for one in entries],
            "what": [visible(sentence(one)) for one in entries],
            "outcome": [outcome_text(one) for one in entries],
            "target": [target_text(one) for one in entries],
            "ip": [visible(one.ip_address or "–") for one in entries],
            "message": [message_text(one) for one in entries],
        }
    )


def _columns(zone: str) -> dict[str, object]:
    column = st.column_config
    return {
        "time": column.TextColumn(f"Time ({zone})", width=150),
        "what": column.TextColumn("What", width=330),
        "outcome": column.TextColumn("Outcome", width=120),
        "target": column.TextColumn("Target", width=160),
        "ip": column.TextColumn("IP address", width=110),
        "message": column.TextColumn("Message", width=200),
    }


def _open(one: Alert, rule: Rule | None, row: Row, zone: str) -> None:
    explore_link.ask(
        {
            **filter_of(Occurrence.of(one), rule, zone).to_params(),
            "entry": [row.entry.id],
            "entry_at": [format_instant(row.entry.created_at)],
            # The browser's way back has these parameters too: it leads to the alert.
            alert_place.PARAM: [one.id],
        }
    )


def _draw_links(one: Alert, rule: Rule | None, rows: Sequence[Row], zone: str) -> None:
    asked = filter_of(Occurrence.of(one), rule, zone)
    with st.container(horizontal=True, vertical_alignment="center", key="alert_links"):
        st.page_link(
            explore_link.EXPLORE,
            label="All of it in Explore",
            icon=":material/search:",
            query_params=asked.to_params(),
        )
        if actor_id := _actor_id(one, rule, rows):
            st.page_link(
                "activity/people.py",
                label="Person",
                icon=":material/person:",
                query_params={"person": actor_id, **asked.cleared().to_params()},
            )
        if sandbox := _sandbox(one, rule, rows):
            st.page_link(
                "activity/sandboxes.py",
                label="Sandbox",
                icon=":material/deployed_code:",
                query_params={"sandbox": sandbox, "sandbox_at": format_instant(one.last_at)},
            )


def _actor_id(one: Alert, rule: Rule | None, rows: Sequence[Row]) -> str | None:
    """Whom an alert is about; `None` if about nobody, or several."""
    named = actor_of(Occurrence.of(one), rule)
    found = {
        row.entry.actor_id
        for row in rows
        if named in (None, row.entry.actor_id, row.entry.actor_email)
    }
    return found.pop() if len(found) == 1 else None


def _sandbox(one: Alert, rule: Rule | None, rows: Sequence[Row]) -> str | None:
    """The sandbox that an alert is about; `None` if about none, or several."""
    target = target_of(Occurrence.of(one), rule)
    found = {
        row.entry.target_id
        for row in rows
        if row.entry.target_type == "sandbox" and target in (None, row.entry.target_id)
    } - {None}
    return found.pop() if len(found) == 1 else None


def _draw_usual(
    found: AlertDetail, rule: Rule | None, names: Mapping[str, str], scope: Scope, zone: str
) -> None:
    st.text(earlier_in_words(found, zone))
    head = cached.installation().log.head(scope.organization_id)
    try:
        with cached.installation().log.patience(PATIENCE_S):
            told = cached.answer(head, _usual, Occurrence.of(found.alert), rule, scope)
    except QueryTimeoutError:
        st.caption(f"Counting what is usual takes longer than {PATIENCE_S:g} seconds.")
        return
    if told is not None:
        st.text(usual_in_words(told, names))


def _usual(what: Occurrence, rule: Rule | None, scope: Scope) -> Usual | None:
    return usual(cached.count_reader(), what, rule, scope)


def earlier_in_words(found: AlertDetail, zone: str) -> str:
    """What this rule said of the same group before."""
    standing = [one for one in found.before if one.withdrawn_at is None]
    if not standing:
        return "This rule found nothing here before."
    verdicts = Counter(
        one.state.label.lower() if one.resolution is None else one.resolution.label.lower()
        for one in standing
    )
    said = ", ".join(f"{count:,} {verdict}" for verdict, count in verdicts.most_common())
    noun = "alert" if len(standing) == 1 else "alerts"
    last = written(standing[0].last_at, zone, "minutes")
    return f"{len(standing):,} earlier {noun} of this rule here: {said}. The last at {last} {zone}."


def usual_in_words(told: Usual, names: Mapping[str, str]) -> str:
    """How much the actor did, and usually does."""
    who = names.get(told.actor, told.actor)
    usually = f"{told.per_day:,.1f} a day" if told.per_day >= SELDOM else "hardly any"
    return visible(
        f"{text.plain(who, 90)} did {text.entries(told.during)} in this time. Usual for them: "
        f"{usually}, over the {USUAL_DAYS} days before."
    )
