"""A backup: one folder with the log, the state, the key and the sums of all three.

The log is a DuckDB file and the state an SQLite file, whatever engines they come from, so that
they may go back into any. A folder under its own name is whole; while it is being written it has
the ending `PARTIAL`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, SourceError
from audit_core.log.store import AuditLog, open_log
from audit_core.query.time.windows import format_instant
from audit_core.state.copying import copy_state, is_empty
from audit_core.state.database import State, open_state
from audit_core.state.detections.rewinding import rewind_watermarks
from audit_core.state.tree.checkpoints import newest_checkpoints
from audit_core.state.tree.rewinding import rewind
from audit_core.transfer.transfer import LocalOrigin, Origin, Report, digest_of, transfer

PARTIAL = ".partial"
FORMAT = 1

LOG, STATE, KEY = "log.duckdb", "state.sqlite", "secret.key"
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a backup holds."""

    created_at: str
    entries: int
    days: int
    """On how many days of an organization they lie."""
    state_rows: int


class BackupError(AuditError):
    """A backup cannot be made or restored as asked."""


def write_backup(
    folder: Path, *, origin: Origin, state: State, key: bytes, now: datetime, scope: Scope
) -> Contents:
    """Make a backup in a folder that does not exist yet.

    One that was cut off goes on where it was. Raises `BackupError` if the folder is there, or if
    the log could not be copied whole, and what log and state raise.
    """
    if folder.exists():
        raise BackupError(
            f"{folder} is there already.", "Name a folder that does not exist, such as one a day."
        )
    partial = folder.with_name(folder.name + PARTIAL)
    partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    with state.read() as connection:
        sealed = newest_checkpoints(connection)
    # The log first: what the state says of it then holds at least what is in the copy.
    with closing(open_log(f"duckdb:///{partial / LOG}", holder="a backup")) as log:
        _require_all(transfer(origin, log, scope))
        digest = digest_of(log, scope)
        written = {name: head.organization_revision for name, head in log.heads().items()}
    _forget(partial / STATE)
    with closing(open_state(f"sqlite:///{partial / STATE}")) as copy:
        with state.snapshot() as source, copy.begin() as target:
            rows = copy_state(source, target)
            # Both went on since: neither a tree nor a rule may be beyond the copy of the log.
            rewind(target, sealed, written)
            rewind_watermarks(target, written)
        copy.merge_write_ahead_log()
    _write(partial / KEY, key)
    contents = Contents(
        created_at=format_instant(now),
        entries=sum(day.count for day in digest.values()),
        days=len(digest),
        state_rows=sum(rows.values()),
    )
    _write(partial / MANIFEST, _manifest(contents, rows).encode())
    for path in partial.iterdir():
        if path.name not in (LOG, STATE, KEY, MANIFEST):
            path.unlink()
    names = (LOG, STATE, KEY, MANIFEST)
    lines = [f"{_sum(partial / name)}  {name}\n" for name in names]
    _write(partial / SUMS, "".join(lines).encode())
    for path in (*partial.iterdir(), partial):
        path.chmod(0o700 if path.is_dir() else 0o600)
        _settle(path)
    partial.rename(folder)
    _settle(folder.parent)
    return contents


def read_backup(folder: Path) -> Contents:
    """What a backup holds. Raises `BackupError` unless it is whole: every sum is checked."""
    try:
        lines = (folder / SUMS).read_text().splitlines()
        sums = {name: known for known, _, name in (line.partition("  ") for line in lines)}
        wrong = [name for name in (LOG, STATE, KEY, MANIFEST) if sums[name] != _sum(folder / name)]
        manifest = json.loads((folder / MANIFEST).read_text()) if not wrong else {}
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(
            f"{folder} is no whole backup.",
            "Name a folder that `backup` has finished; one that ends in .partial was cut off.",
        ) from error
    if wrong:
        raise BackupError(
            f"The backup {folder} is damaged: {', '.join(wrong)} is not what was written.",
            "Restore another one; nothing was changed.",
        )
    if manifest["format"] != FORMAT:
        raise BackupError(
            f"The backup {folder} has the format {manifest['format']}; known is {FORMAT}.",
            "Use the newer program that wrote it.",
        )
    return Contents(**manifest["contents"])


def restore_log(folder: Path, log: AuditLog, scope: Scope) -> Report:
    """Bring an empty log to hold what the backup holds; `read_backup` has checked it.

    Raises `BackupError` if the log holds entries, or differs in the end.
    """
    if digest_of(log, scope):
        raise BackupError(
            "The log holds entries; a backup is restored into an empty one only.",
            "Move the log away, or set SANDTRAIL_LOG_URL to a new one.",
        )
    # Opening a log may write to it, and the backup shall stay what its sums say.
    with _copied(folder, LOG) as file, closing(open_log(f"duckdb:///{file}")) as source:
        report = transfer(LocalOrigin(source, scope), log, scope)
    _require_all(report)
    return report


def restore_state(folder: Path, state: State) -> dict[str, int]:
    """Bring an empty state to hold what the backup holds, without sessions. Raises `BackupError`
    if it holds anything."""
    with state.read() as connection:
        if not is_empty(connection):
            raise BackupError(
                "The state holds accounts or records; a backup is restored into an empty one only.",
                "Move the state away, or set SANDTRAIL_STATE_URL to a new one. To restore the log "
                "alone: --only log.",
            )
    with (
        _copied(folder, STATE) as file,
        closing(open_state(f"sqlite:///{file}")) as source,
        source.read() as origin,
        state.begin() as target,
    ):
        return copy_state(origin, target)


def restore_key(folder: Path, path: Path) -> None:
    """Put the key where it belongs. Raises `BackupError` if another one is there."""
    key = (folder / KEY).read_bytes()
    if path.exists():
        if path.read_bytes() != key:
            raise BackupError(
                f"The key file {path.name} holds another key than the backup.",
                "Move it away, or set SANDTRAIL_KEY_FILE to a path that does not exist.",
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, key)


def _require_all(report: Report) -> None:
    """More here than there is nothing to worry about: the log grew meanwhile."""
    lacking = [item for item in report.differences if item.here < item.there]
    if lacking:
        raise SourceError(
            f"{len(lacking):,} days could not be copied whole.",
            "Run the command again: what is copied stays.",
        )


def _manifest(contents: Contents, rows: Mapping[str, int]) -> str:
    summary = {
        "created_at": contents.created_at,
        "entries": contents.entries,
        "days": contents.days,
        "state_rows": contents.state_rows,
    }
    return (
        json.dumps({"format": FORMAT, "contents": summary, "tables": dict(rows)}, indent=2) + "\n"
    )


@contextmanager
def _copied(folder: Path, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sandtrail-restore-") as scratch:
        yield Path(shutil.copy(folder / name, scratch))


def _forget(path: Path) -> None:
    for item in path.parent.glob(f"{path.name}*"):
        item.unlink()


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _settle(path: Path) -> None:
    """Onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
