"""`python -m audit_core channel …`: where alerts are told."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from audit_core.cli.parts.opened_state import ACTOR, opened_state, reading, writing
from audit_core.cli.parts.organization_option import named_organization
from audit_core.cli.parts.terminal import first_line, say, utc_minute
from audit_core.domain.errors import AuditError
from audit_core.domain.listing import Listing
from audit_core.domain.terminal_text import printable
from audit_core.identity.administration import Administrator
from audit_core.log.store import utc_now
from audit_core.notify.channel_input import (
    ChannelInput,
    email_input,
    pagerduty_input,
    slack_input,
    webhook_input,
)
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.channels import (
    Channel,
    add_channel,
    channels_of,
    find_channel,
    remove_channel,
    set_paused,
)
from audit_core.notify.delivery.message_state import MessageState
from audit_core.notify.messages import StoredMessage, messages_of, send_again
from audit_core.notify.tools import tools_of
from audit_core.notify.trying import try_channel
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.settings import read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.runtime.webhook_signing import public_key

channel_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

MAX_LISTED = 1_000
ChannelId = Annotated[str, typer.Argument(metavar="ID", help="The id, as in the list.")]


@channel_app.command()
def add(
    organization: Annotated[
        str, typer.Option(help="Whose alerts are told: ID, or ID:NAME to name it here.")
    ],
    kind: Annotated[ChannelKind, typer.Option(help="How they are told.")],
    to: Annotated[
        str,
        typer.Option(
            help="The address of a webhook, or e-mail addresses with commas in between. An "
            "address of Slack, or a key of PagerDuty, is read from the first line of the input."
        ),
    ] = "",
    name: Annotated[str | None, typer.Option(help="What it is called here.")] = None,
) -> None:
    """Tell alerts of an organization to a channel; a webhook's secrets are printed once."""
    settings = read_settings()
    given = _given(kind, to, OutgoingPolicy(networks=settings.outgoing_networks))
    with writing() as connection:
        named = named_organization(connection, organization)
        added, secrets = add_channel(
            connection,
            _operator(),
            organization_id=named.id,
            name=name or kind.label,
            given=given,
            installation_key=read_key(settings.key_file),
        )
    named.announce()
    say(f"Added the channel {printable(added.name)} ({added.id}).")
    if secrets.secret:
        say(f"Secret (shown once): {secrets.secret}")
        say(f"Public key: {public_key(secrets.private_key)}")


@channel_app.command("list")
def list_all(
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; all of them without this.")
    ] = None,
) -> None:
    """List channels and how they go, without their secrets."""
    with reading() as connection:
        found = channels_of(connection, organization)
    for one in found:
        last = "never" if one.delivered_at is None else utc_minute(one.delivered_at)
        say(
            printable(
                f"{one.name} ({one.id}), {one.kind.label} of {one.organization_id}, "
                f"to {one.destination}"
            )
        )
        say(
            printable(f"  {one.standing.value}; last delivery {last}. {one.problem or ''}".rstrip())
        )
    if not found:
        say("There are no channels. Add one: python -m audit_core channel add --help")


@channel_app.command("test")
def send_test(channel_id: ChannelId) -> None:
    """Send a test message, and say what came back."""
    settings = read_settings()
    with opened_state() as state:
        with state.read() as connection:
            found = _known(connection, channel_id)
        tools = tools_of(settings, state, read_key(settings.key_file), utc_now)
        said = try_channel(tools, _operator(), found)
    say(printable(f"{found.name}: {said}"))


@channel_app.command()
def pause(channel_id: ChannelId) -> None:
    """Send nothing until it is resumed; what is to be told waits."""
    say(f"Paused {_switched(channel_id, paused=True)}.")


@channel_app.command()
def resume(channel_id: ChannelId) -> None:
    """Go on with a channel that was paused, or that its receiver had ended."""
    say(f"Resumed {_switched(channel_id, paused=False)}.")


@channel_app.command()
def remove(channel_id: ChannelId) -> None:
    """Forget a channel, its secrets, and what was to be told to it."""
    with writing() as connection:
        found = _known(connection, channel_id)
        remove_channel(connection, _operator(), found)
    say(f"Removed {printable(found.name)}.")


@channel_app.command("given-up")
def given_up(channel_id: ChannelId) -> None:
    """List the messages that could not be delivered to a channel, the newest first."""
    with reading() as connection:
        found = _known(connection, channel_id)
        listed = _dead(connection, found)
    for one in listed.items:
        made = utc_minute(one.created_at)
        said = f"{one.id}  {made}  {one.subject}: {one.problem or ''}"
        say(printable(said.rstrip()))
    if listed.truncated:
        say(f"There are more than these {MAX_LISTED:,}.")
    if not listed.items:
        say("None was given up.")


@channel_app.command("send-again")
def send_once_more(
    channel_id: ChannelId,
    message: Annotated[
        list[str] | None, typer.Option(help="One message by id, or several; all without this.")
    ] = None,
) -> None:
    """Have messages sent again that could not be delivered: the running app does it at once."""
    with writing() as connection:
        found = _known(connection, channel_id)
        listed = _dead(connection, found)
        ids = [one.id for one in listed.items if message is None or one.id in message]
        sent = send_again(
            connection, _operator(), organization_id=found.organization_id, message_ids=ids
        )
    noun = "message is" if sent == 1 else "messages are"
    say(f"{sent:,} {noun} sent again.")
    if listed.truncated:
        say(f"There were more than the newest {MAX_LISTED:,}: call this again.")


def _dead(connection: Connection, found: Channel) -> Listing[StoredMessage]:
    """The newest messages that could not be delivered to a channel."""
    return messages_of(
        connection,
        found.organization_id,
        states=[MessageState.DEAD],
        channel_id=found.id,
        limit=MAX_LISTED,
    )


def _given(kind: ChannelKind, to: str, policy: OutgoingPolicy) -> ChannelInput:
    if kind is ChannelKind.WEBHOOK:
        return webhook_input(to, policy)
    if kind is ChannelKind.EMAIL:
        return email_input(to)
    if kind is ChannelKind.SLACK:
        return slack_input(first_line(), policy)
    return pagerduty_input(first_line(), policy)


def _switched(channel_id: str, *, paused: bool) -> str:
    """The name of the channel, to be printed."""
    with writing() as connection:
        found = _known(connection, channel_id)
        set_paused(connection, _operator(), found, paused=paused)
    return printable(found.name)


def _known(connection: Connection, channel_id: str) -> Channel:
    found = find_channel(connection, channel_id)
    if found is None:
        raise AuditError(
            f"There is no channel {printable(channel_id)[:64]}.",
            "See: python -m audit_core channel list",
        )
    return found


def _operator() -> Administrator:
    return Administrator(actor=ACTOR, account_id=None, address=None, now=utc_now())
