"""The beginning of a JSON document: which lists it holds, and the fields of the first records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audit_core.ingest.formats.other_files import system_of
from audit_core.ingest.records.record import field_of
from audit_core.ingest.records.strict_json import Undecodable, scan, skip_whitespace

MAX_SAMPLES = 20
"""How many records of a list, or lines, are looked at."""
MAX_WRAPPERS = 3
"""How many objects may stand around a list, as in `{"data": {"items": […]}}`."""

_REQUIRED = frozenset({"id", "actor_id", "action", "created_at"})


@dataclass(frozen=True, slots=True)
class JsonList:
    """A list in a document."""

    path: tuple[str, ...]
    """The names that lead to it; empty for the document itself."""
    samples: list[tuple[str, ...]]
    """The names of the fields of its first items that are objects."""
    empty: bool
    items: list[dict[str, Any]] = field(default_factory=list)
    """Those items, as far as they could be read."""


@dataclass(slots=True)
class Outline:
    """What the beginning of an object holds."""

    names: list[str] = field(default_factory=list)
    """Its fields, as far as they could be read."""
    scalars: dict[str, Any] = field(default_factory=dict)
    """The values among them that are neither objects nor lists."""
    lists: list[JsonList] = field(default_factory=list)


def is_entry(names: tuple[str, ...] | list[str]) -> bool:
    """Whether an object with these fields is meant as an entry: one of the four that an entry
    must have may be missing, which is then the reason to reject it."""
    return len(_REQUIRED & {field_of(name) for name in names}) >= len(_REQUIRED) - 1


def is_foreign(names: tuple[str, ...] | list[str]) -> bool:
    """Whether an object with these fields is a record of something else: of a known system, or most
    of its fields are those of no entry."""
    if len(names) < 2 or is_entry(names):
        return False
    known = sum(field_of(name) is not None for name in names)
    return known < len(names) - known or system_of(names) is not None


def outline_of(text: str) -> Outline:
    """What the object holds that begins at the first brace of `text`, which may be cut anywhere."""
    outline = Outline()
    _walk(text, text.index("{"), (), outline)
    return outline


def read_list(text: str, at: int, path: tuple[str, ...] = ()) -> JsonList:
    """The list whose bracket stands at `at`; its end need not be there."""
    samples: list[tuple[str, ...]] = []
    items: list[dict[str, Any]] = []
    at = skip_whitespace(text, at + 1)
    empty = text[at : at + 1] == "]"
    for _ in range(MAX_SAMPLES):
        try:
            value, at = scan(text, at)
        except Undecodable:
            if text[at : at + 1] == "{" and not samples:
                # The first item is longer than what is looked at, or broken.
                names = _first_names(text, at)
                samples += [names] if names else []
            break
        if isinstance(value, dict):
            samples.append(tuple(value))
            items.append(value)
        at = skip_whitespace(text, at)
        if text[at : at + 1] != ",":
            break
        at = skip_whitespace(text, at + 1)
    return JsonList(path, samples, empty, items)


def _first_names(text: str, at: int) -> tuple[str, ...]:
    """The fields of the object whose brace stands at `at`, up to the first value that is cut or
    broken. It looks into no value: objects and lists may nest without end here."""
    names: list[str] = []
    at = skip_whitespace(text, at + 1)
    while text[at : at + 1] == '"':
        try:
            name, at = scan(text, at)
            at = skip_whitespace(text, at)
            if text[at : at + 1] != ":":
                break
            names.append(name)
            _, at = scan(text, skip_whitespace(text, at + 1))
        except Undecodable:
            break
        at = skip_whitespace(text, at)
        if text[at : at + 1] != ",":
            break
        at = skip_whitespace(text, at + 1)
    return tuple(names)


def sample_lines(text: str, *, whole: bool) -> list[tuple[str, ...]]:
    """The fields of what `sample_objects` finds."""
    return [tuple(value) for value in sample_objects(text, whole=whole)]


def sample_objects(text: str, *, whole: bool, limit: int = MAX_SAMPLES) -> list[dict[str, Any]]:
    """The objects that stand on the first lines, one a line. The last line is left out unless the
    text is `whole`."""
    lines = text.split("\n", limit)
    found: list[dict[str, Any]] = []
    for line in lines[:limit] if whole else lines[:-1]:
        start = skip_whitespace(line, 0)
        try:
            value, _ = scan(line, start)
        except Undecodable:
            continue
        found += [value] if isinstance(value, dict) else []
    return found


def _walk(text: str, at: int, path: tuple[str, ...], outline: Outline) -> int:
    """Read an object on; returns where it ends, or the end of the text where it is cut."""
    at = skip_whitespace(text, at + 1)
    while text[at : at + 1] == '"':
        try:
            name, at = scan(text, at)
        except Undecodable:
            return len(text)
        at = skip_whitespace(text, at)
        if text[at : at + 1] != ":":
            return len(text)
        at = skip_whitespace(text, at + 1)
        if not path:
            outline.names.append(name)
        at = skip_whitespace(text, _value(text, at, (*path, name), outline))
        if text[at : at + 1] != ",":
            return at + 1
        at = skip_whitespace(text, at + 1)
    return at + 1


def _value(text: str, at: int, path: tuple[str, ...], outline: Outline) -> int:
    """Go past a value, with the lists that it holds; returns where it ends."""
    opens = text[at : at + 1]
    if opens == "[":
        outline.lists.append(read_list(text, at, path))
    elif opens == "{" and len(path) < MAX_WRAPPERS:
        return _walk(text, at, path, outline)
    try:
        value, end = scan(text, at)
    except Undecodable:
        return len(text)
    if len(path) == 1 and not isinstance(value, dict | list):
        outline.scalars[path[0]] = value
    return end
