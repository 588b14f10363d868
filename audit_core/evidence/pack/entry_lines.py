"""The lines of a pack's entries: the 16 fields as Daytona's API names them, for people and tools;
and whether a line says what its leaf says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.domain.entries import FIELDS
from audit_core.evidence.pack.leaf_lines import OpenedBlock, OpenedLeaf, Texts
from audit_core.evidence.pack.strict_json import Number, strict_json
from audit_core.integrity.leaf import BLOCK_FIELDS, PLAIN, Block

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = {ours: json_name for json_name, ours in FIELDS}
_JSON_NAMES = frozenset(json_name for json_name, _ in FIELDS)
_BY_OURS = {ours: f'"{json_name}":' for json_name, ours in FIELDS}
_LINE_ENDS = str.maketrans("\r\n", "  ")


def instant_text(microseconds: int) -> str:
    """RFC 3339 in UTC, with six digits of a second or none."""
    instant = _EPOCH + timedelta(microseconds=microseconds)
    return instant.replace(tzinfo=None).isoformat() + "Z"


def entry_line(plain: Texts, who: Texts, said: Texts) -> str:
    """The line of an entry, without its end; `said` as the reader may see it."""
    values = dict(zip(PLAIN, plain, strict=True))
    values |= zip(BLOCK_FIELDS[Block.WHO], who, strict=True)
    values |= zip(BLOCK_FIELDS[Block.SAID], said, strict=True)
    return "{" + ",".join(map("".join, _members(values))) + "}"


def _members(values: Mapping[str, str | None]) -> Any:
    for _, ours in FIELDS:
        yield _BY_OURS[ours], _written(ours, values[ours])


def _written(ours: str, text: str | None) -> str:
    if text is None or (ours == "organization_id" and not text):
        return "null"
    if ours == "created_at":
        return f'"{instant_text(int(text))}"'
    if ours == "metadata":
        # The stored text itself: written anew, its numbers might be spelled otherwise. A line end
        # in it can only be white space, since JSON's texts have none.
        return text.translate(_LINE_ENDS)
    return text if ours == "status_code" else json.dumps(text, ensure_ascii=False)


def difference(line: bytes, leaf: OpenedLeaf) -> str | None:
    """The first field in which a line does not say what the opened parts of its leaf say; None if
    there is none. Raises `ValueError` for a line that is no entry."""
    entry = strict_json(line)
    if not isinstance(entry, dict) or entry.keys() != _JSON_NAMES:
        raise ValueError("it does not have exactly the 16 fields of an entry")
    shown = dict(zip(PLAIN, leaf.plain, strict=True))
    for block, part in ((Block.WHO, leaf.who), (Block.SAID, leaf.said)):
        if isinstance(part, OpenedBlock):
            shown |= zip(BLOCK_FIELDS[block], part.values, strict=True)
    for ours, text in shown.items():
        name = _NAMES.get(ours)
        if name is not None and not _says(ours, entry[name], text):
            return name
    return None


def _says(ours: str, value: object, text: str | None) -> bool:
    if text is None or (ours == "organization_id" and not text):
        return value is None
    if ours == "status_code":
        return isinstance(value, Number) and value == Number(text)
    if ours == "metadata":
        try:
            return bool(value == strict_json(text))
        except ValueError:
            return False
    if isinstance(value, Number):
        return False
    return value == (instant_text(int(text)) if ours == "created_at" else text)
