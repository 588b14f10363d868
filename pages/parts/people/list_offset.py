"""Where a list that is read by offsets begins: the address says so, and a tab remembers it for the
way back."""

from __future__ import annotations

import streamlit as st

_LONGEST = 7
"""Digits of an offset that is taken from the address."""


def shown(name: str, about: object) -> int:
    """The offset in the address under `name`; without one the last one for the same list, which
    `about` tells from others, else 0. What is no number is nothing."""
    given = st.query_params.get(name, "")
    kept: tuple[object, int] | None = st.session_state.get(_key(name))
    if given.isascii() and given.isdigit() and len(given) <= _LONGEST:
        offset = int(given)
    else:
        offset = kept[1] if kept and kept[0] == about else 0
    st.session_state[_key(name)] = about, offset
    _write(name, offset)
    return offset


def go(name: str, offset: int) -> None:
    """Begin elsewhere; for callbacks."""
    about, _ = st.session_state[_key(name)]
    st.session_state[_key(name)] = about, offset
    _write(name, offset)


def _write(name: str, offset: int) -> None:
    if not offset:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != str(offset):
        st.query_params[name] = str(offset)


def _key(name: str) -> str:
    return f"{name}_offset"
