"""What the running app is given: people, a token, and entries with hostile text among them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from audit_core.domain.access import Permission, Role, Scope
from audit_core.domain.entries import AuditEntry
from audit_core.explore.reader import Reader
from audit_core.identity.accounts import add_account
from audit_core.identity.api_tokens import add_token
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.identity.passwords import generate_password
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.schema import from_arrow
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.runtime.settings import Settings
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate

(HOME, HOME_NAME), (OTHER, OTHER_NAME) = DEMO_ORGANIZATIONS[:2]
ENTRIES, SEED = 3_000, 7

ADMIN, AUDITOR, MEMBER = "admin@example.org", "auditor@example.org", "member@example.org"
BOTH = "both@example.org"
PEOPLE: dict[str, dict[str, Role]] = {
    ADMIN: {HOME: Role.ADMIN},
    AUDITOR: {HOME: Role.AUDITOR},
    MEMBER: {HOME: Role.MEMBER},
    BOTH: {HOME: Role.ADMIN, OTHER: Role.ADMIN},
}

UNUSED_TOKEN = "unused-token"
FOREIGN_HOST = "evil.example"
HOSTILE = (
    f"![x](https://{FOREIGN_HOST}/md.png)",
    f"<img src='https://{FOREIGN_HOST}/img.png' onerror=\"fetch('https://{FOREIGN_HOST}/js')\">",
    f"<script src=https://{FOREIGN_HOST}/s.js></script>",
    f"=cmd|' /C calc'!A0 https://{FOREIGN_HOST}/",
    f"[link](javascript:fetch('https://{FOREIGN_HOST}'))",
    f"</script><style>@import 'https://{FOREIGN_HOST}/c.css'</style>",
    f"$$\\href{{https://{FOREIGN_HOST}}}{{x}}$$ :material/bolt: :red[x]",
)
"""Texts that load something or run when any part of the page reads them as more than text."""


@dataclass(kw_only=True)
class Prepared:
    """The databases of an app that does not run yet, and what a test needs to know of them."""

    folder: Path
    began: datetime
    """When the entries ended."""
    token: str = ""
    """May send entries of `HOME`."""
    passwords: dict[str, str] = field(default_factory=dict)
    entries: dict[str, list[AuditEntry]] = field(default_factory=dict)
    """By organization, oldest first, as the log holds them."""

    @property
    def environment(self) -> dict[str, str]:
        """The settings, as environment variables."""
        return {
            "SANDTRAIL_LOG_URL": f"duckdb:///{self.folder / 'log.duckdb'}",
            "SANDTRAIL_STATE_URL": f"sqlite:///{self.folder / 'state.sqlite'}",
            "SANDTRAIL_KEY_FILE": str(self.folder / "secret.key"),
            "SANDTRAIL_DEMO": "0",
            "SANDTRAIL_FREE_SPACE_FLOOR_MB": "0",
            # Where a test has a server of its own.
            "SANDTRAIL_OUTGOING_NETWORKS": "127.0.0.1",
        }


def entry(name: str, created_at: datetime, **fields: Any) -> AuditEntry:
    """An entry of `HOME` of which only some fields matter."""
    values: dict[str, Any] = {
        "id": str(uuid5(NAMESPACE_URL, name)),
        "actor_id": "user-browser",
        "actor_email": "browser@example.org",
        "actor_api_key_prefix": None,
        "actor_api_key_suffix": None,
        "organization_id": HOME,
        "action": "start",
        "target_type": "sandbox",
        "target_id": name,
        "status_code": 200,
        "error_message": None,
        "ip_address": None,
        "user_agent": None,
        "source": None,
        "metadata": None,
        "created_at": created_at,
    }
    return AuditEntry(**{**values, **fields})


def hostile(text: str, number: int, created_at: datetime) -> AuditEntry:
    """An entry whose every text is hostile."""
    return entry(
        f"hostile-{number}",
        created_at,
        actor_id=text,
        actor_email=text,
        actor_api_key_prefix=text,
        action=text,
        target_type=text,
        target_id=text,
        status_code=500,
        error_message=text,
        ip_address=text,
        user_agent=text,
        source=text,
        metadata='{"body":{"name":"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"}}',
    )


def prepare(folder: Path) -> Prepared:
    """Put both databases into a folder; no process has them open."""
    _, made = _made()
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    return replace(
        made,
        folder=folder,
        passwords=dict(made.passwords),
        entries={name: list(entries) for name, entries in made.entries.items()},
    )


@cache
def _made() -> tuple[TemporaryDirectory[str], Prepared]:
    """What all others are copies of, and its folder, which goes with this process."""
    temporary = TemporaryDirectory(prefix="sandtrail-prepared-")
    folder = Path(temporary.name)
    prepared = Prepared(folder=folder, began=utc_now().replace(microsecond=0))
    installation = open_installation(
        Settings(
            log_url=prepared.environment["SANDTRAIL_LOG_URL"],
            state_url=prepared.environment["SANDTRAIL_STATE_URL"],
            key_file=folder / "secret.key",
            free_space_floor_mb=0,
        ),
        utc_now,
    )
    try:
        _add_people(installation, prepared)
        _add_entries(installation, prepared)
    finally:
        installation.close()
    return temporary, prepared


def _add_people(installation: Installation, prepared: Prepared) -> None:
    with installation.state.begin() as connection:
        for organization_id, name in ((HOME, HOME_NAME), (OTHER, OTHER_NAME)):
            ensure_organization(connection, organization_id=organization_id, name=name)
        for email, roles in PEOPLE.items():
            prepared.passwords[email] = generate_password()
            account = add_account(
                connection,
                email=email,
                name=email.partition("@")[0],
                password=prepared.passwords[email],
                now=prepared.began,
                cost=4,
            )
            for organization_id, role in roles.items():
                set_membership(
                    connection,
                    account_id=account.id,
                    organization_id=organization_id,
                    role=role,
                    grants={},
                )
        # For the test that revokes one.
        add_token(
            connection,
            organization_id=HOME,
            name=UNUSED_TOKEN,
            verbs=frozenset({Permission.INGEST.value}),
            now=prepared.began,
            expires_at=None,
        )
        _, prepared.token = add_token(
            connection,
            organization_id=HOME,
            name="collector",
            verbs=frozenset({Permission.INGEST.value}),
            now=prepared.began,
            expires_at=None,
        )


def _add_entries(installation: Installation, prepared: Prepared) -> None:
    arrivals = simulate(entries=ENTRIES, seed=SEED, until=prepared.began - timedelta(minutes=10))
    installation.log.append([arrival.entry for arrival in arrivals])
    installation.log.append(
        [
            hostile(text, number, prepared.began - timedelta(minutes=9, seconds=number))
            for number, text in enumerate(HOSTILE)
        ]
    )
    for organization_id, _ in DEMO_ORGANIZATIONS:
        batches = Reader(installation.log).export(
            Query(
                EntryFilter(),
                Scope(organization_id=organization_id),
                TimeRange(since=None, until=None),
            ),
        )
        prepared.entries[organization_id] = [
            entry for batch in batches for entry in from_arrow(batch)
        ]
