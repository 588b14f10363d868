"""A state on a real SQLite file, with one account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_core.domain.access import Role
from audit_core.identity.accounts import add_account, ensure_organization, set_membership
from audit_core.state.database import State
from tests.support.ada import NOW, PASSWORD, Ada
from tests.support.new_state import new_state


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = new_state(tmp_path / "state.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def ada(state: State) -> Ada:
    with state.begin() as connection:
        account = add_account(
            connection, email="ada@example.com", name="Ada", password=PASSWORD, now=NOW, cost=4
        )
        ensure_organization(connection, organization_id="org-a", name="Acme")
        ensure_organization(connection, organization_id="org-b", name="Bolt")
        set_membership(
            connection, account_id=account.id, organization_id="org-a", role=Role.AUDITOR
        )
    return Ada(account, state)
