"""The particulars of an entry: its fields and all that its metadata holds, one value each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.domain.redaction import is_secret, redact
from audit_core.domain.secret_shapes import MARK

METADATA = "metadata"
"""What the path of a particular of the metadata begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Particular:
    """One value of an entry and where it stands."""

    path: tuple[str, ...]
    """The field's name in JSON; for the metadata `METADATA` and the names on the way."""
    value: str | int | datetime | None
    """`None` where there is none, or nothing but null. In the metadata, text, numbers and truth
    values as text; a list, or an object without names, as JSON."""
    scalar: bool
    """Whether it is one text, number, truth value or time, or none at all."""
    redacted: bool
    """Whether something was left out of it."""

    @property
    def name(self) -> str:
        """The path as it is written for people."""
        return ".".join(self.path)

    @property
    def of_metadata(self) -> bool:
        """Whether it stands in the metadata."""
        return len(self.path) > 1


def particulars(entry: AuditEntry, *, secrets: bool) -> tuple[Particular, ...]:
    """The fields in their order, the metadata as its parts, empty texts of them as absent.

    Without `secrets` the entry is a redacted one, and what is secret by its name counts as
    redacted.
    """
    found: list[Particular] = []
    for name, attribute in FIELDS:
        value = getattr(entry, attribute)
        if attribute != METADATA:
            found.append(_particular((name,), None if value == "" else value, secrets))
        elif value is not None:
            try:
                decoded = json.loads(value, parse_int=str, parse_float=str)
                found += _parts((METADATA,), decoded, secrets)
            except (ValueError, RecursionError):
                found.append(_particular((METADATA, "?"), value, secrets, scalar=False))
    return tuple(found)


def hidden_particulars(entry: AuditEntry) -> tuple[Particular, ...]:
    """What redaction hides of an entry, as it is there; empty where it hides nothing."""
    hidden = {item.path for item in particulars(redact(entry), secrets=False) if item.redacted}
    # What is secret by its name may be an object of several parts.
    return tuple(
        item
        for item in particulars(entry, secrets=True)
        if any(item.path[: length + 1] in hidden for length in range(len(item.path)))
    )


def _parts(path: tuple[str, ...], value: Any, secrets: bool) -> Iterator[Particular]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _parts((*path, name), inner, secrets)
    elif isinstance(value, dict | list):
        if len(path) > 1:
            text = json.dumps(value, ensure_ascii=False)
            yield _particular(path, text, secrets, scalar=False)
    elif isinstance(value, bool):
        yield _particular(path, "true" if value else "false", secrets)
    else:
        yield _particular(path, value, secrets)


def _particular(
    path: tuple[str, ...], value: Any, secrets: bool, *, scalar: bool = True
) -> Particular:
    hidden = not secrets and (
        (isinstance(value, str) and MARK in value) or any(is_secret(name) for name in path[1:])
    )
    return Particular(path=path, value=value, scalar=scalar, redacted=hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One particular of several entries."""

    path: tuple[str, ...]
    values: tuple[str | int | datetime | None, ...]
    """One for each entry; `None` where there is none."""
    differs: bool
    """Whether the entries do not all have the same value."""
    redacted: bool
    """Whether something was left out: what looks alike may differ."""

    @property
    def name(self) -> str:
        """The path as it is written for people."""
        return ".".join(self.path)


def compare(entries: Sequence[AuditEntry], *, secrets: bool) -> tuple[Compared, ...]:
    """The particulars of the entries side by side: those that differ first, else in their order."""
    of_each = [
        {item.path: item for item in particulars(entry, secrets=secrets)} for entry in entries
    ]
    paths = dict.fromkeys(path for of_one in of_each for path in of_one)
    found = []
    for path in paths:
        same_path = [of_one.get(path) for of_one in of_each]
        values = tuple(item.value if item else None for item in same_path)
        found.append(
            Compared(
                path=path,
                values=values,
                differs=len(set(values)) > 1,
                redacted=any(item.redacted for item in same_path if item),
            )
        )
    fields = {name: position for position, (name, _) in enumerate(FIELDS)}
    return tuple(sorted(found, key=lambda item: (not item.differs, fields[item.path[0]])))
