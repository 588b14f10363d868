"""C2SP checkpoints (c2sp.org/tlog-checkpoint, v1.0.0): the head of an organization's tree.

Pure. The text is the origin, the number of leaves and the root in base64, a line each, and one line
of our own: `time` and when it was signed (RFC 3339, UTC, whole seconds).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote

from audit_core.integrity.merkle import HASH_BYTES, MAX_SIZE
from audit_core.integrity.signed_note import (
    NoteError,
    SignedNote,
    Signer,
    VerifierKey,
    decode_base64,
    parse_note,
    verified_by,
)

PRODUCT = "sandtrail"
_TIME = "time "
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says: the tree of `origin` had `size` leaves and this root when it was
    signed. `signed_at` is None in checkpoints of other logs; `extensions` are further lines, which
    are kept."""

    origin: str
    size: int
    root: bytes
    signed_at: datetime | None
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed. Fractions of a second are cut off."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        if self.signed_at is not None:
            lines.append(_TIME + self.signed_at.astimezone(UTC).strftime(_TIME_FORMAT))
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))


def fingerprint(public_key: bytes) -> str:
    """The short name of an installation's key: 16 hexadecimal digits."""
    return sha256(public_key).hexdigest()[:16]


def origin(installation: str, organization_id: str) -> str:
    """The name of an organization's tree; `installation` is the fingerprint of its key. The
    organization without a name has an empty one here too."""
    return f"{PRODUCT}/{installation}/{quote(organization_id, safe='')}"


def organization_of(checkpoint_origin: str) -> str | None:
    """The organization whose tree has this origin; None for an origin of another product."""
    parts = checkpoint_origin.split("/")
    if len(parts) != 3 or parts[0] != PRODUCT:
        return None
    organization_id = unquote(parts[2])
    return organization_id if origin(parts[1], organization_id) == checkpoint_origin else None


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint."""
    return str(signer.sign(checkpoint.text))


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text holds. Raises `NoteError`."""
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < 3 or not all(lines):
        raise NoteError("A checkpoint has three lines or more, none of them empty.")
    if not _NUMBER.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
        raise NoteError("The second line of a checkpoint is not the number of its leaves.")
    held = decode_base64(lines[2])
    if len(held) != HASH_BYTES:
        raise NoteError(f"The root in a checkpoint does not have {HASH_BYTES} bytes.")
    signed_at, extensions = None, lines[3:]
    if extensions and extensions[0].startswith(_TIME):
        signed_at = _parse_time(extensions.pop(0).removeprefix(_TIME))
    return Checkpoint(lines[0], int(lines[1]), held, signed_at, tuple(extensions))


def _parse_time(text: str) -> datetime:
    try:
        parsed = datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError as error:
        raise NoteError("The time in a checkpoint is not of the form 2026-01-31T12:00:00Z.") from (
            error
        )
    if parsed.strftime(_TIME_FORMAT) != text:
        raise NoteError("The time in a checkpoint is not of the form 2026-01-31T12:00:00Z.")
    return parsed


def open_checkpoint(note: str, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, SignedNote]:
    """The checkpoint of a signed note, and the note.

    Raises `NoteError` where it is not in its form, a signature does not hold, or none of the keys
    has signed it.
    """
    parsed = parse_note(note)
    if not verified_by(parsed, keys):
        raise NoteError("The checkpoint is signed by none of the given keys.")
    return parse_checkpoint(parsed.text), parsed
