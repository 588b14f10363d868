"""The answer to one read: a table, and the same by typed rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The answer to one read."""

    table: pa.Table
    """At most the asked number of rows."""
    truncated: bool
    """Whether there were more."""
    elapsed_s: float

    def rows(self, row: type[Row]) -> tuple[Row, ...]:
        """The table by rows. The fields of `row`, a dataclass, are columns of the statement.

        Raises `KeyError` for a field that is none.
        """
        columns = [self.table.column(field.name).to_pylist() for field in fields(row)]
        return tuple(row(*values) for values in zip(*columns, strict=True))
