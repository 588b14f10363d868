"""What can be done to a sandbox, each as one request."""

from __future__ import annotations

from typing import Any

from audit_core.simulator.activity import toolbox
from audit_core.simulator.activity.failures import Failure, wording
from audit_core.simulator.activity.sandboxes import Sandbox, SandboxState
from audit_core.simulator.actors import Actor
from audit_core.simulator.world import Estate, Reply, World

SANDBOX = "sandbox"

BACKGROUND_FAILURE_SHARE = 0.05
"""How many starts fail for no cause that shows a pattern."""

NAME_FOR_ID_SHARE = 0.4
"""How many loud failures of a start carry the sandbox's name as the target."""

_WORDS = ("amber", "basalt", "cobalt", "dune", "ember", "fjord", "grove", "harbor", "iris", "juno")
_TASKS = ("api", "eval", "notebook", "build", "agent", "review", "sim", "scratch", "docs", "train")

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def new_name(world: World) -> str:
    """A name as people give them."""
    number = int(world.random.random() * 9000) + 1000
    return f"{world.pick(_WORDS)}-{world.pick(_TASKS)}-{number}"


def plan_sandbox(
    world: World,
    estate: Estate,
    actor: Actor,
    *,
    name: str | None = None,
    snapshot: str | None = None,
    state: SandboxState = SandboxState.STARTED,
) -> Sandbox:
    """A sandbox that is not there yet, with choices as this organization makes them."""
    random = world.random
    organization = estate.organization
    snapshot = snapshot or world.pick(organization.snapshots)
    return Sandbox(
        id=world.journal.new_id(),
        name=name or new_name(world),
        owner=actor,
        snapshot=snapshot,
        region=world.pick(organization.regions),
        gpu="gpu" in snapshot or ("train" in snapshot and random.random() < 0.3),
        auto_stop_s=world.pick((15, 15, 15, 30, 60)) * MINUTE,
        auto_archive_s=world.pick((1, 2, 7)) * DAY,
        auto_delete_s=world.pick((1, 3, 14)) * DAY,
        state=state,
        used_at=world.now,
    )


def _create_body(world: World, sandbox: Sandbox) -> dict[str, Any]:
    cpu = world.pick((1, 2, 2, 4, 8))
    body: dict[str, Any] = {
        "name": sandbox.name,
        "snapshot": sandbox.snapshot,
        "user": "daytona",
        "env": {"NODE_ENV": "********", "API_KEY": "********"} if cpu > 2 else {},
        "labels": {"team": world.pick(("core", "ml", "web")), "stage": "dev"},
        "public": False,
        "target": sandbox.region,
        "cpu": cpu,
        "gpu": 1 if sandbox.gpu else 0,
        "memory": cpu * 2,
        "disk": 10,
        "autoStopInterval": int(sandbox.auto_stop_s / MINUTE),
        "autoArchiveInterval": int(sandbox.auto_archive_s / MINUTE),
        "autoDeleteInterval": int(sandbox.auto_delete_s / MINUTE),
    }
    if cpu == 8:
        body["networkBlockAll"] = False
        body["networkAllowList"] = "10.0.0.0/8,192.0.2.0/24"
        body["volumes"] = [{"volumeId": "datasets", "mountPath": "/data"}]
    return body


def _failure(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox, *, creating: bool
) -> Failure | None:
    failure = world.conditions.start_failure(
        now=world.now,
        random=world.random,
        actor=actor,
        organization=estate.organization,
        snapshot=sandbox.snapshot,
        region=sandbox.region,
        gpu=sandbox.gpu,
    )
    if failure is None and world.random.random() < BACKGROUND_FAILURE_SHARE:
        failure = world.failures.deal(creating=creating)
    return failure


def _ask_to_start(
    world: World,
    estate: Estate,
    actor: Actor,
    action: str,
    sandbox: Sandbox,
    metadata: dict[str, Any] | None,
) -> tuple[Reply, bool]:
    """The reply to create, fork, start or recover, and whether the sandbox really runs."""
    random = world.random
    creating = action == "create"
    failure = _failure(world, estate, actor, sandbox, creating=creating)
    if failure is None or failure.silent:
        waited_s = 30 + random.random() if failure else 0.8 + 14 * random.random() ** 3
        reply = world.request(
            estate, actor, action, SANDBOX, sandbox.id, metadata=metadata, duration_s=waited_s
        )
        if failure is not None and reply.ok and world.truth is not None:
            world.truth.silent_failures.append(reply.entry_id)
        return reply, failure is None and reply.ok
    named = not creating and random.random() < NAME_FOR_ID_SHARE
    message = wording(
        failure,
        name=sandbox.name,
        snapshot=sandbox.snapshot,
        region=sandbox.region,
        cpu_limit=estate.organization.cpu_limit,
    )
    reply = world.request(
        estate,
        actor,
        action,
        SANDBOX,
        sandbox.name if named else sandbox.id,
        metadata=metadata,
        status=failure.status,
        message=message,
        duration_s=(1 + 27 * random.random()) if message.startswith("Sandbox failed") else None,
    )
    return reply, False


