"""Parameters of the address that no page reads, such as those that mail programs add to links."""

from __future__ import annotations

import streamlit as st

from audit_core.evidence.access_log.record_filter import RecordFilter
from audit_core.query.entry_filter import EntryFilter
from pages.parts.access_log import record_bar
from pages.parts.alerts import alert_place
from pages.parts.detections import rule_place
from pages.parts.filters import filter_bar
from pages.parts.tables.safe_text import visible

KNOWN = frozenset(
    {
        *EntryFilter.params(),
        *RecordFilter.params(),
        *filter_bar.KNOWN_ELSEWHERE,
        *record_bar.ELSEWHERE,
        *rule_place.PARAMS,
        *alert_place.PARAMS,
    }
)
"""What any page reads. One that is another page's is that page's to refuse or to keep."""

MAX_NAMED = 3


def draw_ignored() -> None:
    """Take them out of the address, and say so; nothing where there are none.

    Call it before the page reads its address.
    """
    unknown = [name for name in st.query_params if name not in KNOWN]
    if not unknown:
        return
    for name in unknown:
        del st.query_params[name]
    named = ", ".join(f"“{visible(name)[:40]}”" for name in unknown[:MAX_NAMED])
    more = f" and {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("Ignored", icon=":material/link_off:", color="gray")
        st.text(f"The address has parts that Sandtrail does not know: {named}{more}.")
