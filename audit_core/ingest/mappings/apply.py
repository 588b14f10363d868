"""One record of another system becomes an entry, by a mapping: nothing of it is dropped in silence.

A value that stands in a field of the entry as it stood in the record is *mapped*. One that was
translated (by a table, a function, a time's zone) is *derived*, and the record's own value stays in
the metadata. All others are kept there too, under `unmapped`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from typing import Any

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.ingest.mappings.expression import (
    Expression,
    ExpressionError,
    Found,
    Path,
    is_false,
    shown_path,
)
from audit_core.ingest.mappings.leaves import fitted_metadata, names_of, without
from audit_core.ingest.mappings.mapping import Mapping, Rule
from audit_core.ingest.records.extra_fields import ExtraFields
from audit_core.ingest.records.located import LocatedEntry, OtherLine, Reading, reject
from audit_core.ingest.records.record import MAX_TEXT, read_record
from audit_core.ingest.records.strict_json import Undecodable, decode, shown

_NAME_OF_FIELD = {field: name for name, field in FIELDS}
_ADDRESS_AND_PORT = re.compile(r"(\d+(?:\.\d+){3}):\d+|\[([0-9A-Fa-f:.]+)\]:\d+", re.ASCII)
_canonical = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


@dataclass(frozen=True, slots=True)
class Mapper:
    """Reads decoded records by a mapping, in place of `located.read_value`."""

    mapping: Mapping
    organization_id: str | None
    """That of records for which the mapping names none."""

    def __call__(self, value: object, location: str, raw: str) -> Reading:
        """What the record becomes: an entry, a rejection with its reasons, or nothing that is an
        entry (see `Mapping.only`)."""
        if not isinstance(value, dict):
            return reject(location, f"A record must be a JSON object, not {shown(value)}.", raw)
        try:
            if self.mapping.only and not is_true(self.mapping.only, value):
                return OtherLine(location)
            return _Record(self.mapping, value).reading(self.organization_id, location, raw)
        except RecursionError:
            return reject(location, "The record nests too deeply.", raw)


def is_true(expression: Expression, record: MappingOf[str, Any]) -> bool:
    """Whether an expression finds anything that is neither empty nor false."""
    try:
        return not is_false(expression.find(record).value)
    except (ExpressionError, RecursionError):
        return False


class _Record:
    """One record, and what became of its values so far."""

    def __init__(self, mapping: Mapping, record: dict[str, Any]) -> None:
        self._mapping, self._record = mapping, record
        self._problems: list[str] = []
        self._found: dict[str, Found] = {}
        """What each field was made from."""
        self._taken: list[Path] = []
        """Where the values stood that have their own place as they are."""
        self._mapped: list[str] = []
        self._derived: list[str] = []

    def reading(self, organization_id: str | None, location: str, raw: str) -> Reading:
        values = {field: self._value(field, rule) for field, rule in self._mapping.fields.items()}
        if values.get("id") in (None, ""):
            values["id"] = self._digest()
        if not self._mapping.organization:
            values["organization_id"] = organization_id
        elif values["organization_id"] in (None, ""):
            self._problems.append("organizationId is missing.")
        if self._problems:
            return reject(location, " ".join(self._problems), raw)
        entry = read_record(values)
        if not isinstance(entry, AuditEntry):
            return reject(location, " ".join(entry), raw)
        for field, found in self._found.items():
            self._note(field, found, getattr(entry, field))
        named = self._named_metadata()
        if self._problems:
            return reject(location, " ".join(self._problems), raw)
        left = without(self._record, self._taken)
        metadata, kept, lost = fitted_metadata(named, left)
        extra = ExtraFields(tuple(names_of(kept)), lost, tuple(self._mapped), tuple(self._derived))
        return LocatedEntry(replace(entry, metadata=metadata), location, raw, extra)

    def _digest(self) -> str:
        """An id that the same record has whenever it comes, in whatever order its names are."""
        text = _canonical(self._record).encode(errors="surrogatepass")
        return f"sha256:{hashlib.sha256(text).hexdigest()}"

    def _value(self, field: str, rule: Rule) -> Any:
        """What a field of the entry holds; `None` with a problem added, or where there is none."""
        name = _NAME_OF_FIELD[field]
        found = self._find(name, rule)
        value = _translated(found.value, rule)
        if found.value is not None:
            self._found[field] = found
        if field == "status_code":
            return _number(value)
        if value is None or value is False:
            return None
        if rule.time is not None:
            try:
                return rule.time.read(value)
            except ValueError as error:
                self._problems.append(f"{name} {error}")
                return None
        if isinstance(value, dict | list):
            self._problems.append(f"{name} is {shown(value)}; it must be a text.")
            return None
        text = value if isinstance(value, str) else _canonical(value)
        return _without_port(text) if field == "ip_address" else text

    def _find(self, name: str, rule: Rule) -> Found:
        if rule.expression is None:
            return Found(None, None, ())
        try:
            found = rule.expression.find(self._record)
            if isinstance(found.value, float) and not math.isfinite(found.value):
                raise ExpressionError("the number is too large")
            return found
        except ExpressionError as error:
            place = f"{self._mapping.name}, line {rule.line}"
            self._problems.append(f"{name} cannot be made ({place}): {error}.")
            return Found(None, None, ())

    def _note(self, field: str, found: Found, value: Any) -> None:
        """Note whether what was found stands in the entry as it is."""
        name = _NAME_OF_FIELD[field]
        rule = self._mapping.fields[field]
        if rule.time is not None:
            same = rule.time.is_exact(found.value)
        else:
            same = type(value) is type(found.value) and value == found.value
        if found.path is not None and same:
            self._taken.append(found.path)
            self._mapped.append(f"{shown_path(found.path)} → {name}")
        else:
            self._derived += [f"{place} → {name}" for place in found.read]

    def _named_metadata(self) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for name, rule in self._mapping.metadata.items():
            found = self._find(f"metadata.{name}", rule)
            value = _translated(found.value, rule)
            if value is None:
                continue
            target = f"metadata.{name}"
            if found.path is not None and value is found.value:
                self._taken.append(found.path)
                self._mapped.append(f"{shown_path(found.path)} → {target}")
            else:
                self._derived += [f"{place} → {target}" for place in found.read]
                value = self._checked(target, value)
            named[name] = value
        return named

    def _checked(self, name: str, value: Any) -> Any:
        """A value that a function made, which may be no strict JSON."""
        try:
            text = _canonical(value)
            if len(text) <= MAX_TEXT:
                return decode(text)
            problem = f"it has {len(text):,} characters; the limit is {MAX_TEXT:,}."
        except (Undecodable, ValueError) as error:
            problem = str(error)
        self._problems.append(f"{name} cannot be kept: {problem}")
        return None


def _translated(value: Any, rule: Rule) -> Any:
    if rule.table is not None:
        key = value if isinstance(value, str) else _key(value)
        return rule.table.get(key, rule.default) if key is not None else rule.default
    missing = value is None or value == "" or (rule.expression is None)
    return rule.default if missing and rule.default is not None else value


def _key(value: Any) -> str | None:
    """What a table calls a value; `None` for an object or a list."""
    return None if isinstance(value, dict | list) else _canonical(value)


def _without_port(address: str) -> str:
    """An address as entries have it: many systems write the port of the client behind it."""
    match = _ADDRESS_AND_PORT.fullmatch(address)
    return match.group(1) or match.group(2) if match else address


def _number(value: Any) -> Any:
    """A status that may be written as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return None if value == "" else value
