"""The numbers of entries: one count of the whole log, and one of each organization.

The count of the whole log has gaps for whoever sees a part of it, and they tell how much others
write. So nothing shows it: an organization sees a count of its own, which is the same whatever
others do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.log.schema import ARROW

_Numbers = npt.NDArray[np.int64]


HEAD_NUMBERS = ("revision", "organization_seq", "organization_revision")
"""The numbers whose highest ones are known of each organization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The highest numbers that were given for one organization; all 0 if none were."""

    revision: int = 0
    """In the count of the whole log."""
    organization_seq: int = 0
    organization_revision: int = 0
    unused: tuple[int, ...] = ()
    """Numbers below `organization_seq` that no entry got, since a write broke off halfway: the
    next entries get them. Ascending; always empty where an append is one transaction."""

    def as_row(self, organization_id: str) -> dict[str, object]:
        """As a row of `schema.organization_head`."""
        row: dict[str, object] = {name: getattr(self, name) for name in HEAD_NUMBERS}
        return {"organization_id": organization_id, **row}

    def joined(self, other: Head, *, unused: tuple[int, ...] = ()) -> Head:
        """The higher of each number."""
        return Head(
            unused=unused,
            revision=max(self.revision, other.revision),
            organization_seq=max(self.organization_seq, other.organization_seq),
            organization_revision=max(self.organization_revision, other.organization_revision),
        )


NO_HEAD = Head()


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A moment in the log, by its numbers: what is numbered above them came later."""

    seq: int
    """In the count of the whole log."""
    organization_seq: int
    """In the count of the organization that asked."""


def numbered(
    rows: pa.Table,
    replaced: pa.Table,
    numbers: Iterator[int],
    heads: Mapping[str, Head],
    received_at: datetime,
) -> pa.Table:
    """The rows to store, of the shape `schema.ARROW`.

    `rows` has the shape `schema.ARRIVING`: new entries in order of arrival, then those that take
    the place and the `seq` of those in `replaced`, of the shape `schema.FOUND`. `heads` holds the
    highest numbers so far of every organization that has any.
    """
    count = rows.num_rows
    new = count - replaced.num_rows
    revisions = np.fromiter(islice(numbers, count), np.int64, count)
    organizations = _column(rows, "organization_id")
    columns = {
        "seq": np.concatenate([revisions[:new], replaced.column("seq").to_numpy()]),
        "revision": revisions,
        "organization_seq": np.concatenate(
            [
                _counted(organizations[:new], heads),
                replaced.column("organization_seq").to_numpy(),
            ]
        ),
        "organization_revision": _counted(organizations, heads, revisions=True),
        "received_at": np.full(
            count, np.datetime64(received_at.astimezone(UTC).replace(tzinfo=None), "us")
        ),
    }
    for name, values in columns.items():
        rows = rows.append_column(name, pa.array(values))
    return rows.select(ARROW.names)


def advanced(heads: Mapping[str, Head], rows: pa.Table) -> dict[str, Head]:
    """What `heads` are after rows of the shape `schema.ARROW` were stored: of the organizations
    that the rows have, no others."""
    moved = {}
    for organization, highest in heads_of(rows).items():
        before = heads.get(organization, NO_HEAD)
        unused = before.unused
        if unused:
            own = rows.filter(pc.equal(rows.column("organization_id"), organization))
            used = set(own.column("organization_seq").to_pylist())
            unused = tuple(number for number in unused if number not in used)
        moved[organization] = before.joined(highest, unused=unused)
    return moved


def heads_of(rows: pa.Table) -> dict[str, Head]:
    """The highest numbers of each organization among rows of the shape `schema.ARROW`."""
    found = rows.group_by("organization_id").aggregate([(name, "max") for name in HEAD_NUMBERS])
    return {
        row["organization_id"]: Head(**{name: row[f"{name}_max"] for name in HEAD_NUMBERS})
        for row in found.to_pylist()
    }


def parted(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The finished rows, and the others."""
    finished = pc.fill_null(pc.not_equal(rows.column("status_code"), UNANSWERED_STATUS), False)
    return rows.filter(finished), rows.filter(pc.invert(finished))


def _counted(
    organizations: pa.Array, heads: Mapping[str, Head], *, revisions: bool = False
) -> _Numbers:
    """The next number of its organization for each row."""
    encoded = pc.dictionary_encode(organizations)
    codes = encoded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    counted = np.empty(len(codes), np.int64)
    start = 0
    for organization, size in zip(
        encoded.dictionary.to_pylist(), np.bincount(codes).tolist(), strict=True
    ):
        head = heads.get(organization, NO_HEAD)
        unused = () if revisions else head.unused[:size]
        last = head.organization_revision if revisions else head.organization_seq
        following = np.arange(last + 1, last + 1 + size - len(unused), dtype=np.int64)
        counted[order[start : start + size]] = np.concatenate([_array(unused), following])
        start += size
    return counted


def _column(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name).combine_chunks()
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column


def _array(numbers: Sequence[int]) -> _Numbers:
    return np.array(numbers, np.int64)
