"""The account that the tests of this folder know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit_core.identity.accounts import Account
from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.state.database import State

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIFETIME = timedelta(hours=12)
PASSWORD = "correct horse battery staple"
WRONG = "wrong horse battery staple"


@dataclass(frozen=True)
class Ada:
    """An auditor in Acme (org-a), nothing in Bolt (org-b)."""

    account: Account
    state: State

    @property
    def id(self) -> str:
        return self.account.id

    @property
    def email(self) -> str:
        return self.account.email

    def sign_in(self, at: datetime = NOW, lifetime: timedelta = LIFETIME) -> str:
        """The secret of a new session."""
        with self.state.begin() as connection:
            secret = redeem_code(
                connection,
                code=issue_code(connection, account_id=self.id, now=at),
                now=at,
                lifetime=lifetime,
                address="192.0.2.1",
                user_agent="test",
            )
        assert secret is not None
        return secret
