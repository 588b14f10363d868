"""`python -m audit_core export`: everything that a window holds, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit_core.cli.parts.file_options import (
    AudienceOption,
    ColumnsOption,
    CompressionOption,
    DelimiterOption,
    FormatOption,
    TimesOption,
    kind_of,
)
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.output_file import STANDARD_OUTPUT, written_file
from audit_core.cli.parts.terminal import say
from audit_core.cli.parts.window_options import window_between
from audit_core.domain.access import Scope
from audit_core.domain.terminal_text import printable
from audit_core.evidence.download import FileKind, Format, Progress, stream
from audit_core.evidence.downloads import noting
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.explore.reader import Reader
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME
from audit_core.query.visibility import require_visible
from audit_core.runtime.settings import read_settings


def export(
    output: Annotated[str, typer.Option(help="The file to write; - for standard output.")],
    format: FormatOption = Format.CSV,
    audience: AudienceOption = Audience.MACHINES,
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
        str, typer.Option(help="Whose days the query means, like Europe/Berlin.")
    ] = UTC_NAME,
    columns: ColumnsOption = "",
    times: TimesOption = UTC_NAME,
    delimiter: DelimiterOption = "comma",
    compression: CompressionOption = Compression.NONE,
) -> None:
    """Write the entries of a window, oldest first, secrets redacted: all that the log holds when
    it begins, and nothing that comes later."""
    kind = kind_of(format, audience, columns, times, delimiter, compression)
    entry_filter = EntryFilter(window=window_between(since, until, zone), query=query)
    scope = Scope.everything() if organization is None else Scope(organization_id=organization)
    require_visible(entry_filter.expression, entry_filter.query, scope)
    installation = open_installation(read_settings(), utc_now, holder="python -m audit_core export")
    try:
        written = _export(installation, entry_filter, scope, kind, output)
    finally:
        installation.close()
    where = "standard output" if output == STANDARD_OUTPUT else output
    say(
        f"{written.entries:,} entries written to {printable(where)}: {kind.describe()}, "
        f"{written.size:,} bytes, SHA-256 {written.sha256}",
        err=True,
    )


def _export(
    installation: Installation,
    entry_filter: EntryFilter,
    scope: Scope,
    kind: FileKind,
    output: str,
) -> Progress:
    """What was written. On record from before the first byte, however it ends."""
    progress = Progress()
    asked = Query(entry_filter, scope, entry_filter.window.time_range(installation.clock()))
    detail = {
        "filter": entry_filter.to_params(),
        **kind.detail(),
        **({} if output == STANDARD_OUTPUT else {"file": Path(output).name}),
    }
    pieces = stream(Reader(installation.log), asked, kind, progress=progress)

    note = noting(
        installation.state,
        installation.clock,
        actor=ACTOR,
        organization_id=scope.organization_id,
        detail=detail,
    )
    note("export.started", {})
    whole = False
    try:
        with written_file(output) as file:
            for piece in pieces:
                file.write(piece)
        whole = True
    finally:
        note(
            "export.finished" if whole else "export.broken",
            {"entries": progress.entries, **progress.detail(whole)},
        )
    return progress
