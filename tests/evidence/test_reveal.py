"""Who sees the secrets of an entry, and that it is on record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit_core.domain.access import Denied, Membership, Permission, Role
from audit_core.domain.entries import AuditEntry
from audit_core.domain.entry_values import hidden_particulars
from audit_core.domain.errors import AccountError
from audit_core.evidence.reveal import reveal
from audit_core.identity.sessions import Viewer
from audit_core.state.access_log.record import list_events
from audit_core.state.database import State
from tests.support.state_fixtures import state

__all__ = ["state"]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENTRY = AuditEntry(
    id="entry-1",
    actor_id="user-1",
    actor_email="ann@example.org",
    actor_api_key_prefix=None,
    actor_api_key_suffix=None,
    organization_id="org-a",
    action="create",
    target_type="sandbox",
    target_id="s1",
    status_code=500,
    error_message="refused: password=hunter2hunter2",
    ip_address=None,
    user_agent=None,
    source=None,
    metadata=json.dumps({"body": {"name": "s1", "password": {"old": "one", "new": "two"}}}),
    created_at=NOW,
)


def viewer(role: Role, *grants: Permission, organization_id: str = "org-a") -> Viewer:
    return Viewer(
        account_id="a" * 32,
        email="who@example.org",
        name="Who",
        session_id="b" * 32,
        last_seen_at=NOW,
        memberships=(
            Membership(
                organization_id=organization_id,
                organization_name="Acme",
                role=role,
                grants=frozenset(grants),
            ),
        ),
        organization_id=organization_id,
    )


def test_what_is_hidden_is_all_that_redaction_left_out_and_nothing_else() -> None:
    found = {item.name: item.value for item in hidden_particulars(ENTRY)}
    assert found["errorMessage"] == ENTRY.error_message
    assert {"one", "two"} <= {str(value) for value in found.values()} or any(
        "one" in str(value) and "two" in str(value) for value in found.values()
    )
    assert "metadata.body.name" not in found
    assert hidden_particulars(replace(ENTRY, error_message=None, metadata=None)) == ()


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (viewer(Role.ADMIN), True),
        (viewer(Role.MEMBER, Permission.READ, Permission.REVEAL), True),
        (viewer(Role.AUDITOR), False),
        (viewer(Role.MEMBER, Permission.READ), False),
        (viewer(Role.ADMIN, organization_id="org-b"), False),
    ],
)
def test_secrets_are_revealed_to_those_who_may_and_on_record(
    state: State, who: Viewer, allowed: bool
) -> None:
    with state.begin() as connection:
        found = reveal(connection, who, ENTRY, reason=" The outage ", address="192.0.2.1", now=NOW)
    with state.read() as connection:
        events = list_events(connection, organization_id=None, limit=9)
    if not allowed:
        assert isinstance(found, Denied)
        assert events == ()
        return
    assert found == hidden_particulars(ENTRY)
    (event,) = events
    assert (event.verb, event.actor, event.organization_id, event.target) == (
        "secrets.revealed",
        "who@example.org",
        "org-a",
        "entry-1",
    )
    assert event.detail["reason"] == "The outage"
    assert "hunter2" not in repr(event)


def test_no_secret_is_revealed_without_a_reason(state: State) -> None:
    with state.begin() as connection, pytest.raises(AccountError, match="reason is empty"):
        reveal(connection, viewer(Role.ADMIN), ENTRY, reason=" ", address=None, now=NOW)
