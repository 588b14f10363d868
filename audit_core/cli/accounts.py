"""`python -m audit_core account …`: who can sign in, and what they are where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.organization_option import NamedOrganization, named_organization
from audit_core.cli.parts.terminal import first_line, say
from audit_core.domain.access import Membership, Permission, Role
from audit_core.domain.errors import AccountError
from audit_core.domain.terminal_text import printable
from audit_core.identity.accounts import (
    Account,
    add_account,
    find_account,
    generate_password,
    list_accounts,
    memberships,
    set_disabled,
    set_operator,
    set_password,
)
from audit_core.identity.administration import (
    Administrator,
    disable_account,
    disable_member,
    enable_member,
    remove_member,
    set_member,
)
from audit_core.identity.backoff import OPENED_FOR, unlock_account, unlock_address
from audit_core.identity.invitations import INVITATION_LIFETIME, invite
from audit_core.log.store import utc_now
from audit_core.state.access_log.record import record
from audit_core.web.addresses import invitation_address
from audit_core.web.security.forwarded import parse_address

account_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Email = Annotated[str, typer.Option(help="The e-mail address of the account.")]
Organization = Annotated[
    str, typer.Option(help="The organization as in the log: ID, or ID:NAME to name it.")
]
Grants = Annotated[
    list[Permission] | None,
    typer.Option("--grant", help="A permission beyond the role; may be given several times."),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        help="When the granted permissions end, as a day or time in UTC; without it never.",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
        show_default=False,
    ),
]
EvenLastAdmin = Annotated[
    bool,
    typer.Option(
        "--even-last-admin", help="Also when no admin is left who can sign in to an organization."
    ),
]
InOrganization = Annotated[
    str | None,
    typer.Option(
        help="The id of one organization; without it the whole account.", show_default=False
    ),
]
PasswordFromInput = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from the first line of the input."),
]


@account_app.command()
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="The name of the person.")],
    organization: Organization,
    role: Annotated[Role, typer.Option(help="What the person is in the organization.")],
    grant: Grants = None,
    until: Until = None,
    password_stdin: PasswordFromInput = False,
) -> None:
    """Add a person; prints a fresh password once."""
    password = _password(from_input=password_stdin)
    with writing() as connection:
        added = add_account(connection, email=email, name=name, password=password, now=utc_now())
        _record(connection, "account.added", added)
        named = named_organization(connection, organization)
        _join(connection, added, named, role, _granted(grant, until))
    named.announce()
    say(f"Added {added.email}.")
    _show(password, unless=password_stdin)


@account_app.command("invite")
def invite_person(
    email: Email,
    organization: Organization,
    role: Annotated[Role, typer.Option(help="What the person becomes.")],
    grant: Grants = None,
    until: Until = None,
) -> None:
    """Invite a person, who sets the password; prints the end of a link that works once."""
    with writing() as connection:
        named = named_organization(connection, organization)
        link, code = invite(
            connection,
            _operator(),
            organization_id=named.id,
            email=email,
            role=role,
            grants=_granted(grant, until),
        )
    named.announce()
    days = INVITATION_LIFETIME.days
    say(f"Invited {link.email}. Send them the address of the app, with this at its end; it works")
    say(f"once, for {days} days (shown once): {invitation_address(code)}")


@account_app.command("list")
def list_all() -> None:
    """List who can sign in, with organizations and roles."""
    with reading() as connection:
        now = utc_now()
        found = [(one, memberships(connection, one.id, now)) for one in list_accounts(connection)]
    table = Table("E-mail address", "Name", "Organizations and roles", "Also")
    for one, joined in found:
        table.add_row(
            Text(printable(one.email), overflow="fold"),
            Text(printable(one.name), overflow="fold"),
            Text("\n".join(printable(_described(item)) for item in joined), overflow="fold"),
            ", ".join(
                word
                for word, holds in (("disabled", one.disabled), ("operator", one.operator))
                if holds
            ),
        )
    Console().print(table)


@account_app.command()
def grant(
    email: Email,
    organization: Organization,
    role: Annotated[
        Role | None, typer.Option(help="The role; without it the present one, or member.")
    ] = None,
    grant: Grants = None,
    until: Until = None,
    even_last_admin: EvenLastAdmin = False,
) -> None:
    """Say what a person is in an organization, in place of what they were there."""
    with writing() as connection:
        found = _found(connection, email)
        named = named_organization(connection, organization)
        joined = _join(connection, found, named, role, _granted(grant, until), even_last_admin)
    named.announce()
    say(f"{found.email} is now {_described(joined)}.")


@account_app.command()
def withdraw(
    email: Email,
    organization: Annotated[str, typer.Option(help="The id of the organization.")],
    even_last_admin: EvenLastAdmin = False,
) -> None:
    """Take a person out of an organization."""
    with writing() as connection:
        found = _found(connection, email)
        remove_member(
            connection,
            _operator(),
            organization_id=organization,
            account_id=found.id,
            even_last_admin=even_last_admin,
        )
    say(f"{found.email} is no longer in {printable(organization)}.")


@account_app.command()
def disable(
    email: Email, organization: InOrganization = None, even_last_admin: EvenLastAdmin = False
) -> None:
    """Bar a person from signing in, or from one organization, and end their sessions there."""
    with writing() as connection:
        found = _found(connection, email)
        if organization is not None:
            disable_member(
                connection,
                _operator(),
                organization_id=organization,
                account_id=found.id,
                even_last_admin=even_last_admin,
            )
        else:
            disable_account(
                connection, _operator(), account_id=found.id, even_last_admin=even_last_admin
            )
            _record(connection, "account.disabled", found)
    if organization is not None:
        say(f"Disabled {found.email} in {printable(organization)}.")
    else:
        say(f"Disabled {found.email} and signed them out everywhere.")


@account_app.command()
def enable(email: Email, organization: InOrganization = None) -> None:
    """Let a disabled person in again, without any delay that guesses have brought."""
    with writing() as connection:
        found = _found(connection, email)
        if organization is not None:
            enable_member(
                connection, _operator(), organization_id=organization, account_id=found.id
            )
        else:
            set_disabled(connection, account_id=found.id, disabled=False)
            unlock_account(connection, found.email, utc_now())
            _record(connection, "account.enabled", found)
    say(f"Enabled {found.email}" + (f" in {printable(organization)}." if organization else "."))


@account_app.command()
def reset_password(email: Email, password_stdin: PasswordFromInput = False) -> None:
    """Give a person a fresh password, printed once, and sign them out everywhere."""
    password = _password(from_input=password_stdin)
    with writing() as connection:
        found = _found(connection, email)
        set_password(connection, account_id=found.id, password=password)
        unlock_account(connection, found.email, utc_now())
        _record(connection, "account.password_reset", found)
    say(f"Changed the password of {found.email} and signed them out everywhere.")
    _show(password, unless=password_stdin)


@account_app.command()
def unlock(
    email: Annotated[
        str | None, typer.Option(help="The e-mail address of an account.", show_default=False)
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="A network address, like 203.0.113.9.", show_default=False),
    ] = None,
) -> None:
    """Lift the delays that wrong passwords have brought, of a person or of an address.

    A person is spared such delays for the next 15 minutes, also while guessing goes on.
    """
    if (email is None) == (address is None):
        raise AccountError("This needs one of --email and --address.", "Give one of them.")
    if address is not None and parse_address(address) is None:
        raise AccountError(
            f"{address!r} is no network address.", "Give one like 203.0.113.9 or 2001:db8::1."
        )
    now = utc_now()
    with writing() as connection:
        if address is not None:
            cleared = unlock_address(connection, address)
            record(
                connection,
                at=now,
                verb="address.unlocked",
                actor=ACTOR,
                detail={"address": address, "counters": cleared},
            )
        else:
            found = _found(connection, email or "")
            cleared = unlock_account(connection, found.email, now)
            _record(connection, "account.unlocked", found, counters=cleared)
    if address is not None:
        say(f"Lifted the delays of {address}: {cleared} counters cleared.")
    else:
        minutes = int(OPENED_FOR.total_seconds() // 60)
        say(
            f"Lifted the delays of {found.email}: {cleared} counters cleared, and none counts "
            f"for {minutes} minutes."
        )


@account_app.command()
def grant_operator(email: Email) -> None:
    """Let a person read the part of the access record that belongs to no organization."""
    with writing() as connection:
        found = _found(connection, email)
        set_operator(connection, account_id=found.id, operator=True)
        _record(connection, "operator.granted", found)
    say(f"{found.email} is now an operator.")


@account_app.command()
def withdraw_operator(email: Email) -> None:
    """Take the operator's right from a person."""
    with writing() as connection:
        found = _found(connection, email)
        set_operator(connection, account_id=found.id, operator=False)
        _record(connection, "operator.withdrawn", found)
    say(f"{found.email} is no longer an operator.")


