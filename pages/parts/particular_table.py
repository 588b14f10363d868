"""The particulars of an entry, each with a click to ask for it or to leave it out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from audit_core.particulars import METADATA, Particular
from audit_core.query.asking import asked_by
from audit_core.query.windows import UTC_NAME, written
from pages.parts import filter_bar
from pages.parts.visible import visible

FILTER_FOR, FILTER_OUT = ":material/filter_alt: For", ":material/filter_alt_off: Out"


def value_text(value: str | int | datetime | None, zone: str) -> str:
    """The value for people; a time in the zone and in UTC, an absent value as a dash."""
    if isinstance(value, datetime):
        told = [
            f"{written(value, name)}.{value.microsecond:06d} {name}" for name in (zone, UTC_NAME)
        ]
        return " = ".join(dict.fromkeys(told))
    return "–" if value is None else visible(str(value))


def frame(found: Sequence[Particular], zone: str) -> pd.DataFrame:
    """One line for each particular, all of it text, and what can be clicked on."""
    return pd.DataFrame(
        {
            "field": [visible(each.name.removeprefix(f"{METADATA}.")) for each in found],
            "value": [value_text(each.value, zone) for each in found],
            "ask": [[FILTER_FOR, FILTER_OUT] if asked_by(each) else [] for each in found],
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
            "field": st.column_config.TextColumn("Field", width=150),
            "value": st.column_config.TextColumn("Value", width=320),
            "ask": st.column_config.ButtonColumn(
                "Filter", type="tertiary", width=130, key=f"{key}_click"
            ),
        },
        alt=alt,
    )
    click = st.session_state.get(f"{key}_click")
    if not click:
        return False
    chosen = found[click["row"]]
    name = asked_by(chosen)
    if name is None:
        return False
    filter_bar.ask_for(name, chosen.value, exclude=click["label"] == FILTER_OUT)
    return True


def both_times(instant: datetime, zone: str) -> str:
    """The instant to the second in the zone, and in UTC where that is another."""
    here = f"{written(instant, zone)} {zone}"
    if instant.astimezone(UTC).utcoffset() is not None and zone != UTC_NAME:
        here += f" ({written(instant, UTC_NAME)} {UTC_NAME})"
    return here
