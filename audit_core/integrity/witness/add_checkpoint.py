"""The body of an `add-checkpoint` request, written and read. Pure.

A line `old SIZE`, the lines of the consistency proof, an empty line, and the signed checkpoint.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from audit_core.integrity.merkle import HASH_BYTES, MAX_SIZE
from audit_core.integrity.signed_note import NoteError, decode_base64

MAX_PROOF_LINES = 63
MAX_BODY = 2**16
"""Bytes of a request: its proof, and a checkpoint with several signatures."""
SIZE_TYPE = "text/x.tlog.size"
"""The content type of a conflict that tells the size that the witness knows."""
PATH = "/add-checkpoint"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


class RequestInvalid(ValueError):
    """The body has not the form of the protocol; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """What a log asks of a witness."""

    old_size: int
    """Of the checkpoint that the witness is believed to have."""
    proof: tuple[bytes, ...]
    note: str
    """The signed checkpoint."""


def write_request(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of a request. Raises `RequestInvalid` for a proof longer than any tree's."""
    if len(proof) > MAX_PROOF_LINES:
        raise RequestInvalid(f"The proof has more than {MAX_PROOF_LINES} lines.")
    lines = [f"old {old_size}", *(base64.b64encode(one).decode() for one in proof), "", note]
    return "\n".join(lines).encode()


def read_request(body: bytes) -> AddCheckpoint:
    """What a body asks. Raises `RequestInvalid`."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise RequestInvalid("The request is not UTF-8.") from error
    head, gap, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if not gap or old is None or int(old[1]) > MAX_SIZE:
        raise RequestInvalid("The request does not begin with a line “old SIZE”.")
    if len(lines) > MAX_PROOF_LINES:
        raise RequestInvalid(f"The proof has more than {MAX_PROOF_LINES} lines.")
    try:
        proof = tuple(decode_base64(line) for line in lines)
    except NoteError as error:
        raise RequestInvalid("A line of the proof is not base64.") from error
    if any(len(one) != HASH_BYTES for one in proof):
        raise RequestInvalid(f"A line of the proof does not have {HASH_BYTES} bytes.")
    return AddCheckpoint(old_size=int(old[1]), proof=proof, note=note)
