"""The zone in which times are shown: the browser's, the organization's, UTC, or any other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from audit_core.query.time.windows import UTC_NAME, zone_names
from audit_core.runtime.zones import is_zone

OTHER = "…"
_CHOICE = "filter_zone"
_ANY = "filter_any_zone"
PARAM = "other_zone"
"""While another zone is looked for, the address says so, with the one that is shown."""

Choose = Callable[[str], None]


def roles(shown: str, browser: str | None, organization: str) -> dict[str, str]:
    """The zones to choose from at once, and what each is called: the browser's first, which is
    what the clock on the wall shows; `shown` is among them."""
    called: dict[str, list[str]] = {}
    for zone, role in (
        *((browser, "browser"), (organization, "organization")),
        *((UTC_NAME, ""), (shown, "")),
    ):
        if zone is not None and is_zone(zone):
            called.setdefault(zone, []).append(role)
    return {zone: _label(zone, [role for role in found if role]) for zone, found in called.items()}


def draw(shown: str, organization: str, choose: Choose) -> None:
    """The switch; call it in a horizontal container. `choose` takes a zone; it is called before
    the next run."""
    names = roles(shown, st.context.timezone, organization)
    choosing = st.query_params.get(PARAM) == shown
    st.session_state[_CHOICE] = OTHER if choosing else shown
    st.selectbox(
        "Time zone",
        [*names, OTHER],
        key=_CHOICE,
        format_func=lambda zone: "Other zone…" if zone == OTHER else names[zone],
        on_change=partial(_take, shown, choose),
        help="Times on this page are shown in this zone, and days in a query are days of it. "
        "Downloads use UTC.",
        width=215,
    )
    if choosing:
        st.selectbox(
            "Other time zone",
            zone_names(st.context.timezone),
            index=None,
            key=_ANY,
            placeholder="Type a city",
            on_change=partial(_take_any, choose),
            width=215,
        )


def _label(zone: str, found: list[str]) -> str:
    # The zone first: of what is too long for the box the end is cut. Nothing needs to be told
    # apart where both are the same.
    return f"{zone} ({found[0]})" if len(found) == 1 else zone


def _take(shown: str, choose: Choose) -> None:
    zone: str = st.session_state[_CHOICE]
    if zone == OTHER:
        st.query_params[PARAM] = shown
        return
    st.query_params.pop(PARAM, None)
    if zone != shown:
        choose(zone)


def _take_any(choose: Choose) -> None:
    zone: str | None = st.session_state[_ANY]
    st.query_params.pop(PARAM, None)
    if zone is not None:
        choose(zone)
