"""Which mapping content is to be read by, told from its first records; and how they stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from audit_core.domain.errors import MappingError, SourceError
from audit_core.ingest.formats.detect import Detected, Shape, object_shape, skip_blank
from audit_core.ingest.formats.outline import (
    MAX_SAMPLES,
    JsonList,
    outline_of,
    read_list,
    sample_objects,
)
from audit_core.ingest.formats.streams import is_compressed
from audit_core.ingest.mappings.apply import Mapper, is_true
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.parse import NO_MAPPING
from audit_core.ingest.records.extra_fields import joined_names
from audit_core.ingest.records.located import Reading, reject
from audit_core.ingest.records.record import field_of
from audit_core.ingest.records.strict_json import Undecodable, scan, skip_whitespace

_REQUIRED = frozenset({"id", "actor_id", "action", "created_at"})
MAX_LINES = 500
"""How many lines are looked at: audit entries may be few among those of a log."""
_HINT = "Give JSON, or leave the mapping out."


class Recognized(NamedTuple):
    """A mapping for content, and how its records stand in it."""

    mapping: Mapping
    detected: Detected


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """By which mapping content may be read."""

    known: Sequence[Mapping] = ()
    """Those that are applied to what they recognize; of two that do, the one that recognizes more
    records, else the first."""
    chosen: Mapping | None = None
    """The one that is applied whatever the content is."""
    organization_id: str | None = None
    """That of records for which a mapping names none; `None` if there is none to give."""

    def recognize(self, head: bytes, name: str, *, whole: bool) -> Recognized | None:
        """The mapping for content that begins with `head`, UTF-8 without a mark, or is no longer
        than it (`whole`); `None` if it is to be read as Daytona's entries.

        Raises `SourceError` where one is chosen that reads no such content, or that names no
        organization while there is none to give.
        """
        if self.chosen is None and not self.known:
            return None
        content = skip_blank(head)
        if not content or is_compressed(head):
            return None
        lists = _lists_in(content.decode(errors="replace"), whole=whole)
        found = self._forced(lists, name) if self.chosen else _best(self.known, lists)
        if found is None:
            return None
        mapping, path = found
        if not mapping.organization and self.organization_id is None:
            raise SourceError(
                f"{name} is read as {mapping.title}, whose records name no organization of this "
                "log.",
                "Say to which they belong: --organization ID.",
            )
        return Recognized(mapping, Detected(_shape(content, path), path))

    def mapping_of(self, record: object) -> Mapping | None:
        """The mapping for a record that comes by itself, such as the message of a log; `None` if
        none recognizes it."""
        if not isinstance(record, dict) or _is_whole_entry(tuple(record)):
            return None
        return next((known for known in self.known if is_true(known.detect, record)), None)

    def _forced(
        self, lists: list[JsonList] | None, name: str
    ) -> tuple[Mapping, tuple[str, ...]] | None:
        mapping = self.chosen
        if mapping is None:
            return None
        if lists is None:
            raise SourceError(
                f"{name} is no JSON, and the mapping {mapping.name} reads JSON only.", _HINT
            )
        present = {one.path for one in lists}
        return mapping, next((path for path in mapping.records if path in present), ())


class RecordsOfOthers:
    """Reads records that come one by one, as messages of a log, each by the mapping that recognizes
    it."""

    def __init__(self, mappings: Choice) -> None:
        self._mappings = mappings
        self.used = ""
        """The names of the mappings that were applied so far."""

    def __call__(self, value: object, location: str, raw: str) -> Reading | None:
        """What a record became; `None` if no mapping recognizes it."""
        mapping = self._mappings.mapping_of(value)
        if mapping is None:
            return None
        if not mapping.organization and self._mappings.organization_id is None:
            reason = f"This is read as {mapping.title}, which names no organization of this log."
            return reject(location, f"{reason} Say which it is: --organization ID.", raw)
        self.used = joined_names(self.used, mapping.name)
        return Mapper(mapping, self._mappings.organization_id)(value, location, raw)


def sample_records(head: bytes, limit: int, *, whole: bool) -> list[dict[str, Any]]:
    """The first records that content holds which begins with `head`: of its lists the longest."""
    lists = _lists_in(skip_blank(head).decode(errors="replace"), whole=whole) or []
    return max((one.items for one in lists), key=len, default=[])[:limit]


NO_MAPPINGS = Choice()
"""Content is Daytona's entries, or it is refused."""


def choose(known: Sequence[Mapping], name: str | None, organization_id: str | None) -> Choice:
    """What a name says: that mapping, with `none` no mapping, without a name what is recognized.

    Raises `MappingError` for a name that is not known.
    """
    if name is None:
        return Choice(known=known, organization_id=organization_id)
    if name == NO_MAPPING:
        return NO_MAPPINGS
    for mapping in known:
        if mapping.name == name:
            return Choice(chosen=mapping, organization_id=organization_id)
    names = ", ".join(sorted({mapping.name for mapping in known}))
    raise MappingError(
        f"There is no mapping {name[:60]!r}.", f"The mappings are {names}, and none for none."
    )


def _best(
    known: Sequence[Mapping], lists: list[JsonList] | None
) -> tuple[Mapping, tuple[str, ...]] | None:
    """The mapping that recognizes most of the first records, and where they stand. Further ones are
    looked at where none is recognized among these."""
    if any(_is_whole_entry(sample) for one in lists or () for sample in one.samples):
        return None
    for part in (slice(MAX_SAMPLES), slice(MAX_SAMPLES, MAX_LINES)):
        best, most = None, 0
        for one in lists or ():
            for mapping in known:
                if one.path and one.path not in mapping.records:
                    continue
                count = sum(is_true(mapping.detect, item) for item in one.items[part])
                if count > most:
                    best, most = (mapping, one.path), count
        if best is not None:
            return best
    return None


def _is_whole_entry(names: tuple[str, ...]) -> bool:
    """Whether an object has all that an entry of Daytona must have: then it is one."""
    return {field_of(name) for name in names}.issuperset(_REQUIRED)


def _lists_in(text: str, *, whole: bool) -> list[JsonList] | None:
    """What may be the records of a document; `None` if it is no JSON."""
    if text.startswith("["):
        return [read_list(text, 0)]
    outline = outline_of(text) if text.startswith("{") else None
    if outline and _is_whole_entry(tuple(outline.names)):
        return []  # before the others are read: this is the usual case
    items = sample_objects(text, whole=whole, limit=MAX_LINES)
    lists = []
    if outline:
        lists = outline.lists
        items = items or _first_objects(text)
    elif not items:
        return None
    return [JsonList((), [tuple(item) for item in items], empty=not items, items=items), *lists]


def _first_objects(text: str) -> list[dict[str, Any]]:
    """The objects that follow one another on any number of lines."""
    found: list[dict[str, Any]] = []
    at = 0
    while text[at : at + 1] == "{" and len(found) < MAX_SAMPLES:
        try:
            value, at = scan(text, at)
        except Undecodable:
            break
        found.append(value)
        at = skip_whitespace(text, at)
        if text[at : at + 1] == ",":
            at = skip_whitespace(text, at + 1)
    return found


def _shape(content: bytes, path: tuple[str, ...]) -> Shape:
    if path:
        return Shape.PAGE
    if content.startswith(b"["):
        return Shape.ARRAY
    return object_shape(content) if content.startswith(b"{") else Shape.LINES
