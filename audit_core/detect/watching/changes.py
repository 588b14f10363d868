"""What has changed of a rule's findings since it looked last: pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from audit_core.detect.findings_sql import FoundRow, group_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

Group: TypeAlias = tuple[str, ...]
Key: TypeAlias = tuple[Group, int]
"""A group and an hour (whole hours since 1970, in UTC): with the rule, the finding's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is found in a group and an hour."""

    count: int
    first_at: datetime
    last_at: datetime
    """Aware, UTC."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new, what is otherwise than it was, and what is not true any more."""

    raised: Mapping[Key, Found] = field(default_factory=dict)
    grown: Mapping[Key, Found] = field(default_factory=dict)
    withdrawn: frozenset[Key] = frozenset()


def found_by_key(rows: Iterable[FoundRow], groups: int) -> dict[Key, Found]:
    """Rows by their identity; `groups`: by how many fields the rule tells entries apart."""
    return {
        (group_of(row, groups), row.hour): Found(
            count=row.count,
            first_at=row.first.replace(tzinfo=UTC),
            last_at=row.last.replace(tzinfo=UTC),
        )
        for row in rows
    }


def changes(known: Mapping[Key, Found], found: Mapping[Key, Found]) -> Changes:
    """How to get from what is known to what is found; both of the same groups and hours."""
    return Changes(
        raised={key: value for key, value in found.items() if key not in known},
        grown={key: value for key, value in found.items() if key in known and known[key] != value},
        withdrawn=frozenset(known.keys() - found.keys()),
    )


def group_digest(group: Group) -> str:
    """What a group is named by: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(list(group)).encode()).hexdigest()
