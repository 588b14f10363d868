"""How records stand in a file, told from the beginning of its content."""

from __future__ import annotations

import codecs
import re
from enum import Enum

from audit_core.domain.errors import SourceError
from audit_core.ingest.formats.csv_table import split_header
from audit_core.ingest.records.record import field_of

HEAD = 2**16
"""How many bytes of the content are looked at."""

_TOKEN = re.compile(rb'"((?:[^"\\\n]|\\.)*+)(?:"(\s*:)?(\s*\[)?)?|[\[\]{}\n]')
"""A string, with the colon and the bracket behind it, or a single mark. The string need not be
closed: a closing quote that is only looked for would cost quadratic time."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Shape(Enum):
    """How records stand in a file."""

    ARRAY = "a JSON list"
    PAGE = "a saved page of the API"
    OBJECTS = "JSON objects over several lines"
    LINES = "JSON lines"
    TABLE = "CSV"


def detect_shape(head: bytes, name: str) -> Shape:
    """The shape of content that begins with `head` (up to `HEAD` bytes, no byte order mark).

    Only whitespace is `LINES`: there is no record in it. Raises `SourceError` for content that
    is not text in UTF-8, or is none of the shapes.
    """
    if head.startswith(_UTF16) or b"\0" in head[:4]:
        raise SourceError(
            f"{name} is not text in UTF-8; it looks like UTF-16 or a binary file.",
            "Save it as UTF-8.",
        )
    text = head.lstrip(b" \t\r\n")
    if not text:
        return Shape.LINES
    if text.startswith(b"["):
        return Shape.ARRAY
    if text.startswith(b"{"):
        return _shape_of_object(text)
    first, *others = text.splitlines()
    if split_header(first.decode(errors="replace")):
        return Shape.TABLE
    # One broken line at the beginning must not cost the rest of the file.
    if any(line.lstrip().startswith(b"{") for line in others[:20]):
        return Shape.LINES
    raise SourceError(
        f"{name} is not recognized: it begins with {first[:40].decode(errors='replace')!r}.",
        "Give JSON lines, a JSON list, a saved page of the API, or CSV whose first line names "
        "the columns.",
    )


def _shape_of_object(text: bytes) -> Shape:
    """A page, objects over several lines, or lines: by the names on the first level."""
    depth, entry, over_lines = 0, False, False
    for match in _TOKEN.finditer(text):
        token, (name, colon, opens_list) = match.group(), match.groups()
        if name is not None:
            if depth == 1 and colon:
                if name == b"items" and opens_list and not entry:
                    return Shape.PAGE
                entry = entry or field_of(name.decode(errors="replace")) is not None
            depth += 1 if opens_list else 0
        elif token == b"\n":
            # An object at the very beginning of the second line: the first line was cut.
            if text[match.end() : match.end() + 1] == b"{":
                return Shape.LINES
            over_lines = True
        else:
            depth += 1 if token in b"{[" else -1
            if depth == 0:
                break
    return Shape.OBJECTS if over_lines else Shape.LINES