def _found(connection: Connection, email: str) -> Account:
    found = find_account(connection, email)
    if found is None:
        raise AccountError(
            f"There is no account for {email}.", "List them: python -m audit_core account list."
        )
    return found


def _join(
    connection: Connection,
    account: Account,
    named: NamedOrganization,
    role: Role | None,
    grants: Mapping[Permission, datetime | None],
    even_last_admin: bool = False,
) -> Membership:
    def present() -> Membership | None:
        joined = memberships(connection, account.id, utc_now())
        return next((one for one in joined if one.organization_id == named.id), None)

    before = present()
    set_member(
        connection,
        _operator(),
        account_id=account.id,
        organization_id=named.id,
        role=role or (before.role if before else Role.MEMBER),
        grants=grants,
        even_last_admin=even_last_admin,
    )
    after = present()
    if after is None:
        raise RuntimeError("a membership that was just set is not there")
    return after


def _granted(
    permissions: list[Permission] | None, until: datetime | None
) -> dict[Permission, datetime | None]:
    return dict.fromkeys(permissions or (), until and until.replace(tzinfo=UTC))


def _operator() -> Administrator:
    return Administrator(actor=ACTOR, account_id=None, address=None, now=utc_now())


def _record(
    connection: Connection,
    verb: str,
    account: Account,
    *,
    organization_id: str | None = None,
    **detail: Any,
) -> None:
    record(
        connection,
        at=utc_now(),
        verb=verb,
        actor=ACTOR,
        organization_id=organization_id,
        detail={"email": account.email, **detail},
    )


def _described(membership: Membership) -> str:
    granted = f" + {', '.join(sorted(membership.grants))}" if membership.grants else ""
    named = membership.organization_name
    if named != membership.organization_id:
        named = f"{named} ({membership.organization_id})"
    barred = ", disabled there" if membership.disabled else ""
    return f"{membership.role.value}{granted} in {named}{barred}"


def _password(*, from_input: bool) -> str:
    if not from_input:
        return generate_password()
    return first_line()


def _show(password: str, *, unless: bool) -> None:
    if not unless:
        say(f"Password (shown once): {password}")
