"""Whether an anchor bears a checkpoint out: each kind of tampering has its own sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from audit_core.integrity.anchors.anchor import AnchorKind
from audit_core.integrity.anchors.records import anchor_files
from audit_core.integrity.anchors.time_stamp import read_roots
from audit_core.integrity.anchors.verify import (
    AnchorRecord,
    RecordInvalid,
    Support,
    Trust,
    check_log,
    read_record,
    verify_anchor,
    write_record,
)
from audit_core.integrity.checkpoint import Checkpoint, open_checkpoint
from audit_core.integrity.cosignature import cosign, cosigner_key
from audit_core.integrity.signed_note import NoteError, parse_note
from audit_core.state.anchors import Receipt, claim_anchor, newest_receipts, note_receipt
from audit_core.state.database import State
from tests.support.growing_log import BEGIN, GrowingLog, signer_of
from tests.support.time_stamping import Authority, new_authority

SEEN_AT = datetime(2026, 11, 29, 12, 30, 7, tzinfo=UTC)
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(32))
WITNESS_KEY = cosigner_key("witness.example", WITNESS)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("authority"))


def log_of(count: int, *, seed: int = 1, organization_id: str = "org-a") -> GrowingLog:
    log = GrowingLog(organization_id, seed=seed)
    log.grow(count)
    return log


def head_of(log: GrowingLog) -> Checkpoint:
    return open_checkpoint(log.checkpoint().note, [log.key])[0]


def record_of(log: GrowingLog, size: int, kind: AnchorKind = AnchorKind.WITNESS) -> AnchorRecord:
    """What an anchor took when the log had `size` writes, with the proof to what it has now."""
    note = log.checkpoint(size).note
    proof = b""
    if kind is AnchorKind.WITNESS:
        line = cosign(parse_note(note).text, WITNESS_KEY.name, WITNESS, SEEN_AT).line
        proof = line.encode()
    return AnchorRecord(
        kind=kind,
        label="w1",
        note=note,
        proof=proof,
        received_at=SEEN_AT,
        consistency=tuple(log.consistency(size, len(log.leaves))) if size else (),
    )


def trust_of(log: GrowingLog) -> Trust:
    return Trust(log_keys=(log.key,), witness_keys=(WITNESS_KEY,))


@pytest.mark.parametrize("size", [0, 1, 8, 300, 301])
def test_a_cosignature_proves_what_was_there(size: int) -> None:
    log = log_of(301)
    verdict = verify_anchor(record_of(log, size), head_of(log), trust_of(log))
    assert (verdict.support, verdict.size, verdict.seen_at) == (Support.PROVEN, size, SEEN_AT)
    assert verdict.sentence == (
        f"Cosigned by witness.example: the first {size} writes were there at 2026-11-29 12:30 UTC."
    )


def test_a_time_stamp_proves_when(authority: Authority) -> None:
    log = log_of(20)
    record = record_of(log, 12, AnchorKind.TIME_STAMP)
    query = (
        TimestampRequestBuilder()
        .data(record.note.encode())
        .hash_algorithm(HashAlgorithm.SHA256)
        .build()
    )
    record = dataclasses.replace(record, proof=authority.stamp(query.as_bytes()))
    roots = read_roots(authority.root)
    verdict = verify_anchor(record, head_of(log), Trust(log_keys=(log.key,), roots=roots))
    assert (verdict.support, verdict.size) == (Support.PROVEN, 12)
    assert verdict.seen_at is not None
    assert abs(verdict.seen_at - datetime.now(UTC)) < timedelta(seconds=20)
    without = verify_anchor(record, head_of(log), trust_of(log))
    assert without.support is Support.UNCONFIRMED
    assert "--time-stamp-roots" in without.sentence
    other = dataclasses.replace(record, note=log.checkpoint(12).note)
    assert verify_anchor(other, head_of(log), Trust(log_keys=(log.key,), roots=roots)).support is (
        Support.REFUTED
    )


def test_without_the_witness_s_key_it_is_said_so() -> None:
    log = log_of(20)
    verdict = verify_anchor(record_of(log, 12), head_of(log), Trust(log_keys=(log.key,)))
    assert verdict.support is Support.UNCONFIRMED
    assert verdict.sentence == (
        "Cosigned by witness.example, whose key you have not given (--witness-key)."
    )


@pytest.mark.parametrize("kind", [AnchorKind.FOLDER, AnchorKind.WEBHOOK])
def test_what_signs_nothing_is_the_log_s_own_word(kind: AnchorKind) -> None:
    log = log_of(20)
    verdict = verify_anchor(record_of(log, 12, kind), head_of(log), trust_of(log))
    assert (verdict.support, verdict.seen_at) == (Support.UNCONFIRMED, None)


def _cut(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    log.leaves = log.leaves[:11]
    return record


def _changed(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    log.leaves[3] = bytes(32)
    return dataclasses.replace(record, consistency=tuple(log.consistency(12, 20)))


def _of_another_log(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    return record_of(log_of(20, organization_id="org-b"), 12)


def _by_another_key(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    text = parse_note(record.note).text
    return dataclasses.replace(record, note=str(signer_of(2).sign(text)))


def _proof_of_another(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    return dataclasses.replace(record, proof=record_of(log, 11).proof)


def _proof_cut(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    return dataclasses.replace(record, consistency=record.consistency[:-1])


def _no_proof(log: GrowingLog, record: AnchorRecord) -> AnchorRecord:
    return dataclasses.replace(record, proof=b"")


TAMPERINGS: dict[str, tuple[Callable[[GrowingLog, AnchorRecord], AnchorRecord], str]] = {
    "the end cut off": (_cut, "12 writes were seen outside, and 11 are here"),
    "a write changed": (_changed, "Among the first 12 writes are others"),
    "another organization": (_of_another_log, "of another log"),
    "another installation": (_by_another_key, "signed by none of the given keys"),
    "another cosignature": (_proof_of_another, "does not fit the checkpoint"),
    "a shortened proof": (_proof_cut, "Among the first 12 writes are others"),
    "no cosignature": (_no_proof, "holds no signatures"),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_each_tampering_has_its_sentence(kind: str) -> None:
    tamper, sentence = TAMPERINGS[kind]
    log = log_of(20)
    record = tamper(log, record_of(log, 12))
    verdict = verify_anchor(record, head_of(log), trust_of(log))
    assert verdict.support is Support.REFUTED
    assert sentence in verdict.sentence


def test_a_record_is_read_as_it_was_written() -> None:
    record = record_of(log_of(20), 12)
    assert read_record(write_record(record)) == record


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"kind": 1}', b"[" * 10**5])
def test_what_is_no_record_is_refused(content: bytes) -> None:
    with pytest.raises(RecordInvalid):
        read_record(content)


def test_a_checkpoint_from_outside_shows_a_log_that_was_cut_or_changed() -> None:
    log = log_of(20)
    kept = log.checkpoint(12).note

    def verdict() -> str | None:
        return check_log(kept, [log.key], len(log.leaves), lambda size: log.checkpoint(size).root)

    assert verdict() is None
    log.leaves[0], first = bytes(32), log.leaves[0]
    assert "Among the first 12 writes" in (verdict() or "")
    log.leaves = [first, *log.leaves[1:11]]
    assert "the end was cut off" in (verdict() or "")
    with pytest.raises(NoteError):
        check_log(kept, [signer_of(2).key], 20, lambda size: bytes(32))


def test_a_pack_holds_what_each_anchor_has_of_its_own_history(state: State) -> None:
    log = log_of(20)
    for anchor_id, sizes in (("w1", (5, 12)), ("w2", (12, 25))):
        with state.begin() as connection:
            claim_anchor(
                connection,
                organization_id="org-a",
                anchor_id=anchor_id,
                kind="witness",
                label=anchor_id,
                now=BEGIN,
                until=BEGIN,
            )
            for day, size in enumerate(sizes):
                kept = record_of(log, min(size, 20))
                receipt = Receipt(
                    organization_id="org-a",
                    anchor_id=anchor_id,
                    kind="witness",
                    label=anchor_id,
                    size=size,
                    note=kept.note,
                    proof=kept.proof,
                    received_at=SEEN_AT + timedelta(days=day),
                )
                note_receipt(connection, receipt, signed_at=BEGIN, next_try_at=BEGIN)
    with state.read() as connection:
        files = anchor_files(
            newest_receipts(connection, "org-a", max_size=20), 20, log.subtree_hash
        )
        assert newest_receipts(connection, "org-b") == []
    assert sorted(files) == ["anchors/witness-w1.json", "anchors/witness-w2.json"]
    verdicts = [
        verify_anchor(read_record(content), head_of(log), trust_of(log))
        for content in files.values()
    ]
    assert [(one.support, one.size) for one in verdicts] == [(Support.PROVEN, 12)] * 2
