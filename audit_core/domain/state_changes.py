"""State changes: what a platform says became of a sandbox, snapshot or volume. Pure.

They come beside the audit log, from another part of the platform: a second witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

STARTED_STATE = "started"
"""The state of a sandbox that runs."""

FAILED_STATES = ("build_failed", "error")
"""The states of a sandbox that could not be built, or broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """One change of state."""

    id: str
    """The sender's id of the message: the same whenever it is sent again."""
    organization_id: str
    """Ours."""
    event: str
    """What kind of message told it, such as `sandbox.state.updated`."""
    target_type: str
    """`sandbox`, `snapshot` or `volume`."""
    target_id: str
    name: str | None
    """The target's name; sandboxes come without."""
    old_state: str | None
    """`None` for a target that was just created."""
    new_state: str
    """An open vocabulary; `removed` for a snapshot that was removed."""
    changed_at: datetime
    """Aware, UTC: by the platform's clock."""
