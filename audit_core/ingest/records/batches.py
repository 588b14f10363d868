"""Many records that were read, as columns, each with its location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.rejections import Rejection
from audit_core.ingest.records.extra_fields import (
    NO_FIELDS,
    NOT_MAPPED,
    FieldCounts,
    MappingUse,
    count_fields,
)
from audit_core.ingest.records.located import (
    LocatedEntry,
    OtherLine,
    Reading,
    location_of,
    reject,
)
from audit_core.log.schema import as_table

ROWS = 1_000
"""How many readings become one batch where they are read one by one."""

FOREIGN = "The record does not belong to the organization whose entries are accepted here."
"""The reason for a record of another organization, or of none. It tells nothing of either."""


class Locations(Protocol):
    """Where the rows of a batch were read."""

    def of(self, row: int) -> tuple[str, str]:
        """The location of a row, from 0, and the record as read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of a source that follow one another."""

    table: pa.Table
    """The entries in their order, of the shape `schema.ARRIVING`."""
    locations: Locations
    rejections: Sequence[Rejection]
    last: str
    """The location of the last record, entry or not."""
    kept_fields: FieldCounts = NO_FIELDS
    """Fields that no entry has, in the records of `table`."""
    lost_fields: FieldCounts = NO_FIELDS
    """Those of them that could not be kept."""
    mapping: MappingUse = NOT_MAPPED
    """What the mapping did by which they were read."""
    other_lines: int = 0
    """How many lines were no audit entries, and not meant as some, among those of a log."""

    def of_organization(self, organization_id: str | None) -> Batch:
        """What is accepted for an organization: records of others, and of none, are rejected as
        `FOREIGN`. `None` accepts all."""
        if organization_id is None or not self.table.num_rows:
            return self
        own = pc.equal(self.table.column("organization_id"), organization_id or None)
        own = pc.fill_null(own, False)
        if pc.all(own).as_py():
            return self
        foreign = pc.indices_nonzero(pc.invert(own)).to_pylist()
        return replace(
            self,
            table=self.table.filter(own),
            locations=_Selected(self.locations, pc.indices_nonzero(own).to_pylist()),
            rejections=[
                *self.rejections,
                *(self._rejected(row) for row in foreign),
            ],
        )

    def _rejected(self, row: int) -> Rejection:
        location, raw = self.locations.of(row)
        return reject(location, FOREIGN, raw)


class Nowhere:
    """The locations of a batch without rows."""

    def of(self, row: int) -> tuple[str, str]:
        """There is none."""
        raise IndexError(row)


@dataclass(frozen=True, slots=True)
class _Listed:
    entries: list[LocatedEntry]

    def of(self, row: int) -> tuple[str, str]:
        return self.entries[row].location, self.entries[row].raw


@dataclass(frozen=True, slots=True)
class _Selected:
    """Those of some of the rows."""

    locations: Locations
    rows: list[int]

    def of(self, row: int) -> tuple[str, str]:
        return self.locations.of(self.rows[row])


def gather(readings: Iterable[Reading], *, rows: int = ROWS, mapping: str = "") -> Iterator[Batch]:
    """Readings as batches of at most `rows`, `mapping` being how they were read. What `readings`
    raises is raised behind what came before."""
    problem: Exception | None = None

    def until_problem() -> Iterator[Reading]:
        nonlocal problem
        try:
            yield from readings
        except Exception as error:
            problem = error

    source = until_problem()
    while some := list(islice(source, rows)):
        located = [reading for reading in some if isinstance(reading, LocatedEntry)]
        yield Batch(
            table=as_table([reading.entry for reading in located]),
            locations=_Listed(located),
            rejections=[reading for reading in some if isinstance(reading, Rejection)],
            last=location_of(some[-1]),
            kept_fields=count_fields(reading.extra.kept for reading in located),
            lost_fields=count_fields(reading.extra.lost for reading in located),
            mapping=_use(mapping, located) if mapping else NOT_MAPPED,
            other_lines=sum(isinstance(reading, OtherLine) for reading in some),
        )
    if problem is not None:
        raise problem


def _use(name: str, located: list[LocatedEntry]) -> MappingUse:
    return MappingUse(
        name=name,
        mapped=count_fields(reading.extra.mapped for reading in located),
        derived=count_fields(reading.extra.derived for reading in located),
    )
