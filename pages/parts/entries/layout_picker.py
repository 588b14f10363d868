"""The columns of the table of entries and its density: of the address, else the person's own."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from audit_core.domain.errors import FilterError
from audit_core.explore.layout import COLUMNS, LAYOUT_PARAMS, Density, Layout, moved
from audit_core.explore.view_params import VIEW_PARAM
from audit_core.identity.sessions import Viewer
from audit_core.state.preferences import keep_preference, read_preference
from pages.parts.shell import cached

_OWN = "explore_layout"
_PREFERENCE = "explore_"
"""Begins the names of the preferences; the parameter's name ends them."""
_CHOSEN = "columns_chosen"
_ADDED = "columns_added"
_DENSITY = "columns_density"


def shown(person: Viewer) -> Layout:
    """The layout that the address says; where it is silent, the person's own.

    Writes what the person chose into the address, so that whoever gets it sees the same. Raises
    `FilterError`.
    """
    given = {name: st.query_params.get_all(name) for name in _in_address()}
    layout = Layout.from_params(given, _own(person))
    usual = Layout().to_params()
    for name, values in layout.to_params().items():
        if name not in given and values != usual[name]:
            st.query_params[name] = values
    return layout


def draw(person: Viewer, layout: Layout) -> None:
    """The button that opens the choice."""
    popover = st.popover(
        "Columns", icon=":material/view_column:", key="columns_popover", on_change="rerun"
    )
    if popover.open:
        with popover:
            _draw_order(person, layout)
            _draw_adding(person, layout)
            _draw_density(person, layout)


def _draw_order(person: Viewer, layout: Layout) -> None:
    if st.session_state.get(_CHOSEN) not in layout.columns:
        st.session_state[_CHOSEN] = None
    chosen = st.pills(
        "Shown, left to right",
        layout.columns,
        format_func=lambda name: COLUMNS[name].label,
        key=_CHOSEN,
        help="Select one to move or remove it",
    )
    position = layout.columns.index(chosen) if chosen else None
    with st.container(horizontal=True):
        for label, icon, by, disabled in (
            ("Left", ":material/arrow_back:", -1, position in (None, 0)),
            ("Right", ":material/arrow_forward:", 1, position in (None, len(layout.columns) - 1)),
        ):
            st.button(
                label,
                icon=icon,
                key=f"columns_{label.lower()}",
                disabled=disabled,
                on_click=_move,
                args=(person, layout, chosen, by),
            )
        st.button(
            "Remove",
            icon=":material/remove:",
            key="columns_remove",
            disabled=position is None or len(layout.columns) == 1,
            on_click=_remove,
            args=(person, layout, chosen),
        )


def _draw_adding(person: Viewer, layout: Layout) -> None:
    left = [name for name in COLUMNS if name not in layout.columns]
    st.session_state[_ADDED] = None
    st.selectbox(
        "Add a column",
        left,
        format_func=lambda name: COLUMNS[name].label,
        key=_ADDED,
        placeholder="Choose one" if left else "All are shown",
        disabled=not left,
        on_change=_add,
        args=(person, layout),
    )


def _draw_density(person: Viewer, layout: Layout) -> None:
    st.session_state[_DENSITY] = layout.density
    st.segmented_control(
        "Row height",
        list(Density),
        format_func=lambda density: density.label,
        key=_DENSITY,
        required=True,
        on_change=_choose_density,
        args=(person, layout),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="columns_reset",
            disabled=layout == Layout(),
            on_click=_choose,
            args=(person, Layout(), LAYOUT_PARAMS),
        )
        st.caption(
            "Part of the open view." if VIEW_PARAM in st.query_params else "Remembered for you.",
            width="content",
        )


def _move(person: Viewer, layout: Layout, name: str, by: int) -> None:
    _choose(person, replace(layout, columns=moved(layout.columns, name, by=by)))


def _remove(person: Viewer, layout: Layout, name: str) -> None:
    _choose(person, replace(layout, columns=tuple(x for x in layout.columns if x != name)))


def _add(person: Viewer, layout: Layout) -> None:
    added: str | None = st.session_state[_ADDED]
    if added is not None:
        _choose(person, replace(layout, columns=(*layout.columns, added)))
        st.session_state[_CHOSEN] = added


def _choose_density(person: Viewer, layout: Layout) -> None:
    density = Density(st.session_state[_DENSITY])
    _choose(person, replace(layout, density=density), ("density",))


def _choose(person: Viewer, layout: Layout, names: tuple[str, ...] = ("columns",)) -> None:
    """Show these parameters of the layout, and remember them unless they are of a saved view."""
    params = {name: values[0] for name, values in layout.to_params().items() if name in names}
    st.query_params.update(params)
    if VIEW_PARAM in st.query_params:
        return
    own = {name: values[0] for name, values in _own(person).to_params().items()} | params
    st.session_state[_OWN] = Layout.from_params(
        {name: [value] for name, value in own.items()}, Layout()
    )
    with cached.installation().state.begin() as connection:
        for name, value in params.items():
            keep_preference(
                connection, account_id=person.account_id, name=_PREFERENCE + name, value=value
            )


def _in_address() -> list[str]:
    return [name for name in LAYOUT_PARAMS if name in st.query_params]


def _own(person: Viewer) -> Layout:
    """As last chosen; the usual one for who never chose, or whose choice no longer exists."""
    if _OWN not in st.session_state:
        with cached.installation().state.read() as connection:
            kept = {
                name: read_preference(
                    connection, account_id=person.account_id, name=_PREFERENCE + name
                )
                for name in LAYOUT_PARAMS
            }
        try:
            own = Layout.from_params(
                {name: [value] for name, value in kept.items() if value is not None}, Layout()
            )
        except FilterError:
            own = Layout()
        st.session_state[_OWN] = own
    own_layout: Layout = st.session_state[_OWN]
    return own_layout
