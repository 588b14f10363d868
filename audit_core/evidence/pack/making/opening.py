"""Opens rows of the log as leaves of a pack, as far as their reader may see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from audit_core.domain.redaction import redact_metadata, redact_text
from audit_core.evidence.pack.entry_lines import entry_line
from audit_core.evidence.pack.leaf_lines import ClosedBlock, Kind, OpenedBlock, OpenedLeaf, Texts
from audit_core.evidence.pack.making.writer import Line
from audit_core.integrity.leaf import BLOCK_FIELDS, PLAIN, TIMES, Block, leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRow:
    """A row of the log with all that opens its leaf."""

    plain: Texts
    who: Texts
    said: Texts
    salts: tuple[bytes, bytes]
    commitments: tuple[bytes, bytes]
    hash: bytes

    def left_out(self) -> Line:
        """The leaf with its plain fields only."""
        who, said = (ClosedBlock(held) for held in self.commitments)
        return OpenedLeaf(Kind.LEFT_OUT, self.plain, who, said), None

    def entry(self, *, secrets: bool) -> Line:
        """The leaf of an entry, and its line. What was said is closed where it holds secrets that
        the reader may not see."""
        who = OpenedBlock(self.salts[0], self.who)
        shown = self.said if secrets else _shown(self.said)
        opened = shown is self.said
        said = OpenedBlock(self.salts[1], self.said) if opened else ClosedBlock(self.commitments[1])
        line = entry_line(self.plain, self.who, shown)
        return OpenedLeaf(Kind.ENTRY, self.plain, who, said), line


def _shown(said: Texts) -> Texts:
    """The message and the metadata as they are shown; the very same list if nothing is hidden."""
    message, metadata = said
    shown_message = None if message is None else redact_text(message)
    shown_metadata = redact_metadata(metadata)
    if shown_message == message and _same_json(shown_metadata, metadata):
        return said
    return [shown_message, shown_metadata]


def _same_json(shown: str | None, stored: str | None) -> bool:
    """Whether nothing was redacted: redacting writes JSON anew, perhaps with other white space."""
    if shown == stored or shown is None or stored is None:
        return shown == stored
    try:
        return bool(json.loads(shown) == json.loads(stored))
    except (ValueError, RecursionError):
        return False


def opened_rows(rows: pa.Table, keys: Mapping[str, bytes]) -> Iterator[OpenedRow]:
    """The rows of one organization, of the shape `log.schema.ARROW`, in their order; `keys` as in
    `integrity.leaf.leaves`."""
    made = leaves(rows, keys)
    plain = _texts(rows, PLAIN)
    who, said = (_texts(rows, BLOCK_FIELDS[block]) for block in Block)
    salts = zip(*(made.salts[block] for block in Block), strict=True)
    commitments = zip(*(made.commitments[block] for block in Block), strict=True)
    for row in zip(plain, who, said, salts, commitments, made.hashes, strict=True):
        yield OpenedRow(
            plain=row[0], who=row[1], said=row[2], salts=row[3], commitments=row[4], hash=row[5]
        )


def _texts(rows: pa.Table, names: Sequence[str]) -> Iterator[Texts]:
    columns = []
    for name in names:
        column = rows.column(name)
        if name in TIMES:
            column = column.cast(pa.timestamp("us")).cast(pa.int64())
        columns.append(column.cast(pa.string()).to_pylist())
    return map(list, zip(*columns, strict=True))
