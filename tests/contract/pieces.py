"""Entries that come to a log little by little."""

from collections.abc import Sequence

from audit_core.domain.entries import AuditEntry
from audit_core.log.store import AuditLog

PIECE = 110


def append_in_pieces(log: AuditLog, entries: Sequence[AuditEntry]) -> None:
    """Store the entries in several appends: of a log that counts, some are counted then."""
    for start in range(0, len(entries), PIECE):
        log.append(entries[start : start + PIECE])
