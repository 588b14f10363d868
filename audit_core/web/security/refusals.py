"""What was refused before any route looked at it, on its way to the access record.

Of somebody signed in it belongs to the organization that they look at, of a stranger to none.
Nothing is written here: see `state.access_attempts.Attempts.note`.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Scope

from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of

NOBODY = "(not signed in)"
"""Stands in the access record for whoever is not signed in."""

LONGEST = 200
"""How much of what a client sent is kept of each text."""


def note_refusal(
    opened: Installation, verb: str, scope: Scope, viewer: Viewer | None, **detail: str | None
) -> None:
    """Put a refused request of a viewer, or of a stranger for `None`, on record.

    `scope` is its ASGI scope, in which the client is the one that `forwarded` found. A detail that
    is `None` is left out, and what is long is cut.
    """
    client = HTTPConnection(scope).client
    recorded: dict[str, Any] = {
        name: text[:LONGEST] for name, text in detail.items() if text is not None
    }
    attempts_of(opened.state).note(
        at=opened.clock(),
        verb=verb,
        actor=NOBODY if viewer is None else viewer.email,
        organization_id=None if viewer is None else viewer.organization_id,
        address=client.host if client else None,
        detail=recorded,
    )
