"""Uploaded files, on disk: of whom, how many, how large, and for how long.

A file belongs to the session of the person who sent it, and is handed out for that session only.
Each process keeps its files in a folder of its own below the upload folder, with a lock beside
it; whoever starts later removes the folders that nobody holds.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import portalocker

from audit_core.domain.errors import AuditError

LOGGER = logging.getLogger("sandtrail.uploads")

MEGABYTE = 1024 * 1024
KEPT_FOR = timedelta(hours=2)
"""How long a file is there to be stored."""
MAX_TABS = 10_000
"""How many tabs are remembered; the one that was opened longest ago is forgotten first."""
CHECKED_EVERY = 16 * MEGABYTE
"""After how many bytes the free space is looked at again."""


class UploadRefusedError(AuditError):
    """A file was not taken, or is not there any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much may be uploaded and not stored yet, in bytes where no other unit is named."""

    of_file: int = 200 * MEGABYTE
    files_of_person: int = 100
    of_person: int = 1_000 * MEGABYTE
    in_all: int = 4_000 * MEGABYTE
    free_floor: int = 256 * MEGABYTE
    """How much space uploads leave free on their disk."""


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file that is being sent, or that was."""

    receipt: str
    """Names the file; 128 random bits."""
    session_id: str
    account_id: str
    slot: tuple[str, str]
    """The tab that it came from, and the file's id there: the next file at it takes its place."""
    begun_at: datetime
    path: Path
    size: int = 0
    finished: bool = False
    checked_at: int = 0
    """At how many bytes the free space was looked at last."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file as a page reads it."""

    name: str
    """As the browser said; hostile text."""
    size: int
    """In bytes."""
    receipt: str
    _path: Path = field(repr=False)

    def open(self) -> BinaryIO:
        """The content from its beginning. Raises `UploadRefusedError` when it is gone."""
        try:
            return self._path.open("rb")
        except FileNotFoundError as error:
            raise gone() from error


def gone() -> UploadRefusedError:
    """What is said of a file that is not kept any more."""
    hours = KEPT_FOR.total_seconds() / 3600
    return UploadRefusedError(
        "This file is not there any more.",
        f"Files that were not stored are kept for {hours:g} hours. Remove it, and choose it again.",
    )


