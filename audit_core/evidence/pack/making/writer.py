"""Writes a pack: a ZIP of which every byte follows from what is given, with bounded memory.

Takes plain values only. Leaves come in the order of the tree, from the run's first to the last that
the checkpoint counts, each entry with its line for people.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from audit_core.evidence.pack import layout
from audit_core.evidence.pack.entry_lines import instant_text
from audit_core.evidence.pack.leaf_lines import ClosedBlock, HashedLeaf, Kind, OpenedLeaf
from audit_core.evidence.pack.making.filter_condition import microseconds
from audit_core.evidence.pack.making.readme import readme_text
from audit_core.evidence.pack.statement import signed_text
from audit_core.integrity.checkpoint import parse_checkpoint
from audit_core.integrity.leaf import PLAIN
from audit_core.integrity.merkle import RangeProof
from audit_core.integrity.signed_note import Signer, parse_note
from audit_core.query.time.windows import format_instant

Line: TypeAlias = tuple[OpenedLeaf | HashedLeaf, str | None]
"""A leaf, and the line of its entry if the filter matched it."""

PIECE = 500
"""After so many leaves what was packed is handed on."""

_CREATED, _RECEIVED, _STATUS = (
    PLAIN.index(name) for name in ("created_at", "received_at", "status_code")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the pack is an answer to."""

    organization_id: str
    sentence: str
    """The filter in words, without a full stop."""
    parameters: Mapping[str, list[str]]
    """The filter as parameters of an address."""
    condition: Mapping[str, Any]
    """See `condition.py`."""
    since: datetime | None
    until: datetime | None
    """The time range, exclusive at its end; None where it has no end."""
    zone: str
    made_at: datetime
    made_by: str | None
    product: str
    """Name and version of what wrote the pack."""
    sql: str = ""
    """The filter as a statement on the log, for README.txt; empty: it is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What the leaves are proven by."""

    start: int
    """The first leaf of the run; the run ends with the checkpoint's last."""
    proof: RangeProof
    checkpoint: str
    """The signed note."""
    entries: int
    """How many entries the organization had in all at the checkpoint, by its own numbers."""
    anchors: Mapping[str, bytes] = field(default_factory=dict)
    """What places outside said of the checkpoint, by the name of the file."""


