"""`python -m audit_core export`: everything that a window holds, as a file."""

from __future__ import annotations

from pathlib import Path

from audit_core.cli.parts import export_options as options
from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.output_file import STANDARD_OUTPUT, written_file
from audit_core.cli.parts.progress_line import ProgressLine
from audit_core.cli.parts.remote_export import RemoteExport
from audit_core.cli.parts.terminal import say
from audit_core.cli.parts.window_options import window_between
from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.domain.terminal_text import printable
from audit_core.evidence.download import FileKind, Format, Progress, stream
from audit_core.evidence.downloads import noting
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.pack.making.left_out import left_out, left_out_warning
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME
from audit_core.query.visibility import require_visible
from audit_core.runtime.memory import give_back_freed_memory
from audit_core.runtime.settings import read_settings

MAX_ENGINE_MB = 128
"""What the embedded engine may use here: an export reads each block once, so that keeping them in
memory would make nothing faster."""


def export(
    output: options.Output,
    format: options.FileFormat = Format.CSV,
    audience: options.For = Audience.MACHINES,
    organization: options.Organization = None,
    since: options.From = None,
    until: options.To = None,
    query: options.QueryText = "",
    zone: options.Zone = UTC_NAME,
    columns: options.Columns = "",
    times: options.Times = UTC_NAME,
    delimiter: options.Delimiter = "comma",
    compression: options.Packed = Compression.NONE,
    server: options.Server = None,
    token: options.Token = None,
) -> None:
    """Write the entries of a window, oldest first, secrets redacted: all that the log holds when
    it begins, and nothing that comes later."""
    kind = options.kind_of(
        format,
        audience,
        columns=columns,
        times=times,
        delimiter=delimiter,
        compression=compression.value,
    )
    entry_filter = EntryFilter(window=window_between(since, until, zone), query=query)
    if server is not None:
        if organization is not None or not token:
            raise FilterError(
                ("With --server the token says which organization it is.",),
                "Give --token or SANDTRAIL_TOKEN, and leave --organization out.",
            )
        _take(RemoteExport(server, token), entry_filter, kind, output)
        return
    scope = Scope.everything() if organization is None else Scope(organization_id=organization)
    require_visible(entry_filter.expression, entry_filter.query, scope)
    settings = read_settings().with_memory(MAX_ENGINE_MB)
    give_back_freed_memory()
    installation = open_installation(settings, utc_now, holder="python -m audit_core export")
    try:
        written = _export(installation, entry_filter, scope, kind, output)
    finally:
        installation.close()
    _tell(written.entries, output, kind, written.size, written.sha256)


def _take(remote: RemoteExport, entry_filter: EntryFilter, kind: FileKind, output: str) -> None:
    """The file that a running app makes."""
    line = ProgressLine()
    try:
        made = remote.make(entry_filter, kind, line.show)
        with written_file(output) as file:
            remote.take(made, file, line.show)
    finally:
        line.clear()
    _tell(made["entries"], output, kind, made["size"], made["sha256"])
    if made["left_out"]:
        say(
            f"{made['left_out']:,} more matched, made at or after {made.get('ends_at')}: the "
            "server ends exports where its operator says.",
            err=True,
        )


def _tell(entries: int, output: str, kind: FileKind, size: int, sha256: str) -> None:
    where = "standard output" if output == STANDARD_OUTPUT else output
    say(
        f"{entries:,} entries written to {printable(where)}: {kind.describe()}, "
        f"{size:,} bytes, SHA-256 {sha256}",
        err=True,
    )


def _warn_of_size(installation: Installation, asked: Query) -> None:
    """Say beforehand if a pack will hold far more than what is asked for."""
    if asked.scope.organization_id is None:
        return
    matching = CountReader(Reader(installation.log)).count(asked).number
    if text := left_out_warning(left_out(installation.log, asked, matching)):
        say(text, err=True)


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
    reader, line = Reader(installation.log), ProgressLine()
    if kind.format is Format.PACK:
        _warn_of_size(installation, asked)
        pieces = installation.packs.stream(asked, progress=progress, made_by=ACTOR)
    else:
        pieces = stream(reader, asked, kind, progress=progress)

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
            expected = CountReader(reader).count(asked).number if line.wanted else 0
            for piece in pieces:
                file.write(piece)
                line.show(f"{progress.entries:,} of {expected:,} entries")
        whole = True
    finally:
        line.clear()
        note(
            "export.finished" if whole else "export.broken",
            {"entries": progress.entries, **progress.detail(whole)},
        )
    return progress
