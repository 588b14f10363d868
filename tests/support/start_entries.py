"""Few sandboxes and much that is done to them, for tests of attempts to start."""

from __future__ import annotations

import random
from datetime import timedelta

from audit_core.domain.entries import AuditEntry
from audit_core.domain.state_changes import StateChange
from tests.support.strategies import NOW, entry

SINCE = NOW - timedelta(hours=6)

BODY = '{"body":{"name":"%s","snapshot":"snap-%s","target":"%s","cpu":%d,"memory":4,"gpu":0}}'
IDS = ("sb-1", "sb-2", "sb-3", "amber", "sb-4")
NAMES = ("amber", "basalt", "sb-2", "", 'o\'brien \\ "x"')
ACTIONS = (
    *("create", "start", "recover") * 3,
    *("delete", "stop", "auto_stop", "toolbox_execute_command", "create_ssh_access", "read"),
)
SPELLINGS = ("ann@example.org", "Ann@Example.org", "zo\u00eb@example.org", "ZOE\u0308@example.org")
"""Of two people: whatever the case and form, an address is one."""
MESSAGES = (None, "no space left on device", "Snapshot a-1 not found", "token=abcdef12345 lost")


def life_entries(
    count: int, seed: int = 3, *, organization_id: str = "org-alpha"
) -> list[AuditEntry]:
    """Few sandboxes and much that is done to them within hours; no two at the same time."""
    chance = random.Random(seed)  # noqa: S311
    found: list[AuditEntry] = []
    for number in range(count):
        action = chance.choice(ACTIONS)
        status = chance.choice((200, 200, 200, 201, 400, 400, 500, None, 0, 101, 302))
        cpu = chance.choice((1, 2, 8))
        name = chance.choice(NAMES).replace("\\", "\\\\").replace('"', '\\"')
        target = chance.choice((*IDS, *NAMES))
        if action == "create":
            target = None if (status or 0) >= 400 else chance.choice(IDS)
        found.append(
            entry(
                f"{organization_id}-{number}",
                organization_id=organization_id,
                actor_id=chance.choice(("user-1", "user-2")),
                action=action,
                target_id=target or None,
                target_type=chance.choice(("sandbox",) * 9 + ("volume",)),
                status_code=status,
                error_message=chance.choice(MESSAGES) if (status or 0) >= 400 else None,
                metadata=BODY % (name, chance.choice("abc"), chance.choice(("eu", "us")), cpu)
                if action == "create"
                else None,
                actor_email=chance.choice(("", SPELLINGS[number % len(SPELLINGS)])),
                actor_api_key_prefix=chance.choice((None, "dtn_a")),
                actor_api_key_suffix=chance.choice((None, "9f")),
                user_agent=chance.choice((None, "sdk/1.0", "sdk/1.1")),
                source=chance.choice((None, "cli", "sdk-python")),
                created_at=SINCE + timedelta(seconds=number * 97 + chance.randrange(90)),
            )
        )
    chance.shuffle(found)
    return found


def life_changes(
    count: int, seed: int = 5, *, organization_id: str = "org-alpha"
) -> list[StateChange]:
    """State changes of the same sandboxes in the same hours; no two of them at the same time."""
    chance = random.Random(seed)  # noqa: S311
    states = (*("started", "error", "build_failed") * 2, "starting", "stopped", "unheard_of")
    return [
        StateChange(
            id=f"msg_{organization_id}_{number}",
            organization_id=organization_id,
            event="sandbox.state.updated",
            target_type=chance.choice(("sandbox",) * 9 + ("volume",)),
            target_id=chance.choice(IDS),
            name=None,
            old_state=chance.choice((None, "starting")),
            new_state=chance.choice(states),
            changed_at=SINCE + timedelta(seconds=number * 61, microseconds=chance.randrange(10**6)),
        )
        for number in range(count)
    ]
