"""Whether anchors bear a checkpoint out: for packs, offline, and for the log itself. Pure.

A receipt is about a checkpoint that is at most as large as the one that is verified, with a proof
that this one continues it; so what an anchor had seen by then is in it, unchanged.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography.x509 import Certificate

from audit_core.domain.errors import AuditError
from audit_core.integrity.anchors.anchor import AnchorKind
from audit_core.integrity.anchors.time_stamp import claimed_time, verify_time_stamp
from audit_core.integrity.checkpoint import Checkpoint, open_checkpoint
from audit_core.integrity.cosignature import cosigned_at, with_cosignatures
from audit_core.integrity.merkle import HASH_BYTES, ProofError, check_consistency
from audit_core.integrity.signed_note import NoteError, VerifierKey, decode_base64, parse_note

MAX_RECORD = 2**18
"""Bytes of one anchor's file in a pack."""


class RecordInvalid(ValueError):
    """An anchor's file in a pack has not its form; the text is a sentence."""


class Support(StrEnum):
    """How far an anchor bears a checkpoint out."""

    PROVEN = "proven"
    """By a signature of somebody whose key was given."""
    UNCONFIRMED = "unconfirmed"
    """Nothing speaks against it; but no key was given, or the anchor signs nothing."""
    REFUTED = "refuted"
    """It does not fit: something was cut off, changed, put back or forged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRecord:
    """What a pack holds of one anchor."""

    kind: AnchorKind
    label: str
    note: str
    """The checkpoint that the anchor took."""
    proof: bytes
    """What it gave for it."""
    received_at: datetime
    """When, by the clock of the log's machine."""
    consistency: tuple[bytes, ...]
    """From that checkpoint to the pack's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorVerdict:
    """What became of one anchor."""

    label: str
    support: Support
    size: int | None
    """How many writes it bears out; `None` where that cannot be told."""
    seen_at: datetime | None
    """By when it had seen them, as it signed; `None` where it signed nothing that was verified."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose signatures are believed."""

    log_keys: tuple[VerifierKey, ...]
    """Of the installation; never empty."""
    witness_keys: tuple[VerifierKey, ...] = ()
    roots: tuple[Certificate, ...] = ()
    """Of time-stamping authorities."""


def write_record(record: AnchorRecord) -> bytes:
    """The file of an anchor in a pack: JSON, the same for the same record."""
    fields = {
        "kind": record.kind.value,
        "label": record.label,
        "checkpoint": record.note,
        "proof": base64.b64encode(record.proof).decode(),
        "received_at": record.received_at.astimezone(UTC).isoformat(),
        "consistency": [base64.b64encode(one).decode() for one in record.consistency],
    }
    return f"{json.dumps(fields, ensure_ascii=False, indent=1)}\n".encode()


def read_record(content: bytes) -> AnchorRecord:
    """What a file holds. Raises `RecordInvalid`."""
    try:
        if len(content) > MAX_RECORD:
            raise RecordInvalid(f"A file of an anchor is longer than {MAX_RECORD:,} bytes.")
        fields = json.loads(content)
        consistency = tuple(decode_base64(one) for one in fields["consistency"])
        received_at = datetime.fromisoformat(fields["received_at"])
        label = str(fields["label"])
        label.encode()  # half of a character is refused: findings quote it
        record = AnchorRecord(
            kind=AnchorKind(fields["kind"]),
            label=label,
            note=str(fields["checkpoint"]),
            proof=decode_base64(fields["proof"]),
            received_at=received_at,
            consistency=consistency,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, RecordInvalid):
            raise
        raise RecordInvalid("A file of an anchor cannot be read.") from error
    if received_at.tzinfo is None or any(len(one) != HASH_BYTES for one in consistency):
        raise RecordInvalid("A file of an anchor cannot be read.")
    return record


