"""People and programs at work with sandboxes: each session is a process over minutes."""

from __future__ import annotations

from collections.abc import Callable, Generator

from audit_core.simulator.activity import operations
from audit_core.simulator.activity.adjustments import adjust
from audit_core.simulator.activity.conditions import hour_of_week
from audit_core.simulator.activity.operations import HOUR, SANDBOX
from audit_core.simulator.activity.sandboxes import Sandbox, SandboxState
from audit_core.simulator.actors import SYSTEM, Actor
from audit_core.simulator.organizations import ApiKey, Person, Purpose
from audit_core.simulator.world import Estate, Process, Reply, World

OWN_SANDBOXES = 4
"""How many sandboxes a person likes to keep."""


Care = Callable[[World, Estate, Actor, Sandbox], Reply]


def _next_care(sandbox: Sandbox) -> tuple[float, Care]:
    """What the platform does next, and after how many seconds without use."""
    if sandbox.is_in(SandboxState.STARTED):
        return sandbox.auto_stop_s, operations.stop
    if sandbox.is_in(SandboxState.STOPPED):
        return sandbox.auto_archive_s, operations.archive
    return sandbox.auto_delete_s, operations.delete


def keep(world: World, estate: Estate, sandbox: Sandbox) -> Process:
    """The platform looks after one sandbox: stops, archives and deletes it when it is unused."""
    while not sandbox.is_in(SandboxState.DELETED):
        limit_s, act = _next_care(sandbox)
        unused_s = world.now - sandbox.used_at
        if sandbox.busy:
            yield 600.0
        elif unused_s >= limit_s:
            act(world, estate, SYSTEM, sandbox)
            yield HOUR
        else:
            yield limit_s - unused_s + 1 + 40 * world.random.random()


def rescue(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox
) -> Generator[float, None, bool]:
    """What the owner does within minutes of a start that failed; whether it runs at the end."""
    random = world.random
    for _ in range(3):
        yield 45 + 330 * random.random() ** 2
        if not sandbox.is_in(SandboxState.FAILED):
            return False
        action = random.choices(("recover", "start", "delete"), (5, 3, 2))[0]
        if action == "delete":
            break
        reply = operations.start(world, estate, actor, sandbox, action)
        if sandbox.is_in(SandboxState.STARTED):
            yield reply.duration_s + 1
            return True
    for _ in range(3):
        yield 30 + 90 * random.random()
        if sandbox.is_in(SandboxState.FAILED):
            operations.delete(world, estate, actor, sandbox)
    return False


def bring_up(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox
) -> Generator[float, None, bool]:
    """Starts a sandbox that does not run; tries again a few times, as people do."""
    random = world.random
    for _ in range(3):
        if sandbox.is_in(SandboxState.STARTED):
            return True
        if sandbox.is_in(SandboxState.DELETED):
            return False
        if sandbox.is_in(SandboxState.FAILED):
            return (yield from rescue(world, estate, actor, sandbox))
        reply = operations.start(world, estate, actor, sandbox)
        if not sandbox.is_in(SandboxState.FAILED):
            yield reply.duration_s + 0.5 + 20 * random.random()
    if sandbox.is_in(SandboxState.FAILED):
        return (yield from rescue(world, estate, actor, sandbox))
    return sandbox.is_in(SandboxState.STARTED)


def obtain(
    world: World, estate: Estate, actor: Actor, planned: Sandbox | None = None
) -> Generator[float, None, Sandbox | None]:
    """Creates a sandbox and sees to it that it runs; busy on return. `None` after giving up."""
    random = world.random
    for _ in range(3):
        reply, sandbox = operations.create(world, estate, actor, sandbox=planned)
        if sandbox is None:
            yield reply.duration_s + 3 + 60 * random.random()
            continue
        sandbox.busy = True
        if sandbox.is_in(SandboxState.FAILED):
            if not (yield from rescue(world, estate, actor, sandbox)):
                sandbox.busy = False
                return None
        else:
            yield reply.duration_s + 0.5
        return sandbox
    return None


def work(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox, requests: int, pause_s: float
) -> Process:
    """Toolbox requests inside a running sandbox, with a few adjustments between."""
    random = world.random
    for _ in range(requests):
        if sandbox.is_in(SandboxState.DELETED):
            return
        if not sandbox.is_in(SandboxState.STARTED):
            # Somebody stopped it meanwhile: the next request finds out, and that is that.
            if not sandbox.is_in(SandboxState.FAILED):
                operations.use_toolbox(world, estate, actor, sandbox)
            return
        if random.random() < 0.06:
            reply = adjust(world, estate, actor, sandbox)
        else:
            reply = operations.use_toolbox(world, estate, actor, sandbox)
        yield min(reply.duration_s, 120) + pause_s * (0.2 + 2 * random.random() ** 2)


def _actor_of(world: World, person: Person) -> Actor:
    actor = world.pick(person.office)
    at_home = person.activity[hour_of_week(world.now)] < 0.4
    return actor.at(person.home_address) if at_home else actor


