"""Retry chains: attempts on one sandbox that follow each other closely, as one incident."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.query.time.windows import written
from audit_core.starts.attempt import length_of
from audit_core.starts.retries_sql import LONGEST_PAUSE, RetryChain
from audit_core.starts.suspicion import SUSPECTED_BRIEFLY
from pages.parts.filters import filter_bar
from pages.parts.sandboxes import start_list
from pages.parts.shell import cached
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

MAX_CHAINS = 200


def draw(view: filter_bar.View, scope: Scope, head: int) -> None:
    """The latest chains."""
    chains = cached.answer(head, cached.starts_reader().retries, view.query(scope), MAX_CHAINS)
    pause = length_of(LONGEST_PAUSE)
    st.caption(f"Attempts on one sandbox with no more than {pause} between one and the next.")
    if not chains.items:
        st.success("There were no retries.", icon=":material/check_circle:")
        return
    _table(chains.items, view.entry_filter.window.zone)
    if chains.truncated:
        st.caption(f"The latest {len(chains.items)}; there are more.")


def _others(one: str, number: int) -> str:
    shown = visible(one) or "–"
    return shown if number < 2 else f"{shown} and {number - 1} more"


def _table(chains: tuple[RetryChain, ...], zone: str) -> None:
    column = st.column_config
    selection.draw(
        pd.DataFrame(
            {
                "last": [written(item.last, zone) for item in chains],
                "sandbox": [visible(item.sandbox) for item in chains],
                "attempts": [item.attempts for item in chains],
                "failed": [item.failing - item.suspected for item in chains],
                "suspected": [item.suspected for item in chains],
                "errors": [item.errors for item in chains],
                "lost": [length_of(item.lost) for item in chains],
                "ending": [item.ending.label for item in chains],
                "who": [_others(item.who, item.people) for item in chains],
                "client": [_others(item.client, item.clients) for item in chains],
                "matched": [start_list.MATCHED_BY_NAME if item.by_name else "" for item in chains],
            }
        ),
        "retries",
        chains,
        identify=lambda item: (item.sandbox, item.first),
        take=lambda item: start_list.open_sandbox(item.sandbox, item.last),
        height=min(38 + 35 * len(chains), 38 + 35 * 20),
        row_height=35,
        column_config={
            "last": column.TextColumn(f"Last attempt ({zone})", width=max(150, 90 + 8 * len(zone))),
            "sandbox": column.TextColumn("Sandbox", width=280),
            "attempts": column.NumberColumn("Attempts", width=80),
            "failed": column.NumberColumn("Failed", width=70),
            "suspected": column.NumberColumn("Suspected", width=90, help=SUSPECTED_BRIEFLY),
            "errors": column.NumberColumn("Messages", width=85, help="How many distinct messages"),
            "lost": column.TextColumn("Time lost", width=110),
            "ending": column.TextColumn("Ended", width=90),
            "who": column.TextColumn("Who tried", width=210),
            "client": column.TextColumn("Client", width=190),
            "matched": column.TextColumn("Joined", width=120),
        },
        alt=f"Retry chains, the latest first, {len(chains)} of them; "
        "select a cell to open the sandbox.",
    )
