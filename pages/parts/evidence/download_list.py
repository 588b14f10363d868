"""Who downloaded what of an organization: one line for each file."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import RecordScope
from audit_core.evidence.downloads import Download, list_downloads
from audit_core.query.time.windows import written
from pages.parts.evidence import download_menu
from pages.parts.shell import cached
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

SHOWN = 200
"""How many downloads are listed."""

_KEY = "downloads"

_COLUMNS = {
    "at": st.column_config.TextColumn("When (UTC)", width=150),
    "actor": st.column_config.TextColumn("User", width=180),
    "kind": st.column_config.TextColumn("File", width=240),
    "state": st.column_config.TextColumn("State", width=90),
    "rows": st.column_config.NumberColumn("Entries", format="localized", width=90),
    "size": st.column_config.TextColumn("Size", width=90),
    "file": st.column_config.TextColumn("Name", width=330),
    "sha256": st.column_config.TextColumn("SHA-256", width=480),
}


def draw(scope: RecordScope) -> None:
    """The newest downloads, or a sentence where there are none."""
    listed = list_downloads(RecordReader(cached.installation().state), scope, limit=SHOWN)
    found = listed.items
    if not found:
        st.info("Nothing was downloaded yet.", icon=":material/download:")
        return
    chosen = selection.draw_kept(
        frame(found),
        _KEY,
        found,
        identify=lambda item: (item.at, item.actor, item.file),
        mode="single-row",
        column_config=_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(found), most=25),
        alt="Downloads of this organization, newest first",
    )
    which = (
        f"The newest {len(found):,}; older ones are in the access record."
        if listed.truncated
        else (f"All {len(found):,}, newest first.")
    )
    st.caption(f"{which} Select a line to see the whole name and checksum.")
    if chosen is not None:
        download_menu.draw_file(chosen)


def frame(downloads: Sequence[Download]) -> pd.DataFrame:
    """One line for each download, in their order; all but the number of entries is text."""
    return pd.DataFrame(
        [
            {
                "at": written(download.at, "UTC"),
                "actor": visible(download.actor),
                "kind": f"{download.holds}, {download.kind}",
                "state": download.state.value,
                "rows": download.rows,
                "size": "" if download.size is None else download_menu.size_text(download.size),
                "file": visible(download.file),
                "sha256": download.sha256 or "",
            }
            for download in downloads
        ],
        columns=list(_COLUMNS),
    ).astype({"rows": "Int64"})
