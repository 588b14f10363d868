"""What is left of a record once values of it have their own place, and what metadata holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from audit_core.ingest.mappings.expression import Path
from audit_core.ingest.records.extra_fields import UNMAPPED
from audit_core.ingest.records.record import MAX_KEYS, count_names, write_metadata

_NAMED_DEPTH = 3
"""How many names a place has in reports; what lies deeper is told by its beginning."""

_GONE = object()


def without(record: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """The record without what stands at these paths; objects that are empty by that are left out.

    A list of which anything stays stays whole, so that what is left has the index that it had.
    """
    taken: dict[str | int, Any] = {}
    for path in paths:
        branch = taken
        for step in path[:-1]:
            branch = branch.setdefault(step, {})
            if branch is _GONE:
                break
        else:
            branch[path[-1]] = _GONE
    left = _without(record, taken)
    return {} if left is _GONE else left


def _without(value: Any, taken: Any) -> Any:
    if taken is _GONE:
        return _GONE
    if isinstance(value, dict):
        left = {
            name: item
            for name, whole in value.items()
            if (item := _without(whole, taken[name]) if name in taken else whole) is not _GONE
        }
        return left or _GONE
    stays = (
        index not in taken or _without(item, taken[index]) is not _GONE
        for index, item in enumerate(value)
    )
    return value if any(stays) else _GONE


def names_of(value: dict[str, Any], depth: int = _NAMED_DEPTH) -> Iterator[str]:
    """The places of what an object holds, such as `client.geo.city`."""
    for name, item in value.items():
        if isinstance(item, dict) and item and depth > 1:
            yield from (f"{name}.{rest}" for rest in names_of(item, depth - 1))
        else:
            yield name


def fitted_metadata(
    named: dict[str, Any], left: dict[str, Any]
) -> tuple[str | None, dict[str, Any], tuple[str, ...]]:
    """Metadata of values by name, and of what is left under `UNMAPPED`, as text; what of the latter
    is kept; and the names of all that it has no room for (see `records`)."""
    whole = {**named, **({UNMAPPED: left} if left else {})}
    if not whole:
        return None, {}, ()
    if text := write_metadata(whole, []):
        return text, left, ()
    room = MAX_KEYS - 1
    lost: list[str] = []
    kept: list[dict[str, Any]] = []
    for values, wrap in ((named, 1), (left, 2)):
        some: dict[str, Any] = {}
        for name, value in values.items():
            single: Any = {name: value} if wrap == 1 else {UNMAPPED: {name: value}}
            names = 1 + count_names(value) if write_metadata(single, []) else room + 1
            if names <= room:
                room -= names
                some[name] = value
            else:
                lost.append(name)
        kept.append(some)
    whole = {**kept[0], **({UNMAPPED: kept[1]} if kept[1] else {})}
    return write_metadata(whole, []) if whole else None, kept[1], tuple(lost)
