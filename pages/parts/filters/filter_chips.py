"""What the filter asks, as chips that are removed one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import streamlit as st

from audit_core.query.clauses import Clause, clauses
from audit_core.query.entry_filter import EntryFilter
from pages.parts.tables.safe_text import visible

KEY = "filter_chips"

Take = Callable[[EntryFilter], None]


def draw(entry_filter: EntryFilter, take: Take) -> None:
    """Draw them; call it in a horizontal container. `take` is called before the next run with the
    filter that is left when chips were removed."""
    found = texts(clauses(entry_filter))
    st.session_state[KEY] = list(found)
    # A field of several values shows what stands in it as text alone, unlike labels of buttons.
    st.multiselect(
        "Filtered by",
        list(found),
        key=KEY,
        on_change=_take,
        args=(entry_filter, take),
        label_visibility="collapsed",
        width="stretch",
    )


def texts(found: tuple[Clause, ...]) -> dict[str, Clause]:
    """The clauses by what their chips say, each unlike the others."""
    seen: Counter[str] = Counter()
    named: dict[str, Clause] = {}
    for clause in found:
        text = visible(clause.text)
        seen[text] += 1
        named[text if seen[text] == 1 else f"{text} ({seen[text]})"] = clause
    return named


def _take(entry_filter: EntryFilter, take: Take) -> None:
    chosen = set(st.session_state[KEY])
    take(kept(entry_filter, chosen))


def kept(entry_filter: EntryFilter, chosen: set[str]) -> EntryFilter:
    """The filter without the clauses whose chips are not among those that were chosen."""
    gone = [clause for text, clause in texts(clauses(entry_filter)).items() if text not in chosen]
    left = entry_filter
    for clause in reversed(gone):
        same = [item for item in clauses(left) if item.text == clause.text]
        left = same[-1].without if same else left
    return left
