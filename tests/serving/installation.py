"""An installation of its own for tests of the running app: databases, a person, a token."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from audit_core.domain.access import Permission, Role, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.explore.reader import Reader
from audit_core.identity.accounts import add_account
from audit_core.identity.api_tokens import add_token
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.schema import from_arrow
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.runtime.settings import Settings
from audit_core.web.routes.exports import EXPORT_PATH
from audit_core.web.security.identity import SESSION_COOKIE
from tests.evidence.nasty_entries import made
from tests.support.new_state import new_state

ORGANIZATION = "org-alpha"
PERSON = "admin@example.org"
OTHERS = tuple(f"admin-{number}@example.org" for number in range(1, 10))
PASSWORD = "correct-horse-battery"
LONG_TEXT = "long text " * 1_000
EXPORT = f"{EXPORT_PATH}?window=all&format=jsonl"


@dataclass(frozen=True, kw_only=True)
class PreparedInstallation:
    """Databases of an app that does not run yet."""

    environment: dict[str, str]
    """The settings, as environment variables."""
    cookies: tuple[str, ...]
    """The Cookie headers of signed-in admins, `PERSON` first: each may download a little only."""
    token: str
    """May send entries."""
    ids: frozenset[str] = field(default_factory=frozenset)
    """Of the entries in the log."""

    def opened(self) -> Installation:
        """The product, while no app has it open; whoever calls this closes it."""
        return open_installation(_settings(self.environment), utc_now)

    def stored_ids(self) -> list[str]:
        """The ids of all entries in the log, while no app has it open."""
        installation = self.opened()
        try:
            batches = Reader(installation.log).export(
                Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
            )
            return [entry.id for batch in batches for entry in from_arrow(batch)]
        finally:
            installation.close()


def install(
    folder: Path, *, entries: int, log_url: str = "", state_url: str = ""
) -> PreparedInstallation:
    """Make the databases in an empty folder, or at the given addresses. Each of the `entries` is
    about 10 kB long, so that a download is larger than what a connection holds on its way."""
    environment = {
        "SANDTRAIL_LOG_URL": log_url or f"duckdb:///{folder / 'log.duckdb'}",
        "SANDTRAIL_STATE_URL": state_url or f"sqlite:///{folder / 'state.sqlite'}",
        "SANDTRAIL_KEY_FILE": str(folder / "secret.key"),
        "SANDTRAIL_DEMO": "0",
        "SANDTRAIL_FREE_SPACE_FLOOR_MB": "0",
    }
    if not state_url:
        new_state(folder / "state.sqlite").close()
    installation = open_installation(_settings(environment), utc_now)
    try:
        stored = [long_entry(number) for number in range(entries)]
        installation.log.append(stored)
        secrets = [_person(installation, email) for email in (PERSON, *OTHERS)]
        token = _token(installation)
    finally:
        installation.close()
    return PreparedInstallation(
        environment=environment,
        cookies=tuple(f"{SESSION_COOKIE}={secret}" for secret in secrets),
        token=token,
        ids=frozenset(entry.id for entry in stored),
    )


def long_entry(number: int) -> AuditEntry:
    """An entry that is not like any other and cannot be compressed away."""
    return made(
        number,
        organization_id=ORGANIZATION,
        status_code=500,
        error_message=f"{number} {LONG_TEXT}",
        created_at=utc_now() - timedelta(days=1) + timedelta(milliseconds=number),
    )


def _settings(environment: dict[str, str]) -> Settings:
    names = {name.removeprefix("SANDTRAIL_").lower(): value for name, value in environment.items()}
    return Settings(**names)  # type: ignore[arg-type]


def _person(installation: Installation, email: str) -> str:
    """Add an admin; the secret of a session."""
    now = utc_now()
    with installation.state.begin() as connection:
        ensure_organization(connection, organization_id=ORGANIZATION, name="Alpha Works")
        account = add_account(
            connection, email=email, name="Ada", password=PASSWORD, now=now, cost=4
        )
        set_membership(
            connection,
            account_id=account.id,
            organization_id=ORGANIZATION,
            role=Role.ADMIN,
            grants={},
        )
        code = issue_code(connection, account_id=account.id, now=now)
        secret = redeem_code(
            connection,
            code=code,
            now=now,
            lifetime=timedelta(hours=12),
            address="127.0.0.1",
            user_agent="test",
        )
    assert secret is not None
    return secret


def _token(installation: Installation) -> str:
    """The secret of a token that may send entries."""
    with installation.state.begin() as connection:
        _, token = add_token(
            connection,
            organization_id=ORGANIZATION,
            name="collector",
            verbs=frozenset({Permission.INGEST.value}),
            now=utc_now(),
            expires_at=None,
        )
    return token
