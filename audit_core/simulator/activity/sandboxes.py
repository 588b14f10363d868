"""A sandbox as a state machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from audit_core.simulator.actors import Actor


class SandboxState(StrEnum):
    """What a sandbox really is, whatever the log says."""

    STARTED = "started"
    STOPPED = "stopped"
    ARCHIVED = "archived"
    FAILED = "failed"
    DELETED = "deleted"


_S = SandboxState

FOLLOWERS: dict[SandboxState, frozenset[SandboxState]] = {
    _S.STARTED: frozenset({_S.STOPPED, _S.FAILED, _S.DELETED}),
    _S.STOPPED: frozenset({_S.STARTED, _S.FAILED, _S.ARCHIVED, _S.DELETED}),
    _S.ARCHIVED: frozenset({_S.STARTED, _S.FAILED, _S.DELETED}),
    _S.FAILED: frozenset({_S.STARTED, _S.FAILED, _S.DELETED}),
    _S.DELETED: frozenset(),
}
"""The states that may follow each state."""


@dataclass(slots=True, kw_only=True, eq=False)
class Sandbox:
    """One sandbox. Intervals are in seconds; times are seconds since 1970 in UTC."""

    id: str
    name: str
    owner: Actor
    snapshot: str
    region: str
    gpu: bool
    auto_stop_s: float
    auto_archive_s: float
    auto_delete_s: float
    state: SandboxState
    used_at: float
    """When it was last asked for anything."""
    busy: bool = False
    """Whether somebody is in the middle of working with it."""
    position: int = -1
    """Its place in the list of its organization; -1 when it is in none."""
    ssh_token: str | None = None
    """The token of the SSH access that is open; `None` if none is."""

    def is_in(self, state: SandboxState) -> bool:
        """Whether it is in this state right now; others may change it at any time."""
        return self.state is state

    def enter(self, state: SandboxState) -> None:
        """Comes into `state`. Raises `ValueError` if it cannot follow the present one."""
        if state not in FOLLOWERS[self.state]:
            raise ValueError(f"a sandbox that is {self.state} cannot become {state}")
        self.state = state
