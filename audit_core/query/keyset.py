"""The cursor: a place between two entries in the order newest first.

It counts as who reads: an organization by `organization_seq`, which tells nothing of others; only
a read of everything by `seq`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import ColumnElement
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.query.time.windows import format_instant, parse_instant

_FORM = "2"
"""Which numbers a cursor has; the first form, without a mark, had those of the whole log."""


class OutdatedCursorError(ValueError):
    """The cursor is from before entries were numbered by organization: where it pointed to is not
    known any more."""

    def __init__(self) -> None:
        super().__init__("the link is from an earlier version of Sandtrail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page begins: after one entry on the way to older ones, or before it on the way back.

    A keyset, never an offset: entries that arrive meanwhile shift nothing.
    """

    created_at: datetime
    """Aware, UTC."""
    seq: int
    """The entry's number, as `numbered_by` says for the scope of the read."""
    newer: bool = False
    """False: the entries older than this one. True: the newest page of those newer than it."""

    def to_param(self) -> str:
        """The cursor as one URL parameter."""
        direction = "newer" if self.newer else "older"
        return f"{direction}~{format_instant(self.created_at)}~{self.seq}~{_FORM}"

    @classmethod
    def from_param(cls, text: str) -> Cursor:
        """Raises `OutdatedCursorError` if an earlier version of Sandtrail wrote it, `ValueError`
        with the reason if the text is no cursor."""
        parts = text.split("~")
        legible = len(parts) in (3, 4) and parts[0] in ("older", "newer") and _is_number(parts[2])
        if not legible or parts[3:] not in ([], [_FORM]):
            raise ValueError(f"the place {text!r} in the list cannot be read")
        if not parts[3:]:
            raise OutdatedCursorError
        return cls(created_at=parse_instant(parts[1]), seq=int(parts[2]), newer=parts[0] == "newer")


def numbered_by(table: FromClause, scope: Scope) -> ColumnElement[int]:
    """What tells apart the entries of one time in a scope, in order of arrival."""
    number: ColumnElement[int] = table.c[number_name(scope)]
    return number


def number_name(scope: Scope) -> str:
    """The column of `numbered_by`."""
    return "seq" if scope.organization_id is None else "organization_seq"


def revision_name(scope: Scope) -> str:
    """The column that counts writes as the scope does: see `AuditLog.head`."""
    return "revision" if scope.organization_id is None else "organization_revision"


def numbers_of(rows: pa.Table, scope: Scope) -> list[int]:
    """What `numbered_by` gives, of whole rows that were read."""
    numbers: list[int] = rows.column(number_name(scope)).to_pylist()
    return numbers


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
