"""Groups of failed starts: how each stands, and what its failures have in common."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.explore.presentation.outcome_colors import chip_color
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import written
from audit_core.starts.attempts_sql import FAILING
from audit_core.starts.failure_groups_sql import FailureGroup
from audit_core.starts.suspects_sql import FEWEST_FAILURES, TRAITS, Suspects
from audit_core.starts.suspicion import SUSPECTED_BRIEFLY
from audit_core.starts.triage import Standing, standing_of
from audit_core.workspace.failure_triage import (
    LONGEST_NOTE,
    FailureMark,
    Verdict,
    list_marks,
    mark_failures,
)
from pages.parts.entries.entry_table import MESSAGE_LENGTH
from pages.parts.filters import filter_bar
from pages.parts.sandboxes import start_list, suspicion_help
from pages.parts.shell import cached, viewer
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

MAX_GROUPS = 100
MAX_MEMBERS = 25
MAX_SUSPECTS = 15
_TABLE = "failure_groups"
_VERDICT, _NOTE = "failure_verdict", "failure_note"

STANDING_COLORS = {
    Standing.NEW: "#D55E00",
    Standing.REGRESSED: "#CC79A7",
    Standing.ONGOING: "#E69F00",
    Standing.RESOLVED: "#009E73",
    Standing.MUTED: "#8A94A0",
}

LABELS = {name: label for name, label, _ in TRAITS}


def draw(view: filter_bar.View, person: Viewer, scope: Scope, head: int) -> None:
    """The groups, or the one that the address names."""
    spans = start_list.spans_of(view)
    found = cached.answer(head, cached.starts_reader().groups, view.query(scope), spans, MAX_GROUPS)
    if not found.largest:
        st.success("No starts failed, as far as the log shows.", icon=":material/check_circle:")
        return
    with cached.installation().state.read() as connection:
        marks = list_marks(connection, organization_id=person.organization_id or "")
    before = (
        cached.answer(head, cached.starts_reader().first_seen, scope, view.time_range.since)
        if view.time_range.since
        else {}
    )
    stands = {
        item.key.fingerprint: standing_of(
            item, before.get(item.key.fingerprint), marks.get(item.key.fingerprint)
        )
        for item in found.largest
    }
    _table(found.largest, stands, view.entry_filter.window.zone)
    if found.truncated:
        st.caption(f"The {len(found.largest)} largest groups; there are more.")
    chosen = st.query_params.get("group")
    group = next((item for item in found.largest if item.key.fingerprint == chosen), None)
    if group is not None:
        _draw_group(
            group, stands[group.key.fingerprint], marks.get(chosen or ""), view, scope, head
        )
    elif chosen:
        st.info("The selected group has no failures in this window.", icon=":material/search_off:")


def _message(group: FailureGroup) -> str:
    if not group.example:
        return group.key.describe()
    text = visible(" ".join(group.example.split()))
    return text if len(text) <= MESSAGE_LENGTH else f"{text[:MESSAGE_LENGTH]}…"


def _table(groups: tuple[FailureGroup, ...], stands: dict[str, Standing], zone: str) -> None:
    column = st.column_config
    selection.draw(
        pd.DataFrame(
            {
                "state": [[stands[item.key.fingerprint].label] for item in groups],
                "outcome": [[item.key.outcome.label] for item in groups],
                "message": [_message(item) for item in groups],
                "count": [item.count for item in groups],
                "over_time": [list(item.over_time) for item in groups],
                "sandboxes": [item.sandboxes for item in groups],
                "users": [item.actors for item in groups],
                "action": [visible(item.key.action) for item in groups],
                "status": [item.key.status_code for item in groups],
                "first": [written(item.first, zone) for item in groups],
                "last": [written(item.last, zone) for item in groups],
            }
        ),
        _TABLE,
        groups,
        identify=lambda item: item.key.fingerprint,
        take=_open,
        height=min(38 + 35 * len(groups), 38 + 35 * 12),
        row_height=35,
        column_config={
            "state": column.MultiselectColumn(
                "State",
                options=[item.label for item in STANDING_COLORS],
                color=list(map(chip_color, STANDING_COLORS.values())),
                width=110,
            ),
            "outcome": column.MultiselectColumn(
                "Outcome",
                options=[item.label for item in FAILING],
                color=[chip_color(start_list.COLORS[item]) for item in FAILING],
                width=145,
                help=SUSPECTED_BRIEFLY,
            ),
            "message": column.TextColumn("Message", width=390),
            "count": column.NumberColumn("Failures", format="localized", width=75),
            "over_time": column.BarChartColumn("Over time", width=130, y_min=0),
            "sandboxes": column.NumberColumn("Sandboxes", format="localized", width=85),
            "users": column.NumberColumn("Users", format="localized", width=65),
            "action": column.TextColumn("Action", width=80),
            "status": column.NumberColumn("Status", format="%d", width=65),
            "first": column.TextColumn(f"First ({zone})", width=150),
            "last": column.TextColumn(f"Last ({zone})", width=150),
        },
        alt=f"Groups of failed starts, largest first, {len(groups)} of them; "
        "select a cell to open the group.",
    )


def _open(group: FailureGroup) -> None:
    st.query_params["group"] = group.key.fingerprint


def _draw_group(
    group: FailureGroup,
    standing: Standing,
    mark: FailureMark | None,
    view: filter_bar.View,
    scope: Scope,
    head: int,
) -> None:
    zone = view.entry_filter.window.zone
    with st.container(border=True, key="failure_group"):
        st.header("One group", anchor=False)
        st.text(f"{standing.label} · grouped by: {visible(group.key.describe())}")
        if group.example:
            st.code(visible(group.example), language=None, wrap_lines=True)
        _draw_mark(group, mark, zone)
        st.header("Suspects", anchor=False)
        noun = "suspected failures" if group.key.suspected else "failures"
        _draw_suspects(
            cached.answer(head, cached.starts_reader().suspects, view.query(scope), group.key), noun
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.header(noun.capitalize(), anchor=False, width="content")
            if group.key.suspected:
                suspicion_help.draw(scope)
        members = cached.answer(
            head, cached.starts_reader().group_members, view.query(scope), group.key, MAX_MEMBERS
        )
        start_list.table(members.items, zone, "group_members")
        if members.truncated:
            st.caption(f"The newest {len(members.items)} of {group.count:,}.")


def _draw_mark(group: FailureGroup, mark: FailureMark | None, zone: str) -> None:
    if mark is not None:
        st.text(
            f"{mark.verdict.label} since {written(mark.marked_at, zone)} {zone}, "
            f"by {visible(mark.marked_by)}" + (f": {visible(mark.note)}" if mark.note else "")
        )
    with (
        st.form("failure_mark", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        present = Verdict.OPEN if mark is None else mark.verdict
        st.selectbox(
            "State",
            list(Verdict),
            index=list(Verdict).index(present),
            format_func=lambda item: item.label,
            key=f"{_VERDICT}_{group.key.fingerprint}",
            width=140,
        )
        st.text_input(
            "Note",
            value="" if mark is None else mark.note,
            max_chars=LONGEST_NOTE,
            key=f"{_NOTE}_{group.key.fingerprint}",
        )
        st.form_submit_button(
            "Save",
            icon=":material/save:",
            on_click=_save,
            args=(group.key.fingerprint,),
            help="Everyone in the organization sees it, and the change is recorded",
        )


def _save(fingerprint: str) -> None:
    person = viewer.find()
    if person is None or person.organization_id is None:
        return
    if not isinstance(decide(person.membership, Permission.READ), Allowed):
        return
    installation = cached.installation()
    with installation.state.begin() as connection:
        mark_failures(
            connection,
            organization_id=person.organization_id,
            fingerprint=fingerprint,
            verdict=Verdict(st.session_state[f"{_VERDICT}_{fingerprint}"]),
            note=st.session_state[f"{_NOTE}_{fingerprint}"],
            by=person.email,
            now=installation.clock(),
            address=viewer.address(),
        )


def _draw_suspects(found: Suspects, noun: str) -> None:
    telling = found.telling
    if telling:
        st.text(
            f"More common among these {found.failed:,} {noun} than among the "
            f"{found.started:,} successful attempts of this action:"
        )
    elif found.failed < FEWEST_FAILURES:
        st.warning(f"Too few {noun} to draw conclusions.", icon=":material/warning:")
    else:
        st.info(
            "Nothing stands out: the differences may be chance.",
            icon=":material/casino:",
        )
    values = found.values[: max(MAX_SUSPECTS, len(telling))]
    column = st.column_config
    st.dataframe(
        pd.DataFrame(
            {
                "trait": [LABELS[item.trait] for item in values],
                "value": [visible(item.value) or "(none)" for item in values],
                "failed": [item.failed for item in values],
                "started": [item.started for item in values],
                "lift": [
                    "only here" if item.lift is None else f"{item.lift:.1f} times"
                    for item in values
                ],
                "meaning": [
                    "unlikely to be chance"
                    if item.telling
                    else "too few to tell"
                    if item.failed < FEWEST_FAILURES
                    else "may be chance"
                    for item in values
                ],
            }
        ),
        key="suspects",
        hide_index=True,
        height=min(38 + 35 * len(values), 38 + 35 * 8),
        row_height=35,
        column_config={
            "trait": column.TextColumn("What", width=150),
            "value": column.TextColumn("Value", width=280),
            "failed": column.NumberColumn("Failed", format="localized", width=80),
            "started": column.NumberColumn("Started", format="localized", width=80),
            "lift": column.TextColumn(
                "Lift", width=90, help="How many times as common as among successful attempts"
            ),
            "meaning": column.TextColumn(
                "Meaning",
                width=170,
                help="By Fisher's exact test, corrected for the number of values",
            ),
        },
        alt=f"What the failures have in common, {len(values)} values, the most telling first.",
    )
    if len(found.values) > len(values):
        st.caption(f"The {len(values)} least likely to be chance of {len(found.values):,} values.")
