"""Entries that were picked to be compared: a bar with what to do, and the comparison itself.

They stand in the address, so that a link shows the same; each is looked up within the scope.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from audit_core.domain.access import Permission, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.entry_values import Compared, compare
from audit_core.domain.errors import FilterError
from audit_core.domain.redaction import redact
from audit_core.domain.sentences import sentence
from audit_core.explore.comparison import MAX_PICKS, Pick
from audit_core.query.time.windows import format_instant
from pages.parts.entries.entry_value_table import value_text
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.tables.highlight import EMPHASIS
from pages.parts.tables.safe_text import visible

PARAM, OPEN = "compare", "comparing"
DIFFERS = "≠"

_ONLY = "comparison_only"


def picked() -> tuple[Pick, ...]:
    """The entries of the address, each once. Raises `FilterError`."""
    try:
        found = [Pick.from_param(text) for text in st.query_params.get_all(PARAM)]
    except ValueError as error:
        raise FilterError((f"The parameter {PARAM} cannot be read: {error}.",)) from error
    unique = tuple(dict.fromkeys(found))
    if len(unique) > MAX_PICKS:
        told = (
            f"The parameter {PARAM} lists {len(unique)} entries; at most {MAX_PICKS} can be "
            "compared."
        )
        raise FilterError((told,))
    return unique


def draw_bar(picks: tuple[Pick, ...]) -> None:
    """How many were picked and what can be done with them; nothing without any."""
    if not picks:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="comparison_bar"):
        st.text(told(picks), width="content")
        draw_compare(picks)
        st.button(
            "Clear", icon=":material/close:", type="tertiary", key="compare_clear", on_click=clear
        )


def told(picks: tuple[Pick, ...]) -> str:
    """How many were picked, and what is missing."""
    if len(picks) == 1:
        return "1 entry selected; add another one to compare"
    return f"{len(picks)} entries to compare"


def draw_compare(picks: tuple[Pick, ...]) -> None:
    """The button that opens the comparison."""
    st.button(
        "Compare",
        icon=":material/compare_arrows:",
        key="compare_open",
        disabled=len(picks) < 2,
        on_click=open_comparison,
    )


def open_comparison() -> None:
    """Show the comparison in the next run, in place of an entry."""
    for name in ("entry", "entry_at"):
        st.query_params.pop(name, None)
    st.query_params[OPEN] = "1"


def clear() -> None:
    """Pick nothing."""
    for name in (PARAM, OPEN):
        st.query_params.pop(name, None)


def add(pick: Pick) -> None:
    """Pick one more entry."""
    _keep((*picked(), pick))


def remove(pick: Pick) -> None:
    """Pick it no longer."""
    _keep(tuple(item for item in picked() if item != pick))


def _keep(picks: tuple[Pick, ...]) -> None:
    st.query_params[PARAM] = [pick.to_param() for pick in dict.fromkeys(picks)]


def draw(zone: str) -> None:
    """Open the comparison of what was picked."""
    dialog = st.dialog(
        "Comparison", width="large", icon=":material/compare_arrows:", on_dismiss=_close
    )
    dialog(_draw)(zone)


def is_open() -> bool:
    """Whether the address asks for the comparison, and for no single entry."""
    return OPEN in st.query_params and "entry" not in st.query_params


def _close() -> None:
    st.query_params.pop(OPEN, None)


def _draw(zone: str) -> None:
    with error_boundary.boundary():
        # A run of this dialog alone runs neither the page nor its gate.
        _, scope = viewer.require(Permission.READ)
        picks = picked()
        entries = _entries(picks, scope)
        if missing := len(picks) - len(entries):
            noun = "entry is" if missing == 1 else "entries are"
            st.info(
                f"{missing} {noun} not in your organization and left out.",
                icon=":material/search_off:",
            )
        for number, entry in enumerate(entries, 1):
            st.text(f"{number}. {visible(sentence(entry))}")
        if len(entries) < 2:
            st.text("A comparison needs two entries. Open an entry and add it to the comparison.")
        else:
            _draw_table(entries, scope, zone)
        _draw_ways(entries)


def _entries(picks: tuple[Pick, ...], scope: Scope) -> list[AuditEntry]:
    found = [cached.entry(pick.entry_id, scope, pick.created_at) for pick in picks]
    held = [entry for entry in found if entry is not None]
    return held if scope.secrets else [redact(entry) for entry in held]


def _draw_table(entries: list[AuditEntry], scope: Scope, zone: str) -> None:
    rows = compare(entries, secrets=scope.secrets)
    different = [row for row in rows if row.differs]
    only = st.toggle("Only differences", value=True, key=_ONLY)
    shown = different if only else list(rows)
    st.caption(
        f"{len(different)} of {len(rows)} values differ. Differences from entry 1 are marked."
        + (" Redacted values may differ too." if any(row.redacted for row in rows) else "")
    )
    numbers = [str(number) for number in range(1, len(entries) + 1)]
    st.dataframe(
        styled(shown, len(entries), zone),
        hide_index=True,
        height=min(38 + 35 * max(1, len(shown)), 38 + 35 * 16),
        row_height=35,
        column_config={
            "differs": st.column_config.TextColumn("", width=36, pinned=True),
            "field": st.column_config.TextColumn("Field", width=190, pinned=True),
            **{
                number: st.column_config.TextColumn(f"Entry {number}", width=220)
                for number in numbers
            },
        },
        alt="The fields of the entries side by side; differences come first and are marked.",
    )


def styled(rows: list[Compared], entries: int, zone: str) -> Styler:
    """One line for each particular, one column for each entry."""
    frame = pd.DataFrame(
        [
            {
                "differs": DIFFERS if row.differs else "",
                "field": visible(row.name),
                **{
                    str(number): value_text(value, zone)
                    for number, value in enumerate(row.values, 1)
                },
            }
            for row in rows
        ],
        columns=["differs", "field", *map(str, range(1, entries + 1))],
    )
    return frame.style.apply(_emphasized, axis=1)


def _emphasized(line: pd.Series[str]) -> list[str]:
    """The style of each cell: a value that is not that of the first entry stands out."""
    return [
        EMPHASIS if str(name).isdigit() and line[name] != line["1"] else "" for name in line.index
    ]


def _draw_ways(entries: list[AuditEntry]) -> None:
    with st.container(horizontal=True):
        for number, entry in enumerate(entries, 1):
            if st.button(
                f"Open entry {number}", icon=":material/article:", key=f"compare_entry_{number}"
            ):
                st.query_params["entry"] = entry.id
                st.query_params["entry_at"] = format_instant(entry.created_at)
                _close()
                st.rerun()
    st.caption("The address of this page links to this comparison.")
