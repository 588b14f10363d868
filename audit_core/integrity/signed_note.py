"""C2SP signed notes: a text and signatures below it, by keys that have names.

Pure. See c2sp.org/signed-note (v1.0.0). A key's text is `name+hash+base64`; its hash is the first
four bytes of SHA-256 over name, newline, algorithm and public key, and only says which key is
meant. Other algorithms than Ed25519 are carried along, and not verified here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 1
"""The algorithm's number in keys."""
KEY_HASH_BYTES = 4
PUBLIC_KEY_BYTES = 32
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
_DASH = "— "


class NoteError(ValueError):
    """A note or a key is not in its form, or a signature does not hold; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name it signs by."""

    name: str
    public_key: bytes
    algorithm: int = ED25519

    @property
    def hash(self) -> bytes:
        """Which key is meant in a signature's line: four bytes."""
        named = f"{self.name}\n".encode() + bytes([self.algorithm]) + self.public_key
        return sha256(named).digest()[:KEY_HASH_BYTES]

    @property
    def text(self) -> str:
        """The key as it is handed out: `name+hash+base64`."""
        key = base64.b64encode(bytes([self.algorithm]) + self.public_key).decode()
        return f"{self.name}+{self.hash.hex()}+{key}"


def parse_key(text: str) -> VerifierKey:
    """The key that was handed out as this text. Raises `NoteError`."""
    name, _, rest = text.strip().partition("+")
    hash_text, _, key_text = rest.partition("+")
    try:
        key = decode_base64(key_text)
    except NoteError as error:
        raise NoteError("The key is not of the form name+hash+base64.") from error
    if not is_key_name(name) or len(key) < 2:
        raise NoteError("The key is not of the form name+hash+base64.")
    parsed = VerifierKey(name, key[1:], key[0])
    if parsed.algorithm == ED25519 and len(parsed.public_key) != PUBLIC_KEY_BYTES:
        raise NoteError(f"The key of {name} does not have {PUBLIC_KEY_BYTES} bytes.")
    if parsed.hash.hex() != hash_text:
        raise NoteError(f"The key of {name} does not have the hash that its text names: a typo.")
    return parsed


def is_key_name(name: str) -> bool:
    """Whether a key may have this name: not empty, without white space and without a plus sign."""
    return bool(name) and "+" not in name and name.isprintable() and name.split() == [name]


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note: who signed by which key."""

    name: str
    key_hash: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The signature as it stands in a note, with its newline."""
        encoded = base64.b64encode(self.key_hash + self.signature).decode()
        return f"{_DASH}{self.name} {encoded}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text that ends with a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private Ed25519 key and the name it signs by."""

    name: str
    private_key: Ed25519PrivateKey

    @property
    def key(self) -> VerifierKey:
        """What others verify by."""
        return VerifierKey(self.name, self.private_key.public_key().public_bytes_raw())

    def sign(self, text: str) -> SignedNote:
        """The note of a text, which has to end with a newline, with this key's signature."""
        _check_text(text)
        signature = self.private_key.sign(text.encode())
        return SignedNote(text, (Signature(self.name, self.key.hash, signature),))


def parse_note(note: str) -> SignedNote:
    """The text and the signatures of a note; none of them is verified. Raises `NoteError`."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteError(f"The note is longer than {MAX_NOTE_BYTES:,} characters.")
    text, gap, below = note.rpartition("\n\n")
    if not gap or not below.endswith("\n"):
        raise NoteError("The note has no signatures below an empty line.")
    text += "\n"
    _check_text(text)
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"The note has more than {MAX_SIGNATURES} signatures.")
    return SignedNote(text, tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> Signature:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap or not is_key_name(name):
        raise NoteError("A signature of the note is not of the form “— name base64”.")
    decoded = decode_base64(encoded)
    if len(decoded) <= KEY_HASH_BYTES:
        raise NoteError("A signature of the note is too short.")
    return Signature(name, decoded[:KEY_HASH_BYTES], decoded[KEY_HASH_BYTES:])


def verified_by(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of the keys that have signed the note. Raises `NoteError` where a signature names one
    of the keys and does not hold; signatures by others are not looked at."""
    found = []
    for key in keys:
        for signature in note.signatures:
            if (signature.name, signature.key_hash) == (key.name, key.hash):
                if not _holds(key, note.text, signature.signature):
                    raise NoteError(f"The signature of {key.name} does not fit the text.")
                found.append(key)
                break
    return tuple(found)


def _holds(key: VerifierKey, text: str, signature: bytes) -> bool:
    if key.algorithm != ED25519:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("The text of a note has to end with a newline.")
    if any(character < " " and character != "\n" for character in text):
        raise NoteError("The text of a note holds control characters.")


def decode_base64(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical spelling. Raises `NoteError`."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("A text is not base64.") from error
    if base64.b64encode(decoded).decode() != text:
        raise NoteError("A text is not base64 in its canonical spelling.")
    return decoded
