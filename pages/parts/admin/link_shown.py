"""A one-time link, at the only time that it is shown."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from pages.parts.shell.app_address import own_address


def draw(path: str, email: str, lasts: str) -> None:
    """Show the link with what it is for; `lasts` says for how long. It is kept nowhere, not even in
    the session."""
    page = urlsplit(st.context.url or "")
    host = f"{page.scheme}://{page.netloc}" if page.netloc else ""
    st.success(
        f"Send them this link. It works once, for {lasts}, and is not shown again.",
        icon=":material/link:",
    )
    st.text(email)
    st.code(host + own_address(path), language=None, wrap_lines=True)
