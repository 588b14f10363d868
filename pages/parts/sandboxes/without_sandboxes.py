"""Logs that hold nothing about sandboxes, such as those of other systems: said in so many words."""

from __future__ import annotations

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import SANDBOX
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window
from pages.parts.shell import cached

EXPLORE, PEOPLE = "activity/explore.py", "activity/people.py"


def is_without(scope: Scope, head: int) -> bool:
    """Whether the organization has entries, and none of them is about a sandbox."""
    if not head or SANDBOX in cached.values("target_type", scope):
        return False
    # The values are the most frequent ones only, and up to a minute old.
    about = EntryFilter(target_types=(SANDBOX,), window=Window(preset=ALL_TIME))
    query = Query(about, scope, TimeRange(since=None, until=None))
    return not cached.count_reader().count_up_to(1, query).number


def draw() -> None:
    """Say so, and where to look instead."""
    st.info(
        "No entry of this organization is about a sandbox: where its entries come from, there are "
        "none. What was done, to what and by whom is in Explore and People.",
        icon=":material/deployed_code:",
    )
    with st.container(horizontal=True):
        st.page_link(EXPLORE, label="Open Explore", icon=":material/search:")
        st.page_link(PEOPLE, label="Open People", icon=":material/group:")