class Uploads:
    """The uploaded files of this process. Safe to use from any thread; all but `admit` and
    `admits` may block on the disk."""

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], datetime],
        quota: Quota | None = None,
    ) -> None:
        self._root, self._clock, self.quota = folder, clock, quota or Quota()
        self._folder: Path | None = None
        self._lock_file: BinaryIO | None = None
        self._uploads: dict[str, Upload] = {}
        self._tabs: dict[str, str] = {}
        self._lock = Lock()

    def admit(self, tab: str, session_id: str) -> None:
        """A tab of this session shows the uploader, so that it may send files."""
        with self._lock:
            self._tabs.pop(tab, None)
            self._tabs[tab] = session_id
            if len(self._tabs) > MAX_TABS:
                del self._tabs[next(iter(self._tabs))]

    def admits(self, tab: str, session_id: str) -> bool:
        """Whether the tab is one of this session that shows the uploader."""
        with self._lock:
            return self._tabs.get(tab) == session_id

    def begin(self, session_id: str, account_id: str, slot: tuple[str, str]) -> Upload:
        """Begin to take a file. Raises `UploadRefusedError` when the person has enough."""
        with self._lock:
            self._drop_old()
            self._drop_at(slot, session_id)
            own = [kept for kept in self._uploads.values() if kept.account_id == account_id]
            if len(own) >= self.quota.files_of_person:
                raise UploadRefusedError(
                    f"You have {len(own)} uploaded files that are not stored yet, and more are "
                    "not taken.",
                    "Store or remove some of them first.",
                )
            receipt = secrets.token_hex(16)
            upload = Upload(
                receipt=receipt,
                session_id=session_id,
                account_id=account_id,
                slot=slot,
                begun_at=self._clock(),
                path=self._own_folder() / receipt,
            )
            self._require_space(upload)
            self._uploads[receipt] = upload
            return upload

    def write(self, upload: Upload, piece: bytes) -> None:
        """Add to a file. Raises `UploadRefusedError`, and the file is then gone."""
        try:
            with self._lock:
                self._require_room(upload, len(piece))
                if upload.size - upload.checked_at >= CHECKED_EVERY:
                    self._require_space(upload)
                upload.size += len(piece)
            with upload.path.open("ab") as file:
                file.write(piece)
        except OSError as error:
            self.discard(upload.receipt)
            raise _translated(error) from error
        except UploadRefusedError:
            self.discard(upload.receipt)
            raise

    def finish(self, upload: Upload) -> None:
        """The whole file was written."""
        upload.path.touch(mode=0o600)
        upload.finished = True

    def find(self, receipt: str, session_id: str, name: str) -> StoredFile:
        """A file of this session, to be read under a name.

        Raises `UploadRefusedError` for every other receipt, whoever sent the file.
        """
        with self._lock:
            self._drop_old()
            upload = self._uploads.get(receipt)
            if upload is None or not upload.finished or upload.session_id != session_id:
                raise gone()
            return StoredFile(name, upload.size, receipt, upload.path)

    def discard(self, receipt: str, session_id: str | None = None) -> None:
        """Remove a file, if it is there and of this session; `None` is of any."""
        with self._lock:
            upload = self._uploads.get(receipt)
            if upload is not None and session_id in (None, upload.session_id):
                self._drop(upload)

    def discard_at(self, slot: tuple[str, str], session_id: str) -> None:
        """Remove the file of this session that came from a place, if there is one."""
        with self._lock:
            self._drop_at(slot, session_id)

    def sweep(self, living: Callable[[Collection[str]], Collection[str]]) -> None:
        """Remove what is too old, and the files and tabs of sessions that have ended.

        `living` gives those of some session ids whose sessions have not.
        """
        with self._lock:
            self._drop_old()
            known = {kept.session_id for kept in self._uploads.values()} | {*self._tabs.values()}
        if not known:
            return
        ended = known - set(living(known))
        with self._lock:
            for upload in [kept for kept in self._uploads.values() if kept.session_id in ended]:
                self._drop(upload)
            self._tabs = {
                tab: session for tab, session in self._tabs.items() if session not in ended
            }

    def close(self) -> None:
        """Remove all files. Calling it twice is harmless."""
        with self._lock:
            folder, self._folder = self._folder, None
            lock_file, self._lock_file = self._lock_file, None
            self._uploads.clear()
            self._tabs.clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if lock_file is not None:
            lock_file.close()

    def _own_folder(self) -> Path:
        """The folder of this process, made with the first file."""
        if self._folder is not None:
            return self._folder
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for leftover in self._root.iterdir():
                _remove_unless_held(leftover)
            folder = self._root / secrets.token_hex(8)
            folder.mkdir(mode=0o700)
            self._lock_file = _lock_in(folder)
        except OSError as error:
            raise _translated(error) from error
        self._folder = folder
        return folder

    def _require_room(self, upload: Upload, more: int) -> None:
        quota = self.quota
        if upload.receipt not in self._uploads:
            raise gone()
        others = [kept for kept in self._uploads.values() if kept is not upload]
        own = sum(kept.size for kept in others if kept.account_id == upload.account_id)
        for size, limit, whose, hint in (
            (upload.size, quota.of_file, "A file may have", _BY_COMMAND),
            (own + upload.size, quota.of_person, "Your uploads may have together", _STORE_FIRST),
            (
                sum(kept.size for kept in others) + upload.size,
                quota.in_all,
                "The uploads of all people may have together",
                "Others are uploading much at this moment. Try again later.",
            ),
        ):
            if size + more > limit:
                raise UploadRefusedError(
                    f"{whose} at most {limit // MEGABYTE:,} MB; this file was not taken.", hint
                )

    def _require_space(self, upload: Upload) -> None:
        upload.checked_at = upload.size
        free = shutil.disk_usage(self._root).free
        if free < self.quota.free_floor:
            LOGGER.error("Refused an upload: %d MB are free on its disk.", free // MEGABYTE)
            raise _full()

    def _drop_old(self) -> None:
        oldest = self._clock() - KEPT_FOR
        for upload in [kept for kept in self._uploads.values() if kept.begun_at < oldest]:
            self._drop(upload)

    def _drop_at(self, slot: tuple[str, str], session_id: str) -> None:
        for upload in [kept for kept in self._uploads.values() if kept.slot == slot]:
            if upload.session_id == session_id:
                self._drop(upload)

    def _drop(self, upload: Upload) -> None:
        del self._uploads[upload.receipt]
        with suppress(FileNotFoundError):
            upload.path.unlink()


_STORE_FIRST = "Store or remove some of the files that you uploaded first."
_BY_COMMAND = "Compress it, or send it from the command line; see Other ways to send entries below."


def _full() -> UploadRefusedError:
    return UploadRefusedError(
        "The server's disk is full, so this file was not taken.",
        "Nothing else was lost. Tell whoever runs this server, and try again later.",
    )


def _translated(error: OSError) -> UploadRefusedError:
    LOGGER.error("An upload could not be written: %s", error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _full()
    return UploadRefusedError(
        "The server cannot write uploaded files, so this one was not taken.",
        "Tell whoever runs this server; its terminal names the cause.",
    )


def _lock_in(folder: Path) -> BinaryIO:
    """Hold a folder until the process ends. Raises `BlockingIOError` when another one does."""
    file = (folder / ".lock").open("wb")
    try:
        portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException as error:
        file.close()
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from error
    return file


def _remove_unless_held(folder: Path) -> None:
    if not (folder / ".lock").is_file():
        return  # None of ours.
    try:
        lock_file = _lock_in(folder)
    except BlockingIOError:
        return
    shutil.rmtree(folder, ignore_errors=True)
    lock_file.close()
