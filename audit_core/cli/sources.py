"""`python -m audit_core source …`: the systems that entries are pulled from."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from audit_core.cli.parts.following import Stop
from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.organization_option import named_organization
from audit_core.cli.parts.terminal import first_line, say
from audit_core.cli.webhooks import webhook_app
from audit_core.domain.errors import AuditError
from audit_core.domain.terminal_text import printable
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.settings import read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.sources.daytona.check import check
from audit_core.sources.daytona.client import HOSTED_URL
from audit_core.sources.figures import figures
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import (
    DEFAULT_PACE,
    Progress,
    Source,
    add_source,
    change_key,
    find_source,
    let_go_abandoned,
    note_test,
    progress_of,
    remove_source,
    set_paused,
    source_with_progress,
    sources_with_progress,
)
from audit_core.sources.source_client import client_of
from audit_core.sources.source_input import require_key
from audit_core.sources.standing import standing_of
from audit_core.sources.worker import SourceWorker
from audit_core.state.secrets import new_id

source_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
source_app.add_typer(
    webhook_app, name="webhook", help="Where Daytona sends changes of state by itself."
)

_PROMPT = "API key of Daytona (not shown)"
SourceId = Annotated[str, typer.Argument(metavar="ID", help="The id, as in the list.")]
KeyFromInput = Annotated[
    bool,
    typer.Option(
        "--key-stdin", help="Read the key from the first line of the input; it is asked for else."
    ),
]
"""Never as an argument: everybody on the machine reads those."""


@source_app.command()
def add(
    name: Annotated[str, typer.Option(help="What it is called here.")],
    organization: Annotated[
        str | None,
        typer.Option(help="Daytona's id of the organization: ID, or ID:NAME to name it here."),
    ] = None,
    deployment: Annotated[
        bool,
        typer.Option(
            "--deployment",
            help="All organizations of a self-hosted Daytona, by an admin's key; they are made "
            "here as they appear.",
        ),
    ] = False,
    url: Annotated[str, typer.Option(help="The address of the API.")] = HOSTED_URL,
    requests_per_minute: Annotated[
        int, typer.Option(help="How often it may be asked at most.")
    ] = DEFAULT_PACE,
    key_stdin: KeyFromInput = False,
) -> None:
    """Pull the audit log of an organization in Daytona, or of a whole deployment, from now on and
    all of its past."""
    if (organization is None) is not deployment:
        raise AuditError(
            "A source is for one organization or for a whole deployment.",
            "Give --organization ID or --deployment.",
        )
    sealed = _sealed_key(from_input=key_stdin)
    with writing() as connection:
        named = None if organization is None else named_organization(connection, organization)
        added = add_source(
            connection,
            organization_id=None if named is None else named.id,
            name=name,
            url=url,
            sealed_key=sealed,
            requests_per_minute=requests_per_minute,
            policy=None,
            actor=ACTOR,
            now=utc_now(),
        )
    if named is not None:
        named.announce()
    say(f"Added the source {printable(added.name)} ({added.id}). The running app begins by itself.")


@source_app.command("list")
def list_all(
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; all of them without this.")
    ] = None,
) -> None:
    """List sources and how they go, without their keys."""
    with reading() as connection:
        found = sources_with_progress(connection, organization)
    for one, progress in found:
        _tell(one, progress)
    if not found:
        say("There are no sources. Add one: python -m audit_core source add --help")


@source_app.command()
def status(source_id: SourceId) -> None:
    """Say how a source goes: what came, how far it is, what is wrong, when it is tried again."""
    with reading() as connection:
        found = source_with_progress(connection, _known(connection, source_id).id)
    if found is not None:
        _tell(*found)


@source_app.command()
def test(source_id: SourceId) -> None:
    """Ask a source, and say how many entries it has and how far back they go."""
    found = _found(source_id)
    answered = False
    try:
        settings = read_settings()
        policy = OutgoingPolicy(networks=settings.outgoing_networks)
        checked = check(client_of(found, read_key(settings.key_file), policy).ask)
        answered = True
    finally:
        with writing() as connection:
            note_test(
                connection,
                organization_id=found.organization_id,
                name=found.name,
                url=found.url,
                answered=answered,
                actor=ACTOR,
                now=utc_now(),
            )
    say(f"{printable(found.name)} answers, and has {checked.sentence}")


@source_app.command()
def pause(source_id: SourceId) -> None:
    """Ask a source nothing until it is resumed."""
    say(f"Paused {_switched(source_id, paused=True)}.")


@source_app.command()
def resume(source_id: SourceId) -> None:
    """Go on with a source that was paused, or that a problem had stopped."""
    say(f"Resumed {_switched(source_id, paused=False)}.")


def _switched(source_id: str, *, paused: bool) -> str:
    """The name of the source, to be printed."""
    with writing() as connection:
        found = _known(connection, source_id)
        set_paused(connection, found, paused=paused, actor=ACTOR, now=utc_now())
    return printable(found.name)


@source_app.command("key")
def replace_key(source_id: SourceId, key_stdin: KeyFromInput = False) -> None:
    """Give a source another API key; it goes on with it."""
    sealed = _sealed_key(from_input=key_stdin)
    with writing() as connection:
        found = _known(connection, source_id)
        change_key(connection, found, sealed_key=sealed, actor=ACTOR, now=utc_now())
    say(f"{printable(found.name)} has another key.")


@source_app.command()
def remove(source_id: SourceId) -> None:
    """Forget a source and its key. What it brought stays in the log."""
    with writing() as connection:
        found = _known(connection, source_id)
        remove_source(connection, found, actor=ACTOR, now=utc_now())
    say(f"Removed {printable(found.name)}. What it brought stays in the log.")


@source_app.command()
def sync(
    source_id: SourceId,
    follow: Annotated[bool, typer.Option(help="Go on reading what is new, until Ctrl-C.")] = False,
) -> None:
    """Read a source here and now: for logs that no running app reads."""
    stop = Stop()
    found = _found(source_id)
    if found.paused:
        raise AuditError(
            f"{printable(found.name)} is paused.", f"Resume it: source resume {found.id}"
        )
    installation = open_installation(read_settings(), utc_now, holder="source sync")
    try:
        with installation.state.begin() as connection:
            let_go_abandoned(connection, shared_log=installation.log.shared)
        worker = SourceWorker(
            installation=installation, source=found, holder=new_id(), wait=stop.wait
        )
        with stop.on_signals():  # What is under way is finished, and another process may go on.
            read = worker.run(once=not follow)
        if not read:
            raise AuditError(
                f"Another process reads {printable(found.name)} now.",
                "It is free again 90 seconds after that process has ended.",
            )
        with installation.state.read() as connection:
            progress = progress_of(connection, found.id)
    finally:
        installation.close()
    if progress is not None and progress.problem is not None:
        raise AuditError(progress.problem, progress.hint or "")
    if progress is not None:
        say(f"{printable(found.name)}: {', '.join(figures(progress, utc_now()))}.")


def _sealed_key(*, from_input: bool) -> str:
    key = first_line() if from_input else typer.prompt(_PROMPT, hide_input=True)
    return seal(require_key(key), read_key(read_settings().key_file))


def _found(source_id: str) -> Source:
    with reading() as connection:
        return _known(connection, source_id)


def _known(connection: Connection, source_id: str) -> Source:
    found = find_source(connection, source_id)
    if found is None:
        raise AuditError(
            f"There is no source {printable(source_id)[:64]}.",
            "See: python -m audit_core source list",
        )
    return found


def _tell(source: Source, progress: Progress) -> None:
    now = utc_now()
    told = source.organization_id or "the whole deployment"
    say(printable(f"{source.name} ({source.id}), for {told}, from {source.url}"))
    say(f"  {standing_of(source, progress, now).label}: {', '.join(figures(progress, now))}")
    if progress.problem is not None:
        say(printable(f"  {progress.problem} {progress.hint or ''}".rstrip()))
