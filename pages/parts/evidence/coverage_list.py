"""The coverage of a log: figures, a line for each action on a target, and what is not recorded."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.domain.errors import FilterError
from audit_core.evidence.coverage.catalogue import GAPS
from audit_core.evidence.coverage.reader import (
    MAX_PAIRS,
    Coverage,
    CoverageLine,
    CoverageState,
)
from audit_core.evidence.download import FileKind
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import format_instant, written
from audit_core.query.value_filter import NONE
from audit_core.web.routes.evidence.coverage import COVERAGE_PATH
from pages.parts.evidence import download_menu
from pages.parts.filters.explore_link import EXPLORE
from pages.parts.filters.filter_bar import View
from pages.parts.live import snapshot
from pages.parts.shell import cached
from pages.parts.shell.app_address import own_address
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

_KEY = "coverage"
_STATES = "coverage_states"


def draw(view: View, scope: Scope, person: Viewer) -> None:
    """All of it for the window of the view."""
    moment = snapshot.take(("coverage", view.entry_filter), scope)
    coverage = snapshot.answer(moment.head, cached.coverage_reader().coverage, view.query(scope))
    _draw_figures(coverage)
    if coverage.truncated:
        st.warning(
            f"The log holds more than {MAX_PAIRS:,} different actions on targets; the most "
            "frequent are listed, and what is called never seen may be among the rest.",
            icon=":material/warning:",
        )
    _draw_lines(coverage, view, scope, person)
    st.header("Not recorded by the platform", anchor=False)
    st.caption("No export and no search of this log can show these, whatever it says above.")
    for gap in GAPS:
        st.markdown(f"**{gap.what}.** {gap.why}")


def _draw_figures(coverage: Coverage) -> None:
    recorded = sum(
        coverage.number(state) for state in (CoverageState.SEEN, CoverageState.NEVER_SEEN)
    )
    with st.grid(4, min_column_width=165, key="coverage_figures"):
        for state, number in (
            (CoverageState.SEEN, f"{coverage.number(CoverageState.SEEN)} of {recorded}"),
            (CoverageState.NEVER_SEEN, f"{coverage.number(CoverageState.NEVER_SEEN)}"),
            (CoverageState.SWITCHED_ON, f"{coverage.number(CoverageState.SWITCHED_ON)}"),
            (CoverageState.UNLISTED, f"{coverage.number(CoverageState.UNLISTED)}"),
        ):
            st.metric(state.label, number, border=True, help=state.description)


def _draw_lines(coverage: Coverage, view: View, scope: Scope, person: Viewer) -> None:
    chosen = st.pills(
        "State",
        list(CoverageState),
        selection_mode="multi",
        format_func=lambda state: f"{state.label} ({coverage.number(state)})",
        key=_STATES,
        help="\n".join(f"- **{item.label}**: {item.description}" for item in CoverageState),
    )
    lines = [line for line in coverage.lines if not chosen or line.state in chosen]
    with st.container(horizontal=True, vertical_alignment="center", key="coverage_bar"):
        st.caption(f"{len(lines):,} actions on targets. Select a line for its entries.")
        if isinstance(decide(person.membership, Permission.EXPORT), Allowed):
            _draw_download(view, scope)
    if not lines:
        st.info("Nothing is in this state.", icon=":material/check_circle:")
        return
    line = selection.draw_kept(
        frame(lines, view.entry_filter.window.zone),
        _KEY,
        lines,
        identify=lambda item: (item.target_type, item.action),
        mode="single-row",
        column_config=_columns(view.entry_filter.window.zone),
        row_height=table_size.ROW,
        height=table_size.height(len(lines), most=20),
        alt="Actions by target: whether they are recorded, and how often they were seen",
    )
    if line is not None:
        _draw_chosen(line, view)


def _draw_download(view: View, scope: Scope) -> None:
    def address(kind: FileKind) -> str:
        params = {
            **view.entry_filter.to_params(),
            **kind.params(),
            "organization": [scope.organization_id or ""],
            "as_of": [format_instant(view.as_of)],
        }
        return own_address(f"{COVERAGE_PATH}?{urlencode(params, doseq=True)}")

    download_menu.draw(
        "coverage",
        "All lines, whatever is chosen here, and what is not recorded. The download is recorded.",
        address,
    )


def _draw_chosen(line: CoverageLine, view: View) -> None:
    st.text(f"{visible(line.action)} on {visible(line.target_type or 'no target')}")
    st.caption(line.state.description)
    if not line.count:
        return
    try:
        asked = EntryFilter.from_params(
            {
                **view.entry_filter.to_params(),
                "action": [line.action],
                "target_type": [NONE if line.target_type is None else line.target_type],
            }
        )
    except FilterError:
        st.caption("These names are too long for a filter.")
        return
    st.page_link(
        EXPLORE,
        label="Entries",
        icon=":material/list:",
        query_params=asked.to_params(),
    )


def frame(lines: Sequence[CoverageLine], zone: str) -> pd.DataFrame:
    """One row for each line, in their order."""
    return pd.DataFrame(
        [
            {
                "target": visible(line.target_type or "–"),
                "action": visible(line.action),
                "state": line.state.label,
                "count": line.count,
                "failed": line.failed,
                "last_seen": ""
                if line.last_seen is None
                else written(line.last_seen, zone, "minutes"),
                "category": line.category.label,
            }
            for line in lines
        ],
        columns=["target", "action", "state", "count", "failed", "last_seen", "category"],
    )


def _columns(zone: str) -> dict[str, object]:
    return {
        "target": st.column_config.TextColumn("Target", width=170),
        "action": st.column_config.TextColumn("Action", width=260),
        "state": st.column_config.TextColumn("State", width=190),
        "count": st.column_config.NumberColumn("Entries", format="localized", width=90),
        "failed": st.column_config.NumberColumn("Failed", format="localized", width=80),
        "last_seen": st.column_config.TextColumn(
            f"Last seen, hour ({zone})",
            width=230,
            help="The hour in which the newest entry was made.",
        ),
        "category": st.column_config.TextColumn("Category", width=150),
    }
