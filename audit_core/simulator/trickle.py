"""Activity that goes on after the demo's past ends, so that there is something to watch."""

from __future__ import annotations

from datetime import datetime
from random import Random

from audit_core.domain.entries import AuditEntry
from audit_core.simulator.activity.conditions import Conditions
from audit_core.simulator.activity.sessions import keep
from audit_core.simulator.journal import Journal
from audit_core.simulator.pace import SteadyPlan, keep_pace
from audit_core.simulator.world import World

ENTRIES_A_MINUTE = 15.0


class Trickle:
    """Hands out entries as their time comes. It has no clock of its own and never waits."""

    def __init__(self, *, seed: int, start: datetime) -> None:
        """Nothing is created before `start` (aware)."""
        # The start belongs to the seed: each run of the app makes ids of its own.
        random = Random(f"{seed} {start.timestamp()}")  # noqa: S311 - a simulation
        self._journal = Journal(random=random, limit=None, until=None, id_bit=1)
        self._world = World(
            random=random,
            journal=self._journal,
            conditions=Conditions(),
            start=start.timestamp(),
            truth=None,
        )
        self._world.keeper = keep
        plan = SteadyPlan(start=start.timestamp(), entries_a_minute=ENTRIES_A_MINUTE)
        self._world.spawn(keep_pace(self._world, plan))

    def due(self, now: datetime) -> list[AuditEntry]:
        """What has arrived up to `now` and was not handed out yet, in order of arrival.

        An entry handed out in flight comes again with the same id when it is finished. A time
        before an earlier one gives an empty list.
        """
        seconds = now.timestamp()
        while self._world.step(seconds):
            pass
        return [arrival.entry for arrival in self._journal.arrived(seconds)]


def trickle(*, seed: int, start: datetime) -> Trickle:
    """Activity from `start` on, about 15 entries a minute over all demo organizations."""
    return Trickle(seed=seed, start=start)
