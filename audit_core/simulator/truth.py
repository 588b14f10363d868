"""What really happened in a simulation, beside what its log says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from audit_core.simulator.activity.sandboxes import SandboxState


@dataclass(frozen=True, slots=True)
class StateChange:
    """A sandbox came into a state. `entry_id` is the entry that asked for it; `None` for the
    state at the beginning of the simulation. `at` is the `created_at` of that entry."""

    at: datetime
    state: SandboxState
    entry_id: str | None


@dataclass(slots=True, kw_only=True)
class Incident:
    """A story that a reviewer should find. `first_at` and `last_at` are `None` until it began."""

    name: str
    story: str
    organization_id: str | None
    """`None` when it touched all organizations."""
    actor_id: str | None
    """`None` when no one person did it."""
    entry_ids: list[str] = field(default_factory=list)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def add(self, entry_id: str, at: datetime) -> None:
        """One more entry belongs to this story."""
        self.entry_ids.append(entry_id)
        self.first_at = self.first_at or at
        self.last_at = at


@dataclass(slots=True)
class Truth:
    """Filled while the arrivals of the same simulation are read; complete when they end."""

    silent_failures: list[str] = field(default_factory=list)
    """Ids of start, create and recover entries that say 2xx although the sandbox failed."""
    histories: dict[str, list[StateChange]] = field(default_factory=dict)
    """By sandbox id, every state it was in, in order."""
    incidents: dict[str, Incident] = field(default_factory=dict)
    """By name."""
