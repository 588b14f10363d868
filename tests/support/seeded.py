"""A product with a few people in two organizations, for the tests of the shells."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from audit_core.domain.access import Role
from audit_core.identity.accounts import (
    add_account,
    ensure_organization,
    set_disabled,
    set_membership,
)
from audit_core.identity.api_tokens import add_token, read_networks
from audit_core.identity.known_devices import is_known_browser
from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.installation.opened import Installation, open_installation
from audit_core.runtime.settings import Settings
from audit_core.state.access_log.attempts import attempts_of
from audit_core.state.access_log.record import AccessEvent, list_events
from audit_core.state.tables import session

ALPHA, BETA = "org-alpha", "org-beta"
PASSWORD = "correct-horse-battery"

PEOPLE: dict[str, dict[str, Role]] = {
    "admin@example.org": {ALPHA: Role.ADMIN},
    "auditor@example.org": {ALPHA: Role.AUDITOR},
    "member@example.org": {ALPHA: Role.MEMBER},
    "both@example.org": {ALPHA: Role.ADMIN, BETA: Role.AUDITOR},
    "nobody@example.org": {},
    "disabled@example.org": {ALPHA: Role.ADMIN},
}


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class Seeded:
    """The product, who has an account, and the clock."""

    installation: Installation
    clock: Clock
    ids: dict[str, str] = field(default_factory=dict)

    def sign_in(self, email: str) -> str:
        """The session secret of a new session."""
        with self.installation.state.begin() as connection:
            code = issue_code(connection, account_id=self.ids[email], now=self.clock())
            secret = redeem_code(
                connection,
                code=code,
                now=self.clock(),
                lifetime=timedelta(hours=12),
                address="127.0.0.1",
                user_agent="test",
            )
        assert secret is not None
        return secret

    def code_for(self, email: str) -> str:
        with self.installation.state.begin() as connection:
            return issue_code(connection, account_id=self.ids[email], now=self.clock())

    def last_seen(self, email: str) -> datetime:
        """When the newest session of a person was last in use, as it is written down."""
        with self.installation.state.read() as connection:
            return connection.execute(
                select(session.c.last_seen_at)
                .where(session.c.account_id == self.ids[email])
                .order_by(session.c.created_at.desc())
            ).scalar_one()

    def knows(self, email: str, browser: str) -> bool:
        """Whether a device cookie makes a browser known to a person's account."""
        with self.installation.state.read() as connection:
            return is_known_browser(
                connection, account_id=self.ids[email], browser=browser, now=self.clock()
            )

    def token(
        self, organization_id: str | None, *verbs: str, networks: str = "", days: float = 1
    ) -> str:
        with self.installation.state.begin() as connection:
            _, secret = add_token(
                connection,
                organization_id=organization_id,
                name="collector",
                verbs=frozenset(verbs),
                now=self.clock(),
                expires_at=self.clock() + timedelta(days=days),
                networks=read_networks([networks]),
            )
        return secret

    def events(self, verb: str) -> list[AccessEvent]:
        attempts_of(self.installation.state).write()
        with self.installation.state.read() as connection:
            events = list_events(connection, organization_id=None, limit=1000)
        return [event for event in events if event.verb == verb]


def open_seeded(folder: Path, *, free_space_floor_mb: int = 0) -> Seeded:
    """A new product in a folder; whoever calls it closes it."""
    seeds, ids = _seeds()
    shutil.copytree(seeds.name, folder, dirs_exist_ok=True)
    clock = Clock()
    installation = _opened(folder, clock, free_space_floor_mb)
    return Seeded(installation, clock, dict(ids))


def _opened(folder: Path, clock: Clock, free_space_floor_mb: int) -> Installation:
    return open_installation(
        Settings(
            log_url=f"duckdb:///{folder / 'log.duckdb'}",
            state_url=f"sqlite:///{folder / 'state.sqlite'}",
            key_file=folder / "secret.key",
            free_space_floor_mb=free_space_floor_mb,
        ),
        clock,
    )


@cache
def _seeds() -> tuple[TemporaryDirectory[str], dict[str, str]]:
    """A closed product, made once in a process, and the ids of its accounts."""
    folder = TemporaryDirectory(prefix="sandtrail-seeds-")
    seeded = Seeded(_opened(Path(folder.name), Clock(), 0), Clock())
    clock, installation = seeded.clock, seeded.installation
    with installation.state.begin() as connection:
        ensure_organization(connection, organization_id=ALPHA, name="Alpha Works")
        ensure_organization(connection, organization_id=BETA, name="Beta Labs")
        for email, roles in PEOPLE.items():
            account = add_account(
                connection,
                email=email,
                name=email.partition("@")[0].capitalize(),
                password=PASSWORD,
                now=clock(),
                cost=4,
            )
            seeded.ids[email] = account.id
            for organization_id, role in roles.items():
                set_membership(
                    connection,
                    account_id=account.id,
                    organization_id=organization_id,
                    role=role,
                    grants={},
                )
        set_disabled(connection, account_id=seeded.ids["disabled@example.org"], disabled=True)
    installation.close()
    return folder, seeded.ids
