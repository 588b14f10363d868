"""Many records that were read, as columns, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pyarrow as pa

from audit_core.domain.rejections import Rejection
from audit_core.ingest.records.extra_fields import NO_FIELDS, FieldCounts, count_fields
from audit_core.ingest.records.located import PlacedEntry, Reading
from audit_core.log.schema import ARRIVING, columns_of

ROWS = 1_000
"""How many readings become one sheet where they are read one by one."""


class Places(Protocol):
    """Where the rows of a sheet were read."""

    def of(self, row: int) -> tuple[str, str]:
        """The place of a row, from 0, and the record as read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Records of a source that follow one another."""

    table: pa.Table
    """The entries in their order, of the shape `schema.ARRIVING`."""
    places: Places
    rejections: Sequence[Rejection]
    last: str
    """The place of the last record, entry or not."""
    kept_fields: FieldCounts = NO_FIELDS
    """Fields that no entry has, in the records of `table`."""
    lost_fields: FieldCounts = NO_FIELDS
    """Those of them that could not be kept."""


class Nowhere:
    """The places of a sheet without rows."""

    def of(self, row: int) -> tuple[str, str]:
        """There is none."""
        raise IndexError(row)


@dataclass(frozen=True, slots=True)
class _Listed:
    entries: list[PlacedEntry]

    def of(self, row: int) -> tuple[str, str]:
        return self.entries[row].place, self.entries[row].raw


def gather(readings: Iterable[Reading]) -> Iterator[Sheet]:
    """Readings as sheets. What `readings` raises is raised behind what came before."""
    problem: Exception | None = None

    def until_problem() -> Iterator[Reading]:
        nonlocal problem
        try:
            yield from readings
        except Exception as error:
            problem = error

    source = until_problem()
    while some := list(islice(source, ROWS)):
        entries = [each for each in some if isinstance(each, PlacedEntry)]
        yield Sheet(
            table=pa.table(columns_of([each.entry for each in entries]), schema=ARRIVING),
            places=_Listed(entries),
            rejections=[each for each in some if isinstance(each, Rejection)],
            last=some[-1].place,
            kept_fields=count_fields(each.extra.kept for each in entries),
            lost_fields=count_fields(each.extra.lost for each in entries),
        )
    if problem is not None:
        raise problem
