"""What Daytona answers: one page of its audit log. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc

from audit_core.domain.rejections import RAW_LIMIT
from audit_core.ingest.formats.json_document import DocumentReader
from audit_core.ingest.records.batches import Batch, gather
from audit_core.ingest.records.located import (
    MAX_RECORD,
    Reading,
    location_in,
    read_value,
    reject,
)
from audit_core.ingest.records.strict_json import Undecodable, decode
from audit_core.sources.problems import AnswerUnreadable

ITEMS = ("items",)
"""Where the entries stand in an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, read."""

    batches: tuple[Batch, ...]
    """Its entries, and what is no entry as rejections."""
    total: int
    """How many entries Daytona says that there are in all pages."""
    identities: frozenset[str]
    """What is on it, whether it can be read as an entry or not; see `identity_of`."""
    contents: frozenset[str]
    """The same by all that the items hold."""
    newest: datetime | None
    """The newest time on it that can be read; `None` if there is none."""


def identity_of(item: object) -> str:
    """Twelve characters that tell an item of an answer from others: its id's, else all of it."""
    known = item.get("id") if isinstance(item, dict) else None
    return _digest(known if isinstance(known, str) else json.dumps(item, sort_keys=True))


def _written(item: object) -> str:
    return json.dumps(item, ensure_ascii=False)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6).hexdigest()


def read_page(body: bytes, name: str) -> Page:
    """The page in an answer. `name` begins the locations of its rejections.

    An item that is no entry becomes a rejection and costs itself only; unknown fields of an item
    are kept in its metadata. Raises `AnswerUnreadable` where the answer is no page at all.
    """
    try:
        answer: Any = decode(body.decode())
        strict = True
    except (Undecodable, UnicodeDecodeError):
        answer, strict = _lenient(body), False
    items = answer.get("items") if isinstance(answer, dict) else None
    total = answer.get("total") if isinstance(answer, dict) else None
    if not isinstance(items, list) or type(total) is not int or total < 0:
        raise AnswerUnreadable("Its answer is JSON, but no page with items and a total.")
    written = [_written(item) for item in items]
    if strict:
        readings = _readings(items, written, name)
    else:
        # An item that only a lenient reader takes: each is read by itself, to find which.
        readings = DocumentReader(iter([body]), name).read_pages(ITEMS)
    batches = tuple(gather(readings)) if items else ()
    return Page(
        batches=batches,
        total=total,
        identities=frozenset(map(identity_of, items)),
        contents=frozenset(map(_digest, written)),
        newest=max((_newest(batch) for batch in batches if batch.table.num_rows), default=None),
    )


def _lenient(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AnswerUnreadable(f"Its answer is no JSON ({error}).") from error


def _readings(items: list[Any], written: list[str], name: str) -> Iterator[Reading]:
    for number, (item, text) in enumerate(zip(items, written, strict=True), start=1):
        location = location_in(name, "item", number)
        if len(text) > MAX_RECORD:
            reason = f"The item has {len(text):,} characters; the limit is {MAX_RECORD:,}."
            yield reject(location, reason, text[:RAW_LIMIT], length=len(text))
        else:
            yield read_value(item, location, text)


def _newest(batch: Batch) -> datetime:
    newest: datetime = pc.max(batch.table.column("created_at")).as_py()
    return newest.replace(tzinfo=UTC)
