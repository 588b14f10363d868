"""What is changed on a sandbox that goes on as it is: labels, intervals, network, access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit_core.simulator.activity.operations import SANDBOX, fork
from audit_core.simulator.activity.sandboxes import Sandbox
from audit_core.simulator.activity.toolbox import secret_text
from audit_core.simulator.actors import PROXY, Actor
from audit_core.simulator.world import Estate, Reply, World

_ADJUSTMENTS = (
    ("read", 10),
    ("get_port_preview_url", 9),
    ("replace_labels", 6),
    ("set_auto_stop_interval", 4),
    ("create_ssh_access", 4),
    ("revoke_ssh_access", 3),
    ("fork", 3),
    ("snapshot", 3),
    ("resize", 3),
    ("set_auto_archive_interval", 2),
    ("set_auto_delete_interval", 2),
    ("update_network_settings", 2),
    ("update_public_status", 2),
    ("set_auto_pause_interval", 1),
    ("set_ttl", 1),
    ("create_backup", 1),
)
_ACTIONS = tuple(action for action, _ in _ADJUSTMENTS)
_WEIGHTS = tuple(weight for _, weight in _ADJUSTMENTS)


def adjust(world: World, estate: Estate, actor: Actor, sandbox: Sandbox) -> Reply:
    """Changes something about a running sandbox, by how common it is."""
    action = world.random.choices(_ACTIONS, _WEIGHTS)[0]
    if action == "fork":
        return fork(world, estate, actor, sandbox)
    if action == "create_ssh_access":
        return open_ssh(world, estate, actor, sandbox)
    if action == "revoke_ssh_access":
        return close_ssh(world, estate, actor, sandbox)
    sandbox.used_at = world.now
    if action == "get_port_preview_url" and world.random.random() < 0.5:
        return world.request(
            estate, PROXY, action, SANDBOX, sandbox.id, metadata=_port(world), status=307
        )
    return world.request(
        estate, actor, action, SANDBOX, sandbox.id, metadata=_metadata(world, action)
    )


def open_ssh(world: World, estate: Estate, actor: Actor, sandbox: Sandbox) -> Reply:
    """Opens SSH access for an hour or so."""
    minutes = world.pick((30, 60, 60, 480))
    reply = world.request(
        estate,
        actor,
        "create_ssh_access",
        SANDBOX,
        sandbox.id,
        metadata={"query": {"expiresInMinutes": minutes}},
    )
    sandbox.used_at = world.now
    if reply.ok:
        sandbox.ssh_token = secret_text(world.random, 32)
    return reply


def close_ssh(world: World, estate: Estate, actor: Actor, sandbox: Sandbox) -> Reply:
    """Takes SSH access back. The entry holds the token, unmasked."""
    token = sandbox.ssh_token or secret_text(world.random, 32)
    sandbox.ssh_token = None
    sandbox.used_at = world.now
    return world.request(
        estate,
        actor,
        "revoke_ssh_access",
        SANDBOX,
        sandbox.id,
        metadata={"query": {"token": token}},
    )


def _port(world: World) -> Mapping[str, Any]:
    return {"params": {"port": world.pick((3000, 5173, 8000, 8080, 8888))}}


def _metadata(world: World, action: str) -> Mapping[str, Any] | None:
    if action == "get_port_preview_url":
        return _port(world)
    if action == "replace_labels":
        return {"body": {"labels": {"team": world.pick(("core", "ml", "web")), "keep": "true"}}}
    if action.startswith("set_"):
        return {"params": {"interval": world.pick((0, 15, 60, 1440))}}
    if action == "snapshot":
        return {"body": {"name": f"checkpoint-{int(world.random.random() * 1000)}"}}
    if action == "resize":
        cpu = world.pick((2, 4, 8))
        return {"body": {"cpu": cpu, "memory": cpu * 2, "disk": 20}}
    if action == "update_network_settings":
        return {"body": {"networkBlockAll": False, "networkAllowList": "192.0.2.0/24"}}
    if action == "update_public_status":
        return {"params": {"isPublic": world.random.random() < 0.5}}
    return None
