"""What the routes that read answer, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audit_core.domain.access import Scope
from audit_core.domain.redaction import redact
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.explore.results import Row


class Entry(TypedDict):
    """An entry with the names of Daytona's API."""

    id: str
    actorId: str
    actorEmail: str
    actorApiKeyPrefix: str | None
    actorApiKeySuffix: str | None
    organizationId: str | None
    action: str
    targetType: str | None
    targetId: str | None
    statusCode: int | None
    """Null in flight, 0 if it was never answered."""
    errorMessage: str | None
    ipAddress: str | None
    userAgent: str | None
    source: str | None
    metadata: dict[str, Any] | None
    createdAt: str
    """RFC 3339 in UTC."""


class DaytonaPage(TypedDict):
    """A page as Daytona's API answers it."""

    items: list[Entry]
    total: int
    """How many entries match. Behind a `nextToken` that of the page where the paging began."""
    page: int
    totalPages: int
    nextToken: NotRequired[str]
    """Where the next page begins; not there on the last one."""


class ScenarioTarget(TypedDict):
    """A type of targets, and what is done to them."""

    targetType: str
    actions: list[str]


class ScenarioList(TypedDict):
    """The actions that the log holds."""

    targets: list[ScenarioTarget]
    truncated: NotRequired[bool]
    """There, and true, if there are more."""


class EntryPage(TypedDict):
    """A page of the entries that a filter matches, newest first."""

    entries: list[Entry]
    next: str | None
    """The `cursor` of the next page; null on the last one."""
    as_of: str
    """What a relative window counts from, on every page alike. RFC 3339 in UTC."""


class BucketTotal(TypedDict):
    """How many entries a bucket of time holds."""

    start: str
    """RFC 3339, with the offset of the zone."""
    count: int


class Series(TypedDict):
    """The entries with one value over time."""

    value: str | None
    """Null: of entries without a value, or, where `others` is true, of all other values."""
    others: bool
    total: int
    buckets: list[BucketTotal]
    """In order of time; none that are empty."""


class Counts(TypedDict):
    """Entries over time by the values of one column."""

    since: str
    until: str
    bucket: int
    """How long a bucket is, in seconds."""
    by: str
    total: int
    other_values: int
    """How many values are counted together as others."""
    series: list[Series]
    """Largest first, the others last."""


def entry_objects(rows: Iterable[Row], scope: Scope) -> list[Entry]:
    """The entries as the scope's caller is shown them: redacted, as a download is, unless the
    scope holds secrets."""
    entries = (row.entry if scope.secrets else redact(row.entry) for row in rows)
    return [json_object(entry) for entry in entries]  # type: ignore[misc]
