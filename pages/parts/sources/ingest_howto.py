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


def pipe(base: str) -> str:
    """How what a program writes to its log is sent while it is written."""
    return (
        "docker logs --follow daytona-api 2>&1 \\\n"
        "  | python -m audit_core ingest \\\n"
        f"      --server {base} \\\n"
        '      --token "$SANDTRAIL_TOKEN" -'
    )


def exporter(base: str) -> str:
    """How an exporter of OpenTelemetry is pointed here."""
    return (
        f'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT="{base}/api/otlp/v1/logs"\n'
        'OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20$SANDTRAIL_TOKEN"'
    )


def draw() -> None:
    """Each way with this app's address; a token is needed for all of them."""
    base = base_url()
    st.caption("All of them need a token of this organization. Create one in Admin → Access.")
    limits = f"at most {MAX_ENTRIES:,} entries and {MAX_BYTES // 1_000_000} MB a request"
    with st.grid(2, min_column_width=420):
        for title, text in (
            ("**Command line**: files of any size", command_line(base)),
            (f"**HTTP**: {limits}", request(base)),
            ("**Console of Daytona**, with `AUDIT_CONSOLE_LOG_ENABLED`", pipe(base)),
            ("**OpenTelemetry**: log records by OTLP", exporter(base)),
        ):
            with st.container():
                st.markdown(title)
                st.code(text, language=None, wrap_lines=True)
