"""Downloads as the access record knows them: who took which file, its size, its checksum."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit_core.domain.listing import Listing
from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import RecordFilter, RecordScope
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.file_kind import CHOICES
from audit_core.evidence.formats.csv_text import Audience
from audit_core.query.time.windows import ALL_TIME, TimeRange, Window
from audit_core.state.access_log.record import AccessEvent, record
from audit_core.state.database import State

_PARTS = {
    "export": "Entries",
    "record_export": "Access record",
    "report": "Report",
    "coverage": "Coverage",
    "access_review": "Access review",
}
"""What the file holds, by the beginning of the verb."""
_STREAMED = ("export", "record_export")
"""What is on record twice: when it begins, and when it ends."""
_AT_ONCE = ("report.made", "coverage.downloaded", "access_review.downloaded")
"""What is made before any of it goes out, and is on record once."""
_VERBS = (
    *(f"{part}.{end}" for part in _STREAMED for end in ("started", "finished", "broken")),
    "export.downloaded",
    *_AT_ONCE,
)


class DownloadState(StrEnum):
    """How far a download came, for people."""

    RUNNING = "Under way"
    """Or the process ended before it could say how the download ended."""
    WHOLE = "Complete"
    BROKEN = "Broken off"
    HANDED_OUT = "Handed out"
    """From a file that is kept, whole or in parts: whether all of it arrived only the receiver
    knows, who can ask for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file that was handed out, or began to be."""

    at: datetime
    """When it ended, or began if it has not."""
    actor: str
    holds: str
    """`Entries`, `Access record`, `Report`, `Coverage` or `Access review`."""
    file: str
    """Its name; empty if it had none, as on standard output."""
    kind: str
    """`CSV for spreadsheets`, `JSON lines`."""
    state: DownloadState
    rows: int | None
    """Entries or events; of a report how many it is about. `None` while it is under way, and for
    what holds neither."""
    size: int | None
    """In bytes; `None` while it is under way, and for one of an earlier version."""
    sha256: str | None
    """Of a complete one; `None` for any other, and for one of an earlier version."""


Note = Callable[[str, Mapping[str, object]], None]
"""Puts a verb on record, with more detail."""


def noting(
    state: State,
    clock: Callable[[], datetime],
    *,
    actor: str,
    organization_id: str | None,
    address: str | None = None,
    detail: Mapping[str, Any],
) -> Note:
    """What puts the verbs of one download on record, each with `detail` and an id of the download
    by which they are told to be of one."""
    common = {**detail, "download": secrets.token_hex(8)}

    def note(verb: str, more: Mapping[str, object]) -> None:
        with state.begin() as connection:
            record(
                connection,
                at=clock(),
                verb=verb,
                actor=actor,
                organization_id=organization_id,
                address=address,
                detail={**common, **more},
            )

    return note


def list_downloads(
    reader: RecordReader,
    scope: RecordScope,
    *,
    limit: int,
    actor: str | None = None,
    since: datetime | None = None,
) -> Listing[Download]:
    """The newest downloads, newest first; of one person with `actor`, and since a time."""
    record_filter = RecordFilter(
        window=Window(preset=ALL_TIME),
        actions=_VERBS,
        actors=() if actor is None else (actor,),
    )
    time_range = TimeRange(since=since, until=None)
    # Each has two events at most: where it began, and how it ended.
    page = reader.page(record_filter, scope, time_range, None, 2 * limit)
    found = downloads_of(page.events)
    return Listing(found[:limit], truncated=len(found) > limit or page.older is not None)


def downloads_of(events: Iterable[AccessEvent]) -> tuple[Download, ...]:
    """The downloads that events of the record, newest first, tell of."""
    found: dict[str, AccessEvent] = {}
    for event in events:
        download = str(event.detail.get("download", event.uid))
        # The end may be as old as the beginning, and then stands on either side of it.
        if download not in found or found[download].verb.endswith(".started"):
            found[download] = event
    return tuple(map(_download_of, found.values()))


def _download_of(event: AccessEvent) -> Download:
    part, _, end = event.verb.partition(".")
    detail = event.detail
    return Download(
        at=event.at,
        actor=event.actor,
        holds=_PARTS[part],
        file=str(detail.get("file", "")),
        kind="HTML" if event.verb == "report.made" else _kind_of(detail),
        state=DownloadState.WHOLE
        if event.verb in _AT_ONCE
        else {
            "finished": DownloadState.WHOLE,
            "broken": DownloadState.BROKEN,
            "downloaded": DownloadState.HANDED_OUT,
        }.get(end, DownloadState.RUNNING),
        rows=detail.get("entries", detail.get("events")),
        size=detail.get("bytes"),
        sha256=detail.get("sha256"),
    )


def _kind_of(detail: dict[str, Any]) -> str:
    # Those of earlier versions were all for spreadsheets.
    audience = Audience(detail.get("for", Audience.SPREADSHEETS))
    kind = FileKind(format=Format(detail.get("format", Format.JSONL)), audience=audience)
    chosen = {name: [str(detail[name])] for name in CHOICES if name in detail}
    return kind.with_choices(chosen).describe()
