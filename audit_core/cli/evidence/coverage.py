"""`python -m audit_core coverage`: which actions are recorded, and which were seen."""

from __future__ import annotations

from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.output_file import STANDARD_OUTPUT, written_file
from audit_core.cli.parts.window_options import window_between
from audit_core.domain.access import Scope
from audit_core.evidence.coverage.download import pieces
from audit_core.evidence.coverage.reader import CoverageReader
from audit_core.evidence.download import FileKind, Format, Progress, TextFormat
from audit_core.evidence.downloads import noting
from audit_core.evidence.formats.csv_text import Audience
from audit_core.explore.reader import Reader
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME
from audit_core.runtime.settings import read_settings
from audit_core.runtime.version import product_version


def coverage(
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; all of them without this.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", help="Seen from this time on, like 2026-01-31T09:00:00Z."),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Seen until before this time.")] = None,
    output: Annotated[
        str, typer.Option(help="The file to write; - for standard output.")
    ] = STANDARD_OUTPUT,
    format: Annotated[TextFormat, typer.Option(help="csv or jsonl.")] = TextFormat.CSV,
    audience: Annotated[
        Audience, typer.Option("--for", help="Whom CSV is for: machines or spreadsheets.")
    ] = Audience.MACHINES,
) -> None:
    """Write which actions on which targets the platform records, which of them were seen, how
    often and when last, and what it does not record at all."""
    entry_filter = EntryFilter(window=window_between(since, until, UTC_NAME))
    scope = Scope.everything() if organization is None else Scope(organization_id=organization)
    kind, progress = FileKind(format=Format(format), audience=audience), Progress()
    installation = open_installation(
        read_settings(), utc_now, holder="python -m audit_core coverage"
    )
    try:
        query = Query(entry_filter, scope, entry_filter.window.time_range(installation.clock()))
        found = CoverageReader(Reader(installation.log)).coverage(query)
        note = noting(
            installation.state,
            installation.clock,
            actor=ACTOR,
            organization_id=organization,
            detail={
                "filter": entry_filter.to_params(),
                **kind.detail(),
                "version": product_version(),
            },
        )
        content = b"".join(progress.measured(pieces(found, kind)))
        note("coverage.downloaded", progress.detail(whole=True))
        with written_file(output) as file:
            file.write(content)
    finally:
        installation.close()
