"""What a witness has seen, in a folder: a file for each origin, replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import portalocker

from audit_core.domain.errors import AuditError, SettingsError, StoreUnavailableError
from audit_core.integrity.checkpoint import parse_checkpoint
from audit_core.integrity.signed_note import NoteError, VerifierKey, parse_key, parse_note
from audit_core.integrity.witness.witness import Seen

SUFFIX = ".checkpoint"
MAX_KEYS = 1_000


class FolderStorage:
    """See `Storage`. One process has the folder, from construction until `close()`. Raises
    `SettingsError` where another one has it, or it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (folder / "witness.lock").open("a+b", buffering=0)
            portalocker.lock(
                self._lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
            )
            for draft in folder.glob(f"*{SUFFIX}.draft"):
                draft.unlink()
            self._known = {path.name for path in folder.glob(f"*{SUFFIX}")}
        except portalocker.LockException as error:
            self._lock.close()
            raise SettingsError(
                f"Another witness uses the folder {folder.name}.",
                "Stop it, or give this one a folder of its own.",
            ) from error
        except OSError as error:
            raise SettingsError(
                f"The folder {folder.name} cannot be used: {error.strerror}.",
                "Give --folder a folder that this user may write.",
            ) from error

    def close(self) -> None:
        """Let the next process in. Calling it twice is harmless."""
        self._lock.close()

    def count(self) -> int:
        """See `Storage`."""
        return len(self._known)

    def read(self, origin: str) -> Seen | None:
        """See `Storage`. A file that is damaged is never taken for one that is not there."""
        file = self._file(origin)
        if file.name not in self._known:
            return None
        try:
            note = file.read_text(encoding="utf-8")
            checkpoint = parse_checkpoint(parse_note(note).text)
        except (OSError, UnicodeDecodeError, NoteError) as error:
            raise _damaged(file) from error
        if checkpoint.origin != origin:
            raise _damaged(file)
        return Seen(checkpoint=checkpoint, note=note)

    def keep(self, origin: str, note: str) -> None:
        """See `Storage`."""
        file = self._file(origin)
        draft = file.with_name(f"{file.name}.draft")
        try:
            with draft.open("wb") as opened:
                opened.write(note.encode())
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
            self._sync_folder()
        except OSError as error:
            raise StoreUnavailableError(
                f"The checkpoint cannot be kept: {error.strerror}.",
                "Operator: make room in the folder of the witness, and check that it is writable.",
            ) from error
        self._known.add(file.name)

    def _file(self, origin: str) -> Path:
        return self._folder / f"{sha256(origin.encode()).hexdigest()}{SUFFIX}"

    def _sync_folder(self) -> None:
        """Only then a new name outlives a loss of power."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_log_keys(path: Path) -> Sequence[VerifierKey]:
    """The keys of logs in a file: one a line, as `name+hash+base64`; empty lines and those that
    begin with # are left out. Raises `SettingsError` naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The keys cannot be read from {path.name}.", "Give --keys a text file of keys."
        ) from error
    keys = [
        _key(path, number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not keys or len(keys) > MAX_KEYS:
        raise SettingsError(
            f"{path.name} holds {len(keys):,} keys of logs.",
            f"Write one a line, from 1 to {MAX_KEYS:,}: Evidence → Integrity shows a log's key.",
        )
    return keys


def _key(path: Path, number: int, line: str) -> VerifierKey:
    try:
        return parse_key(line)
    except NoteError as error:
        raise SettingsError(
            f"{path.name}, line {number}: {error}", "Copy the key of the log as it is shown there."
        ) from error


def _damaged(file: Path) -> AuditError:
    return StoreUnavailableError(
        "What this witness has seen of the log cannot be read.",
        f"Operator: put {file.name} back from a backup. Do not delete it: the witness would "
        "cosign another history.",
    )
