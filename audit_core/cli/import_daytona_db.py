"""`python -m audit_core import-daytona-db …`: the audit log of a self-hosted Daytona, from its
database."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from audit_core.cli.parts.following import Stop
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.organization_option import named_organization
from audit_core.cli.parts.terminal import say
from audit_core.domain.access import Scope
from audit_core.domain.terminal_text import printable
from audit_core.ingest.pipeline import IngestReport
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.sources.database_import import DatabaseImport
from audit_core.sources.daytona.database import DaytonaDatabase
from audit_core.state.access_log.record import record

TOLD_EVERY = 100_000
"""After how many entries it is said how far it has come."""


def import_daytona_db(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Daytona's database, such as postgresql://reader@host/daytona. Leave the "
            "password out: everybody on the machine reads arguments. PGPASSWORD and ~/.pgpass are "
            "looked at.",
        ),
    ],
    organization: Annotated[
        str | None,
        typer.Option(help="One organization: ID, or ID:NAME to name it here; all without this."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is new, until Ctrl-C.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Begin with the first row, not where the last import ended."),
    ] = False,
) -> None:
    """Import the audit log of a self-hosted Daytona from its database; only reads there.

    Running it again goes on where it ended. Organizations that are new here have nobody in them.
    """
    stop = Stop()
    installation = open_installation(read_settings(), utc_now, holder="import-daytona-db")
    with closing(installation):
        scope = _scope(installation, organization)
        with closing(DaytonaDatabase(url, scope.organization_id)) as database:
            running = DatabaseImport(
                installation=installation,
                database=database,
                scope=scope,
                wait=stop.wait,
                progress=_Progress(),
            )
            if again:
                running.begin_again()
            try:
                with stop.on_signals():  # What is under way is finished.
                    running.run(follow=follow)
            finally:
                _record(installation, running)
    _say(running, follow=follow)


def _scope(installation: Installation, organization: str | None) -> Scope:
    if organization is None:
        return Scope.everything()
    with installation.state.begin() as connection:
        named = named_organization(connection, organization)
    named.announce()
    return Scope(organization_id=named.id)


class _Progress:
    """Says now and then how far it has come."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, report: IngestReport) -> None:
        if report.acknowledged - self._told >= TOLD_EVERY:
            self._told = report.acknowledged
            say(f"{report.acknowledged:,} entries so far", err=True)


def _record(installation: Installation, running: DatabaseImport) -> None:
    report = running.report
    if not (report.accepted or report.finished or report.rejected):
        return
    with installation.state.begin() as connection:
        record(
            connection,
            at=installation.clock(),
            verb="ingest",
            actor=ACTOR,
            organization_id=running.scope.organization_id,
            detail={"file": f"database {running.database.name}", **report.detail()},
        )


def _say(running: DatabaseImport, *, follow: bool) -> None:
    report = running.report
    say(
        f"{printable(running.database.name)}: {report.accepted:,} accepted, "
        f"{report.finished:,} finished, {report.rejected:,} rejected; "
        + (f"{running.late:,} came late." if follow else "run it again for what is new.")
    )
    if report.rejected:
        say("See: python -m audit_core rejections", err=True)
