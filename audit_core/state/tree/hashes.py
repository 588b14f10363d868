"""Tiles, and leaves that cannot be made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update

from audit_core.state.database import insert_into
from audit_core.state.tree.tables import LeafKind, tree_leaf, tree_tile

TILE = 256
"""How many leaves, or tiles of the level below, make a full tile."""

AT_ONCE = 500
"""How many rows one statement writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLeaf:
    """A leaf, or several absent ones behind each other."""

    first: int
    """The `organization_revision` of the first."""
    last: int
    kind: LeafKind
    hash: bytes | None
    """`None` for absent ones."""


def tile_hashes(
    connection: Connection, organization_id: str, *, level: int, first: int, count: int
) -> list[bytes]:
    """The roots of full tiles, in order; fewer where there are no more."""
    column = tree_tile.c
    statement = (
        select(column.hash)
        .where(
            column.organization_id == organization_id,
            column.level == level,
            column.number >= first,
            column.number < first + count,
        )
        .order_by(column.number)
    )
    return [bytes(found) for found in connection.execute(statement).scalars()]


def gone_tiles(connection: Connection, organization_id: str, *, first: int, last: int) -> set[int]:
    """Those tiles of level 1, among the numbers `first` to `last`, whose entries are all gone."""
    column = tree_tile.c
    statement = select(column.number).where(
        column.organization_id == organization_id,
        column.level == 1,
        column.number.between(first, last),
        column.gone,
    )
    return set(connection.execute(statement).scalars())


def add_tiles(
    connection: Connection, organization_id: str, *, level: int, first: int, hashes: Sequence[bytes]
) -> None:
    """Keep the roots of full tiles from number `first` on; none of them may be there."""
    rows = [
        {"organization_id": organization_id, "level": level, "number": number, "hash": found}
        for number, found in enumerate(hashes, first)
    ]
    if rows:
        connection.execute(tree_tile.insert(), rows)


def let_tiles_go(
    connection: Connection, organization_id: str, runs: Iterable[tuple[int, int]]
) -> None:
    """Say of tiles of level 1, (first, last) of each run of them, that all of their entries are
    gone: leaves that were kept for them are dropped."""
    for first, last in runs:
        connection.execute(
            update(tree_tile)
            .where(
                tree_tile.c.organization_id == organization_id,
                tree_tile.c.level == 1,
                tree_tile.c.number.between(first, last),
            )
            .values(gone=True)
        )
        connection.execute(
            delete(tree_leaf).where(
                tree_leaf.c.organization_id == organization_id,
                tree_leaf.c.revision.between(first * TILE + 1, (last + 1) * TILE),
            )
        )


def keep_leaves(
    connection: Connection, organization_id: str, kind: LeafKind, hashes: Mapping[int, bytes]
) -> None:
    """Keep leaves by their `organization_revision`. One that is kept already stays as it is: what
    was sealed first counts. But for `ERASED`, which it then is."""
    if kind is LeafKind.ERASED:
        _call_erased(connection, organization_id, sorted(hashes))
    _insert_leaves(
        connection,
        (
            {"organization_id": organization_id, "revision": revision, "last": revision}
            | {"kind": int(kind), "hash": found}
            for revision, found in sorted(hashes.items())
        ),
    )


def note_absent(
    connection: Connection, organization_id: str, runs: Iterable[tuple[int, int]]
) -> None:
    """Note that no entry has the numbers of these runs, (first, last) each, none of which goes
    beyond its tile."""
    _insert_leaves(
        connection,
        (
            {"organization_id": organization_id, "revision": first, "last": last}
            | {"kind": int(LeafKind.ABSENT), "hash": None}
            for first, last in runs
        ),
    )


def kept_leaves(
    connection: Connection, organization_id: str, *, first: int, last: int
) -> Iterator[KeptLeaf]:
    """The leaves that are kept among these numbers, both inclusive; in order. Runs may begin
    before and end after."""
    column = tree_leaf.c
    # By the key: a run lies within one tile.
    statement = (
        select(column.revision, column.last, column.kind, column.hash)
        .where(
            column.organization_id == organization_id,
            column.revision.between(first - TILE + 1, last),
            column.last >= first,
        )
        .order_by(column.revision)
    )
    for row in connection.execute(statement):
        yield KeptLeaf(
            first=row.revision,
            last=row.last,
            kind=LeafKind(row.kind),
            hash=None if row.hash is None else bytes(row.hash),
        )


def count_kept(connection: Connection, organization_id: str) -> dict[LeafKind, int]:
    """How many leaves are kept, of each kind of which there are any."""
    column = tree_leaf.c
    statement = (
        select(column.kind, func.sum(column.last - column.revision + 1))
        .where(column.organization_id == organization_id)
        .group_by(column.kind)
    )
    return {LeafKind(kind): int(count) for kind, count in connection.execute(statement)}


def _call_erased(connection: Connection, organization_id: str, revisions: list[int]) -> None:
    """Those of the kept leaves that have a hash."""
    column = tree_leaf.c
    for start in range(0, len(revisions), AT_ONCE):
        connection.execute(
            update(tree_leaf)
            .where(
                column.organization_id == organization_id,
                column.revision.in_(revisions[start : start + AT_ONCE]),
                column.hash.is_not(None),
            )
            .values(kind=int(LeafKind.ERASED))
        )


def _insert_leaves(connection: Connection, rows: Iterable[dict[str, object]]) -> None:
    listed = list(rows)
    for start in range(0, len(listed), AT_ONCE):
        statement = insert_into(connection, tree_leaf).values(listed[start : start + AT_ONCE])
        connection.execute(statement.on_conflict_do_nothing())
