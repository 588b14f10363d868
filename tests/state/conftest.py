"""A state on a real SQLite file, with one account, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit_core.access import Role
from audit_core.state.accounts import Account, add_account, ensure_organization, set_membership
from audit_core.state.database import State, open_state

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Ada:
    """The account of the tests: an auditor in Acme (org-a), nothing in Bolt (org-b)."""

    account: Account
    email: str = "ada@example.com"
    password: str = PASSWORD


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def ada(state: State, now: datetime) -> Ada:
    with state.begin() as connection:
        account = add_account(
            connection,
            email="ada@example.com",
            name="Ada",
            password=PASSWORD,
            now=now,
            cost=4,
        )
        ensure_organization(connection, organization_id="org-a", name="Acme")
        ensure_organization(connection, organization_id="org-b", name="Bolt")
        set_membership(
            connection, account_id=account.id, organization_id="org-a", role=Role.AUDITOR
        )
    return Ada(account)
