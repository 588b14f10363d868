"""A witness cosigns what continues what it has seen, nothing else, and keeps what it answered."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.errors import SettingsError, StoreUnavailableError
from audit_core.integrity.checkpoint import parse_checkpoint
from audit_core.integrity.cosignature import cosigned_at, with_cosignatures
from audit_core.integrity.signed_note import parse_note
from audit_core.integrity.witness.add_checkpoint import (
    MAX_PROOF_LINES,
    SIZE_TYPE,
    RequestInvalid,
    read_request,
    write_request,
)
from audit_core.integrity.witness.storage import FolderStorage, read_log_keys
from audit_core.integrity.witness.witness import Outcome, Seen, Witness
from tests.support.growing_log import GrowingLog, signer_of
from tests.support.laws import law

NOW = datetime(2026, 11, 29, 15, 4, 5, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def witness_of(storage: FolderStorage, *seeds: int) -> Witness:
    keys = [signer_of(seed).key for seed in seeds or (1,)]
    return Witness("witness.example", KEY, keys, storage, lambda: NOW)


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    opened = FolderStorage(tmp_path / "seen")
    yield opened
    opened.close()


def ask(
    witness: Witness, log: GrowingLog, old: int, *, proof: Sequence[bytes] | None = None
) -> Outcome:
    submission = log.submission()
    if proof is None:
        proof = submission.consistency(old) if 0 < old < submission.size else ()
    return witness.add_checkpoint(write_request(old, proof, submission.note))


def log_of(count: int, organization_id: str = "org-a", *, seed: int = 1) -> GrowingLog:
    log = GrowingLog(organization_id, seed=seed)
    log.grow(count)
    return log


def test_it_cosigns_a_log_as_it_grows(storage: FolderStorage) -> None:
    witness, log = witness_of(storage), log_of(0)
    old = 0
    for count in (0, 1, 255, 1, 0, 700):
        log.grow(count)
        submission = log.submission()
        proof = submission.consistency(old) if old else ()
        answered = witness.add_checkpoint(write_request(old, proof, submission.note))
        assert answered.status == 200
        note = with_cosignatures(submission.note, answered.text)
        assert cosigned_at(note, witness.key) == NOW
        assert witness.newest(log.origin) == submission.note + answered.text
        old = submission.size


def test_each_refusal_has_its_status(storage: FolderStorage) -> None:
    witness, log = witness_of(storage), log_of(10)
    assert ask(witness, log, 0).status == 200
    log.grow(10)

    conflict = ask(witness, log, 0)
    assert (conflict.status, conflict.text, conflict.content_type) == (409, "10\n", SIZE_TYPE)
    assert ask(witness, log, 10, proof=[bytes(32)]).status == 422
    assert ask(witness, log, 10, proof=()).status == 422
    assert ask(witness, log, 21, proof=()).status == 400
    assert ask(witness, log_of(20, seed=2), 0).status == 404
    foreign = log_of(20, seed=2)
    forged = foreign.submission().note.replace(foreign.signer.name, log.signer.name)
    assert witness.add_checkpoint(write_request(0, (), forged)).status == 403
    rewritten = log_of(10)
    rewritten.leaves[3] = bytes(32)
    other = ask(witness, rewritten, 10)
    assert (other.status, other.content_type == SIZE_TYPE) == (409, False)
    assert "\n10\n" in (witness.newest(log.origin) or "")


def test_a_key_speaks_for_its_own_origins_only(storage: FolderStorage) -> None:
    witness = witness_of(storage, 1, 2)
    log = log_of(3, seed=1)
    submission = log.submission()
    text = parse_note(submission.note).text
    stolen = str(signer_of(2).sign(text))
    assert witness.add_checkpoint(write_request(0, (), stolen)).status == 403
    assert ask(witness, log, 0).status == 200


BODIES = {
    "nothing": b"",
    "no size": b"new 0\n\nnote\n",
    "a size with a zero in front": b"old 01\n\nnote\n",
    "a size beyond all": b"old 99999999999999999999\n\nnote\n",
    "no note": b"old 0\n\n",
    "no empty line": b"old 0\nnote",
    "bytes that are no text": b"old 0\n\n\xff\xfe",
    "a proof that is no base64": b"old 1\n!!\n\nnote\n",
    "a proof of another length": b"old 1\nAAAA\n\nnote\n",
    "too long a proof": b"old 1\n"
    + (base64.b64encode(bytes(32)) + b"\n") * (MAX_PROOF_LINES + 1)
    + b"\nnote\n",
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_no_request_is_400(storage: FolderStorage, kind: str) -> None:
    assert witness_of(storage).add_checkpoint(BODIES[kind]).status == 400


@given(
    old=st.integers(0, 2**62),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PROOF_LINES),
    note=st.text("ab \n—+é\t"),
)
@law(100)
def test_what_was_written_is_read(old: int, proof: list[bytes], note: str) -> None:
    try:
        found = read_request(write_request(old, proof, note))
    except RequestInvalid:
        assert old > 2**62
        return
    assert (found.old_size, list(found.proof), found.note) == (old, proof, note)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["grow", "cut", "rewrite", "foreign"]),
            st.integers(0, 6),
            st.integers(0, 12),
        ),
        max_size=12,
    )
)
@law(60)
def test_all_that_is_cosigned_is_one_history(steps: list[tuple[str, int, int]]) -> None:
    """Whatever a log does with its leaves, and whatever old size it claims: of two cosigned
    checkpoints one always begins with the other."""
    storage = MemoryStorage()
    witness = witness_of(storage)  # type: ignore[arg-type]
    log = log_of(0)
    cosigned: list[list[bytes]] = []
    for number, (deed, count, old) in enumerate(steps):
        if deed == "grow":
            log.grow(count, f"step {number}")
        elif deed == "cut":
            log.leaves = log.leaves[: max(len(log.leaves) - count, 0)]
        elif deed == "rewrite" and log.leaves:
            log.leaves[count % len(log.leaves)] = bytes([number]) * 32
        claimed = min(old, len(log.leaves))
        if ask(witness, log, claimed).status == 200:
            cosigned.append(list(log.leaves))
    for earlier, later in pairwise(cosigned):
        assert later[: len(earlier)] == earlier


class MemoryStorage:
    """See `Storage`; the law is about what is compared, the others about what is kept."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    def count(self) -> int:
        return len(self.seen)

    def read(self, origin: str) -> Seen | None:
        return self.seen.get(origin)

    def keep(self, origin: str, note: str) -> None:
        self.seen[origin] = Seen(checkpoint=parse_checkpoint(parse_note(note).text), note=note)


