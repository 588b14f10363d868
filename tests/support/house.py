"""Two organizations with a few people, for the tests of who may change whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from audit_core.domain.access import Role
from audit_core.identity.accounts import add_account, ensure_organization, set_membership
from audit_core.identity.administration import Administrator, able_admins
from audit_core.identity.memberships import Member, find_member
from audit_core.identity.sessions import Viewer, find_viewer, issue_code, redeem_code
from audit_core.state.access_log.record import AccessEvent, list_events
from audit_core.state.database import State
from tests.support.ada import NOW, PASSWORD

A, B = "org-a", "org-b"
PEOPLE = {
    "boss": {A: Role.ADMIN},
    "mate": {A: Role.ADMIN, B: Role.AUDITOR},
    "aud": {A: Role.AUDITOR},
    "mem": {A: Role.MEMBER},
    "other": {B: Role.ADMIN},
}


class House:
    """Two organizations with a few people."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.ids: dict[str, str] = {}
        with state.begin() as connection:
            for organization_id in (A, B):
                ensure_organization(connection, organization_id=organization_id)
            for name, roles in PEOPLE.items():
                added = add_account(
                    connection,
                    email=f"{name}@example.com",
                    name=name,
                    password=PASSWORD,
                    now=NOW,
                    cost=4,
                )
                self.ids[name] = added.id
                for organization_id, role in roles.items():
                    set_membership(
                        connection,
                        account_id=added.id,
                        organization_id=organization_id,
                        role=role,
                    )

    def by(self, name: str, now: datetime = NOW) -> Administrator:
        return Administrator(
            actor=f"{name}@example.com",
            account_id=self.ids[name],
            address="192.0.2.7",
            now=now,
        )

    def do(self, deed: Callable[..., Any], by: str, to: str, **given: Any) -> None:
        with self.state.begin() as connection:
            deed(
                connection,
                self.by(by),
                **{"organization_id": A, "account_id": self.ids[to], **given},
            )

    def sign_in(self, name: str, now: datetime = NOW) -> str | None:
        with self.state.begin() as connection:
            return redeem_code(
                connection,
                code=issue_code(connection, account_id=self.ids[name], now=now),
                now=now,
                lifetime=timedelta(days=30),
                address=None,
                user_agent=None,
            )

    def viewer(self, secret: str | None, now: datetime = NOW) -> Viewer | None:
        with self.state.read() as connection:
            return find_viewer(connection, secret=secret or "", now=now)

    def member(self, name: str, now: datetime = NOW) -> Member | None:
        with self.state.read() as connection:
            return find_member(connection, account_id=self.ids[name], organization_id=A, now=now)

    def admins(self) -> int:
        with self.state.read() as connection:
            return able_admins(connection, A, NOW)

    def events(self) -> list[AccessEvent]:
        with self.state.read() as connection:
            return list(reversed(list_events(connection, organization_id=None, limit=100)))
