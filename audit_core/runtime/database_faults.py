"""What can be wrong with a database, told so that a person knows what to do.

The engines classify what their driver raised as a `Fault`; each fault has a sentence of its own,
the same for the log and the state. The driver's own words go to the terminal, never to a page.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from audit_core.domain.errors import (
    AuditError,
    LogLockedError,
    SchemaTooNewError,
    SettingsError,
    StorageFullError,
    StoreUnavailableError,
)

LOGGER = logging.getLogger("sandtrail.database")

REPEATED_AFTER_S = 60.0
"""How long the same cause is not written to the terminal again."""

LONGEST = 400
"""Characters of a driver's line that are written."""


class Fault(Enum):
    """What an error of a driver, or of the operating system, means."""

    STOPPED = auto()
    """A read ran into its time limit."""
    INVALIDATED = auto()
    """The database refuses all work until it is opened anew (as after a full disk)."""
    HELD_ELSEWHERE = auto()
    """Another process has the database open, and it takes only one."""
    FULL = auto()
    """No space is left on the disk, or a quota is used up."""
    FORBIDDEN = auto()
    """A file, or its folder, has another owner or a mode that keeps this user out."""
    READ_ONLY = auto()
    """The file system, the server or the database takes no writes."""
    FOLDER = auto()
    """A folder is where the file should be."""
    NO_FOLDER = auto()
    """The folder of the file does not exist and cannot be made: part of its path is a file."""
    OTHER_KIND = auto()
    """The file is there, but was never one of this kind of database."""
    DAMAGED = auto()
    """Checksums do not match: bits have changed."""
    CUT_SHORT = auto()
    """The file ends before its content does."""
    TOO_NEW = auto()
    """A newer version of the engine wrote the file."""
    BROKEN_DISK = auto()
    """The operating system could not read or write the disk."""
    NO_MEMORY = auto()
    """The memory limit was not enough."""
    TOO_MANY_FILES = auto()
    """This process may open no more files."""
    REFUSED = auto()
    """Nothing listens where the server should be, or its socket is not there."""
    UNKNOWN_HOST = auto()
    """The name of the server's host is not known."""
    NO_ANSWER = auto()
    """The server did not answer in time, or the connection broke off."""
    SIGN_IN = auto()
    """The server knows no such role, or the password is wrong."""
    NO_DATABASE = auto()
    """The server has no database of that name."""
    NO_PERMISSION = auto()
    """The role may not do what was asked."""
    BUSY = auto()
    """The server takes no more connections, or is starting or stopping."""
    TOO_OLD = auto()
    """The server is older than what is needed."""
    OTHER = auto()


_SYSTEM = {
    errno.ENOSPC: Fault.FULL,
    errno.EDQUOT: Fault.FULL,
    errno.EFBIG: Fault.FULL,
    errno.EACCES: Fault.FORBIDDEN,
    errno.EPERM: Fault.FORBIDDEN,
    errno.EROFS: Fault.READ_ONLY,
    errno.EISDIR: Fault.FOLDER,
    errno.ENOTDIR: Fault.NO_FOLDER,
    errno.EEXIST: Fault.NO_FOLDER,
    errno.ENOENT: Fault.NO_FOLDER,
    errno.EIO: Fault.BROKEN_DISK,
    errno.EMFILE: Fault.TOO_MANY_FILES,
    errno.ENFILE: Fault.TOO_MANY_FILES,
}


def fault_of_system(error: OSError) -> Fault:
    """What an error of the operating system means for a database's file."""
    return _SYSTEM.get(error.errno or 0, Fault.OTHER)


def fault_in_words(text: str) -> Fault:
    """What the operating system's words in a driver's message mean: drivers pass them on without
    their number. `OTHER` if there are none."""
    words = text.lower()
    return next(
        (
            fault
            for number, fault in _SYSTEM.items()
            # These two are in messages about much else.
            if number not in (errno.ENOENT, errno.EEXIST) and os.strerror(number).lower() in words
        ),
        Fault.OTHER,
    )


_STATES = {
    "08": Fault.NO_ANSWER,
    "28": Fault.SIGN_IN,
    "3D": Fault.NO_DATABASE,
    "42501": Fault.NO_PERMISSION,
    "25006": Fault.READ_ONLY,
    "53100": Fault.FULL,
    "53200": Fault.NO_MEMORY,
    "53300": Fault.BUSY,
    "57014": Fault.STOPPED,
    "57P01": Fault.BUSY,
    "57P02": Fault.BUSY,
    "57P03": Fault.BUSY,
    "57P05": Fault.NO_ANSWER,
    "58030": Fault.BROKEN_DISK,
    "XX001": Fault.DAMAGED,
    "XX002": Fault.DAMAGED,
}
"""PostgreSQL's SQLSTATEs: classes, and single ones."""

