"""Entries that are dated ahead of the clock: how many, and the way to look at them apart."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import AHEAD, UTC_NAME, ago, dated_ahead, not_ahead, written
from pages.parts.shell import cached

MAX_COUNTED = 10_000
"""How far they are counted."""

EXPLORE = "activity/explore.py"


def draw(scope: Scope) -> None:
    """How many there are, the furthest one, and links to Explore: only these, and all but these."""
    now = cached.utc_now().replace(second=0, microsecond=0)
    window = dated_ahead(now, cached.organization_zone(scope))
    query = Query(EntryFilter(window=window), scope, window.time_range(now))
    found = cached.count_reader().count_up_to(MAX_COUNTED, query)
    if not found.number:
        st.caption(f"No entry is dated more than {AHEAD.days * 24} hours ahead of the clock.")
        return
    (furthest,) = cached.reader().page(query, None, 1).rows
    time = furthest.entry.created_at
    noun = "entry is" if str(found) == "1" else "entries are"
    st.warning(
        f"{found} {noun} dated more than {AHEAD.days * 24} hours ahead of the clock, up to "
        f"{written(time, UTC_NAME)} UTC ({ago(time, now)}). They come first in every list that is "
        "open towards now. Check the clock of who sent them.",
        icon=":material/schedule:",
    )
    with st.container(horizontal=True):
        for label, shown in (
            ("Show only these", window),
            ("Show all but these", not_ahead(now, window.zone)),
        ):
            params = EntryFilter(window=shown).to_params()
            st.page_link(
                EXPLORE,
                label=label,
                icon=":material/search:",
                query_params={name: values[0] for name, values in params.items()},
            )
