"""What Daytona's webhooks say, and what they should not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from audit_core.domain.state_changes import StateChange
from audit_core.sources.webhooks.messages import Ignored, Message, Unreadable, read_message
from tests.support.webhook_sender import created, updated


def read(body: object) -> Message:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_message(raw, message_id="msg_1", organization_id="org-here")


def test_a_change_of_state_is_read() -> None:
    message = read(updated("box-1", "starting", "error"))
    assert message.organization_id == "org-there"
    assert message.content == StateChange(
        id="msg_1",
        organization_id="org-here",
        event="sandbox.state.updated",
        target_type="sandbox",
        target_id="box-1",
        name=None,
        old_state="starting",
        new_state="error",
        changed_at=datetime(2026, 5, 4, 8, 59, 58, 123_000, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("event", "more", "old", "new"),
    [
        ("sandbox.created", {"state": "creating", "class": "small"}, None, "creating"),
        ("snapshot.created", {"state": "pending", "name": "s"}, None, "pending"),
        ("snapshot.state.updated", {"oldState": "a", "newState": "b", "name": "s"}, "a", "b"),
        ("snapshot.removed", {"removedAt": "2026-05-04T08:59:58Z", "name": "s"}, None, "removed"),
        ("volume.created", {"state": "creating", "name": "v"}, None, "creating"),
        ("volume.state.updated", {"oldState": "a", "newState": "b", "name": "v"}, "a", "b"),
    ],
)
def test_each_event_of_daytona_is_read(
    event: str, more: dict[str, Any], old: str | None, new: str
) -> None:
    body = {name: value for name, value in created("x").items() if name not in ("state", "class")}
    content = read({**body, "event": event, **more}).content
    assert isinstance(content, StateChange)
    assert (content.event, content.old_state, content.new_state) == (event, old, new)
    assert content.name == more.get("name")


@pytest.mark.parametrize("event", ["custom.event", "sandbox.renamed", "sandbox", "runner.created"])
def test_what_is_about_something_else_is_ignored(event: str) -> None:
    assert read({**created("x"), "event": event}).content == Ignored(event)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "no UTF-8"),
        (b"[1", "not JSON"),
        (b'{"event": "a", "event": "b"}', "stands more than once"),
        ([], "a list"),
        ({}, "event must be a text"),
        ({**created("x"), "id": 7}, "id must be a text"),
        ({**created("x"), "id": ""}, "id must be a text"),
        ({**created("x"), "id": "x" * 600}, "600 characters"),
        ({**created("x"), "id": "\ud800"}, "half a character"),
        ({**created("x"), "state": None}, "state must be a text"),
        ({**created("x"), "timestamp": "yesterday"}, 'timestamp is "yesterday"'),
        ({**created("x"), "timestamp": "2026-05-04T08:59:58"}, "offset"),
        ({**updated("x", "a", "b"), "oldState": 1}, "oldState must be a text"),
    ],
)
def test_what_cannot_be_read_says_why(body: object, reason: str) -> None:
    content = read(body).content
    assert isinstance(content, Unreadable)
    assert reason in content.reason
