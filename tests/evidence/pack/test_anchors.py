"""What places outside said of a pack's log: borne out, unconfirmed, or refuted in its own words."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_core.evidence.pack.verdicts import Part, Report, State
from audit_core.evidence.pack.verifier import verify
from audit_core.integrity.anchors.anchor import AnchorKind
from audit_core.integrity.anchors.verify import AnchorRecord, write_record
from audit_core.integrity.cosignature import cosign, cosigner_key
from audit_core.integrity.merkle import consistency_proof
from audit_core.integrity.signed_note import parse_note
from tests.support.packs import SIGNER, MadePack, checkpoint_of, made_pack, subtrees

SEEN_AT = datetime(2026, 1, 1, 0, 12, tzinfo=UTC)
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = cosigner_key("witness.example", WITNESS)


def anchored(made: MadePack, seen: int, *, foreign: bool = False) -> MadePack:
    """The pack with what a witness gave for the first `seen` leaves."""
    hashes = [bytes(32), *made.hashes[1:]] if foreign else list(made.hashes)
    note = checkpoint_of(hashes[:seen], signed_at=SEEN_AT - timedelta(minutes=1))
    record = AnchorRecord(
        kind=AnchorKind.WITNESS,
        label="witness.example",
        note=note,
        proof=cosign(parse_note(note).text, KEY.name, WITNESS, SEEN_AT).line.encode(),
        received_at=SEEN_AT,
        consistency=tuple(consistency_proof(seen, len(hashes), subtrees(hashes))),
    )
    files = {"anchors/witness-1.json": write_record(record)}
    return made.changed(proven=replace(made.proven, anchors=files))


def report_of(made: MadePack, **asked: object) -> Report:
    return verify(io.BytesIO(made.file), key=SIGNER.key, **asked)  # type: ignore[arg-type]


def test_a_witness_whose_key_is_given_bears_the_time_out() -> None:
    made = anchored(made_pack(1), 12)
    found = report_of(made, witness_keys=[KEY])
    assert found[Part.TIME].state is State.HOLDS
    assert found[Part.TIME].notes[0] == (
        "witness.example: Cosigned by witness.example: the first 12 writes were there at "
        "2026-01-01 00:12 UTC."
    )
    note = report_of(made)[Part.TIME].notes[0]
    assert "whose key you have not given (--witness-key)" in note


def test_another_history_than_was_witnessed_fails() -> None:
    found = report_of(anchored(made_pack(1), 12, foreign=True), witness_keys=[KEY])
    assert [one.code for one in found[Part.TIME].findings] == ["time.anchor"]
    assert "Among the first 12 writes are others" in found[Part.TIME].findings[0].sentence
    assert found[Part.INTEGRITY].state is State.HOLDS


def test_a_file_that_is_no_record_fails_and_none_at_all_is_said() -> None:
    made = made_pack(1)
    assert report_of(made)[Part.TIME].notes[0].startswith("Nobody outside has said")
    files = {"anchors/witness-1.json": b"{}"}
    broken = made.changed(proven=replace(made.proven, anchors=files))
    assert [one.code for one in report_of(broken)[Part.TIME].findings] == ["time.anchor_unreadable"]
