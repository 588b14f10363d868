"""What is done about an organization itself: members, keys, registries, quotas, webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit_core.simulator.actors import RUNNER, SYSTEM, Actor
from audit_core.simulator.journal import moment
from audit_core.simulator.organizations import Person, stable_id
from audit_core.simulator.world import Estate, Process, World

Metadata = Mapping[str, Any] | None
Filler = Callable[[World, Estate], Metadata]

_NEWCOMERS = ("alex.meyer", "sam.lee", "zoë.quinn", "o'brien.kate", "jörg.maier")


def _later(world: World, days: float) -> str:
    return moment(world.now + days * 86400).isoformat().replace("+00:00", "Z")


def _none(world: World, estate: Estate) -> Metadata:
    return None


def _invitation(world: World, estate: Estate) -> Metadata:
    email = f"{world.pick(_NEWCOMERS)}@{estate.organization.slug}.example"
    return {"body": {"email": email, "role": "member", "expiresAt": _later(world, 7)}}


def _api_key(world: World, estate: Estate) -> Metadata:
    name = world.pick(("laptop", "ci", "notebook", "agent", "demo"))
    permissions = ["write:sandboxes", "delete:sandboxes"]
    return {"body": {"name": name, "permissions": permissions, "expiresAt": _later(world, 90)}}


def _access(world: World, estate: Estate) -> Metadata:
    role = world.pick(("member", "member", "owner"))
    return {"body": {"role": role, "assignedRoleIds": [stable_id("role", "developer")]}}


def _snapshot(world: World, estate: Estate) -> Metadata:
    name = f"{estate.organization.slug}/trial:{int(world.random.random() * 90)}"
    return {"body": {"name": name, "imageName": "registry.internal.example/base:latest"}}


def _volume(world: World, estate: Estate) -> Metadata:
    return {"body": {"name": f"volume-{int(world.random.random() * 900)}"}}


def _registry(world: World, estate: Estate) -> Metadata:
    return {"body": {"name": "internal", "url": "https://registry.internal.example"}}


def _quota(world: World, estate: Estate) -> Metadata:
    return {"body": {"totalCpuQuota": estate.organization.cpu_limit, "maxCpuPerSandbox": 16}}


def _region_quota(world: World, estate: Estate) -> Metadata:
    return {"params": {"regionId": world.pick(estate.organization.regions)}, "body": {"cpu": 40}}


def _scheduling(world: World, estate: Estate) -> Metadata:
    return {"body": {"unschedulable": world.random.random() < 0.5}}


def _webhook(world: World, estate: Estate) -> Metadata:
    return {"body": {"eventType": world.pick(("sandbox.created", "sandbox.state.updated"))}}


_BY_ADMIN: tuple[tuple[int, str, str, Filler, int], ...] = (
    (12, "create", "organization_invitation", _invitation, 200),
    (9, "update_access", "organization_user", _access, 200),
    (5, "update_role", "organization_user", _access, 200),
    (4, "update_assigned_roles", "organization_user", _access, 200),
    (4, "delete", "organization_invitation", _none, 204),
    (3, "create", "organization_role", _access, 201),
    (2, "update", "organization_role", _access, 200),
    (14, "create", "api_key", _api_key, 201),
    (8, "delete", "api_key", _none, 204),
    (12, "create", "snapshot", _snapshot, 200),
    (6, "activate", "snapshot", _none, 200),
    (4, "deactivate", "snapshot", _none, 204),
    (4, "delete", "snapshot", _none, 200),
    (3, "set_general_status", "snapshot", _none, 200),
    (3, "toggle_state", "snapshot", _none, 200),
    (8, "create", "volume", _volume, 200),
    (4, "delete", "volume", _none, 200),
    (4, "create", "docker_registry", _registry, 201),
    (3, "update", "docker_registry", _registry, 200),
    (2, "set_default", "docker_registry", _none, 200),
    (2, "delete", "registry", _none, 204),
    (3, "update", "organization", _none, 200),
    (2, "update_quota", "organization", _quota, 204),
    (2, "update_region_quota", "organization", _region_quota, 204),
    (1, "create_region_quota", "organization", _region_quota, 201),
    (1, "delete_region_quota", "organization", _region_quota, 204),
    (1, "update_sandbox_default_limited_network_egress", "organization", _none, 204),
    (1, "update_preview_warning", "organization", _none, 204),
    (2, "update_otel_config", "organization", _none, 204),
    (1, "delete_otel_config", "organization", _none, 204),
    (1, "update_sso_enabled", "identity_provider", _none, 200),
    (1, "rotate_signing_key", "organization", _none, 200),
    (2, "initialize_webhooks", "organization", _none, 201),
    (2, "create", "secret", _none, 201),
    (2, "update_secrets", "secret", _none, 200),
    (1, "create", "region", _none, 201),
    (1, "regenerate_proxy_api_key", "region", _none, 200),
    (1, "regenerate_ssh_gateway_api_key", "region", _none, 200),
    (1, "regenerate_snapshot_manager_credentials", "region", _none, 200),
)
_ADMIN_WEIGHTS = tuple(row[0] for row in _BY_ADMIN)

_BY_PLATFORM: tuple[tuple[int, Actor, str, str, Filler], ...] = (
    (10, SYSTEM, "send_webhook_message", "organization", _webhook),
    (4, RUNNER, "update_scheduling", "runner", _scheduling),
    (2, RUNNER, "update_draining", "runner", _scheduling),
    (3, SYSTEM, "update", "warm_pool", _none),
    (2, RUNNER, "update", "runner", _none),
)
_PLATFORM_WEIGHTS = tuple(row[0] for row in _BY_PLATFORM)

_ON_ACCOUNT = ("change_password", "link_account", "unlink_account", "regenerate_key_pair")


def _target_id(world: World, estate: Estate, target_type: str) -> str:
    organization = estate.organization
    if target_type == "organization":
        return organization.id
    if target_type == "organization_user":
        return world.pick(organization.people).id
    if target_type == "region":
        return world.pick(organization.regions)
    return stable_id(organization.slug, target_type, str(int(world.random.random() * 12)))


def errand(world: World, estate: Estate) -> Process:
    """An owner or admin looks after a few things on the dashboard."""
    random = world.random
    admins = [person for person in estate.organization.people if person.role in ("owner", "admin")]
    person = world.pick(admins)
    actor = person.office[0]
    if random.random() < 0.7:
        world.request(None, actor, "login", "user", person.id)
        yield 3 + 20 * random.random()
    for _ in range(1 + int(3 * random.random())):
        _, action, target_type, fill, status = random.choices(_BY_ADMIN, _ADMIN_WEIGHTS)[0]
        world.request(
            estate,
            actor,
            action,
            target_type,
            _target_id(world, estate, target_type),
            metadata=fill(world, estate),
            status=status,
        )
        yield 5 + 60 * random.random()
    if random.random() < 0.3:
        yield from _own_account(world, world.pick(estate.organization.people))


def _own_account(world: World, person: Person) -> Process:
    actor = person.office[0]
    world.request(None, actor, "login", "user", person.id)
    yield 4 + 20 * world.random.random()
    world.request(None, actor, world.pick(_ON_ACCOUNT), "user", person.id)


def joining(world: World, estate: Estate) -> Process:
    """An invitation is written, answered, and sometimes the newcomer leaves again."""
    random = world.random
    organization = estate.organization
    admin = organization.people[1].office[0]
    invitation_id = world.journal.new_id()
    body = _invitation(world, estate)
    reply = world.request(
        estate, admin, "create", "organization_invitation", invitation_id, metadata=body
    )
    if not reply.ok or body is None:
        return
    yield 600 + 7200 * random.random()
    newcomer = Actor(
        id=world.journal.new_id(),
        email=body["body"]["email"],
        ip_address=f"198.18.250.{10 + int(200 * random.random())}",
    ).using(world.pick([person.office[0] for person in organization.people]).client)
    world.request(None, newcomer, "register", "user", newcomer.id, status=201)
    yield 20 + 60 * random.random()
    answer = "accept" if random.random() < 0.8 else "decline"
    world.request(estate, newcomer, answer, "organization_invitation", invitation_id)
    if answer == "accept" and random.random() < 0.3:
        yield 86400 * random.random()
        world.request(estate, newcomer, "leave_organization", "organization", organization.id)


def upkeep(world: World, estate: Estate) -> Process:
    """The platform does something by itself: webhooks, runners, pools."""
    for _ in range(1 + int(3 * world.random.random())):
        _, actor, action, target_type, fill = world.random.choices(_BY_PLATFORM, _PLATFORM_WEIGHTS)[
            0
        ]
        world.request(
            estate,
            actor,
            action,
            target_type,
            _target_id(world, estate, target_type),
            metadata=fill(world, estate),
        )
        yield 1 + 20 * world.random.random()
