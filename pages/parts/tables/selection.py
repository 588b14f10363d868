"""Tables whose lines can be clicked on. A click is for the line that the browser showed: see
`shown_marks`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st

from pages.parts.tables import shown_marks

_NOTHING: dict[str, Any] = {"selection": {"cells": []}}

_Item = TypeVar("_Item")


def draw(
    data: Any,
    name: str,
    items: Sequence[_Item],
    *,
    identify: Callable[[_Item], object],
    take: Callable[[_Item], None],
    keep: bool = False,
    **options: Any,
) -> None:
    """A table with a line for each of the items; `take` is called with the item of a line that was
    clicked on, before the next run.

    `name` is unique on the page. `identify` gives what tells an item from all others, for as long
    as it means the same. The selection is forgotten at once, so that a click on the same cell
    counts again; with `keep` not before `forget`: a table that gets the focus back from a dialog
    would select the cell anew.
    """
    key = _key_of(name, map(identify, items))

    def clicked() -> None:
        row = _row_of(st.session_state[key])
        if row is not None:
            if not keep:
                st.session_state[key] = _NOTHING
            take(items[row])

    st.dataframe(
        data,
        key=key,
        hide_index=True,
        on_select=clicked,
        selection_mode="single-cell",
        **options,
    )


def draw_kept(
    data: Any,
    name: str,
    items: Sequence[_Item],
    *,
    identify: Callable[[_Item], object],
    mode: Literal["single-cell", "single-row"] = "single-cell",
    **options: Any,
) -> _Item | None:
    """The same, but what is selected stays selected, until `forget`; gives its item, if any."""
    key = _key_of(name, map(identify, items))
    state = st.dataframe(
        data, key=key, hide_index=True, on_select="rerun", selection_mode=mode, **options
    )
    row = _row_of(state)
    return None if row is None or row >= len(items) else items[row]


def draw_many(
    data: Any,
    name: str,
    items: Sequence[_Item],
    *,
    identify: Callable[[_Item], object],
    **options: Any,
) -> tuple[_Item, ...]:
    """The same for several lines: the items of all that are selected, in their order."""
    key = _key_of(name, map(identify, items))
    state = st.dataframe(
        data, key=key, hide_index=True, on_select="rerun", selection_mode="multi-row", **options
    )
    rows = sorted(state["selection"].get("rows") or ())
    return tuple(items[row] for row in rows if row < len(items))


def draw_pickable(
    data: Any,
    name: str,
    items: Sequence[_Item],
    *,
    identify: Callable[[_Item], object],
    take: Callable[[_Item], None],
    **options: Any,
) -> tuple[_Item, ...]:
    """A table of which lines can be picked by their boxes, and one opened by a click on a cell:
    the items of all that are picked, in their order. `take` is called as in `draw`."""
    key = _key_of(name, map(identify, items))

    def clicked() -> None:
        selected = st.session_state[key]["selection"]
        if cells := selected.get("cells"):
            rows = selected.get("rows") or []
            st.session_state[key] = {"selection": {"rows": list(rows), "cells": []}}
            if (row := int(cells[0][0])) < len(items):
                take(items[row])

    state = st.dataframe(
        data,
        key=key,
        hide_index=True,
        on_select=clicked,
        selection_mode=["multi-row", "single-cell"],
        **options,
    )
    rows = sorted(state["selection"].get("rows") or ())
    return tuple(items[row] for row in rows if row < len(items))


def forget(name: str) -> None:
    """Select nothing any more in the table of this name; call it before the table is drawn."""
    key: str | None = st.session_state.get(f"{name}_key")
    if key is not None and key in st.session_state:
        st.session_state[key] = _NOTHING


def _key_of(name: str, identities: Iterable[object]) -> str:
    """The table's key. What was selected under its former key is selected under this one."""
    key, kept = shown_marks.key_showing(name, identities), f"{name}_key"
    before: str = st.session_state.get(kept, key)
    st.session_state[kept] = key
    if before != key and before in st.session_state:
        _move(before, key)
    return key


def _move(before: str, key: str) -> None:
    value = json.dumps(st.session_state[before])
    if shown_marks.is_empty(value):
        return
    moved = shown_marks.moved(value, before, key)
    if moved is not None:
        st.session_state[key] = json.loads(moved)


def _row_of(state: Any) -> int | None:
    """The number of the selected row, from 0; `None` if nothing is selected."""
    selected = state["selection"]
    cells, rows = selected.get("cells") or (), selected.get("rows") or ()
    numbers = [*(cell[0] for cell in cells), *rows]
    return int(numbers[0]) if numbers else None
