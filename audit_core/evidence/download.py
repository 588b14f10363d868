"""A download: everything that a filter matched, in one format, redacted unless told otherwise."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.evidence.file_kind import FileKind as FileKind
from audit_core.evidence.file_kind import Format as Format
from audit_core.evidence.file_kind import StreamedFormat as StreamedFormat
from audit_core.evidence.file_kind import TextFormat as TextFormat
from audit_core.evidence.formats import (
    csv_writer,
    json_lines_writer,
    parquet_writer,
    xlsx_writer,
)
from audit_core.evidence.formats.compression import packed
from audit_core.evidence.formats.text_columns import pieces
from audit_core.evidence.read_ahead import ahead
from audit_core.evidence.redacting import redacted
from audit_core.explore.export.cut import Cut
from audit_core.explore.reader import Reader
from audit_core.query.keyset import Cursor
from audit_core.query.query import Query


@dataclass(slots=True)
class Progress:
    """How far a download has come; written by it while it runs."""

    entries: int = 0
    size: int = 0
    """In bytes."""
    _digest: Any = field(default_factory=sha256, repr=False)

    def measured(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of the file, measured on their way."""
        for piece in pieces:
            self.size += len(piece)
            self._digest.update(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """The checksum of what was written so far, in hexadecimal."""
        return str(self._digest.hexdigest())

    def detail(self, whole: bool) -> dict[str, object]:
        """What the access record says of the file; the checksum only of a `whole` one, since nobody
        has any other."""
        return {"bytes": self.size, **({"sha256": self.sha256} if whole else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimit:
    """Where a file ends, though more matched."""

    entries: int | None = None
    """How many it holds at most."""
    size: int | None = None
    """From this size on, in bytes, nothing is added; the part that reaches it is whole."""

    def narrowed(self, entries: int | None) -> FileLimit:
        """The lower one of this and another number of entries; `None`: this one."""
        known = [one for one in (self.entries, entries) if one is not None]
        return replace(self, entries=min(known, default=None))

    def room(self, progress: Progress) -> int | None:
        """How many more entries it may hold; `None`: any number."""
        if self.size is not None and progress.size >= self.size:
            return 0
        return None if self.entries is None else max(0, self.entries - progress.entries)


def stream(
    reader: Reader,
    query: Query,
    kind: FileKind,
    *,
    progress: Progress,
    as_of: Cut | None = None,
    after: Cursor | None = None,
    limit: FileLimit | None = None,
    seen: Callable[[pa.Table], None] | None = None,
) -> Iterator[bytes]:
    """The file in pieces: oldest entry first, secrets only if the scope has them; all that matched
    as of a cut, by default that of when this begins, and behind the cursor if one is given.

    With a `limit` it ends there, as a whole file with fewer entries, which the caller has to say.
    `seen` is called with the rows of each part, as the log has them, before they are written.

    Memory does not grow with the file. Raises what a read of the log raises, also midway: then the
    file is not whole, and the caller must let that be seen.
    """
    found = ahead(reader.export(query, as_of, after=after))
    made = Progress()
    tables = _shown(found, query.scope, made, limit or FileLimit(), seen)
    return progress.measured(_left(ahead(_made(tables, kind, made)), progress))


def _made(
    tables: Iterator[pa.Table], kind: FileKind, made: Progress
) -> Iterator[tuple[bytes, int]]:
    """The pieces of the file, each with how many entries the file has with it."""
    for piece in packed(_written(tables, kind), kind.compression):
        made.size += len(piece)
        yield piece, made.entries


def _left(pieces: Iterable[tuple[bytes, int]], progress: Progress) -> Iterator[bytes]:
    """The pieces, whose entries count once whoever took one asks for the next: the next one is made
    by then."""
    for piece, entries in pieces:
        if piece:
            yield piece
        progress.entries = entries


def _written(tables: Iterator[pa.Table], kind: FileKind) -> Iterator[bytes]:
    match kind.format:
        case Format.CSV:
            return csv_writer.write(tables, kind.audience, kind.options)
        case Format.JSONL:
            return json_lines_writer.write(tables, kind.options)
        case Format.PARQUET:
            return parquet_writer.write(tables, kind.options)
        case Format.XLSX:
            return xlsx_writer.write(tables, kind.options)
        case Format.PACK:
            raise ValueError("a pack is made of leaves, not of tables: see pack.making")


def _shown(
    tables: Iterable[pa.Table],
    scope: Scope,
    made: Progress,
    limit: FileLimit,
    seen: Callable[[pa.Table], None] | None,
) -> Iterator[pa.Table]:
    """In parts that take a moment each: between two of them a download can be broken off."""
    for table in tables:
        for whole_part in pieces(table):
            part = whole_part.slice(0, limit.room(made))
            if not part.num_rows:
                return
            if seen is not None:
                seen(part)
            made.entries += part.num_rows
            yield part if scope.secrets else redacted(part)


def file_name(
    organization: str, title: str, since: datetime, until: datetime, head: int, kind: FileKind
) -> str:
    """A name that says what is in the file: organization, the name of the filter (of a saved view,
    or in words), first and last instant in UTC, the log's head when it began, and whom it is for.
    ASCII only."""
    instants = (instant.strftime("%Y%m%dT%H%M%SZ") for instant in (since, until))
    of = name_part(organization, "organization"), name_part(title, "all")
    return f"audit-log_{'_'.join((*of, *instants))}_head-{head}{kind}"


def name_part(text: str, fallback: str) -> str:
    """A text as part of a file name: lower-case ASCII letters, digits and hyphens, at most 60."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or fallback