def create(
    world: World, estate: Estate, actor: Actor, *, sandbox: Sandbox | None = None
) -> tuple[Reply, Sandbox | None]:
    """Asks for a new sandbox, the planned one if given. `None` if there is none afterwards;
    a sandbox that failed silently is there, and `FAILED`."""
    sandbox = sandbox or plan_sandbox(world, estate, actor)
    body = {"body": _create_body(world, sandbox)}
    reply, runs = _ask_to_start(world, estate, actor, "create", sandbox, body)
    if not reply.ok:
        return reply, None
    sandbox.state = SandboxState.STARTED if runs else SandboxState.FAILED
    _appear(world, estate, sandbox, reply.entry_id)
    return reply, sandbox


def _appear(world: World, estate: Estate, sandbox: Sandbox, entry_id: str) -> None:
    estate.keep(sandbox)
    sandbox.used_at = world.now
    world.note_state(sandbox, entry_id)
    world.spawn_keeper(estate, sandbox)


def fork(world: World, estate: Estate, actor: Actor, parent: Sandbox) -> Reply:
    """Asks for a copy of a running sandbox. The entry's target is the parent."""
    child = plan_sandbox(world, estate, actor, snapshot=parent.snapshot)
    reply = world.request(
        estate, actor, "fork", SANDBOX, parent.id, metadata={"body": {"name": child.name}}
    )
    parent.used_at = world.now
    if reply.ok:
        _appear(world, estate, child, reply.entry_id)
    return reply


def start(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox, action: str = "start"
) -> Reply:
    """Asks to start or to recover a sandbox; its state tells whether that really worked."""
    metadata = {"query": {"skipStart": False}} if action == "recover" else None
    reply, runs = _ask_to_start(world, estate, actor, action, sandbox, metadata)
    if runs:
        world.change(sandbox, SandboxState.STARTED, reply.entry_id)
    elif reply.ok:
        world.change(sandbox, SandboxState.FAILED, reply.entry_id)
    return reply


def stop(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox, *, force: bool = False
) -> Reply:
    """Stops a running sandbox; `auto_stop` when the platform does."""
    action = "auto_stop" if actor.automatic else "stop"
    metadata = None if actor.automatic else {"query": {"force": force}}
    reply = world.request(estate, actor, action, SANDBOX, sandbox.id, metadata=metadata)
    if reply.ok:
        world.change(sandbox, SandboxState.STOPPED, reply.entry_id)
    return reply


def archive(world: World, estate: Estate, actor: Actor, sandbox: Sandbox) -> Reply:
    """Archives a stopped sandbox; `auto_archive` when the platform does."""
    action = "auto_archive" if actor.automatic else "archive"
    reply = world.request(estate, actor, action, SANDBOX, sandbox.id, duration_s=2.0)
    if reply.ok:
        world.change(sandbox, SandboxState.ARCHIVED, reply.entry_id)
    return reply


def delete(world: World, estate: Estate, actor: Actor, sandbox: Sandbox) -> Reply:
    """Deletes a sandbox; `auto_delete` when the platform does."""
    action = "auto_delete" if actor.automatic else "delete"
    reply = world.request(estate, actor, action, SANDBOX, sandbox.id)
    if reply.ok:
        world.change(sandbox, SandboxState.DELETED, reply.entry_id)
        estate.lose(sandbox)
    return reply


def use_toolbox(
    world: World, estate: Estate, actor: Actor, sandbox: Sandbox, action: str | None = None
) -> Reply:
    """Does something inside a sandbox; refused with 400 if it is not started."""
    random = world.random
    action = action or toolbox.toolbox_action(random)
    metadata = toolbox.toolbox_metadata(action, random)
    if not sandbox.is_in(SandboxState.STARTED):
        return world.request(
            estate,
            actor,
            action,
            SANDBOX,
            sandbox.id,
            metadata=metadata,
            status=400,
            message="Sandbox is not started",
        )
    sandbox.used_at = world.now
    return world.request(
        estate,
        actor,
        action,
        SANDBOX,
        sandbox.id,
        metadata=metadata,
        status=101 if action == "toolbox_computer_use_start" and random.random() < 0.5 else 200,
        duration_s=max(toolbox.toolbox_duration_s(action, random), world.linger_s),
    )
