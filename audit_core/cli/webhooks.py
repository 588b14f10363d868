"""`python -m audit_core source webhook …`: where Daytona sends changes of state by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.organization_option import named_organization
from audit_core.cli.parts.terminal import first_line, say, utc_minute
from audit_core.domain.errors import AuditError
from audit_core.domain.terminal_text import printable
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.runtime.webhook_signing import new_secret
from audit_core.sources.webhooks.endpoint import (
    add_endpoint,
    endpoints_of,
    find_endpoint,
    remove_endpoint,
)
from audit_core.web.addresses import DAYTONA_WEBHOOK_PATH

webhook_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@webhook_app.command()
def add(
    organization: Annotated[
        str, typer.Option(help="Whose changes they are: ID, or ID:NAME to name it here.")
    ],
    name: Annotated[str, typer.Option(help="What it is called here.")] = "Daytona",
    daytona_organization: Annotated[
        str | None,
        typer.Option(help="Daytona's id of the organization, where it is another than here."),
    ] = None,
    secret_stdin: Annotated[
        bool,
        typer.Option(
            "--secret-stdin",
            help="Read the secret, whsec_…, from the first line of the input; one is made, and "
            "printed once, else.",
        ),
    ] = False,
) -> None:
    """Accept what Daytona's webhooks tell of an organization, signed by a secret."""
    secret = first_line() if secret_stdin else new_secret()
    with writing() as connection:
        named = named_organization(connection, organization)
        added = add_endpoint(
            connection,
            organization_id=named.id,
            daytona_organization_id=daytona_organization or named.id,
            name=name,
            secret=secret,
            installation_key=read_key(read_settings().key_file),
            actor=ACTOR,
            now=utc_now(),
        )
    named.announce()
    say(f"Added the webhook {printable(added.name)} ({added.id}). Its address ends in")
    say(f"  {read_settings().base_path}{DAYTONA_WEBHOOK_PATH}/{added.id}")
    if not secret_stdin:
        say(f"Secret (shown once): {secret}")


@webhook_app.command("list")
def list_all(
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; all of them without this.")
    ] = None,
) -> None:
    """List webhooks and when a message last came, without their secrets."""
    with reading() as connection:
        found = endpoints_of(connection, organization)
    for one in found:
        last = "never" if one.last_received_at is None else utc_minute(one.last_received_at)
        other = one.daytona_organization_id != one.organization_id
        about = f", {one.daytona_organization_id} at Daytona" if other else ""
        said = f"{one.name} ({one.id}), for {one.organization_id}{about}; last message {last}"
        say(printable(said))
    if not found:
        say("There are no webhooks. Add one: python -m audit_core source webhook add --help")


@webhook_app.command()
def remove(
    webhook_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as in the list.")],
) -> None:
    """Accept nothing there any more, and forget the secret. What came stays."""
    with writing() as connection:
        found = find_endpoint(connection, webhook_id)
        if found is None:
            raise AuditError(
                f"There is no webhook {printable(webhook_id)[:64]}.",
                "See: python -m audit_core source webhook list",
            )
        remove_endpoint(connection, found, actor=ACTOR, now=utc_now())
    say(f"Removed {printable(found.name)}. What came stays.")
