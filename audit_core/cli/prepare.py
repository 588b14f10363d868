"""What stands before the first start of the app: databases, demo organizations, sign-ins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Connection

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.terminal import say
from audit_core.detect.watching.standing import begin_with_what_is_there
from audit_core.domain.access import Role
from audit_core.domain.entries import AuditEntry
from audit_core.domain.terminal_text import printable
from audit_core.identity.accounts import add_account, list_accounts
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.identity.passwords import generate_password
from audit_core.identity.sessions import LAST_ORGANIZATION
from audit_core.installation.opened import Installation, open_installation
from audit_core.installation.readiness import NO_ACCOUNTS
from audit_core.log.store import AuditLog, utc_now
from audit_core.query.time.windows import format_instant, parse_instant
from audit_core.runtime.settings import read_settings
from audit_core.simulator import DEMO_ORGANIZATIONS, simulate
from audit_core.state.access_log.record import AccessEvent, list_events, record
from audit_core.state.preferences import keep_preference

BATCH = 20_000
DEMO_DOMAIN = "demo.example"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """A fresh account, to be printed once."""

    email: str
    password: str
    role: str


def prepare() -> None:
    """Create both databases; fill an empty log with the demo, or say how to begin without."""
    installation = open_installation(
        read_settings(), utc_now, holder="python -m audit_core prepare"
    )
    try:
        _prepare(installation, Console(stderr=True), Console())
    finally:
        installation.close()


def _prepare(installation: Installation, progress: Console, terminal: Console) -> None:
    if installation.log.loss is not None:
        problem = installation.log.loss.error()
        say(f"{printable(problem.message)} {printable(problem.hint)}", err=True)
    with installation.state.read() as connection:
        begun = list_events(connection, organization_id=None, limit=1, verb="demo.started")
        loaded = list_events(connection, organization_id=None, limit=1, verb="demo.loaded")
        accounts = list_accounts(connection)
    if loaded or (installation.log.head(None) and not begun):
        if not accounts:
            progress.print(NO_ACCOUNTS, highlight=False, soft_wrap=True)
        return
    if not installation.settings.demo:
        if not accounts:
            terminal.print(FIRST_STEPS, highlight=False, soft_wrap=True)
        return
    until = _begin_demo(installation, begun)
    _load(installation.log, installation, until, progress)
    # The demo's past is looked at as well: alerts are to be seen in it.
    begin_with_what_is_there(
        installation.log, installation.state, now=installation.clock(), from_beginning=True
    )
    sign_ins = _finish_demo(installation)
    terminal.print("\nDemo sign-ins (shown once, kept nowhere in plain text):", highlight=False)
    for sign_in in sign_ins:
        terminal.print(
            f"  {sign_in.role:<8} {sign_in.email:<24} {sign_in.password}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    terminal.print(
        "A lost password: python -m audit_core account reset-password --email E\n",
        highlight=False,
    )


FIRST_STEPS = """
The log is empty. To begin:
  1. Add the first admin (its password is printed once):
     .venv/bin/python -m audit_core account add --email you@example.com --name "Your name" \\
       --organization ORGANIZATION_ID:NAME --role admin
  2. Load entries, before the app runs:
     .venv/bin/python -m audit_core ingest FILE...
     or while it runs, on its page Admin - Sources.
"""


def _begin_demo(installation: Installation, begun: tuple[AccessEvent, ...]) -> datetime:
    """When the simulated time ends. A load that was cut off goes on with the same end, so that
    it gives the same entries."""
    if begun:
        return parse_instant(str(begun[0].detail["until"]))
    until = installation.clock().replace(microsecond=0)
    with installation.state.begin() as connection:
        record(
            connection,
            at=installation.clock(),
            verb="demo.started",
            actor=ACTOR,
            detail={"until": format_instant(until), "seed": installation.settings.demo_seed},
        )
    return until


def _load(log: AuditLog, installation: Installation, until: datetime, console: Console) -> None:
    settings = installation.settings
    arrivals = simulate(entries=settings.demo_entries, seed=settings.demo_seed, until=until)
    with Progress(
        TextColumn("Loading the demo"), BarColumn(), MofNCompleteColumn(), console=console
    ) as bar:
        task = bar.add_task("", total=settings.demo_entries)
        batch: list[AuditEntry] = []
        for arrival in arrivals:
            batch.append(arrival.entry)
            if len(batch) >= BATCH:
                bar.advance(task, log.append(batch).accepted)
                batch = []
        if batch:
            bar.advance(task, log.append(batch).accepted)


def _finish_demo(installation: Installation) -> list[SignIn]:
    with installation.state.begin() as connection:
        for organization_id, name in DEMO_ORGANIZATIONS:
            ensure_organization(connection, organization_id=organization_id, name=name)
        main_organization = DEMO_ORGANIZATIONS[0][0]
        every = [organization_id for organization_id, _ in DEMO_ORGANIZATIONS]
        sign_ins = [
            _add(connection, installation, Role.ADMIN, every),
            _add(connection, installation, Role.AUDITOR, [main_organization]),
            _add(connection, installation, Role.MEMBER, [main_organization]),
        ]
        record(connection, at=installation.clock(), verb="demo.loaded", actor=ACTOR)
    return sign_ins


def _add(
    connection: Connection, installation: Installation, role: Role, organization_ids: list[str]
) -> SignIn:
    password = generate_password()
    account = add_account(
        connection,
        email=f"{role.value}@{DEMO_DOMAIN}",
        name=f"Demo {role.value}",
        password=password,
        now=installation.clock(),
    )
    keep_preference(
        connection, account_id=account.id, name=LAST_ORGANIZATION, value=organization_ids[0]
    )
    record(
        connection,
        at=installation.clock(),
        verb="account.added",
        actor=ACTOR,
        detail={"email": account.email},
    )
    for organization_id in organization_ids:
        set_membership(
            connection,
            account_id=account.id,
            organization_id=organization_id,
            role=role,
        )
        record(
            connection,
            at=installation.clock(),
            verb="membership.set",
            actor=ACTOR,
            organization_id=organization_id,
            detail={"email": account.email, "role": role.value, "grants": []},
        )
    return SignIn(email=account.email, password=password, role=role.value)
