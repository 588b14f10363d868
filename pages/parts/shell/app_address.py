"""Addresses of the app's own routes and pages, as the browser has them."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from pages.parts.shell import cached

PATHS = (
    *("", "overview", "explore", "alerts", "sandboxes", "people"),
    *("access_record", "exports", "downloads", "integrity", "coverage"),
    *("access_review", "legal_holds", "erasure"),
    *("sources", "rules", "notifications", "access", "profile"),
)
"""The paths of all pages; a test compares them with the navigation."""


def own_address(path: str) -> str:
    """A path of the app, such as that of a route, below the path that the operator gave it."""
    return cached.installation().settings.base_path + path


def page_path() -> str:
    """The path of the page in the browser's address, without the operator's path before it; "/"
    when it is not known."""
    path = urlsplit(st.context.url or "").path
    return path.removeprefix(cached.installation().settings.base_path) or "/"
