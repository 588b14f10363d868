"""Signed notes and checkpoints: their one spelling, and that nothing else is taken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.integrity.checkpoint import (
    Checkpoint,
    fingerprint,
    open_checkpoint,
    organization_of,
    origin,
    parse_checkpoint,
    sign_checkpoint,
)
from audit_core.integrity.installation_signer import installation_signer
from audit_core.integrity.merkle import root
from audit_core.integrity.signed_note import (
    NoteError,
    SignedNote,
    VerifierKey,
    parse_key,
    parse_note,
    verified_by,
)
from tests.support.laws import law

# The example of c2sp.org/signed-note (Go's golang.org/x/mod/sumdb/note has the same).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)

SIGNER = installation_signer(b"k" * 32)
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
CHECKPOINT = Checkpoint(origin("0123456789abcdef", "org / ü"), 7, root([bytes(32)]), AT)


def test_the_note_of_the_standard_holds() -> None:
    key = parse_key(PETER)
    assert key.text == PETER
    note = parse_note(NOTE)
    assert str(note) == NOTE
    assert verified_by(note, [key]) == (key,)
    with pytest.raises(NoteError, match="does not fit"):
        verified_by(SignedNote(note.text.replace("answer", "answers"), note.signatures), [key])


def test_a_key_with_a_typo_is_refused() -> None:
    for wrong in (
        PETER[:-1] + "X",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        PETER.replace("PeterNeumann", "PeterNeuman"),
        "PeterNeumann",
        "",
    ):
        with pytest.raises(NoteError):
            parse_key(wrong)


def test_an_installation_has_one_key_for_as_long_as_its_key_file_stays() -> None:
    assert installation_signer(b"k" * 32).key == SIGNER.key
    assert installation_signer(b"l" * 32).key != SIGNER.key
    assert SIGNER.name == f"sandtrail/{fingerprint(SIGNER.key.public_key)}"
    assert parse_key(SIGNER.key.text) == SIGNER.key


def test_a_checkpoint_has_one_spelling() -> None:
    assert CHECKPOINT.text == (
        "sandtrail/0123456789abcdef/org%20%2F%20%C3%BC\n"
        "7\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "time 2026-03-04T05:06:07Z\n"
    )
    assert parse_checkpoint(CHECKPOINT.text) == CHECKPOINT
    note = sign_checkpoint(CHECKPOINT, SIGNER)
    assert open_checkpoint(note, [SIGNER.key])[0] == CHECKPOINT


@law(60)
@given(st.text(max_size=20), st.integers(0, 1 << 62), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(organization_id: str, size: int, root_hash: bytes) -> None:
    written = Checkpoint(origin(fingerprint(b"x"), organization_id), size, root_hash, None)
    assert parse_checkpoint(written.text) == written
    assert organization_of(written.origin) == organization_id


def test_no_other_spelling_is_taken() -> None:
    text = CHECKPOINT.text
    for wrong in (
        text.replace("\n7\n", "\n07\n"),
        text.replace("\n7\n", "\n-7\n"),
        text.replace("\n7\n", "\n\u0667\n"),
        text.replace("\n7\n", "\n" + "9" * 19 + "\n"),
        text.replace("AAA=", "AAB="),
        text.replace("AAA=", "AAA"),
        text.replace("A\n", "\n"),
        text.replace("2026-03-04T", "2026-3-4T"),
        text.replace("time 2", "time 3x"),
        text.removesuffix("\n"),
        text + "\n",
        "",
    ):
        if wrong != text:
            with pytest.raises(NoteError):
                parse_checkpoint(wrong)


def test_what_nobody_known_has_signed_is_no_checkpoint() -> None:
    note = sign_checkpoint(CHECKPOINT, SIGNER)
    stranger = installation_signer(b"s" * 32).key
    with pytest.raises(NoteError, match="none of the given keys"):
        open_checkpoint(note, [stranger])
    # The name and the hash of the key are claimed, the signature is another's.
    claimed = VerifierKey(SIGNER.name, SIGNER.key.public_key)
    forged = note.replace("\n7\n", "\n8\n")
    with pytest.raises(NoteError, match="does not fit"):
        open_checkpoint(forged, [claimed])


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— name\n",
        "text\n\n- name AAAAAAA=\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— na+me AAAAAAA=\n",
        "te\x00xt\n\n— name AAAAAAA=\n",
        "text\n\n— name AAAAAAA=",
        "text\n\n" + "— name AAAAAAA=\n" * 101,
    ],
)
def test_what_is_no_note_is_refused(wrong: str) -> None:
    with pytest.raises(NoteError):
        parse_note(wrong)
