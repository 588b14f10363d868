"""One record, decoded from JSON, becomes an entry or the reasons why it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from audit_core.domain.entries import FIELDS, UNANSWERED_STATUS, AuditEntry
from audit_core.ingest.records.extra_fields import EXTRA, LOG_FIELDS, ExtraFields
from audit_core.ingest.records.strict_json import shown
from audit_core.ingest.records.timestamps import read_time

MAX_TEXT = 65_536
"""The longest string of a record, in characters; a longer one makes it a rejection."""

MAX_DEPTH = 32
"""How deeply metadata may nest; the metadata object itself is the first level."""

MAX_KEYS = 1_000
"""How many names the objects of the metadata may hold in total."""

NUL, NUL_SYMBOL = "\0", "\u2400"
"""PostgreSQL refuses NUL in text, so it is stored as its printable symbol."""

_FIELD_OF_NAME = {name: field for name, field in FIELDS} | {field: field for _, field in FIELDS}
_NAME_OF_FIELD = {field: name for name, field in FIELDS}
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def field_of(name: str) -> str | None:
    """The field that a name in a file means: `actorId` and `actor_id` both `actor_id`.

    `None` for a name that is not a field of an entry.
    """
    return _FIELD_OF_NAME.get(name)


def read_record(record: object) -> AuditEntry | tuple[str, ...]:
    """What `read_record_and_extra` makes of a record, without the names of its extra fields."""
    return read_record_and_extra(record)[0]


def read_record_and_extra(record: object) -> tuple[AuditEntry | tuple[str, ...], ExtraFields]:
    """The entry that a decoded JSON value describes, or one sentence for each thing wrong.

    The 16 fields may be named as Daytona's API names them (`actorId`) or in snake_case
    (`actor_id`), not both at once. Any further field is kept in the metadata under `EXTRA`, as far
    as the metadata has room for it and no `EXTRA` of its own; `LOG_FIELDS` are ignored. `id`,
    `actorId`, `action` and `createdAt` are required and not empty; a missing or null `actorEmail`
    is the empty text, everything else missing is `None`, and so is an empty `organizationId`. Types
    are strict: no number stands for a text or the reverse. The value must come from
    `decoding.decode`, which has checked numbers and names.

    Limits: `MAX_TEXT` for each string, `MAX_DEPTH` and `MAX_KEYS` for the metadata. NUL
    becomes U+2400; a lone surrogate is refused. `metadata` is kept as compact JSON, its names
    in the given order.
    """
    if not isinstance(record, dict):
        return (f"A record must be a JSON object, not {shown(record)}.",), ExtraFields()
    problems: list[str] = []
    values, extra = _fields(record, problems)

    texts = _Texts(values, problems)
    text, required = texts.optional, texts.required
    created_at = _created_at(values.get("created_at"), problems)
    status_code = _status_code(values.get("status_code"), problems)
    metadata = write_metadata(values.get("metadata"), problems)
    names = ExtraFields()
    if extra and not problems:
        metadata, names = _with_extra(metadata, values.get("metadata") or {}, extra)
    entry = AuditEntry(
        id=required("id"),
        actor_id=required("actor_id"),
        actor_email=text("actor_email") or "",
        actor_api_key_prefix=text("actor_api_key_prefix"),
        actor_api_key_suffix=text("actor_api_key_suffix"),
        organization_id=text("organization_id") or None,
        action=required("action"),
        target_type=text("target_type"),
        target_id=text("target_id"),
        status_code=status_code,
        error_message=text("error_message"),
        ip_address=text("ip_address"),
        user_agent=text("user_agent"),
        source=text("source"),
        metadata=metadata,
        created_at=created_at,  # type: ignore[arg-type]  # None only with a problem
    )
    return (tuple(problems) if problems else entry), names


class _Texts:
    """The texts among the given values; what is wrong with them is added to `problems`."""

    def __init__(self, values: Mapping[str, Any], problems: list[str]) -> None:
        self._values = values
        self._problems = problems

    def optional(self, field: str) -> str | None:
        value = self._values.get(field)
        if value is None:
            return None
        # Nearly every text passes here; the tests are ordered by cost.
        if type(value) is str and len(value) <= MAX_TEXT and value.isascii() and NUL not in value:
            return value
        return _checked_text(_NAME_OF_FIELD[field], value, self._problems)

    def required(self, field: str) -> str:
        value = self._values.get(field)
        if value is None or value == "":
            state = "missing" if value is None else "empty"
            self._problems.append(f"{_NAME_OF_FIELD[field]} is {state}.")
        return self.optional(field) or ""


def write_record(entry: AuditEntry) -> str:
    """One line of JSON, without its end, from which `read_record` makes the same entry."""
    values = {name: getattr(entry, field) for name, field in FIELDS}
    values["createdAt"] = entry.created_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if entry.metadata is not None:
        values["metadata"] = json.loads(entry.metadata)
    return _encode(values)


def _fields(
    record: Mapping[str, Any], problems: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values by their fields, and those that belong to none by their names."""
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in record.items():
        field = _FIELD_OF_NAME.get(name)
        if field is None:
            if name not in LOG_FIELDS:
                extra[name] = value
            continue
        if field in values:
            problems.append(f"{_NAME_OF_FIELD[field]} and {field} are one field; both stand here.")
        values[field] = value
    return values, extra


