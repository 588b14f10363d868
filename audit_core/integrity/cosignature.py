"""Cosignatures of checkpoints: what a witness says that it has seen, and when.

Pure. See c2sp.org/tlog-cosignature, version 1 with Ed25519: the signature is over two lines, the
header and the time, and the checkpoint's text below them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit_core.integrity.signed_note import (
    PUBLIC_KEY_BYTES,
    NoteError,
    Signature,
    SignedNote,
    VerifierKey,
    parse_key,
    parse_note,
)

COSIGNATURE = 4
"""The algorithm's number in keys."""
_TIME_BYTES, _SIGNATURE_BYTES = 8, 64
_MAX_SECONDS = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


def cosigner_key(name: str, private_key: Ed25519PrivateKey) -> VerifierKey:
    """What others verify a witness's cosignatures by."""
    return VerifierKey(name, private_key.public_key().public_bytes_raw(), COSIGNATURE)


def parse_cosigner_key(text: str) -> VerifierKey:
    """The key of a witness that was handed out as this text. Raises `NoteError`."""
    key = parse_key(text)
    if key.algorithm != COSIGNATURE or len(key.public_key) != PUBLIC_KEY_BYTES:
        raise NoteError(f"The key of {key.name} is not one of a witness (cosignature/v1).")
    return key


def cosign(text: str, name: str, private_key: Ed25519PrivateKey, signed_at: datetime) -> Signature:
    """The signature of a witness on the text of a checkpoint; fractions of a second are cut off."""
    seconds = int(signed_at.timestamp())
    signature = private_key.sign(_message(text, seconds))
    key = cosigner_key(name, private_key)
    return Signature(name, key.hash, seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(note: SignedNote, key: VerifierKey) -> datetime:
    """When the witness with this key cosigned the note: aware, UTC; the last time, of several.

    Raises `NoteError` where it did not, or where a signature in its name does not hold.
    """
    own = [one for one in note.signatures if (one.name, one.key_hash) == (key.name, key.hash)]
    if not own:
        raise NoteError(f"The checkpoint is not cosigned by {key.name}.")
    return max(_verified_at(note.text, one.signature, key) for one in own)


def with_cosignatures(note: str, lines: str) -> SignedNote:
    """A note with the signature lines that a witness answered below its own. Raises `NoteError`."""
    if not lines.endswith("\n"):
        raise NoteError("The answer of the witness holds no signatures.")
    return parse_note(note + lines)


def _verified_at(text: str, signature: bytes, key: VerifierKey) -> datetime:
    seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
    try:
        if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES or seconds > _MAX_SECONDS:
            raise ValueError(signature)
        public_key = Ed25519PublicKey.from_public_bytes(key.public_key)
        public_key.verify(signature[_TIME_BYTES:], _message(text, seconds))
    except (InvalidSignature, ValueError) as error:
        raise NoteError(f"The cosignature of {key.name} does not fit the checkpoint.") from error
    return datetime.fromtimestamp(seconds, UTC)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
