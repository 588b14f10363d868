"""Checkpoints in a folder on another disk, or in a mounted bucket: a file for each size."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from audit_core.integrity.anchors.anchor import (
    AnchorKind,
    AnchorName,
    AnchorUnavailable,
    Submission,
    contradiction,
    name_anchor,
)
from audit_core.integrity.checkpoint import open_checkpoint
from audit_core.integrity.merkle import ProofError, check_consistency
from audit_core.integrity.signed_note import NoteError

SUFFIX = ".checkpoint"
_DIGITS = 20
"""Of a size in a file's name, so that names sort as sizes do."""
MAX_NAME = 200
"""Characters of a folder's name; longer origins are named by their digest."""
MAX_NOTE = 2**16
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""How file systems without links refuse one, such as mounted buckets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderAnchor:
    """See `Anchor`. Looks at what is there as a witness does: nothing is written beside a newest
    checkpoint that the new one does not continue."""

    name: AnchorName
    interval: timedelta
    folder: Path

    def submit(self, submission: Submission) -> bytes:
        """Write the note to its file; a file of the same size and root is replaced, so that its
        time is the newest one at which the tree was that large."""
        try:
            folder = folder_of(self.folder, submission.origin)
            # Not the folder itself: where a disk is not mounted, its place would be filled.
            folder.mkdir(exist_ok=True)
            self._require_consistent(folder, submission)
            self._write(folder / file_name(submission.size), submission)
        except OSError as error:
            raise AnchorUnavailable(
                f"The folder {self.name.label} cannot be written: {error.strerror or 'no answer'}.",
                "Check that it is mounted, and writable for the user that runs Sandtrail. It is "
                "tried again by itself.",
            ) from error
        return b""

    def _require_consistent(self, folder: Path, submission: Submission) -> None:
        newest = max(sizes_in(folder), default=0)
        if newest < submission.known_size:
            raise AnchorUnavailable(
                f"The folder {self.name.label} does not hold any more what was written there: "
                f"{submission.known_size:,} writes.",
                "Check that it is mounted, and who deleted files there. If that was meant, name "
                "another folder.",
            )
        if not newest:
            return
        size, root = self._read(folder / file_name(newest), submission)
        if size != newest:
            raise contradiction(self.name, f"a file for {newest:,} writes that is about {size:,}")
        if newest > submission.size:
            raise contradiction(
                self.name, f"{newest:,} writes where this log has {submission.size:,}"
            )
        proof = submission.consistency(newest) if newest < submission.size else ()
        try:
            check_consistency(newest, root, submission.size, submission.root, proof)
        except ProofError as error:
            raise contradiction(
                self.name, f"other first {newest:,} writes than this log has"
            ) from error

    def _read(self, file: Path, submission: Submission) -> tuple[int, bytes]:
        """Size and root of a checkpoint of this log. What others put there says nothing."""
        with file.open("rb") as opened:
            text = opened.read(MAX_NOTE)
        try:
            checkpoint, _ = open_checkpoint(text.decode(), [submission.key])
            if checkpoint.origin != submission.origin:
                raise NoteError("It is of another log.")
        except (NoteError, UnicodeDecodeError) as error:
            raise AnchorUnavailable(
                f"The folder {self.name.label} holds a file that is no checkpoint of this log: "
                f"{file.name}.",
                "Look at it, and move it away if it is damaged.",
            ) from error
        return checkpoint.size, checkpoint.root

    def _write(self, file: Path, submission: Submission) -> None:
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(submission.note.encode())
                opened.flush()
                os.fsync(opened.fileno())
            if self._is_new(draft, file):
                return
            _, root = self._read(file, submission)
            if root != submission.root:
                raise contradiction(
                    self.name, f"another tree of {submission.size:,} writes than this log has"
                )
            draft.replace(file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()

    def _is_new(self, draft: Path, file: Path) -> bool:
        """Whether the draft became the file; not where there is one."""
        try:
            # A link fails where the name is taken: two processes never both win.
            os.link(draft, file)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if file.exists():
                return False
            draft.replace(file)
        return True


def folder_anchor(folder: str, interval: timedelta) -> FolderAnchor:
    """The folder has to be there: it is not made, since it may not be mounted yet."""
    path = Path(folder)
    name = name_anchor(AnchorKind.FOLDER, folder, path.name or folder)
    return FolderAnchor(name=name, interval=interval, folder=path)


def folder_of(folder: Path, origin: str) -> Path:
    """Where the checkpoints of one origin are."""
    name = quote(origin, safe="")
    if len(name) > MAX_NAME:
        name = hashlib.sha256(origin.encode()).hexdigest()
    return folder / name


def file_name(size: int) -> str:
    """Such as `00000000000000000042.checkpoint`."""
    return f"{size:0{_DIGITS}}{SUFFIX}"


def sizes_in(folder: Path) -> Iterator[int]:
    """The sizes of all checkpoints in the folder of one origin, in any order."""
    with os.scandir(folder) as found:
        for entry in found:
            stem = entry.name.removesuffix(SUFFIX)
            if stem != entry.name and len(stem) == _DIGITS and stem.isdecimal():
                yield int(stem)
