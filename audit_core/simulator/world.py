"""The simulated world: a clock, the processes that run in it, and what each tenant has."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from audit_core.simulator.activity.conditions import Conditions
from audit_core.simulator.activity.failures import NOISE, FailureDeck
from audit_core.simulator.activity.sandboxes import Sandbox, SandboxState
from audit_core.simulator.actors import Actor
from audit_core.simulator.journal import Journal, moment
from audit_core.simulator.organizations import ORGANIZATIONS, Organization
from audit_core.simulator.truth import Incident, StateChange, Truth

Process = Generator[float, None, Any]
"""Something that goes on over time: it yields how many seconds it waits before it goes on."""

Keeper = Callable[["World", "Estate", Sandbox], Process]

T = TypeVar("T")

NOISE_SHARE = 0.004
UNANSWERED_SHARE = 0.0003


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request. `ok` is whether the platform did it, whatever the log says."""

    ok: bool
    entry_id: str
    duration_s: float


class Estate:
    """What one organization has at the moment."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.sandboxes: list[Sandbox] = []
        self.of_owner: dict[str, list[Sandbox]] = {}
        self.agent_home: Sandbox | None = None
        """The long-lived sandbox in which an agent works step by step."""
        self.written = 0
        """Entries of this organization so far."""

    def keep(self, sandbox: Sandbox) -> None:
        """Adds a sandbox."""
        sandbox.position = len(self.sandboxes)
        self.sandboxes.append(sandbox)
        self.of_owner.setdefault(sandbox.owner.id, []).append(sandbox)

    def lose(self, sandbox: Sandbox) -> None:
        """Removes a sandbox."""
        last = self.sandboxes.pop()
        if last is not sandbox:
            self.sandboxes[sandbox.position] = last
            last.position = sandbox.position
        sandbox.position = -1
        self.of_owner[sandbox.owner.id].remove(sandbox)


class World:
    """Runs processes in order of time and lets them make requests."""

    def __init__(
        self,
        *,
        random: Random,
        journal: Journal,
        conditions: Conditions,
        start: float,
        truth: Truth | None,
    ) -> None:
        self.random = random
        self.journal = journal
        self.conditions = conditions
        self.now = start
        self.truth = truth
        self.failures = FailureDeck(random)
        self.estates = [Estate(organization) for organization in ORGANIZATIONS]
        self.unanswered_due = 0
        """How many of the next fit requests will never be answered."""
        self.linger_s = 0.0
        """How long toolbox requests take at least."""
        self.departed: set[str] = set()
        """Ids of people who are no longer members."""
        self.outage_story: Incident | None = None
        self.keeper: Keeper | None = None
        """What looks after each new sandbox; set once when the world is put together."""
        self._queue: list[tuple[float, int, Process]] = []
        self._spawned = 0

    def spawn(self, process: Process, delay_s: float = 0.0) -> None:
        """Lets a process begin after `delay_s` seconds."""
        self._spawned += 1
        heapq.heappush(self._queue, (self.now + delay_s, self._spawned, process))

    def step(self, until: float) -> bool:
        """Lets the next process go on by one step; False when none has any left by `until`."""
        queue = self._queue
        if not queue or queue[0][0] > until:
            return False
        self.now, _, process = queue[0]
        wait_s = next(process, None)
        # The process itself may have spawned others, so the first place may be another's now:
        # a spawned one never lies before it, because delays are not negative.
        if wait_s is None:
            heapq.heappop(queue)
        else:
            self._spawned += 1
            heapq.heapreplace(queue, (self.now + wait_s, self._spawned, process))
        return True

    def estate(self, organization: Organization) -> Estate:
        """What this organization has."""
        return self.estates[ORGANIZATIONS.index(organization)]

    def pick(self, things: Sequence[T]) -> T:
        """One of them, each as likely."""
        return things[int(self.random.random() * len(things))]

    def pick_sandbox(self, estate: Estate, fits: Callable[[Sandbox], bool]) -> Sandbox | None:
        """A sandbox that fits and that nobody is working with; `None` if none was found."""
        for _ in range(8):
            if not estate.sandboxes:
                return None
            sandbox = self.pick(estate.sandboxes)
            if not sandbox.busy and fits(sandbox):
                return sandbox
        return None

    def request(
        self,
        estate: Estate | None,
        actor: Actor,
        action: str,
        target_type: str | None,
        target_id: str | None,
        *,
        metadata: Mapping[str, Any] | None = None,
        status: int = 200,
        message: str | None = None,
        duration_s: float | None = None,
    ) -> Reply:
        """Makes a request and writes its entry. `estate` is `None` for account-level actions.

        A request that would have worked may still meet the outage, a chance failure, or no
        answer at all: then the reply is not ok, and a `create` has no target.
        """
        random = self.random
        if duration_s is None:
            duration_s = 0.05 + 0.6 * random.random()
        outage = False
        if status < 400 and not actor.automatic:
            answer = self.conditions.outage_answer(self.now, random)
            outage = answer is not None
            if answer is None and random.random() < NOISE_SHARE:
                answer = random.choices(NOISE, (6, 3, 4, 3, 2, 3))[0]
            if answer is not None:
                status, message = answer
            elif self._stays_unanswered(duration_s):
                status = 0
        ok = 0 < status < 400
        entry_id = self.journal.record(
            at=self.now,
            duration_s=duration_s,
            actor=actor,
            organization_id=None if estate is None else estate.organization.id,
            action=action,
            target_type=target_type,
            target_id=None if action == "create" and not ok else target_id,
            status=status,
            message=message,
            metadata=metadata,
        )
        if estate is not None:
            estate.written += 1
        if outage and self.outage_story is not None:
            self.outage_story.add(entry_id, moment(self.now))
        return Reply(ok, entry_id, duration_s)

    def _stays_unanswered(self, duration_s: float) -> bool:
        if self.unanswered_due and duration_s > 1:
            self.unanswered_due -= 1
            return True
        return self.random.random() < UNANSWERED_SHARE

    def change(self, sandbox: Sandbox, state: SandboxState, entry_id: str) -> None:
        """Brings a sandbox into a state by a request."""
        sandbox.enter(state)
        sandbox.used_at = self.now
        self.note_state(sandbox, entry_id)

    def note_state(self, sandbox: Sandbox, entry_id: str | None) -> None:
        """Puts the present state of a sandbox on record, if there is a truth to fill."""
        if self.truth is not None:
            changes = self.truth.histories.setdefault(sandbox.id, [])
            changes.append(StateChange(moment(self.now), sandbox.state, entry_id))

    def spawn_keeper(self, estate: Estate, sandbox: Sandbox) -> None:
        """Lets the platform look after a sandbox from now on."""
        if self.keeper is not None:
            self.spawn(self.keeper(self, estate, sandbox), sandbox.auto_stop_s)

    def begin_story(self, incident: Incident) -> Incident:
        """Puts an incident on record, if there is a truth to fill."""
        if self.truth is not None:
            self.truth.incidents[incident.name] = incident
        return incident
