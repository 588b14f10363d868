"""`python -m audit_core access-record`: the access record of one organization, or all of it."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR, opened_state
from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.access_log.download import stream
from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import RecordFilter, RecordScope
from audit_core.evidence.download import FileKind, Format, Progress, TextFormat
from audit_core.evidence.downloads import noting
from audit_core.evidence.formats.csv_text import Audience
from audit_core.log.store import utc_now
from audit_core.query.time.windows import ALL_TIME, UTC_NAME, TimeRange, Window, parse_instant
from audit_core.state.database import State


def access_record(
    organization: Annotated[
        str | None, typer.Option(help="One organization by id; without it all of the record.")
    ] = None,
    installation: Annotated[
        bool, typer.Option("--installation", help="Only what belongs to no organization.")
    ] = False,
    query: Annotated[
        str, typer.Option(help="Only what the query matches, like 'action:sign_in.* ip:10.0.0.1'.")
    ] = "",
    zone: Annotated[
        str, typer.Option(help="Whose days the query means, like Europe/Berlin.")
    ] = UTC_NAME,
    since: Annotated[
        str | None, typer.Option(help="From this time on, like 2026-01-31T09:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Until before this time.")] = None,
    format: Annotated[TextFormat, typer.Option(help="csv or jsonl.")] = TextFormat.JSONL,
    audience: Annotated[
        Audience, typer.Option("--for", help="Whom CSV is for: machines or spreadsheets.")
    ] = Audience.MACHINES,
) -> None:
    """Write who signed in, was refused, exported or changed what, oldest first, in UTC.

    What concerns several organizations stands there once for each of them.
    """
    if organization is not None and installation:
        raise FilterError(
            ("--organization and --installation exclude each other.",), "Leave one of them out."
        )
    if organization is not None:
        scope = RecordScope.of(Scope(organization_id=organization))
    else:
        scope = RecordScope.installation() if installation else RecordScope.everything()
    record_filter = RecordFilter(window=_all_time(zone), query=query)
    with opened_state() as state:
        now = utc_now()
        time_range = TimeRange(
            since=_instant("--since", since), until=min(_instant("--until", until) or now, now)
        )
        kind = FileKind(format=Format(format), audience=audience)
        _write(state, record_filter, scope, time_range, kind)


def _write(
    state: State,
    record_filter: RecordFilter,
    scope: RecordScope,
    time_range: TimeRange,
    kind: FileKind,
) -> None:
    """On record from before the first byte, however it ends."""
    progress = Progress()
    detail = {
        "query": record_filter.query,
        "zone": record_filter.window.zone,
        "part": scope.part.value,
        **kind.detail(),
    }

    note = noting(state, utc_now, actor=ACTOR, organization_id=scope.organization_id, detail=detail)
    note("record_export.started", {})
    whole = False
    try:
        for piece in stream(
            RecordReader(state),
            record_filter,
            scope,
            time_range,
            kind.format,
            progress=progress,
            audience=kind.audience,
        ):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        whole = True
    finally:
        ended = "record_export.finished" if whole else "record_export.broken"
        note(ended, {"events": progress.entries, **progress.detail(whole)})


def _all_time(zone: str) -> Window:
    try:
        return Window(preset=ALL_TIME, zone=zone)
    except ValueError as error:
        raise FilterError((f"The query cannot be read: {error}.",), "Correct --zone.") from error


def _instant(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise FilterError((f"The time cannot be read: {error}.",), f"Correct {option}.") from error
