"""Samples of other systems' records, as their public descriptions have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit_core.ingest.mappings.catalog import shipped_mappings
from audit_core.ingest.mappings.mapping import Mapping

FOLDER = Path(__file__).parent / "data" / "mappings"
SAMPLES = {path.stem: path for path in sorted(FOLDER.iterdir())}
"""The file of each shipped mapping, by its name."""


def mapping_named(name: str) -> Mapping:
    """A shipped mapping."""
    return next(mapping for mapping in shipped_mappings() if mapping.name == name)


def records_of(name: str) -> list[dict[str, Any]]:
    """The records in the samples of a system, other lines among them."""
    text = SAMPLES[name].read_text(encoding="utf-8")
    if SAMPLES[name].suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    found = json.loads(text)
    return found if isinstance(found, list) else next(iter(found.values()))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Every value within a value that holds no others, with its path."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value
