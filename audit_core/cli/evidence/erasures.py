"""`python -m audit_core erasure …`: whose data is erased, asked and confirmed by two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from audit_core.cli.parts.opened_state import ACTOR, opened_state, reading, writing
from audit_core.cli.parts.output_file import written_file
from audit_core.cli.parts.terminal import say, utc_minute
from audit_core.domain.errors import AccountError, LogLockedError
from audit_core.domain.terminal_text import printable
from audit_core.evidence.erasures import deeds, store
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.evidence.erasures.exchange import erasure_lines
from audit_core.evidence.erasures.identities import Identities
from audit_core.evidence.erasures.preview import preview_of_name
from audit_core.evidence.erasures.words import (
    counts_in_words,
    names_of,
    preview_in_words,
    what_is_left,
)
from audit_core.evidence.holds.holds import HeldError
from audit_core.identity.administration import Administrator
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.engines.registry import engine_for
from audit_core.log.store import utc_now
from audit_core.query.time.windows import UTC_NAME
from audit_core.runtime.settings import read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.state.access_log.record import record

erasure_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

LISTED = 1_000
"""How many erasures are listed on the terminal."""

ErasureId = Annotated[str, typer.Argument(metavar="ID", help="The id, as in the list.")]
Reason = Annotated[
    str,
    typer.Option(help="Why. It stands in the access record: do not name the person."),
]


@erasure_app.command("list")
def list_all(
    organization: Annotated[
        str | None, typer.Option(help="The id of one organization; without it all.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="Write those that were confirmed into a file, or to - for the standard output: a "
            "line of JSON each, for `restore --erasures`. It names nobody who was erased."
        ),
    ] = None,
) -> None:
    """List who asked for which erasure, and how far each is."""
    if output is not None:
        _write_list(organization, output)
        return
    embedded = engine_for(read_settings().log_url).file is not None
    with reading() as connection:
        found = store.list_erasures(connection, organization, limit=LISTED + 1)
    for one in found[:LISTED]:
        say(_told(one, embedded=embedded))
    if not found:
        say("There are no erasures.")
    if len(found) > LISTED:
        say(f"These are the newest {LISTED:,}; all that were confirmed: --output FILE.", err=True)


@erasure_app.command("ask")
def ask(
    name: Annotated[
        str, typer.Argument(help="The e-mail address of the person, or the id of an actor.")
    ],
    organization: Annotated[str, typer.Option(help="The id of the organization.")],
    reason: Reason,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Look a person up in the log, and ask that their data is erased; an admin has to confirm it.

    Where the app has the log open alone, ask on Evidence → Erasure.
    """
    installation = _opened("erasure ask")
    try:
        preview = preview_of_name(installation.erasures, organization, name)
        say("\n".join(printable(one) for one in names_of(preview.subject)))
        say(preview_in_words(preview, UTC_NAME))
        if preview.held is not None:
            held, _, hint = preview.held.partition(". ")
            raise HeldError(f"{held}.", hint)
        if not yes:
            typer.confirm("Ask for the erasure?", abort=True)
        with installation.state.begin() as connection:
            asked = deeds.ask(
                connection,
                _operator(),
                installation.erasures.identities,
                subject=preview.subject,
                reason=reason,
            )
    finally:
        installation.close()
    say(f"Asked: {asked.id}. An admin confirms it on Evidence → Erasure.")


@erasure_app.command("confirm")
def confirm(
    erasure_id: ErasureId,
    name: Annotated[
        str,
        typer.Option(prompt="E-mail address or id of the person", help="A name of the person."),
    ],
) -> None:
    """Confirm what an admin asked for: the app erases it. What was asked for at the command line is
    confirmed by an admin."""
    identities = Identities(read_key(read_settings().key_file))
    with writing() as connection:
        found = _found(connection, erasure_id)
        deeds.confirm(
            connection,
            _operator(),
            identities,
            organization_id=found.organization_id,
            erasure_id=found.id,
            typed=name,
        )
    say("Confirmed. The app erases the data unless a legal hold keeps it: see erasure list.")


@erasure_app.command("refuse")
def refuse(erasure_id: ErasureId, reason: Reason) -> None:
    """Refuse what an admin asked for."""
    with writing() as connection:
        found = _found(connection, erasure_id)
        deeds.refuse(
            connection,
            _operator(),
            organization_id=found.organization_id,
            erasure_id=found.id,
            reason=reason,
        )
    say("Refused; nothing was erased.")


@erasure_app.command("withdraw")
def withdraw(erasure_id: ErasureId) -> None:
    """Take back what was asked for at the command line."""
    with writing() as connection:
        found = _found(connection, erasure_id)
        deeds.withdraw(
            connection,
            _operator(),
            organization_id=found.organization_id,
            erasure_id=found.id,
        )
    say("Withdrawn; nothing was erased.")


def _operator() -> Administrator:
    return Administrator(actor=ACTOR, account_id=None, address=None, now=utc_now())


def _opened(command: str) -> Installation:
    try:
        return open_installation(read_settings(), utc_now, holder=f"python -m audit_core {command}")
    except LogLockedError as error:
        raise LogLockedError(
            error.message, "While the app runs, ask for it on Evidence → Erasure."
        ) from error


def _found(connection: Connection, erasure_id: str) -> Erasure:
    found = store.find_anywhere(connection, erasure_id.strip())
    if found is None:
        raise AccountError(
            f"There is no erasure {erasure_id}.", "See the list: python -m audit_core erasure list"
        )
    return found


def _write_list(organization: str | None, output: str) -> None:
    with opened_state() as state:
        with state.read() as connection:
            lines = list(erasure_lines(connection, organization))
        with written_file(output) as file:
            file.writelines(f"{line}\n".encode() for line in lines)
        with state.begin() as connection:
            record(
                connection,
                at=utc_now(),
                verb="erasure.listed",
                actor=ACTOR,
                organization_id=organization,
                detail={"erasures": len(lines), "file": Path(output).name},
            )
    say(f"{len(lines):,} erasures are in the file.", err=True)


def _told(one: Erasure, *, embedded: bool) -> str:
    said = f"{one.id}  {one.stage.label}  {printable(one.organization_id)}\n"
    said += f"  asked {utc_minute(one.asked_at)} by {printable(one.asked_by)}"
    if one.confirmed_at is not None:
        by = printable(one.confirmed_by or "")
        said += f", confirmed {utc_minute(one.confirmed_at)} by {by}"
    if one.erased_at is not None:
        said += f"\n  {counts_in_words(one)}; in the entries: {one.pseudonym}"
    if one.stage is not Stage.DONE:
        said += f"\n  {printable(what_is_left(one, embedded=embedded))}"
    return said
