"""How records stand in a file, told from the beginning of its content."""

from __future__ import annotations

import re
from enum import Enum
from itertools import takewhile
from typing import NamedTuple

from audit_core.domain.errors import SourceError, SourceTypeError
from audit_core.ingest.formats import other_files
from audit_core.ingest.formats.audit_lines import (
    MARK,
    find_record,
    is_logged,
    is_of_container,
)
from audit_core.ingest.formats.csv_table import split_header, split_names
from audit_core.ingest.formats.outline import (
    JsonList,
    Outline,
    is_entry,
    is_foreign,
    outline_of,
    read_list,
    sample_lines,
)
from audit_core.ingest.formats.streams import is_compressed, require_text
from audit_core.ingest.formats.syslog import FIRST_FRAME, FIRST_LINE
from audit_core.ingest.records.record import field_of

HEAD = 2**16
"""How many bytes of the content are looked at."""

_TOKEN = re.compile(rb'"((?:[^"\\\n]|\\.)*+)(?:"(\s*:)?)?|[\[\]{}\n]')
"""A string, with the colon behind it, or a single mark. The string need not be closed: a closing
quote that is only looked for would cost quadratic time."""

_BRACKETED = re.compile(r"\[[^\[\]{}\"\n]{1,100}\][ \t]+[^\s,\]]")
"""A line of a log that begins with its time or its program: no JSON list goes on like this."""

_BLANK = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*+")
_NEXT_OBJECT = re.compile(rb"[ \t\r,]*+\{")


class Shape(Enum):
    """How records stand in a file."""

    ARRAY = "a JSON list"
    PAGE = "a saved page of the API"
    OBJECTS = "JSON objects over several lines"
    LINES = "JSON lines"
    TABLE = "CSV"
    LOG = "lines of a log"
    FRAMES = "syslog messages with their lengths"


class Detected(NamedTuple):
    """The shape of a content, and where in it the records stand."""

    shape: Shape
    path: tuple[str, ...] = ()
    """The names that lead to the list of a page, such as `items`."""
    doubt: SourceError | None = None
    """What is wrong with a log if no audit entry stands in all of it: the beginning is text that
    may be anything. `None` where it is certain what it is."""


ITEMS = ("items",)
"""Where a page of Daytona's API has its entries."""


def detect_shape(head: bytes, name: str, *, whole: bool = True) -> Detected:
    """The shape of content that begins with `head` (up to `HEAD` bytes of UTF-8, without a mark),
    or is no longer than it (`whole`).

    Only whitespace is `LINES`: there is no record in it. Raises `SourceError`, about the content as
    a whole, if it is none of the shapes or its records are those of another system, and
    `SourceTypeError` if it is no text.
    """
    require_text(head, name)
    if is_compressed(head):
        raise SourceTypeError(f"{name} is compressed twice.", "Decompress it once, and give that.")
    if b"\0" in head[:4]:
        raise SourceTypeError(f"{name} is not text in UTF-8 or UTF-16.", "Save it as UTF-8.")
    content = skip_blank(head)
    if not content:
        return Detected(Shape.LINES)
    text = content.decode(errors="replace")
    if log := _detect_log(text):
        return log
    if not text.startswith("{") and (found := other_files.describe_text(text)):
        what, hint = found
        raise SourceError(f"{name} is {what}, and holds no entries as it is.", hint)
    if text.startswith("["):
        _require_entries([read_list(text, 0)], name)
        return Detected(Shape.ARRAY)
    if text.startswith("{"):
        return _detect_object(content, text, name, whole=whole)
    return _detect_text(text, name)


def skip_blank(head: bytes) -> bytes:
    """Content behind the whitespace and the marks that it begins with."""
    return head[_BLANK.match(head).end() :]  # type: ignore[union-attr]  # matches nothing, too


