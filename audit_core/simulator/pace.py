"""How much happens when: the plan of entries over time, and the process that keeps to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from audit_core.simulator.activity.administration import errand, joining, upkeep
from audit_core.simulator.activity.conditions import hour_of_week
from audit_core.simulator.activity.sessions import (
    agent_step,
    build_burst,
    session_of,
    task_of_agent,
)
from audit_core.simulator.organizations import ORGANIZATIONS, Purpose
from audit_core.simulator.world import Estate, Process, World

SLOT_S = 300.0

EPISODE_SHARE = 0.8
"""How much of the plan the sessions, builds and errands are to make up. Single steps of
agents make up the rest, and so bring the number of entries to the plan exactly."""

ENTRIES_OF_EPISODE = 13.0
"""About how many entries an episode has; the pace corrects itself where this is wrong."""


CLOSING_ENTRIES = 40
"""With fewer than this left, or an eightieth of all, no episode begins."""


class Plan:
    """How many entries should have been written by when."""

    def __init__(self, *, start: float, until: float, entries: int, random: Random) -> None:
        """From `start` to `until` (seconds since 1970, `start` first), `entries` in all."""
        self.start = start
        self.until = until
        self.closing = until - min(1800.0, (until - start) / 12)
        """From when on no episode begins."""
        self.entries = entries
        self.closing_entries = min(CLOSING_ENTRIES, entries / 80)
        self.slot_s = min(SLOT_S, (until - start) / 48)
        slots = max(1, math.ceil((until - start) / self.slot_s))
        of_day: dict[int, float] = {}
        total = 0.0
        sums = [0.0]
        for slot in range(slots):
            at = start + slot * self.slot_s
            day = int(at // 86400)
            if day not in of_day:
                of_day[day] = random.lognormvariate(0, 0.15)
            total += _activity(at) * of_day[day] * random.lognormvariate(0, 0.35)
            sums.append(total)
        self._planned = [entries * value / total for value in sums]

    def by(self, at: float) -> float:
        """How many entries should have been written by this time."""
        position = (at - self.start) / self.slot_s
        slot = min(int(max(position, 0.0)), len(self._planned) - 2)
        low, high = self._planned[slot], self._planned[slot + 1]
        return low + (high - low) * min(max(position - slot, 0.0), 1.0)

    def left(self, written: int) -> float:
        """How many of the entries are left to write."""
        return self.entries - written


class SteadyPlan:
    """The same number of entries in each minute, without an end."""

    def __init__(self, *, start: float, entries_a_minute: float) -> None:
        self.start = start
        self.until = self.closing = math.inf
        self.closing_entries = 0.0
        self.slot_s = 20.0
        self._entries_a_second = entries_a_minute / 60

    def by(self, at: float) -> float:
        """How many entries should have been written by this time."""
        return max(0.0, at - self.start) * self._entries_a_second

    def left(self, written: int) -> float:
        """There are always more."""
        return math.inf


def _activity(at: float) -> float:
    hour = hour_of_week(at)
    return sum(organization.share * organization.activity[hour] for organization in ORGANIZATIONS)


@dataclass(slots=True)
class _Pace:
    """What `keep_pace` knows about how well the plan is followed."""

    steps: int = 0
    """Single steps of agents so far."""
    learned_share: float = 0.0
    """Which share of the plan episodes have made up lately."""
    by_episodes: int = 0
    planned: float = 0.0

    def learn(self, by_episodes: int, planned: float) -> None:
        """Takes in what episodes had written before a slot, and what is planned for it."""
        if self.planned > 0:
            share = min((by_episodes - self.by_episodes) / self.planned, 3.0)
            self.learned_share += 0.05 * (share - self.learned_share)
        self.by_episodes, self.planned = by_episodes, planned


def keep_pace(world: World, plan: Plan | SteadyPlan) -> Process:
    """Begins episodes and agents' steps so that the plan is followed, slot by slot.

    Ends when so little of the plan is left that an episode could go beyond it.
    """
    random = world.random
    pace = _Pace()
    settled = 6 * ENTRIES_OF_EPISODE
    while plan.left(world.journal.written) > plan.closing_entries and world.now < plan.closing:
        end = world.now + plan.slot_s
        planned = plan.by(end) - plan.by(world.now)
        by_episodes = world.journal.written - pace.steps
        pace.learn(by_episodes, planned)
        aimed_at = EPISODE_SHARE * plan.by(world.now)
        correction = min(2.0, max(0.3, (aimed_at + settled) / (by_episodes + settled)))
        mean = EPISODE_SHARE * planned / ENTRIES_OF_EPISODE * correction
        for _ in range(_poisson(random, mean)):
            world.spawn(_episode(world), plan.slot_s * random.random())
        gap = plan.by(end) - world.journal.written - pace.learned_share * planned
        for _ in range(int(max(gap, 0.0) + random.random())):
            world.spawn(_single_step(world, pace), plan.slot_s * random.random())
        yield plan.slot_s
    yield from _close(world, plan)


def _close(world: World, plan: Plan | SteadyPlan) -> Process:
    """Spreads agents' steps, and a few visits of people, over what is left of the time."""
    while world.now < plan.until:
        left = int(plan.left(world.journal.written))
        yield (plan.until - world.now) / (max(left, 0) + 1) + 0.01
        if left > plan.closing_entries / 3 and world.random.random() < 0.06:
            world.spawn(_visit(world))
        else:
            step(world)


def _single_step(world: World, pace: _Pace) -> Process:
    pace.steps += 1
    step(world)
    return
    yield 0.0


def step(world: World) -> None:
    """One request of an agent, in the organization that lacks most of its share."""
    written = sum(estate.written for estate in world.estates) + 1
    agent_step(
        world,
        min(world.estates, key=lambda estate: estate.written / written - estate.organization.share),
    )


def _visit(world: World) -> Process:
    estate = world.pick(world.estates)
    yield from session_of(world, estate, world.pick(estate.organization.people[:5]))


def _episode(world: World) -> Process:
    hour = hour_of_week(world.now)
    weights = [
        estate.organization.share * estate.organization.activity[hour] for estate in world.estates
    ]
    estate = world.random.choices(world.estates, weights)[0]
    yield from _episode_in(world, estate, hour)


def _episode_in(world: World, estate: Estate, hour: int) -> Process:
    random = world.random
    organization = estate.organization
    people = [person for person in organization.people if person.id not in world.departed]
    of_people = [person.activity[hour] for person in people]
    of_keys = [
        key.activity[hour] * (2.0 if key.purpose is Purpose.AGENT else 0.9)
        for key in organization.keys
    ]
    total = sum(of_people)
    kind = random.choices(
        range(5), (total, sum(of_keys), total * 0.09, 0.004 + total * 0.012, 0.7)
    )[0]
    if kind == 0:
        yield from session_of(world, estate, random.choices(people, of_people)[0])
    elif kind == 1:
        key = random.choices(organization.keys, of_keys)[0]
        build = key.purpose is Purpose.BUILD
        yield from (build_burst if build else task_of_agent)(world, estate, key)
    else:
        yield from (errand, joining, upkeep)[kind - 2](world, estate)


def _poisson(random: Random, mean: float) -> int:
    limit, count, installation = math.exp(-min(mean, 500.0)), 0, random.random()
    while installation > limit:
        count += 1
        installation *= random.random()
    return count
