"""`python -m audit_core token …`: what programs show to send and to read entries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.organization_option import named_organization
from audit_core.cli.parts.terminal import say, utc_minute
from audit_core.domain.errors import AccountError
from audit_core.domain.terminal_text import printable
from audit_core.identity.api_tokens import (
    Token,
    add_token,
    list_tokens,
    read_networks,
    revoke_token,
)
from audit_core.identity.token_verbs import TOKEN_VERBS, WRITE
from audit_core.log.store import utc_now
from audit_core.state.access_log.record import record

token_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


Verbs = Annotated[
    list[str],
    typer.Option(help=f"What it may do, any number of times: {', '.join(TOKEN_VERBS)}."),
]
Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--from", help="A network that it may come from, any number of times; else from any."
    ),
]


@token_app.command()
def add(
    name: Annotated[str, typer.Option(help="What the token is for.")],
    organization: Annotated[
        str | None, typer.Option(help="Whose entries it is about: ID, or ID:NAME to name it.")
    ] = None,
    installation: Annotated[
        bool,
        typer.Option("--installation", help="About those of all organizations, to read them."),
    ] = False,
    may: Verbs = [WRITE.name],  # noqa: B006 - Typer takes a list, and nobody changes it
    address: Networks = None,
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Refused after so many days.")
    ] = None,
) -> None:
    """Make a token for a program; it is printed once."""
    if (organization is not None) == installation:
        raise AccountError(
            "A token is of one organization, or of the whole installation.",
            "Give either --organization ID or --installation.",
        )
    now = utc_now()
    with writing() as connection:
        named = None if organization is None else named_organization(connection, organization)
        added, secret = add_token(
            connection,
            organization_id=None if named is None else named.id,
            name=name,
            verbs=frozenset(may),
            now=now,
            expires_at=None if expires_days is None else now + timedelta(days=expires_days),
            networks=read_networks(address or ()),
        )
        record(
            connection,
            at=now,
            verb="token.added",
            actor=ACTOR,
            organization_id=added.organization_id,
            detail=added.detail(),
        )
    if named is not None:
        named.announce()
    say(f"Added the token {added.name} ({added.id}) for {_whose(added)}.")
    say(f"Token (shown once): {secret}")


@token_app.command("list")
def list_all(
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; all of them without this.")
    ] = None,
) -> None:
    """List tokens, without their secrets."""
    now = utc_now()
    with reading() as connection:
        found = list_tokens(connection, organization_id=organization)
    table = Table(
        # The id in one piece, to be copied into `token revoke`.
        Column("Id, name and what it may", width=32, overflow="fold"),
        Column("Organization", overflow="fold"),
        "Last used",
        "State",
    )
    for one in found:
        table.add_row(
            Text("\n".join(_named(one))),
            Text(printable(_whose(one))),
            "never" if one.last_used_at is None else utc_minute(one.last_used_at),
            _described(one, now),
        )
    Console().print(table)


@token_app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as in the list.")],
) -> None:
    """Refuse a token from now on."""
    now = utc_now()
    with writing() as connection:
        revoked = revoke_token(connection, token_id=token_id, organization_id=None, now=now)
        record(
            connection,
            at=now,
            verb="token.revoked",
            actor=ACTOR,
            organization_id=revoked.organization_id,
            detail={"token": revoked.id, "name": revoked.name},
        )
    say(f"Revoked the token {revoked.name} ({revoked.id}).")


def _named(token: Token) -> list[str]:
    networks = [f"from {network}" for network in token.networks]
    return [token.id, printable(token.name), *sorted(token.verbs), *networks]


def _whose(token: Token) -> str:
    return "the whole installation" if token.organization_id is None else token.organization_id


def _described(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return f"revoked {utc_minute(token.revoked_at)}"
    if token.expires_at is None:
        return "valid"
    return (
        f"{'expired' if token.expires_at <= now else 'valid until'} {utc_minute(token.expires_at)}"
    )
