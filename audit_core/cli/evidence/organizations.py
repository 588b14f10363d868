"""`organization`: what the operator settles for one organization."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import ExportError
from audit_core.domain.terminal_text import printable
from audit_core.evidence.jobs.export_cap import read_cap, set_cap
from audit_core.identity.memberships import require_organization
from audit_core.log.store import utc_now

organization_app = typer.Typer(no_args_is_help=True)


@organization_app.callback()
def _organization() -> None:
    """What the operator settles for one organization."""


@organization_app.command("export-limit")
def export_limit(
    organization: Annotated[str, typer.Argument(help="The id of the organization.")],
    entries: Annotated[
        int | None,
        typer.Option(help="How many entries one export may hold.", show_default=False),
    ] = None,
    any_number: Annotated[
        bool, typer.Option("--any", help="Let exports hold all entries.")
    ] = False,
) -> None:
    """Set where exports of an organization in the background end; with no option, say where.

    The oldest entries are written, and each export says how many of what matched it leaves out.
    Of this and SANDTRAIL_EXPORT_MAX_ENTRIES the lower one counts. Exports of this command line
    have no limit.
    """
    if entries is not None and any_number:
        raise ExportError("--entries and --any contradict each other.", "Give one of them.")
    if entries is not None or any_number:
        with writing() as connection:
            set_cap(connection, organization, entries, actor=ACTOR, now=utc_now())
    with reading() as connection:
        require_organization(connection, organization)
        cap = read_cap(connection, organization)
    said = "any number of entries" if cap is None else f"at most {cap:,} entries"
    say(f"An export of {printable(organization)} holds {said}.")
