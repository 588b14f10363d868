"""Daytona as it sends webhooks: its bodies, signed by the official package."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook

THERE = "org-there"
"""Daytona's id of the organization."""
AT = "2026-05-04T08:59:58.123Z"


def created(sandbox: str, state: str = "creating", at: str = AT) -> dict[str, Any]:
    """The body of `sandbox.created`."""
    return {
        "event": "sandbox.created",
        "timestamp": at,
        "id": sandbox,
        "organizationId": THERE,
        "state": state,
        "class": "small",
        "createdAt": at,
    }


def updated(sandbox: str, old: str, new: str, at: str = AT) -> dict[str, Any]:
    """The body of `sandbox.state.updated`."""
    return {
        "event": "sandbox.state.updated",
        "timestamp": at,
        "id": sandbox,
        "organizationId": THERE,
        "oldState": old,
        "newState": new,
        "updatedAt": at,
    }


def signed(
    body: str, secret: str, message_id: str, now: datetime, name: str = "svix"
) -> dict[str, str]:
    """The headers of a message."""
    return {
        "content-type": "application/json",
        f"{name}-id": message_id,
        f"{name}-timestamp": str(int(now.timestamp())),
        f"{name}-signature": Webhook(secret).sign(message_id, now, body),
    }


def written(body: dict[str, Any]) -> str:
    """The body as it is sent."""
    return json.dumps(body, separators=(",", ":"))