def _with_extra(
    text: str | None, metadata: dict[str, Any], extra: dict[str, Any]
) -> tuple[str | None, ExtraFields]:
    """Metadata, given as `text` and decoded, with as many of the extra fields as it has room for;
    and their names."""
    if EXTRA in metadata:
        return text, ExtraFields(lost=tuple(extra))
    problems: list[str] = []
    if whole := write_metadata({**metadata, EXTRA: extra}, problems):
        return whole, ExtraFields(kept=tuple(extra))
    room = MAX_KEYS - count_names(metadata) - 1
    kept = {}
    for name, value in extra.items():
        problems.clear()
        if write_metadata({EXTRA: {name: value}}, problems):
            room -= 1 + count_names(value)
            if room >= 0:
                kept[name] = value
    lost = tuple(name for name in extra if name not in kept)
    if not kept:
        return text, ExtraFields(lost=lost)
    return write_metadata({**metadata, EXTRA: kept}, []), ExtraFields(tuple(kept), lost)


def count_names(value: Any) -> int:
    """How many names the objects within a value hold, which keeps the limit of depth."""
    if isinstance(value, list):
        return sum(map(count_names, value))
    return len(value) + sum(map(count_names, value.values())) if isinstance(value, dict) else 0


def _checked_text(name: str, value: object, problems: list[str]) -> str | None:
    if not isinstance(value, str):
        problems.append(f"{name} is {shown(value)}; it must be a text.")
        return None
    problem = _problem_of_text(value)
    if problem:
        problems.append(f"{name} {problem}")
        return None
    return value.replace(NUL, NUL_SYMBOL)


def _problem_of_text(value: str) -> str | None:
    """The rest of a sentence that begins with what the text is."""
    if len(value) > MAX_TEXT:
        return f"has {len(value):,} characters; the limit is {MAX_TEXT:,}."
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return f"holds half of a surrogate pair at character {error.start + 1:,}."
    return None


def _created_at(value: object, problems: list[str]) -> object:
    if value is None:
        problems.append("createdAt is missing.")
    elif not isinstance(value, str):
        problems.append(
            f"createdAt is {shown(value)}; it must be a text like 2025-07-31T08:15:27.123Z, "
            "not a number."
        )
    else:
        try:
            return read_time(value)
        except ValueError as error:
            problems.append(f"createdAt is {shown(value)}; {error}.")
    return None


def _status_code(value: object, problems: list[str]) -> int | None:
    if value is None:
        return None
    if type(value) is int and (100 <= value <= 599 or value == UNANSWERED_STATUS):
        return value
    problems.append(
        f"statusCode is {shown(value)}; it must be null, 0 or a whole number from 100 to 599."
    )
    return None


def write_metadata(value: object, problems: list[str]) -> str | None:
    """The text that is kept for decoded metadata: `None` for none, or with a problem added."""
    if value is None:
        return None
    if not isinstance(value, dict):
        problems.append(f"metadata is {shown(value)}; it must be an object.")
        return None
    try:
        text = _encode(value)
        if _plainly_small(text):
            return text
        return _encode(_cleaned(value, 1, _counter()))
    except RecursionError:
        problems.append(f"metadata nests more than {MAX_DEPTH} levels deep.")
    except _Refused as refused:
        problems.append(f"metadata {refused}")
    return None


def _plainly_small(text: str) -> bool:
    """Whether encoded metadata keeps every limit for certain, seen from its text alone."""
    return (
        len(text) <= MAX_TEXT
        and text.isascii()
        and text.count("{") + text.count("[") <= MAX_DEPTH
        and text.count(":") <= MAX_KEYS
        and "\\u0000" not in text
    )


class _Refused(Exception):
    """The rest of a sentence that begins with "metadata"."""


def _counter() -> Callable[[int], None]:
    total = 0

    def add(keys: int) -> None:
        nonlocal total
        total += keys
        if total > MAX_KEYS:
            raise _Refused(f"holds more than {MAX_KEYS:,} names.")

    return add


def _cleaned(value: Any, depth: int, count: Callable[[int], None]) -> Any:
    """The value with NUL replaced. Raises `_Refused` where a limit is passed."""
    if isinstance(value, str):
        problem = _problem_of_text(value)
        if problem:
            raise _Refused(f"holds a text that {problem}")
        return value.replace(NUL, NUL_SYMBOL)
    if not isinstance(value, dict | list):
        return value
    if depth > MAX_DEPTH:
        raise _Refused(f"nests more than {MAX_DEPTH} levels deep.")
    if isinstance(value, list):
        return [_cleaned(item, depth + 1, count) for item in value]
    count(len(value))
    cleaned = {
        _cleaned(name, depth, count): _cleaned(item, depth + 1, count)
        for name, item in value.items()
    }
    if len(cleaned) != len(value):
        raise _Refused("holds two names that differ only by NUL and U+2400.")
    return cleaned