def _detect_text(text: str, name: str) -> Detected:
    first, *others = text.splitlines()
    if split_header(first, others[0] if others else ""):
        return Detected(Shape.TABLE)
    # One broken line at the beginning must not cost the rest of the file.
    if any(line.lstrip().startswith("{") for line in others[:20]):
        return Detected(Shape.LOG if _all_logged(text) else Shape.LINES)
    if columns := split_names(first):
        raise SourceError(
            f"{name} may be CSV, but its first line names no fields of an entry: it reads "
            f"{other_files.listed(columns)}.",
            "The first line must name the columns, id, actorId, action and createdAt at least, as "
            "Daytona's API does, or in snake_case.",
        )
    doubt = SourceError(
        f"{name} is not recognized: it begins with {first[:40]!r}.", other_files.WHAT_TO_GIVE
    )
    return Detected(Shape.LOG, doubt=doubt)


def _detect_log(text: str) -> Detected | None:
    """Lines of a log, if the text certainly is some."""
    if FIRST_LINE.match(text):
        return Detected(Shape.LOG)
    if FIRST_FRAME.match(text):
        return Detected(Shape.FRAMES)
    if text.startswith("{"):
        return None
    if _BRACKETED.match(text) or is_of_container(text) or _holds_audit_line(text):
        return Detected(Shape.LOG)
    return None


def _holds_audit_line(text: str) -> bool:
    if MARK not in text:
        return False
    first, *others = text.splitlines()
    if split_header(first, others[0] if others else ""):
        return False
    return any(isinstance(find_record(line), str) for line in text.split("\n"))


def _all_logged(text: str, *, whole: bool = False) -> bool:
    samples = sample_lines(text, whole=whole)
    return bool(samples) and all(map(is_logged, samples))


def _detect_object(content: bytes, text: str, name: str, *, whole: bool) -> Detected:
    """A page, objects over several lines, or lines; by the fields of the first records."""
    outline = outline_of(text)
    if is_entry(outline.names):
        return Detected(object_shape(content))
    for one in outline.lists:
        if any(map(is_entry, one.samples)):
            return Detected(Shape.PAGE, one.path)
    # Of objects over several lines none stands on a line: the first one is looked at then.
    samples = sample_lines(text, whole=whole) or [tuple(outline.names)]
    if any(map(is_entry, samples)):
        return Detected(object_shape(content))
    begun = "\n" not in text and (is_logged(outline.names) or outline.names == ["log"])
    if _all_logged(text, whole=whole) or begun:
        return Detected(Shape.LOG)
    if page := _page_by_name(outline):
        _require_entries([page], name)
        return Detected(Shape.PAGE, page.path)
    if len(samples) == 1:
        if found := other_files.describe_error(outline.scalars, outline.names):
            what, hint = found
            raise SourceError(f"{name} {what}", hint)
        if not other_files.system_of(outline.names):
            _require_entries(outline.lists, name)
    _require_entries([JsonList((), samples, empty=False)], name)
    return Detected(object_shape(content))


def _page_by_name(outline: Outline) -> JsonList | None:
    """The list of a page that shows no entry: it may hold none, or broken ones first."""
    before = takewhile(lambda name: name != ITEMS[0], outline.names)
    if not any(map(field_of, before)):
        for one in outline.lists:
            if one.path == ITEMS:
                return one
    if len(outline.lists) == 1 and not any(map(field_of, outline.names)):
        return outline.lists[0] if outline.lists[0].empty else None
    return None


def _require_entries(lists: list[JsonList], name: str) -> None:
    """Raises `SourceError` for the first list whose records are all those of something else."""
    for one in lists:
        if one.samples and all(map(is_foreign, one.samples)):
            what, hint = other_files.describe_records(one.samples, one.path)
            raise SourceError(f"{name} {what}", hint)


def object_shape(text: bytes) -> Shape:
    """Objects over several lines, or several on one, or lines: by the marks of the first one."""
    depth, over_lines = 0, False
    for match in _TOKEN.finditer(text):
        token, (string, _) = match.group(), match.groups()
        if string is not None:
            continue
        if token == b"\n":
            # An object at the very beginning of the second line: the first line was cut.
            if text[match.end() : match.end() + 1] == b"{":
                return Shape.LINES
            over_lines = True
        else:
            depth += 1 if token in b"{[" else -1
            if depth == 0:
                over_lines = over_lines or bool(_NEXT_OBJECT.match(text, match.end()))
                break
    return Shape.OBJECTS if over_lines else Shape.LINES
