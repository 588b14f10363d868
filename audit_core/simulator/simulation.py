"""The simulation as a whole: the past of three organizations, up to a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from random import Random

from audit_core.domain.entries import EARLIEST, LATEST
from audit_core.simulator.activity import incidents, oddities, operations
from audit_core.simulator.activity.conditions import Conditions
from audit_core.simulator.activity.sandboxes import SandboxState
from audit_core.simulator.activity.sessions import keep
from audit_core.simulator.actors import Actor
from audit_core.simulator.journal import Arrival, Complete, Journal
from audit_core.simulator.pace import Plan, keep_pace, step
from audit_core.simulator.truth import Truth
from audit_core.simulator.world import Process, World

DAYS = 90.0

ENTRIES_WITH_STORIES = 1000
"""Fewer entries than this leave no room for incidents and oddities: they are left out."""

LAST_S, ENTRIES_KEPT_BACK = 60.0, 6
"""How long before the end, and how many entries at least, are left to slow requests of
agents, so that the end finds some of them in flight."""

UNANSWERED_AT_LEAST = (0.2, 0.5, 0.8)
"""Where in the time, as fractions, a request stays unanswered for certain."""


def simulate(*, entries: int, seed: int, until: datetime, days: float = DAYS) -> Iterator[Arrival]:
    """What happened in the demo organizations during `days` (above 0) before `until`.

    Exactly `entries` distinct entry ids arrive, in order of `received_at`, none created or
    received after `until`. An entry first seen in flight comes again, with the same id, when
    it is finished. The same arguments give the same arrivals. Memory does not grow with
    `entries`, only with what exists at one time.

    How the number is met: activity is planned for each five minutes in proportion to
    `entries`; sessions make up most of it, single steps of agents fill up to the plan, and in
    the last minute exactly as many steps are made as are still missing.

    Raises `ValueError` if `entries` is negative, `days` is not positive, `until` is naive, or
    the time is not within what entries may carry.
    """
    return _arrivals(entries, seed, until, days, None)


def simulate_with_truth(
    *, entries: int, seed: int, until: datetime, days: float = DAYS
) -> tuple[Iterator[Arrival], Truth]:
    """The same arrivals as `simulate`, and the truth, which fills while they are read."""
    truth = Truth()
    return _arrivals(entries, seed, until, days, truth), truth


def _arrivals(
    entries: int, seed: int, until: datetime, days: float, truth: Truth | None
) -> Iterator[Arrival]:
    if entries < 0:
        raise ValueError(f"entries is {entries}; it cannot be negative")
    if not 0 < days < float("inf"):
        raise ValueError(f"days is {days}; it must be a number above 0")
    if until.tzinfo is None:
        raise ValueError("until must carry a time zone")
    end = until.timestamp()
    if end - days * 86400 < EARLIEST.timestamp() or until >= LATEST:
        raise ValueError(
            f"{days:g} days until {until:%Y-%m-%d} are not within {EARLIEST:%Y} to {LATEST:%Y}"
        )
    return _run(entries, seed, end, days, truth)


def _run(
    entries: int, seed: int, end: float, days: float, truth: Truth | None
) -> Iterator[Arrival]:
    if entries == 0:
        return
    random = Random(seed)  # noqa: S311 - a simulation must be repeatable, and guards nothing
    start = end - days * 86400
    with_stories = entries >= ENTRIES_WITH_STORIES
    conditions = plan_conditions(start, end) if with_stories else Conditions()
    journal = Journal(random=random, limit=entries, until=end, id_bit=0)
    world = World(random=random, journal=journal, conditions=conditions, start=start, truth=truth)
    world.keeper = keep
    populate(world)
    if with_stories:
        _plan_stories(world, start, end)
    last_s = min(LAST_S, (end - start) / 20)
    kept_back = min(ENTRIES_KEPT_BACK, entries)
    journal.limit = entries - kept_back
    plan = Plan(start=start, until=end - last_s, entries=journal.limit, random=random)
    world.spawn(keep_pace(world, plan))
    with suppress(Complete):
        while world.step(end - last_s):
            yield from journal.arrived(world.now)
    journal.limit = entries
    yield from _finish(world, end - last_s, end, entries - journal.written)


def _finish(world: World, start: float, end: float, missing: int) -> Iterator[Arrival]:
    """Exactly `missing` requests of agents in the last moments; the end finds some in flight."""
    world.linger_s = 2 * (end - start)
    for number in range(missing):
        world.now = start + (end - start) * (number + world.random.random()) / missing
        step(world)
        yield from world.journal.arrived(world.now)
    yield from world.journal.arrived(end)


def populate(world: World) -> None:
    """Gives every organization sandboxes from before the beginning."""
    for estate in world.estates:
        owners: list[Actor] = [person.office[-1] for person in estate.organization.people]
        for owner in owners:
            state = world.pick((SandboxState.STOPPED, SandboxState.STOPPED, SandboxState.ARCHIVED))
            sandbox = operations.plan_sandbox(world, estate, owner, state=state)
            sandbox.used_at = world.now - 3600 * world.random.random()
            estate.keep(sandbox)
            world.note_state(sandbox, None)
            world.spawn_keeper(estate, sandbox)


def plan_conditions(start: float, end: float) -> Conditions:
    """When which cause of failures holds, for a simulation over this time."""
    length = end - start
    outage_s = min(3600.0, length / 24)
    outage_at = _at_clock(start, end, 0.56, 14.25)
    return Conditions(
        bad_snapshot=(start + 0.28 * length, start + 0.40 * length),
        full_region=(start + 0.62 * length, start + 0.72 * length),
        outage=(outage_at, outage_at + outage_s),
        upgraded_at=start + 0.68 * length,
    )


def _at_clock(start: float, end: float, share: float, hour: float) -> float:
    """The first working day's `hour` (UTC) after this share of the time, if that lies well
    within it; else simply the time at this share."""
    aimed_at = start + share * (end - start)
    day = aimed_at // 86400
    for later in range(8):
        at = (day + later) * 86400 + hour * 3600
        weekday = int(day + later + 3) % 7
        if at >= aimed_at and weekday < 5 and at < end - 0.08 * (end - start):
            return at
    return aimed_at


def _plan_stories(world: World, start: float, end: float) -> None:
    length = end - start

    def at_clock(process: Process, share: float, hour: float) -> None:
        world.spawn(process, _at_clock(start, end, share, hour) - start)

    world.outage_story = world.begin_story(incidents.outage_incident())
    outage_from, outage_to = world.conditions.outage
    retries = incidents.outage_retries(world, world.outage_story, outage_to - outage_from)
    world.spawn(retries, outage_from - start)
    at_clock(incidents.departed_member(world, length / 86400), 0.12, 15.2)
    at_clock(incidents.stolen_key(world), 0.45, 2.7)
    at_clock(incidents.forbidden_burst(world), 0.35, 10.4)
    at_clock(incidents.mass_delete(world), 0.76, 15.8)
    at_clock(incidents.brief_admin(world), 0.66, 10.6)
    for position, estate in enumerate(world.estates):
        world.spawn(oddities.odd_names(world, estate), (0.2 + 0.13 * position) * length)
        world.spawn(oddities.odd_texts(world, estate), (0.25 + 0.21 * position) * length)
    for share in UNANSWERED_AT_LEAST:
        world.spawn(_leave_unanswered(world), share * length)


def _leave_unanswered(world: World) -> Process:
    world.unanswered_due += 1
    return
    yield 0.0
