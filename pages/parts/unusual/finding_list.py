"""What is unusual this week, one sentence each, with a link to the entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.errors import QueryTimeoutError
from audit_core.query.time.windows import clamped
from audit_core.unusual.findings import Finding, FindingKind, Findings
from audit_core.unusual.first_seen import KNOWN_FOR, LOOK_BACK
from pages.parts.filters import filter_bar
from pages.parts.filters.explore_link import EXPLORE
from pages.parts.live import snapshot
from pages.parts.live.real_time import Live
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

PEOPLE = "activity/people.py"

FIRST_SHOWN = 6
MAX_SHOWN = 40
PATIENCE_S = 8.0
"""How long the list may take unasked, in seconds: the charts are there meanwhile."""

_MORE, _PATIENT, _GIVEN_UP = "unusual_more", "unusual_patient", "unusual_given_up"

LABELS = {
    FindingKind.PERSON: ":material/person_add: Newcomer",
    FindingKind.ADDRESS: ":material/location_on: New address",
    FindingKind.KEY: ":material/key: New API key",
    FindingKind.ERROR: ":material/error: New error",
    FindingKind.SPIKE: ":material/trending_up: Spike",
    FindingKind.OFF_HOURS: ":material/bedtime: Off-hours",
}

HELP = (
    "The seven days up to the end of the window, whatever the filters. New is what a person did "
    f"not have in the {LOOK_BACK.days} days before, and an error unlike any of that time. A spike "
    "is an hour far above those of the four weeks before. Off-hours are times of day at which the "
    "person hardly ever worked in those weeks."
)


def heading(view: filter_bar.View) -> str:
    """What the list is called: a week that has passed is named by its end."""
    until = view.entry_filter.window.until
    if until is None:
        return "Unusual this week"
    end = until.astimezone(view.entry_filter.window.zone_info)
    return f"Unusual in the week until {end:%Y-%m-%d}"


def end_of(view: filter_bar.View) -> datetime:
    """The end of the week that is looked at: of the window, or of the present hour."""
    until = view.entry_filter.window.until
    if until is not None:
        return until
    hour = view.as_of.replace(minute=0, second=0, microsecond=0)
    return clamped(hour + timedelta(hours=1))


def draw(view: filter_bar.View, scope: Scope, live: Live) -> None:
    """The list; call it last, since it looks back furthest."""
    end = end_of(view)
    # What is unusual in a week does not change by the second: while the page refreshes itself the
    # list is kept for as long as answers are.
    head = -1 if live.on else live.head
    found = _find(scope, end, view.entry_filter.window.zone, head)
    if found is None:
        st.info(f"This list takes longer than {PATIENCE_S:g} seconds.", icon=":material/timer:")
        st.button("Look anyway", icon=":material/search:", on_click=_keep, args=(_PATIENT, end))
        return
    if not found.known:
        st.info(
            f"Too little is known to say what is unusual: it takes {KNOWN_FOR.days} days of "
            "entries before this week.",
            icon=":material/hourglass_empty:",
        )
        return
    if not found.items:
        st.success(
            "Nothing unusual: no newcomers, addresses, API keys or errors that were not there "
            "before, no spikes, and nobody active off-hours.",
            icon=":material/check_circle:",
        )
    shown = found.items if st.session_state.get(_MORE) else found.items[:FIRST_SHOWN]
    for item in shown:
        _draw_finding(item)
    rest = left_out(found, len(shown))
    if len(shown) < len(found.items):
        st.button(
            f"Show more: {in_words(rest)}",
            icon=":material/expand_more:",
            type="tertiary",
            on_click=_keep,
            args=(_MORE, True),
        )
        rest = {}
    if note := _note(found, rest):
        st.caption(note)


def left_out(found: Findings, shown: int) -> Mapping[FindingKind, int]:
    """How many of each kind are not among the first `shown`, commonest first."""
    counts = Counter(found.left_out)
    counts.update(item.kind for item in found.items[shown:])
    return dict(counts.most_common())


def in_words(counts: Mapping[FindingKind, int]) -> str:
    """So many of each kind."""
    return ", ".join(kind.counted(number) for kind, number in counts.items())


def _note(found: Findings, rest: Mapping[FindingKind, int]) -> str:
    parts = []
    if rest:
        parts.append(f"Not listed: {in_words(rest)}.")
    if found.truncated:
        parts.append("There is more than could be looked through.")
    if found.unjudged:
        who = "One actor is" if found.unjudged == 1 else f"{found.unjudged:,} actors are"
        parts.append(f"{who} hardly known yet: nothing of theirs is called new.")
    return " ".join(parts)


def _draw_finding(item: Finding) -> None:
    kind, sentence, links = st.columns([1.4, 6, 2.2], vertical_alignment="center", gap="small")
    kind.caption(LABELS[item.kind])
    sentence.text(visible(item.sentence))
    with links.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if item.actor_id is not None:
            st.page_link(
                PEOPLE,
                label="Person",
                icon=":material/person:",
                query_params={
                    "person": item.actor_id,
                    **item.entry_filter.cleared().to_params(),
                },
            )
        st.page_link(
            EXPLORE,
            label="Entries",
            icon=":material/list:",
            query_params=item.entry_filter.to_params(),
        )


def _find(scope: Scope, end: datetime, zone: str, head: int) -> Findings | None:
    """What is found; `None` if it takes too long and nobody has asked for it all the same."""

    def read() -> Findings:
        return snapshot.answer(head, cached.unusual_reader().findings, scope, end, zone, MAX_SHOWN)

    if st.session_state.get(_PATIENT) == end:
        return read()
    if st.session_state.get(_GIVEN_UP) == end:
        return None
    try:
        with cached.installation().log.patience(PATIENCE_S):
            return read()
    except QueryTimeoutError:
        st.session_state[_GIVEN_UP] = end
        return None


def _keep(key: str, value: object) -> None:
    st.session_state[key] = value