def session_of(world: World, estate: Estate, person: Person) -> Process:
    """A person signs in, works in one sandbox for a while, and puts it away or does not."""
    random = world.random
    actor = _actor_of(world, person)
    if actor.key_prefix is None and random.random() < 0.6:
        world.request(None, actor, "login", "user", person.id)
        yield 2 + 20 * random.random()
    own = [
        sandbox
        for sandbox in estate.of_owner.get(person.id, ())
        if not sandbox.busy and not sandbox.is_in(SandboxState.FAILED)
    ]
    if len(own) < 2 or random.random() < 0.25:
        sandbox = yield from obtain(world, estate, actor)
        if sandbox is None:
            return
    else:
        sandbox = world.pick(own)
        sandbox.busy = True
        if random.random() < 0.08 and sandbox.is_in(SandboxState.STOPPED):
            operations.use_toolbox(world, estate, actor, sandbox)
            yield 4 + 5 * random.random()
        if not (yield from bring_up(world, estate, actor, sandbox)):
            sandbox.busy = False
            return
    yield from work(world, estate, actor, sandbox, 3 + int(18 * random.random() ** 2), 45.0)
    yield from _put_away(world, estate, actor, sandbox, len(own) >= OWN_SANDBOXES)


def _put_away(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox, too_many: bool
) -> Process:
    random = world.random
    yield 5 + 30 * random.random()
    sandbox.busy = False
    chance = random.random()
    if sandbox.is_in(SandboxState.STARTED) and chance < 0.45:
        reply = operations.stop(world, estate, actor, sandbox, force=chance < 0.03)
        yield reply.duration_s + 5
        if sandbox.is_in(SandboxState.STOPPED) and chance < 0.06:
            operations.archive(world, estate, actor, sandbox)
            yield 5.0
    if too_many and not sandbox.is_in(SandboxState.DELETED) and not sandbox.busy:
        operations.delete(world, estate, actor, sandbox)


def task_of_agent(world: World, estate: Estate, key: ApiKey) -> Process:
    """An AI agent takes a sandbox, works through a task quickly, and deletes or stops it."""
    random = world.random
    actor = _actor_of_key(world, key)
    sandbox = yield from obtain(world, estate, actor)
    if sandbox is None:
        return
    yield from work(world, estate, actor, sandbox, 5 + int(20 * random.random() ** 2), 7.0)
    sandbox.busy = False
    if sandbox.is_in(SandboxState.DELETED):
        return
    if random.random() < 0.8:
        operations.delete(world, estate, actor, sandbox)
    elif sandbox.is_in(SandboxState.STARTED):
        operations.stop(world, estate, actor, sandbox)


def build_burst(world: World, estate: Estate, key: ApiKey) -> Process:
    """A build starts many sandboxes at once, one for each job."""
    for _ in range(world.pick((2, 3, 3, 4, 6, 9))):
        world.spawn(build_job(world, estate, key), 12 * world.random.random())
    return
    yield 0.0


def build_job(world: World, estate: Estate, key: ApiKey) -> Process:
    """One job of a build: a sandbox, a few commands, gone."""
    random = world.random
    actor = _actor_of_key(world, key)
    sandbox = yield from obtain(world, estate, actor)
    if sandbox is None:
        return
    if random.random() < 0.98:
        for action in ("toolbox_git_clone_repository", "toolbox_execute_command"):
            if sandbox.is_in(SandboxState.STARTED):
                reply = operations.use_toolbox(world, estate, actor, sandbox, action)
                yield min(reply.duration_s, 300) + 1
        yield from work(world, estate, actor, sandbox, 1 + int(4 * random.random()), 6.0)
    sandbox.busy = False
    if not sandbox.is_in(SandboxState.DELETED):
        operations.delete(world, estate, actor, sandbox)


def _actor_of_key(world: World, key: ApiKey) -> Actor:
    return key.actor if world.now >= world.conditions.upgraded_at else key.earlier


def agent_step(world: World, estate: Estate) -> None:
    """Exactly one more request of an agent in its long-lived sandbox.

    This is the work that can be spread at will, and so keeps the simulation on its plan.
    """
    home = estate.agent_home
    if home is None or home.state in (SandboxState.DELETED, SandboxState.FAILED) or home.busy:
        agents = [key for key in estate.organization.keys if key.purpose is Purpose.AGENT]
        actor = _actor_of_key(world, world.pick(agents))
        estate.agent_home = operations.create(world, estate, actor)[1]
        if estate.agent_home and estate.agent_home.is_in(SandboxState.FAILED):
            world.spawn(_rescue_alone(world, estate, actor, estate.agent_home))
    elif not home.is_in(SandboxState.STARTED):
        operations.start(world, estate, home.owner, home)
        if home.is_in(SandboxState.FAILED):
            world.spawn(_rescue_alone(world, estate, home.owner, home))
    elif world.now - home.used_at < 0.5 and world.random.random() < 0.5:
        world.request(estate, home.owner, "read", SANDBOX, home.id)
    elif world.random.random() < 0.004:
        operations.delete(world, estate, home.owner, home)
    else:
        operations.use_toolbox(world, estate, home.owner, home)


def _rescue_alone(world: World, estate: Estate, actor: Actor, sandbox: Sandbox) -> Process:
    sandbox.busy = True
    yield from rescue(world, estate, actor, sandbox)
    sandbox.busy = False
