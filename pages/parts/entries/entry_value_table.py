"""The particulars of an entry, each with a click to ask for it or to leave it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from audit_core.domain.entry_values import METADATA, Particular
from audit_core.explore.value_query import asked_by
from audit_core.query.time.windows import written
from pages.parts.filters import filter_bar
from pages.parts.tables import shown_marks
from pages.parts.tables.safe_text import visible

KEEP, LEAVE_OUT = ":material/filter_alt:", ":material/filter_alt_off:"
"""The labels of the buttons; what they do stands above them."""


def value_text(value: str | int | datetime | None, zone: str) -> str:
    """The value for people: a time in the zone with its microseconds, an absent one as a dash."""
    if isinstance(value, datetime):
        return f"{written(value, zone, 'microseconds')} {zone}"
    return "–" if value is None else visible(str(value))


def frame(found: Sequence[Particular], zone: str) -> pd.DataFrame:
    """One line for each particular, all of it text, and what can be clicked on."""
    names = [asked_by(item) for item in found]
    return pd.DataFrame(
        {
            "field": [visible(item.name.removeprefix(f"{METADATA}.")) for item in found],
            "value": [value_text(item.value, zone) for item in found],
            "keep": [KEEP if name else None for name in names],
            "leave_out": [LEAVE_OUT if name else None for name in names],
        }
    )


def draw(found: Sequence[Particular], zone: str, *, key: str, alt: str) -> bool:
    """Draw the table. Whether a click changed the filter: then the page must run again."""
    st.dataframe(
        frame(found, zone),
        key=f"{key}_table",
        hide_index=True,
        height="content",
        column_config={
            "field": st.column_config.TextColumn("Field", width=140),
            "value": st.column_config.TextColumn("Value", width=340),
            **ask_columns(key, _identities(found)),
        },
        alt=alt,
    )
    return _ask(found, key)


def ask_columns(
    key: str, shown: Sequence[object], on_click: Callable[[bool], None] | None = None
) -> dict[str, Any]:
    """Two narrow columns of buttons. `shown` says what each row is; `on_click` is called with
    whether to leave out."""
    columns = {}
    for exclude, name, label in ((False, "keep", "Keep"), (True, "leave_out", "Exclude")):
        columns[name] = st.column_config.ButtonColumn(
            label,
            type="tertiary",
            width=80 if exclude else 55,
            key=_button(key, shown, exclude=exclude),
            on_click=on_click,
            args=(exclude,) if on_click else None,
        )
    return columns


def clicked(key: str, shown: Sequence[object], *, exclude: bool) -> int | None:
    """The row whose button was clicked on in this run; `None` if none was."""
    click = st.session_state.get(_button(key, shown, exclude=exclude))
    return None if click is None else int(click["row"])


def _button(key: str, shown: Sequence[object], *, exclude: bool) -> str:
    return shown_marks.key_showing(f"{key}_{'leave_out' if exclude else 'keep'}", shown)


def _identities(found: Sequence[Particular]) -> list[object]:
    return [(item.name, item.value) for item in found]


def _ask(found: Sequence[Particular], key: str) -> bool:
    for exclude in (False, True):
        row = clicked(key, _identities(found), exclude=exclude)
        name = None if row is None else asked_by(found[row])
        if row is not None and name is not None:
            filter_bar.ask_for(name, found[row].value, exclude=exclude)
            return True
    return False