_CONNECTING = (
    ("could not translate host name", Fault.UNKNOWN_HOST),
    ("name or service not known", Fault.UNKNOWN_HOST),
    ("failed to resolve host", Fault.UNKNOWN_HOST),
    ("password", Fault.SIGN_IN),
    ("authentication", Fault.SIGN_IN),
    ("pg_hba.conf", Fault.SIGN_IN),
    ("role ", Fault.SIGN_IN),
    ("does not exist", Fault.NO_DATABASE),
    ("starting up", Fault.BUSY),
    ("shutting down", Fault.BUSY),
    ("too many", Fault.BUSY),
    ("connection slots", Fault.BUSY),
    ("connection refused", Fault.REFUSED),
    ("no such file or directory", Fault.REFUSED),
    ("timeout", Fault.NO_ANSWER),
    ("closed", Fault.NO_ANSWER),
)
"""Parts of what PostgreSQL's driver says when it cannot connect: there is no SQLSTATE then."""


def fault_of_postgresql(state: str | None, text: str) -> Fault:
    """What an error of PostgreSQL means: its SQLSTATE, else, when connecting, the words."""
    if state is not None:
        return _STATES.get(state, _STATES.get(state[:2], Fault.OTHER))
    words = text.lower()
    return next((fault for part, fault in _CONNECTING if part in words), Fault.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """How a database, or the key file, is spoken of."""

    thing: str
    """Such as "The log log.duckdb": neither a folder nor a credential."""
    setting: str
    """The variable that holds its URL or path."""
    backup: str
    """How it is restored, as the end of "restore it from a backup (…)"."""


def log_named(name: str) -> Database:
    """The log; `name` as `LogEngine.name`."""
    return Database(
        thing=f"The log {name}",
        setting="SANDTRAIL_LOG_URL",
        backup="docs/operations.md tells how",
    )


def state_named(name: str) -> Database:
    """The state; `name` is the name of its file, or of its database and host."""
    return Database(
        thing=f"The state database {name}",
        setting="SANDTRAIL_STATE_URL",
        backup="docs/operations.md tells how",
    )


def key_named(name: str) -> Database:
    """The key file."""
    return Database(
        thing=f"The key file {name}",
        setting="SANDTRAIL_KEY_FILE",
        backup="docs/operations.md tells how",
    )


_Told = tuple[type[AuditError], str, str]
"""The error, what happened and what to do; `{thing}`, `{setting}` and `{backup}` are filled in."""

_SENTENCES: dict[Fault, _Told] = {
    Fault.HELD_ELSEWHERE: (
        LogLockedError,
        "{thing} is in use by another process.",
        "Stop that process, then try again.",
    ),
    Fault.FULL: (
        StorageFullError,
        "The disk of {thing} is full; what was not acknowledged was not stored.",
        "Make room on that disk, then try again. Nothing needs to be restored.",
    ),
    Fault.FORBIDDEN: (
        StoreUnavailableError,
        "{thing} cannot be opened: permission denied.",
        "Its file and the folder around it must belong to the user that runs Sandtrail, with the "
        "modes 0600 and 0700: change them with chown and chmod, or start Sandtrail as their owner.",
    ),
    Fault.READ_ONLY: (
        StoreUnavailableError,
        "{thing} cannot be written: it lies on something that is read-only.",
        "Mount the file system writable (a server: name the primary, not a standby), or set "
        "{setting} to another place.",
    ),
    Fault.FOLDER: (
        StoreUnavailableError,
        "{thing} cannot be opened: it is a folder, not a file.",
        "Set {setting} to a file, which may be one in that folder.",
    ),
    Fault.NO_FOLDER: (
        StoreUnavailableError,
        "{thing} cannot be opened: its folder does not exist and cannot be made.",
        "Check the path in {setting}: a part of it is missing, or is a file.",
    ),
    Fault.OTHER_KIND: (
        StoreUnavailableError,
        "{thing} is another kind of file, and was left as it is.",
        "Set {setting} to the right file; a file that does not exist yet is made. If it is the "
        "right one, its beginning is damaged: restore it from a backup ({backup}).",
    ),
    Fault.DAMAGED: (
        StoreUnavailableError,
        "{thing} is damaged: what the disk gives back is not what was written.",
        "Keep a copy of the file, check the disk, then restore it from a backup ({backup}).",
    ),
    Fault.CUT_SHORT: (
        StoreUnavailableError,
        "{thing} is damaged: the file ends too early.",
        "It may have been copied while it was written, or not to its end: fetch it again, or "
        "restore it from a backup ({backup}).",
    ),
    Fault.TOO_NEW: (
        SchemaTooNewError,
        "{thing} was written by a newer version of its engine.",
        "Use the version of Sandtrail that wrote it.",
    ),
    Fault.BROKEN_DISK: (
        StoreUnavailableError,
        "The disk of {thing} could not be read or written.",
        "See what the operating system reports (dmesg), and check the disk before anything else.",
    ),
    Fault.NO_MEMORY: (
        StoreUnavailableError,
        "{thing} ran out of memory.",
        "Ask for less at once, or raise SANDTRAIL_MEMORY_LIMIT_MB (a server: its own limit).",
    ),
    Fault.TOO_MANY_FILES: (
        StoreUnavailableError,
        "{thing} cannot be opened: this process may open no more files.",
        "Raise the limit (ulimit -n; in a systemd unit LimitNOFILE=), then start it again.",
    ),
    Fault.REFUSED: (
        StoreUnavailableError,
        "The server of {thing} cannot be reached: nothing listens there.",
        "Check that the server runs, and the host and port in {setting}.",
    ),
    Fault.UNKNOWN_HOST: (
        StoreUnavailableError,
        "The server of {thing} cannot be reached: its host is not known.",
        "Check the name of the host in {setting}, and this machine's name service.",
    ),
    Fault.NO_ANSWER: (
        StoreUnavailableError,
        "The server of {thing} cannot be reached: it does not answer, or broke off.",
        "Check that the server runs and that no firewall stands between, and the host and port in "
        "{setting}.",
    ),
    Fault.SIGN_IN: (
        StoreUnavailableError,
        "The server of {thing} refuses the sign-in.",
        "Check the name and the password in {setting}, and that the server lets that role in from "
        "this machine.",
    ),
    Fault.NO_DATABASE: (
        StoreUnavailableError,
        "The server of {thing} has no database of that name.",
        "Make it (CREATE DATABASE, owned by the role in {setting}), or correct the name.",
    ),
    Fault.NO_PERMISSION: (
        StoreUnavailableError,
        "The role that opens {thing} may not do what is needed.",
        "Make the role in {setting} the owner of the database and of what is in it.",
    ),
    Fault.BUSY: (
        StoreUnavailableError,
        "The server of {thing} takes no connection now: it is starting, stopping, or has no "
        "connection left.",
        "Try again in a moment; if it stays so, raise the server's limit of connections.",
    ),
    Fault.TOO_OLD: (
        SettingsError,
        "The server of {thing} is too old.",
        "Upgrade it (docs/scaling.md names the versions), or set {setting} to another server.",
    ),
}

_UNKNOWN: _Told = (
    StoreUnavailableError,
    "{thing} cannot be read or written.",
    "The terminal of this program shows the cause, in the database's own words.",
)


def described_error(fault: Fault, database: Database) -> AuditError:
    """The error that people see of a fault. Raises nothing."""
    kind, message, hint = _SENTENCES.get(fault, _UNKNOWN)
    words = {
        "thing": database.thing,
        "setting": database.setting,
        "backup": database.backup,
    }
    if not message.startswith("{thing}"):
        words["thing"] = database.thing[:1].lower() + database.thing[1:]
    return kind(message.format(**words), hint.format(**words))


def first_line(error: BaseException, password: str | None = None) -> str:
    """The first line of a driver's words, without credentials and control characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = lines[0] if lines else type(error).__name__
    line = _CREDENTIALS.sub(r"\1***@", line)
    if password:
        line = line.replace(password, "***")
    if len(line) > LONGEST:
        line = f"{line[:LONGEST]}…"
    return "".join(character if character.isprintable() else "�" for character in line)


_CREDENTIALS = re.compile(r"(//[^\s/:@]*:)[^\s/@]*@")


class CauseReporter:
    """Writes causes to the terminal, each at most once in `REPEATED_AFTER_S`. Thread-safe."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._told_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def report(self, where: str, error: BaseException, *, password: str | None = None) -> None:
        """Say what a driver or the operating system said of the database at `where`: a path, or a
        host and a name."""
        line = f"{where}: {first_line(error, password)}"
        now_s = self._now_s()
        with self._lock:
            self._told_at = {
                item: at_s
                for item, at_s in self._told_at.items()
                if now_s - at_s < REPEATED_AFTER_S
            }
            if line in self._told_at:
                return
            self._told_at[line] = now_s
        LOGGER.error("%s", line)


REPORTER = CauseReporter()
"""The one of this process."""
