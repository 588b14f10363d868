"""The row of a table of single-cell selection that was clicked on."""

from __future__ import annotations

import streamlit as st


def row_of(key: str) -> int | None:
    """The number of the row, from 0; `None` if nothing is selected."""
    cells = st.session_state[key].selection.cells
    return int(cells[0][0]) if cells else None


def take_row(key: str) -> int | None:
    """The same, and the selection is forgotten, so that a click on the same cell counts again;
    for callbacks."""
    row = row_of(key)
    if row is not None:
        st.session_state[key] = {"selection": {"cells": []}}
    return row
