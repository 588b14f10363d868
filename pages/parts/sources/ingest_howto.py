"""How entries get in without the app: the command line and the HTTP route, ready to copy."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from audit_core.web.arrivals import MAX_BYTES, MAX_ENTRIES
from pages.parts.shell.app_address import own_address

_DEFAULT_BASE = "http://localhost:8501"


def base_url() -> str:
    """Where the browser found this app, such as `https://example.org/audit`."""
    parts = urlsplit(st.context.url or _DEFAULT_BASE)
    return f"{parts.scheme}://{parts.netloc}{own_address('')}"


def command_line(base: str) -> str:
    """How a file is sent through the running app."""
    return (
        "python -m audit_core ingest \\\n"
        f"  --server {base} \\\n"
        '  --token "$SANDTRAIL_TOKEN" \\\n'
        "  FILE…"
    )


def request(base: str) -> str:
    """How a collector sends entries."""
    return (
        "curl --fail-with-body \\\n"
        '  -H "Authorization: Bearer $SANDTRAIL_TOKEN" \\\n'
        "  --data-binary @entries.jsonl \\\n"
        f"  {base}/api/v1/entries"
    )


def draw() -> None:
    """Both ways with this app's address; a token is needed for either."""
    base = base_url()
    st.caption("Both need a token of this organization. Create one in Admin → Access.")
    with st.grid(2, min_column_width=420):
        with st.container():
            st.markdown("**Command line**: files of any size")
            st.code(command_line(base), language=None, wrap_lines=True)
        with st.container():
            st.markdown(
                f"**HTTP**: at most {MAX_ENTRIES:,} entries and "
                f"{MAX_BYTES // 1_000_000} MB a request"
            )
            st.code(request(base), language=None, wrap_lines=True)
