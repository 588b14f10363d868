"""The one product of this process, for pages, routes and the middleware.

It is held here and not by one of Streamlit's caches: any client can ask Streamlit to clear those,
which closed both databases under everybody.
"""

from __future__ import annotations

from datetime import UTC, datetime

from audit_core.installation.opened import SharedInstallation, open_installation
from audit_core.runtime.settings import read_settings


def utc_now() -> datetime:
    """The clock of the app."""
    return datetime.now(UTC)


installation = SharedInstallation(lambda: open_installation(read_settings(), utc_now))
"""Raises what `read_settings` and `open_installation` raise; the next call then tries again."""