def test_what_it_has_seen_outlives_it(tmp_path: Path) -> None:
    log = log_of(10)
    first = FolderStorage(tmp_path)
    assert ask(witness_of(first), log, 0).status == 200
    with pytest.raises(SettingsError, match="Another witness"):
        FolderStorage(tmp_path)
    first.close()
    second = FolderStorage(tmp_path)
    witness = witness_of(second)
    log.leaves = log.leaves[:5]
    assert ask(witness, log, 0).text == "10\n"
    second.close()


def test_a_damaged_file_is_never_taken_for_a_new_log(tmp_path: Path) -> None:
    log = log_of(10)
    storage = FolderStorage(tmp_path)
    witness = witness_of(storage)
    assert ask(witness, log, 0).status == 200
    (file,) = tmp_path.glob("*.checkpoint")
    file.write_text(file.read_text()[:40])
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        ask(witness, log, 0)
    file.unlink()
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        ask(witness, log, 0)
    storage.close()


def test_nothing_is_cosigned_that_could_not_be_kept(
    storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    witness, log = witness_of(storage), log_of(10)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreUnavailableError, match="No space left"):
        ask(witness, log, 0)
    monkeypatch.undo()
    assert witness.newest(log.origin) is None
    assert ask(witness, log, 0).status == 200


def test_a_file_of_keys_names_the_line_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "logs.txt"
    file.write_text(f"# ours\n\n{signer_of(1).key.text}\n{signer_of(2).key.text}\n")
    assert read_log_keys(file) == [signer_of(1).key, signer_of(2).key]
    file.write_text(f"{signer_of(1).key.text}\nsandtrail+0000+AAAA\n")
    with pytest.raises(SettingsError, match="line 2"):
        read_log_keys(file)
    file.write_text("# nothing\n")
    with pytest.raises(SettingsError, match="0 keys"):
        read_log_keys(file)
