"""Files that hold no entries as they are: what they were recognized as, and what to give instead.

Every answer is about the whole file, once: a reason for each of its lines would lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

WHAT_TO_GIVE = (
    "Give JSON lines, a JSON list, a saved page of Daytona's API, its console log with the lines "
    "AUDIT_ENTRY:, or CSV whose first line names the columns."
)
_COMPRESSIONS = "Give JSON, JSON lines or CSV: plain, gzip or zstd."
_CSV_UTF8 = "Save the sheet as CSV UTF-8, and give that."
_EXPORT = "Export the table as CSV or JSON lines, and give that."

_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", f"{_COMPRESSIONS} {_CSV_UTF8}"),
    (b"PK\x05\x06", "an empty zip archive", _COMPRESSIONS),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", _CSV_UTF8),
    (b"BZh", "compressed with bzip2", _COMPRESSIONS),
    (b"\xfd7zXZ", "compressed with xz", _COMPRESSIONS),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _COMPRESSIONS),
    (b"Rar!", "a RAR archive", _COMPRESSIONS),
    (b"\x04\x22\x4d\x18", "compressed with lz4", _COMPRESSIONS),
    (b"PAR1", "a Parquet file", _EXPORT),
    (b"ARROW1", "an Arrow file", _EXPORT),
    (b"Obj\x01", "an Avro file", _EXPORT),
    (b"SQLite format 3\0", "a SQLite database", _EXPORT),
    (b"PGDMP", "a dump of a PostgreSQL database", _EXPORT),
    (b"%PDF-", "a PDF document", WHAT_TO_GIVE),
    (b"\x89PNG", "an image", WHAT_TO_GIVE),
    (b"\xff\xd8\xff", "an image", WHAT_TO_GIVE),
    (b"\x7fELF", "a program", WHAT_TO_GIVE),
)
"""The first bytes of files that are not text, by the formats' own specifications."""

_TAR = (257, b"ustar")
_DUCKDB = (8, b"DUCK")

_TEXTS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"<(?:!doctype\s+)?html", re.I),
        "an HTML page",
        "It may be the sign-in page of what should have answered: ask its API with a valid token.",
    ),
    (re.compile(r"<[?a-z!]", re.I), "XML", WHAT_TO_GIVE),
    (re.compile(r"(?:---\r?\n|apiVersion: |- \w+:)"), "YAML", WHAT_TO_GIVE),
    (
        re.compile(r"--\S*\r?\ncontent-disposition:\s*form-data", re.I),
        "a form",
        "Send the file itself as the body: curl --data-binary @FILE.",
    ),
    (
        re.compile(r"(?:--|/\*|SET |INSERT |COPY |CREATE |BEGIN\b|PRAGMA )", re.I),
        "an SQL script or dump",
        _EXPORT,
    ),
)

_SYSTEMS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (system, frozenset(names.split()))
    for system, names in (
        ("AWS CloudTrail", "eventVersion eventName"),
        ("AWS CloudTrail", "eventID eventName eventTime"),
        ("Kubernetes audit logs", "auditID stage"),
        ("GitHub's audit log", "action actor @timestamp"),
        ("GitHub's audit log", "action actor _document_id"),
        ("Coder's audit log", "resource_type resource_target status_code"),
        ("Coder's audit log", "ResourceType ResourceTarget StatusCode"),
        ("Okta's system log", "uuid published eventType"),
        ("Teleport's audit log", "event code uid time"),
        ("Google Cloud audit logs", "protoPayload logName"),
        ("Google Cloud audit logs", "protoPayload insertId"),
        ("Auth0's log", "log_id type date"),
        ("Auth0's log", "log_id data"),
        ("E2B's lifecycle events", "sandboxId eventData"),
        ("E2B's lifecycle events", "sandbox_id event_data"),
        ("Docker's AI governance log", "audit_event_id decision"),
        ("Azure's activity log", "operationName resourceId correlationId"),
        ("OpenTelemetry logs", "resourceLogs"),
        ("hits of OpenSearch or Elasticsearch", "_index _source"),
        ("a webhook of Daytona", "event organizationId timestamp"),
    )
)
"""Names that stand together in the records of a system, by its public description."""

