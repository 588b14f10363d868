"""Who reaches which of Streamlit's own routes. Pure: decides, does nothing.

Every route that the pinned Streamlit serves stands here; `tests/web/security/test_exposure.py`
fails when it serves another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Exposure(StrEnum):
    """Who a route is there for."""

    OPEN = "open"
    """Anybody: the sign-in page needs it, or it says nothing about the log."""
    UPLOAD = "upload"
    """Whoever may write to the log, within `uploads.py`'s bounds."""
    SOCKET = "socket"
    """Websockets from our own pages; the gate looks into their frames."""
    CLOSED = "closed"
    """Nobody, signed in or not: nothing of ours uses it."""


EXPOSURES: Mapping[str, Exposure] = {
    "/_stcore/health": Exposure.OPEN,
    "/_stcore/host-config": Exposure.OPEN,
    "/_stcore/stream": Exposure.SOCKET,
    "/_stcore/upload_file": Exposure.UPLOAD,
    # The scripts of our own components, the same for everybody. A tab whose session ended while it
    # loads them would keep the refusal, and lack the component after the next sign-in.
    "/_stcore/bidi-components": Exposure.OPEN,
    # How much the process caches tells about the work of other organizations.
    "/_stcore/metrics": Exposure.CLOSED,
    "/_stcore/script-health-check": Exposure.CLOSED,
    "/_stcore/agent": Exposure.CLOSED,
    "/component": Exposure.CLOSED,
    # Streamlit hands out there by address alone; ours ask who is asking.
    "/media": Exposure.CLOSED,
    "/app/static": Exposure.CLOSED,
    # Streamlit's own sign-in, whose cookie cannot be revoked.
    "/auth": Exposure.CLOSED,
    "/oauth2callback": Exposure.CLOSED,
}
"""By the beginning of the path. What begins with none of these is the page itself, its scripts
and styles, and our own routes, which ask for themselves."""


def exposure(path: str) -> Exposure:
    """Who the route at a path is there for; what is unknown below `/_stcore` is closed."""
    for prefix, known in EXPOSURES.items():
        if path == prefix or path.startswith(f"{prefix}/"):
            return known
    if path == "/_stcore" or path.startswith("/_stcore/"):
        return Exposure.CLOSED
    return Exposure.OPEN
