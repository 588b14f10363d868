"""The Download button: which file, and what became of those that this person took lately."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import streamlit as st

from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import RecordScope
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.downloads import Download, DownloadState, list_downloads
from audit_core.evidence.formats.csv_text import Audience
from audit_core.identity.sessions import Viewer
from pages.parts.shell import cached, viewer
from pages.parts.tables.safe_text import visible

EXPORTS_PAGE = "evidence/exports.py"
LATELY = timedelta(hours=1)
"""For how long a download is shown where it was begun."""
SHOWN = 2
"""How many of them."""
_LOOK = "2s"
"""How often the open menu looks for the end of a download."""

_KINDS = {
    Audience.SPREADSHEETS: (
        "Spreadsheets",
        "For Excel and the like: accents survive, times are dates (UTC, to the second; exact in "
        "the last column), and an apostrophe keeps texts from running as formulas.",
    ),
    Audience.MACHINES: (
        "Machines",
        "Exact: what is read from it is what the log holds. Do not open it in a spreadsheet: texts "
        "may run as formulas there.",
    ),
}

_ICONS = {
    Format.CSV: ":material/table:",
    Format.JSONL: ":material/data_object:",
    Format.PARQUET: ":material/view_column:",
    Format.XLSX: ":material/grid_on:",
}

Address = Callable[[FileKind], str]
"""Where a file of a kind is handed out."""


def draw(
    key: str,
    caption: str,
    address: Address,
    scope: RecordScope | None = None,
    *,
    background: Mapping[str, Sequence[str]] | None = None,
    formats: Sequence[Format] = (Format.CSV, Format.JSONL),
) -> None:
    """The button with its menu; `caption` says what the files hold. With a scope it lists what
    this person took of it lately; with `background`, the parameters of what is asked for, it leads
    to where the same is made in the background."""
    popover = st.popover(
        "Download", icon=":material/download:", key=f"{key}_download", on_change="rerun"
    )
    with popover, st.container(width=380):
        st.caption(caption)
        _draw_links(key, address, formats)
        if background is not None:
            st.page_link(
                EXPORTS_PAGE,
                label="Export in the background",
                icon=":material/file_export:",
                query_params={name: list(values) for name, values in background.items()},
            )
        if popover.open and scope is not None:
            st.fragment(_draw_lately, run_every=_LOOK)(scope)


@st.fragment
def _draw_links(key: str, address: Address, formats: Sequence[Format]) -> None:
    audience: Audience = st.segmented_control(
        "CSV for",
        list(Audience),
        default=Audience.SPREADSHEETS,
        format_func=lambda one: _KINDS[one][0],
        required=True,
        key=f"{key}_audience",
    )
    st.caption(_KINDS[audience][1])
    sides = st.columns(2)
    for number, format in enumerate(formats):
        path = address(FileKind(format=format, audience=audience))
        side = sides[number % len(sides)]
        side.link_button(format.label, path, icon=_ICONS[format], width="stretch")


def _draw_lately(scope: RecordScope) -> None:
    person = viewer.find()
    if person is None:
        st.rerun()
    for download in own_lately(person, scope):
        st.text(text_of(download))
        draw_file(download)


def own_lately(person: Viewer, scope: RecordScope) -> tuple[Download, ...]:
    """What this person took of the scope lately, newest first."""
    if scope.organization_id != person.organization_id and scope.organization_id:
        return ()
    return list_downloads(
        RecordReader(cached.installation().state),
        scope,
        limit=SHOWN,
        actor=person.email,
        since=cached.utc_now() - LATELY,
    ).items


def draw_file(download: Download) -> None:
    """The file's checksum and name, as `sha256sum` writes and checks them; the name alone without
    a checksum."""
    st.code(
        visible("  ".join(filter(None, (download.sha256, download.file or "standard output")))),
        language=None,
        wrap_lines=True,
    )


def text_of(download: Download) -> str:
    """What became of a download: `Complete: 1,234 entries, 20.0 MB, SHA-256:`."""
    if download.state is DownloadState.RUNNING:
        return f"{download.state}:"
    noun = "events" if download.holds == "Access record" else "entries"
    parts = [
        *([] if download.rows is None else [f"{download.rows:,} {noun}"]),
        *([] if download.size is None else [size_text(download.size)]),
        *(["SHA-256"] if download.sha256 else []),
    ]
    return f"{download.state}: {', '.join(parts)}:"


_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def size_text(size: int) -> str:
    """A number of bytes for people: `812 bytes`, `1.4 kB`, `20.0 MB`."""
    for bytes_of_unit, unit in _UNITS:
        if size >= bytes_of_unit:
            return f"{size / bytes_of_unit:.1f} {unit}"
    return f"{size} bytes"
