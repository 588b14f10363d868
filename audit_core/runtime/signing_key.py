"""The signing key: random bytes in a file that only this user may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from audit_core.domain.errors import SettingsError
from audit_core.runtime.database_faults import REPORTER, described_error, fault_of_system, key_named

KEY_BYTES = 32


def read_key(path: Path) -> bytes:
    """The key in a file; at first use it is generated there, with mode 0600.

    Always `KEY_BYTES` bytes or more, never a default. Raises `SettingsError` if the file
    cannot be read or made, holds less than a key, or can be read by other users.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
        others_may_read = os.name == "posix" and path.stat().st_mode & 0o077
        key = path.read_bytes()
    except OSError as error:
        REPORTER.report(str(path), error)
        problem = described_error(fault_of_system(error), key_named(path.name))
        raise SettingsError(problem.message, problem.hint) from error
    if others_may_read:
        raise SettingsError(
            f"The key file {path.name} can be read by other users of this machine.",
            "Run chmod 600 on the file that SANDTRAIL_KEY_FILE names.",
        )
    if len(key) < KEY_BYTES:
        raise SettingsError(
            f"The key file {path.name} holds {len(key)} bytes; a key has {KEY_BYTES}.",
            "Put it back from a backup. Or delete it: a new key is made at the next start, and "
            "everybody signs in anew.",
        )
    return key


def _make(path: Path) -> None:
    """Write a new key unless the file is there; two processes never both win."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link fails where the name is taken, and never shows a half-written key.
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