@dataclass(slots=True)
class Tally:
    """What was written so far."""

    kinds: Counter[str] = field(default_factory=Counter)
    days: Counter[str] = field(default_factory=Counter)
    redacted: int = 0
    unfinished: int = 0
    late: int = 0
    """Entries that were received after the end of the window."""

    def add(self, leaf: OpenedLeaf | HashedLeaf, until: int | None) -> None:
        """Count one more leaf; `until` is the window's end in microseconds."""
        self.kinds[leaf.kind.value] += 1
        if leaf.kind is not Kind.ENTRY or not isinstance(leaf, OpenedLeaf):
            return
        created, received = int(leaf.plain[_CREATED] or 0), int(leaf.plain[_RECEIVED] or 0)
        self.days[day_text(created)] += 1
        self.redacted += isinstance(leaf.said, ClosedBlock)
        self.unfinished += leaf.plain[_STATUS] is None
        self.late += until is not None and received >= until

    def as_json(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        kinds = {kind.value: self.kinds[kind.value] for kind in Kind}
        others = {"redacted": self.redacted, "unfinished": self.unfinished, "late": self.late}
        return {**kinds, **others, "days": dict(sorted(self.days.items()))}


def day_text(created_at: int) -> str:
    """The day of a time in microseconds, in UTC."""
    return instant_text(created_at)[:10]


def pack(
    asked: Asked, proven: Proven, lines: Iterable[Line], signer: Signer, *, spool: Path | None
) -> Iterator[bytes]:
    """The pack in pieces. Leaves are kept, packed, in a nameless file in the folder `spool` (None:
    the system's) until the entries are written."""
    pipe = _Pipe()
    until = None if asked.until is None else microseconds(asked.until)
    tally, files = Tally(), dict[str, dict[str, Any]]()
    with ZipFile(pipe, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        with tempfile.TemporaryFile(dir=spool) as kept:
            with (
                gzip.GzipFile(fileobj=kept, mode="wb", compresslevel=1) as leaves,
                _member(archive, layout.ENTRIES, files) as entries,
            ):
                for number, (leaf, line) in enumerate(lines, start=1):
                    tally.add(leaf, until)
                    leaves.write(f"{leaf.line()}\n".encode())
                    if line is not None:
                        entries.write(f"{line}\n".encode())
                    if number % PIECE == 0:
                        yield from pipe.drained()
            kept.seek(0)
            with (
                gzip.GzipFile(fileobj=kept) as leaves,
                _member(archive, layout.LEAVES, files) as out,
            ):
                while piece := leaves.read(1 << 20):
                    out.write(piece)
                    yield from pipe.drained()
        for name, text in _small(asked, proven, tally):
            with _member(archive, name, files) as out:
                out.write(text)
        manifest = _manifest(asked, proven, tally, signer, files)
        for name, text in _signed(manifest, signer):
            with _member(archive, name, files) as out:
                out.write(text)
    yield from pipe.drained()


def _small(asked: Asked, proven: Proven, tally: Tally) -> Iterator[tuple[str, bytes]]:
    checkpoint = parse_checkpoint(parse_note(proven.checkpoint).text)
    proof = {
        "start": proven.start,
        "stop": checkpoint.size,
        "size": checkpoint.size,
        "left": [held.hex() for held in proven.proof.left],
        "right": [held.hex() for held in proven.proof.right],
    }
    yield layout.PROOF, _json(proof)
    yield layout.CHECKPOINT, proven.checkpoint.encode()
    yield from sorted(proven.anchors.items())
    yield layout.README, readme_text(_claims(asked, proven, tally), asked.sql).encode()


def _claims(asked: Asked, proven: Proven, tally: Tally) -> dict[str, Any]:
    """What the manifest says but for keys and checksums."""
    checkpoint = parse_checkpoint(parse_note(proven.checkpoint).text)
    return {
        "format": layout.FORMAT,
        "version": layout.VERSION,
        "product": asked.product,
        "made_at": format_instant(asked.made_at),
        "made_by": asked.made_by,
        "organization": asked.organization_id,
        "query": {
            "sentence": asked.sentence,
            "parameters": dict(asked.parameters),
            "since": None if asked.since is None else format_instant(asked.since),
            "until": None if asked.until is None else format_instant(asked.until),
            "zone": asked.zone,
            "condition": dict(asked.condition),
        },
        "head": {"leaves": checkpoint.size, "entries": proven.entries},
        "run": {"start": proven.start, "stop": checkpoint.size},
        "counts": tally.as_json(),
    }


def _manifest(
    asked: Asked,
    proven: Proven,
    tally: Tally,
    signer: Signer,
    files: Mapping[str, Mapping[str, Any]],
) -> bytes:
    return _json(
        _claims(asked, proven, tally)
        | {"key": signer.key.text, "files": {name: dict(files[name]) for name in sorted(files)}}
    )


def _signed(manifest: bytes, signer: Signer) -> Iterator[tuple[str, bytes]]:
    yield layout.MANIFEST, manifest
    yield layout.SIGNATURE, str(signer.sign(signed_text(manifest))).encode()


def _json(value: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=1)}\n".encode()


class _Pipe:
    """What the archive is written to: it cannot be gone back in, so nothing has to be kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held open."""

    def drained(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        if whole := b"".join(pieces):
            yield whole


class _Measured:
    """A file of the archive that counts and sums up what goes into it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = sha256()
        self._size = 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._digest.update(piece)
        self._size += len(piece)

    def as_json(self) -> dict[str, Any]:
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}


@contextmanager
def _member(archive: ZipFile, name: str, files: dict[str, dict[str, Any]]) -> Iterator[_Measured]:
    member = ZipInfo(name)  # of 1980, whenever it was made
    member.compress_type = ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = 0o644 << 16
    with archive.open(member, "w", force_zip64=name in (layout.ENTRIES, layout.LEAVES)) as file:
        measured = _Measured(file)
        yield measured
    files[name] = measured.as_json()
