"""`python -m audit_core report`: a printable report of a window and a query."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.output_file import STANDARD_OUTPUT, written_file
from audit_core.cli.parts.terminal import say
from audit_core.cli.parts.window_options import window_between
from audit_core.domain.access import Scope
from audit_core.domain.terminal_text import printable
from audit_core.evidence.downloads import noting
from audit_core.evidence.report.content import Origin, Report, ReportReader, open_access
from audit_core.evidence.report.document import render
from audit_core.evidence.report.frame import Document
from audit_core.explore.reader import Reader
from audit_core.identity.memberships import organization_name
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME
from audit_core.runtime.settings import read_settings
from audit_core.runtime.version import product_version


def report(
    output: Annotated[str, typer.Option(help="The file to write; - for standard output.")],
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; all of them without this.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="From this time on, like 2026-01-31T09:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until before this time.")] = None,
    query: Annotated[
        str, typer.Option(help="Only what the query matches, like 'action:start outcome:failed'.")
    ] = "",
    zone: Annotated[
        str, typer.Option(help="Whose days the report shows, like Europe/Berlin.")
    ] = UTC_NAME,
) -> None:
    """Write a report of a window as one HTML file without scripts, good on paper, with secrets
    redacted; its fingerprint goes on record."""
    entry_filter = EntryFilter(window=window_between(since, until, zone), query=query)
    scope = Scope.everything() if organization is None else Scope(organization_id=organization)
    installation = open_installation(read_settings(), utc_now, holder="python -m audit_core report")
    try:
        now = installation.clock()
        made = _report(
            installation, Query(entry_filter, scope, entry_filter.window.time_range(now))
        )
        document = render(made)
        _note(installation, made, document, organization)
        with written_file(output) as file:
            file.write(document.content)
    finally:
        installation.close()
    where = "standard output" if output == STANDARD_OUTPUT else output
    say(
        f"Report of {made.summary.entries:,} entries written to {printable(where)}: "
        f"{len(document.content):,} bytes, fingerprint {document.fingerprint}",
        err=True,
    )


def _report(installation: Installation, query: Query) -> Report:
    now, organization = installation.clock(), query.scope.organization_id
    access, name = None, "All organizations"
    if organization is not None:
        with installation.state.read() as connection:
            access = open_access(connection, organization, now)
            name = organization_name(connection, organization) or organization
    origin = Origin(
        organization=name,
        made_by=ACTOR,
        made_at=now.replace(microsecond=0),
        version=product_version(),
        checkpoint=installation.trees.newest_note(organization),
    )
    return ReportReader(Reader(installation.log)).report(query, now, origin, access)


def _note(
    installation: Installation, made: Report, document: Document, organization: str | None
) -> None:
    """Put it on record, before there is a file."""
    note = noting(
        installation.state,
        installation.clock,
        actor=ACTOR,
        organization_id=organization,
        detail={"filter": made.entry_filter.to_params(), "file": document.name},
    )
    note(
        "report.made",
        {
            "head": made.heads[0],
            "entries": made.summary.entries,
            "version": made.origin.version,
            "fingerprint": document.fingerprint,
            "bytes": len(document.content),
            "sha256": document.sha256,
        },
    )
