"""What a witness answers: whether a checkpoint continues what it has seen of that log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_core.integrity.checkpoint import Checkpoint, parse_checkpoint
from audit_core.integrity.cosignature import cosign, cosigner_key
from audit_core.integrity.merkle import EMPTY_ROOT, ProofError, check_consistency
from audit_core.integrity.signed_note import (
    NoteError,
    SignedNote,
    VerifierKey,
    parse_note,
    verified_by,
)
from audit_core.integrity.witness.add_checkpoint import (
    SIZE_TYPE,
    AddCheckpoint,
    RequestInvalid,
    read_request,
)

PLAIN_TYPE = "text/plain; charset=utf-8"
MAX_LOGS = 100_000
"""How many origins are remembered: whoever has a trusted key can name any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer, as HTTP has it."""

    status: int
    text: str
    content_type: str = PLAIN_TYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The newest checkpoint of one origin that was cosigned."""

    checkpoint: Checkpoint
    note: str
    """With all its signatures, the own one among them."""


class Storage(Protocol):
    """Where a witness keeps what it has seen. Raises `AuditError` where it cannot."""

    def count(self) -> int:
        """Of how many origins something is kept."""

    def read(self, origin: str) -> Seen | None:
        """What was seen last of an origin; `None`: nothing ever."""

    def keep(self, origin: str, note: str) -> None:
        """Replace what was seen last; returns once that outlives a loss of power."""


class Witness:
    """Safe to use from many threads: comparing and keeping is one step.

    `logs` are the keys that are trusted. A key speaks for the origin that is its name, and for
    those below it (`NAME/…`).
    """

    def __init__(
        self,
        name: str,
        private_key: Ed25519PrivateKey,
        logs: Sequence[VerifierKey],
        storage: Storage,
        clock: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._private_key = private_key
        self._logs = tuple(logs)
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def key(self) -> VerifierKey:
        """What others verify the cosignatures by."""
        return cosigner_key(self._name, self._private_key)

    def newest(self, origin: str) -> str | None:
        """The newest cosigned checkpoint of an origin, a signed note; `None`: none."""
        seen = self._storage.read(origin)
        return None if seen is None else seen.note

    def add_checkpoint(self, body: bytes) -> Outcome:
        """The answer to a request; a cosignature only after the checkpoint is kept for good.

        Raises what the storage raises; nothing is cosigned then.
        """
        try:
            request = read_request(body)
            note = parse_note(request.note)
            checkpoint = parse_checkpoint(note.text)
        except (RequestInvalid, NoteError) as error:
            return Outcome(status=400, text=f"{error}\n")
        keys = [key for key in self._logs if speaks_for(key, checkpoint.origin)]
        if not keys:
            return Outcome(status=404, text="The origin is unknown here.\n")
        try:
            trusted = verified_by(note, keys)
        except NoteError:
            trusted = ()
        if not trusted:
            return Outcome(status=403, text="No trusted key has signed the checkpoint.\n")
        if request.old_size > checkpoint.size:
            return Outcome(status=400, text="The old size is larger than the checkpoint's.\n")
        with self._lock:
            return self._compared(request, note, checkpoint)

    def _compared(
        self, request: AddCheckpoint, note: SignedNote, checkpoint: Checkpoint
    ) -> Outcome:
        seen = self._storage.read(checkpoint.origin)
        if seen is None and self._storage.count() >= MAX_LOGS:
            return Outcome(status=503, text="This witness has as many logs as it can have.\n")
        size, root = (0, EMPTY_ROOT) if seen is None else _tree(seen.checkpoint)
        if request.old_size != size:
            return Outcome(status=409, text=f"{size}\n", content_type=SIZE_TYPE)
        if size == checkpoint.size and root != checkpoint.root:
            return Outcome(status=409, text="Another tree of this size was cosigned.\n")
        try:
            check_consistency(size, root, checkpoint.size, checkpoint.root, request.proof)
        except ProofError as error:
            return Outcome(status=422, text=f"{error}\n")
        signature = cosign(note.text, self._name, self._private_key, self._clock())
        self._storage.keep(checkpoint.origin, request.note + signature.line)
        return Outcome(status=200, text=signature.line)


def speaks_for(key: VerifierKey, origin: str) -> bool:
    """Whether a log's key may sign checkpoints of an origin."""
    return origin == key.name or origin.startswith(f"{key.name}/")


def _tree(checkpoint: Checkpoint) -> tuple[int, bytes]:
    return checkpoint.size, checkpoint.root
