"""A checkpoint that was kept elsewhere, held against the log of this installation."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.domain.errors import AuditError, SourceError
from audit_core.installation.opened import Installation
from audit_core.integrity.anchors.verify import check_log
from audit_core.integrity.checkpoint import open_checkpoint, organization_of
from audit_core.integrity.signed_note import NoteError
from audit_core.integrity.tree_reader import TreeReader


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCheckpoint:
    """What a checkpoint says against the log."""

    organization_id: str
    """Whose log it is of; '' for entries of none."""
    kept: int
    """How many writes the log had when it was signed."""
    size: int
    """How many it has."""
    problem: str | None
    """What speaks against the log, as a sentence; `None`: the log continues it."""


def compare_checkpoint(installation: Installation, note: str) -> ComparedCheckpoint:
    """Whether the log continues a checkpoint of its own, a signed note.

    Raises `SourceError` for what is none, is not signed by this installation, or lies where nothing
    is left to compare it with; else `AuditError`.
    """
    key = installation.trees.sealing.signer.key
    try:
        seen, _ = open_checkpoint(note, [key])
        organization_id = organization_of(seen.origin)
        if organization_id is None or seen.origin != installation.trees.sealing.origin(
            organization_id
        ):
            raise NoteError(f"It is of another log: {seen.origin}.")
        tree = _tree(installation, organization_id)
        problem = check_log(note, [key], tree.size() if tree else 0, tree.root if tree else _none)
    except NoteError as error:
        raise SourceError(
            f"The checkpoint cannot be compared. {error}",
            "Give a checkpoint of this installation, as it was signed. If it is one, the key file "
            "is another than then: put that back.",
        ) from error
    except LookupError as error:
        raise SourceError(
            "The checkpoint cannot be compared: the entries next to its last one were dropped by "
            "the retention, or are not as they were sealed.",
            "Give a newer one, and see what a full verification says: log verify.",
        ) from error
    return ComparedCheckpoint(
        organization_id=organization_id,
        kept=seen.size,
        size=tree.size() if tree else 0,
        problem=problem,
    )


def _tree(installation: Installation, organization_id: str) -> TreeReader | None:
    """The tree of all that was written, or, where it cannot be sealed, of what was sealed last."""
    try:
        return installation.trees.sealed_now(organization_id)
    except AuditError:
        kept = installation.trees.newest(organization_id)
        return None if kept is None else installation.trees.reader(kept)


def _none(size: int) -> bytes:
    raise LookupError(size)
