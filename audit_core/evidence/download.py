"""A download: everything that a filter matched, in one format, redacted unless told otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.redaction import redact
from audit_core.evidence.formats import csv_writer, json_lines_writer
from audit_core.explore.reader import Reader
from audit_core.query.query import Query

PIECE = 500
"""How many entries are redacted and written at a time: between two pieces a download can be
broken off, and a stopping app waits for no longer than one of them."""


class Format(StrEnum):
    """The formats, by the name used in URLs and on the command line."""

    CSV = "csv"
    JSONL = "jsonl"

    @property
    def media_type(self) -> str:
        """The type that HTTP says."""
        return str((csv_writer if self is Format.CSV else json_lines_writer).MEDIA_TYPE)


@dataclass(slots=True)
class Progress:
    """How far a download has come; written by it while it runs."""

    entries: int = 0


def stream(
    reader: Reader,
    query: Query,
    format: Format,
    *,
    progress: Progress,
) -> Iterator[bytes]:
    """The file in pieces: oldest entry first, times in UTC, secrets only if the scope has them.

    Memory does not grow with the file. Raises what a read of the log raises, also midway:
    then the file is not whole, and the caller must let that be seen.
    """
    write: Callable[[Iterable[list[AuditEntry]]], Iterator[bytes]] = (
        csv_writer.write if format is Format.CSV else json_lines_writer.write
    )
    return write(_counted(reader.export(query), query.scope, progress))


def _counted(
    batches: Iterable[list[AuditEntry]], scope: Scope, progress: Progress
) -> Iterator[list[AuditEntry]]:
    for batch in batches:
        for start in range(0, len(batch), PIECE):
            piece = batch[start : start + PIECE]
            yield piece if scope.secrets else [redact(entry) for entry in piece]
            progress.entries += len(piece)


def file_name(organization: str, since: datetime, until: datetime, format: Format) -> str:
    """A name that says what is in the file: organization, first and last instant in UTC."""
    plain = re.sub(r"[^a-z0-9]+", "-", organization.lower()).strip("-") or "organization"
    instants = (instant.strftime("%Y%m%dT%H%M%SZ") for instant in (since, until))
    return f"audit-log_{plain[:60]}_{'_'.join(instants)}.{format.value}"
