"""What the manifest of a pack claims, read from text that somebody else wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.evidence.pack import layout
from audit_core.evidence.pack.condition import Test, test_of, unknown_parts
from audit_core.evidence.pack.leaf_lines import Kind, parse_hashes
from audit_core.evidence.pack.strict_json import strict_json, whole_number
from audit_core.evidence.pack.verdicts import PackError
from audit_core.integrity.merkle import RangeProof
from audit_core.integrity.signed_note import NoteError, VerifierKey, parse_key

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The manifest."""

    organization_id: str
    key: VerifierKey
    made_at: int
    """In microseconds since 1970, as all times here."""
    since: int | None
    until: int | None
    meets: Test
    unknown: tuple[str, ...]
    """What the filter asks that plain fields cannot tell."""
    leaves: int
    entries_in_all: int
    start: int
    counts: Mapping[str, int]
    days: Mapping[str, int]
    files: Mapping[str, tuple[int, str]]
    """Size and SHA-256 in hexadecimal, by name."""
    as_written: Mapping[str, Any]


def parse_manifest(text: bytes) -> Claims:
    """Raises `PackError` for what is no manifest of this version."""
    try:
        value = strict_json(text)
        if value["format"] != layout.FORMAT:
            raise ValueError("it is of another format")
        if whole_number(value["version"]) != layout.VERSION:
            raise ValueError(f"it is of version {value['version']}; this knows {layout.VERSION}")
        _require_whole_characters(value)
        return _claims(value)
    except (ValueError, KeyError, TypeError, AttributeError, NoteError, RecursionError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise PackError("pack.manifest", f"The manifest cannot be read: {reason}.") from error


def _require_whole_characters(value: object) -> None:
    """What findings quote can be written anywhere."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a character") from None


def _claims(value: dict[str, Any]) -> Claims:
    query, counts = value["query"], value["counts"]
    return Claims(
        organization_id=_text(value["organization"]),
        key=parse_key(_text(value["key"])),
        made_at=_instant(value["made_at"]),
        since=None if query["since"] is None else _instant(query["since"]),
        until=None if query["until"] is None else _instant(query["until"]),
        meets=test_of(query["condition"]),
        unknown=tuple(unknown_parts(query["condition"])),
        leaves=whole_number(value["head"]["leaves"]),
        entries_in_all=whole_number(value["head"]["entries"]),
        start=whole_number(value["run"]["start"]),
        counts={
            name: whole_number(counts[name])
            for name in (*(kind.value for kind in Kind), "redacted", "unfinished", "late")
        },
        days={day: whole_number(number) for day, number in counts["days"].items()},
        files={
            name: (whole_number(file["bytes"]), _text(file["sha256"]))
            for name, file in value["files"].items()
        },
        as_written=value,
    )


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("a text is missing")
    return value


def _instant(value: object) -> int:
    instant = datetime.fromisoformat(_text(value))
    if instant.tzinfo is None:
        raise ValueError("a time lacks its zone")
    return (instant - _EPOCH) // timedelta(microseconds=1)


def parse_proof(text: bytes) -> tuple[int, int, int, RangeProof]:
    """Start, stop, size and hashes of `proof.json`. Raises `ValueError`."""
    value = strict_json(text)
    if not isinstance(value, dict) or value.keys() != {"start", "stop", "size", "left", "right"}:
        raise ValueError("it has not exactly the members start, stop, size, left and right")
    left, right = (parse_hashes(value[side]) for side in ("left", "right"))
    start, stop, size = (whole_number(value[name]) for name in ("start", "stop", "size"))
    return start, stop, size, RangeProof(left, right)