def verify_anchor(record: AnchorRecord, checkpoint: Checkpoint, trust: Trust) -> AnchorVerdict:
    """Whether the anchor bears out a checkpoint whose own signature was verified before."""
    try:
        seen, _ = open_checkpoint(record.note, trust.log_keys)
    except NoteError as error:
        return _refuted(record, None, str(error))
    if seen.origin != checkpoint.origin:
        return _refuted(record, None, "Its checkpoint is of another log.")
    if seen.size > checkpoint.size:
        return _refuted(record, seen.size, tail_cut(seen.size, checkpoint.size))
    try:
        check_consistency(
            seen.size, seen.root, checkpoint.size, checkpoint.root, record.consistency
        )
    except ProofError:
        return _refuted(record, seen.size, rewritten(seen.size))
    try:
        return _PROOFS[record.kind](record, seen.size, trust)
    except (NoteError, AuditError) as error:
        reason = error.message if isinstance(error, AuditError) else str(error)
        return _refuted(record, seen.size, reason)


def check_log(
    note: str, keys: Sequence[VerifierKey], size: int, root_of: Callable[[int], bytes]
) -> str | None:
    """What a checkpoint that was kept outside says against a log of `size` writes, whose first `n`
    writes have the root `root_of(n)`; `None`: nothing, the log continues it.

    Raises `NoteError` where the note is not one, or none of the keys has signed it.
    """
    seen, _ = open_checkpoint(note, keys)
    if seen.size > size:
        return tail_cut(seen.size, size)
    return rewritten(seen.size) if root_of(seen.size) != seen.root else None


def tail_cut(seen: int, size: int) -> str:
    """The sentence for a log that has fewer writes than were seen."""
    return (
        f"{seen:,} writes were seen outside, and {size:,} are here: the end was cut off, or an "
        "older log was put back."
    )


def rewritten(seen: int) -> str:
    """The sentence for a log whose first writes are others than were seen."""
    return f"Among the first {seen:,} writes are others than were seen outside: some were changed."


def _by_witness(record: AnchorRecord, size: int, trust: Trust) -> AnchorVerdict:
    note = with_cosignatures(record.note, _text(record.proof))
    names = {one.name for one in parse_note(record.note).signatures}
    for key in trust.witness_keys:
        if any((one.name, one.key_hash) == (key.name, key.hash) for one in note.signatures):
            return _proven(record, size, cosigned_at(note, key), f"Cosigned by {key.name}")
    others = ", ".join(sorted({one.name for one in note.signatures} - names))
    return _unconfirmed(
        record, size, f"Cosigned by {others}, whose key you have not given (--witness-key)."
    )


def _by_time_stamp(record: AnchorRecord, size: int, trust: Trust) -> AnchorVerdict:
    note = record.note.encode()
    if trust.roots:
        return _proven(
            record, size, verify_time_stamp(record.proof, note, trust.roots), "Time stamp"
        )
    at = claimed_time(record.proof, note)
    return _unconfirmed(
        record,
        size,
        f"Stamped at {_minute(at)} by an authority whose root certificate you have not given "
        "(--time-stamp-roots).",
    )


def _by_keeping(record: AnchorRecord, size: int, trust: Trust) -> AnchorVerdict:
    return _unconfirmed(
        record,
        size,
        f"Handed over at {_minute(record.received_at)}, by the log's own word: get the checkpoint "
        "from there, and compare it (--checkpoint).",
    )


_PROOFS: dict[AnchorKind, Callable[[AnchorRecord, int, Trust], AnchorVerdict]] = {
    AnchorKind.WITNESS: _by_witness,
    AnchorKind.TIME_STAMP: _by_time_stamp,
    AnchorKind.FOLDER: _by_keeping,
    AnchorKind.WEBHOOK: _by_keeping,
}


def _text(proof: bytes) -> str:
    try:
        return proof.decode()
    except UnicodeDecodeError as error:
        raise NoteError("The answer of the witness holds no signatures.") from error


def _proven(record: AnchorRecord, size: int, at: datetime, how: str) -> AnchorVerdict:
    return AnchorVerdict(
        label=record.label,
        support=Support.PROVEN,
        size=size,
        seen_at=at,
        sentence=f"{how}: the first {size:,} writes were there at {_minute(at)}.",
    )


def _unconfirmed(record: AnchorRecord, size: int, sentence: str) -> AnchorVerdict:
    return AnchorVerdict(
        label=record.label,
        support=Support.UNCONFIRMED,
        size=size,
        seen_at=None,
        sentence=sentence,
    )


def _refuted(record: AnchorRecord, size: int | None, sentence: str) -> AnchorVerdict:
    return AnchorVerdict(
        label=record.label, support=Support.REFUTED, size=size, seen_at=None, sentence=sentence
    )


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