_OF_ERRORS = frozenset(
    {
        *("error", "errors", "error_description", "message", "hint", "detail", "details"),
        *("description", "title", "type", "reason", "permission", "code", "status"),
        *("statusCode", "status_code", "success", "ok", "path", "timestamp", "instance"),
        *("requestId", "request_id", "traceId", "trace_id", "documentation_url"),
        *("kind", "apiVersion", "metadata"),
    }
)
"""Names in the error answers of APIs; whatever has another one is not taken for such an answer."""
_STATUSES = ("statusCode", "status_code", "status", "code")
_SAYS_AN_ERROR = ("message", "error_description", "error", "detail", "title", "errors", "reason")

MAX_NAMES = 6
"""How many names of fields or columns a sentence repeats."""
MAX_SAID = 200
"""How many characters of an error answer a sentence repeats."""


def describe_binary(head: bytes) -> tuple[str, str] | None:
    """What content that begins like this is, and what to do; `None` if it may be text."""
    for magic, what, hint in _BINARY:
        if head.startswith(magic):
            return what, hint
    for (offset, magic), what in ((_TAR, "a tar archive"), (_DUCKDB, "a DuckDB database")):
        if head[offset:].startswith(magic):
            return what, _COMPRESSIONS if magic == b"ustar" else _EXPORT
    return None


def describe_text(text: str) -> tuple[str, str] | None:
    """What a text is that is neither JSON nor CSV, and what to do; `None` if it is not known."""
    return next(
        ((what, hint) for pattern, what, hint in _TEXTS if pattern.match(text)),
        None,
    )


def system_of(names: Collection[str]) -> str | None:
    """The other system whose records have fields of these names; `None` if it is not known."""
    present = frozenset(names)
    return next((system for system, of_it in _SYSTEMS if of_it <= present), None)


def describe_records(samples: Sequence[Sequence[str]], path: Sequence[str]) -> tuple[str, str]:
    """What is said of records that are no entries: the rest of a sentence that begins with the
    name of the file, and what to do. `samples` are the names of their fields; `path` leads to
    the list that they stand in, if one does."""
    names = list(dict.fromkeys(name for sample in samples for name in sample))
    fields = listed(names)
    system = next(filter(None, map(system_of, samples)), None)
    where = f'a list under "{".".join(path)}" whose items' if path else "objects that"
    what = f"holds {where} are not entries of Daytona: they have the fields {fields}."
    if system:
        what += f" They look like {system}."
    return what, (
        "An entry has id, actorId, action and createdAt at least, as Daytona's API and this "
        "program's downloads write them. Name a mapping that reads these records, or write one "
        "(docs/mappings.md)."
    )


def describe_error(answer: Mapping[str, Any], names: Collection[str]) -> tuple[str, str] | None:
    """What is said of the answer of an API that tells an error, as `describe_records` does;
    `None` if it is none. `names` are those of the whole answer, `answer` what could be read."""
    present = frozenset(names)
    if not present <= _OF_ERRORS or not present.intersection(_SAYS_AN_ERROR):
        return None
    status = next(
        (answer[name] for name in _STATUSES if name in answer),
        None,
    )
    said = next(
        (answer[name] for name in _SAYS_AN_ERROR if isinstance(answer.get(name), str)), None
    )
    parts = [str(part) for part in (status, said) if isinstance(part, str | int)]
    text = " ".join(parts)[:MAX_SAID]
    what = "is the answer of an API that tells an error" + (f": {text!r}." if text else ".")
    return (
        what,
        "Ask that API again, with a valid token and address, and give what it answers then.",
    )


def listed(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    shown = ", ".join(name[:40] for name in names[:MAX_NAMES])
    more = len(names) - MAX_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
