"""The patterns of the error messages that match: how often, since when, and one click to keep one
or leave it out."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.explore.message_patterns import Patterns
from audit_core.query.time.windows import written
from pages.parts.entries.entry_table import MESSAGE_LENGTH
from pages.parts.entries.entry_value_table import KEEP, LEAVE_OUT, ask_columns, clicked
from pages.parts.filters import filter_bar
from pages.parts.shell import cached
from pages.parts.tables.safe_text import visible

MOST = 50
"""How many patterns are shown."""

_OPEN = "patterns_open"
_KEY = "patterns"


def draw(view: filter_bar.View, scope: Scope, head: int) -> None:
    """A closed expander; the log is read once it is open."""
    expander = st.expander(
        "Patterns of error messages",
        icon=":material/category:",
        key=_OPEN,
        on_change="rerun",
    )
    if not expander.open:
        return
    with expander:
        found = cached.answer(head, cached.reader().patterns, view.query(scope), view.as_of, MOST)
        if found.largest:
            _draw(found, view.entry_filter.window.zone)
        else:
            st.text("No matching entry has an error message.")


def _draw(found: Patterns, zone: str) -> None:
    shown = len(found.largest)
    noun = "entry has a message" if found.messages == 1 else "entries have a message"
    which = (
        f". These are the {shown} most common patterns; there are more"
        if found.truncated
        else f", in {shown} pattern{'' if shown == 1 else 's'}"
    )
    st.caption(
        f"{found.messages:,} {noun}{which}. `<text>`, `<path>` and `<id>` stand for what varies."
    )
    column = st.column_config
    templates = tuple(item.template for item in found.largest)
    st.dataframe(
        frame(found, zone),
        hide_index=True,
        height=min(38 + 35 * shown, 38 + 35 * 12),
        row_height=35,
        column_config={
            "pattern": column.TextColumn("Pattern", width=340),
            **ask_columns(_KEY, templates, partial(_ask, templates)),
            "count": column.NumberColumn("Entries", format="localized", width=80),
            "share": column.ProgressColumn(
                "Share", format="percent", min_value=0, max_value=1, width=110
            ),
            "over_time": column.BarChartColumn("Over time", y_min=0, width=140),
            "first": column.TextColumn(f"First ({zone})", width=155),
            "last": column.TextColumn(f"Last ({zone})", width=155),
            "example": column.TextColumn("Example", width=400),
        },
        alt=f"The {shown} most common error message patterns, with count, share, first and last",
    )


def frame(found: Patterns, zone: str) -> pd.DataFrame:
    """One line for each pattern, in their order."""
    return pd.DataFrame(
        [
            {
                "pattern": visible(item.template),
                "keep": KEEP,
                "leave_out": LEAVE_OUT,
                "count": item.count,
                "share": item.share,
                "over_time": list(item.over_time),
                "first": written(item.first, zone),
                "last": written(item.last, zone),
                "example": visible(" ".join(item.example.split()))[:MESSAGE_LENGTH],
            }
            for item in found.largest
        ]
    )


def _ask(templates: tuple[str, ...], exclude: bool) -> None:
    row = clicked(_KEY, templates, exclude=exclude)
    if row is not None:
        filter_bar.ask_for("pattern", templates[row], exclude=exclude)
