"""The proof of a single entry: its leaf, and the hashes beside its way up to a checkpoint's root.

A JSON object with `format`, `version`, `leaf` (its index), `shown` (a line of leaves), `path` (the
audit path of RFC 6962 in hexadecimal), `key` and `checkpoint` (a signed note).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from audit_core.evidence.pack.leaf_lines import HashedLeaf, OpenedLeaf, parse_hashes, parse_leaf
from audit_core.evidence.pack.strict_json import strict_json, whole_number
from audit_core.evidence.pack.verdicts import PackError, Part, Report, State
from audit_core.integrity.checkpoint import fingerprint, open_checkpoint, origin
from audit_core.integrity.leaf import PLAIN
from audit_core.integrity.merkle import ProofError, root_of_inclusion
from audit_core.integrity.signed_note import NoteError, VerifierKey, parse_key

FORMAT = "sandtrail-proof"
VERSION = 1
_ORGANIZATION = PLAIN.index("organization_id")
_REVISION = PLAIN.index("organization_revision")
_MEMBERS = {"format", "version", "leaf", "shown", "path", "key", "checkpoint"}


def proof_text(
    index: int,
    shown: OpenedLeaf | HashedLeaf,
    path: list[bytes],
    *,
    key: VerifierKey,
    checkpoint: str,
) -> str:
    """The file."""
    value = {
        "format": FORMAT,
        "version": VERSION,
        "leaf": index,
        "shown": json.loads(shown.line()),
        "path": [held.hex() for held in path],
        "key": key.text,
        "checkpoint": checkpoint,
    }
    return f"{json.dumps(value, ensure_ascii=False, indent=1)}\n"


def is_proof(data: bytes) -> bool:
    """Whether a file may be such a proof, and not a pack."""
    return data.lstrip()[:1] == b"{"


def verify_proof(data: bytes, *, key: VerifierKey | None = None) -> Report:
    """The verdicts on a proof: of its signature and its integrity only, the others say nothing.

    Raises `PackError` for what is no proof.
    """
    try:
        value = strict_json(data)
        if value["format"] != FORMAT or whole_number(value["version"]) != VERSION:
            raise ValueError("it is of another format or version")
        if value.keys() != _MEMBERS:
            raise ValueError(f"it has not exactly the members {', '.join(sorted(_MEMBERS))}")
        named = parse_key(value["key"])
        index = whole_number(value["leaf"])
        path = parse_hashes(value["path"])
        shown = parse_leaf(value["shown"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackError("proof.unreadable", f"The proof cannot be read: {error}.") from error
    report = Report(key=named.text)
    _check(report, value["checkpoint"], named, index, path, shown)
    verdict = report[Part.SIGNATURE]
    if key is None:
        verdict.soften(State.UNCONFIRMED, f"Signed by {named.name}, which you have not confirmed.")
    elif key != named:
        verdict.fail("signature.key", f"It is signed by {named.name}, not by the key you gave.")
    for part in (Part.COMPLETENESS, Part.FILTER, Part.COUNTS, Part.TIME):
        report[part].soften(State.UNKNOWN, "A single entry says nothing of it.")
    return report


def _check(
    report: Report,
    note: Any,
    key: VerifierKey,
    index: int,
    path: Sequence[bytes],
    shown: OpenedLeaf | HashedLeaf,
) -> None:
    integrity = report[Part.INTEGRITY]
    try:
        head, _ = open_checkpoint(note if isinstance(note, str) else "", [key])
    except NoteError:
        report[Part.SIGNATURE].fail("signature.forged", "The checkpoint's signature does not hold.")
        integrity.soften(State.UNKNOWN, "It cannot be told without a checkpoint.")
        return
    try:
        if root_of_inclusion(shown.hash, index, head.size, path) != head.root:
            integrity.fail("integrity.root", "The leaf does not lead to the root that was signed.")
    except ProofError as error:
        integrity.fail("integrity.proof", str(error))
    if isinstance(shown, HashedLeaf):
        integrity.notes.append(f"Leaf {index} is shown by its hash only: {shown.kind.value}.")
        return
    if shown.plain[_REVISION] != str(index + 1):
        integrity.fail("integrity.number", f"Leaf {index} says another number.")
    organization = shown.plain[_ORGANIZATION] or ""
    if head.origin != origin(fingerprint(key.public_key), organization):
        integrity.fail("integrity.origin", "The checkpoint is of another organization's log.")
    integrity.notes += [
        f"{name}: {text}" for name, text in zip(PLAIN, shown.plain, strict=True) if text is not None
    ]
