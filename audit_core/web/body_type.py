"""What a request says of its body: which types, compressions and encodings are read.

The content decides how it is read. What the headers say is looked at only to refuse, with a
sentence, what could not be read anyway.
"""

from __future__ import annotations

import re

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers

from audit_core.domain.errors import SourceTypeError

ENCODINGS = ("gzip", "zstd")
"""The compressions that are read, by their names in HTTP."""
MEDIA_TYPES = (
    "application/x-ndjson",
    "application/json",
    "text/csv",
    "application/gzip",
    "application/zstd",
    "application/octet-stream",
)
"""The types to send, of all that are read."""
_IDENTITY = ("", "identity")
_READ_ENCODINGS = (*ENCODINGS, *_IDENTITY, "x-gzip")

_TYPES = re.compile(
    r"(?:|text/(?!html$|xml$)[\w.+-]+"
    r"|application/(?:(?:[\w.-]+\+)?json|(?:x-)?ndjson|(?:x-)?jsonl(?:ines)?|json-seq|csv"
    r"|octet-stream|x-www-form-urlencoded|(?:x-)?gzip|(?:x-)?zstd|vnd\.ms-excel))"
)
"""curl says `x-www-form-urlencoded` of any body, Windows `vnd.ms-excel` of CSV."""
_FORM = re.compile(rb"[\w.\-\[\]%+*~]+=[^\s{}\"<]*")
_CHARSETS = ("", "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be")


def require_readable(headers: Headers) -> None:
    """Raises `SourceTypeError` if the headers name a type or a compression that is not read."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in _READ_ENCODINGS:
        raise SourceTypeError(
            f"The content encoding {encoding[:80]!r} is not read.",
            "Send the entries as they are, or compressed once with gzip or zstd.",
        )
    kind = _type_and_charset(headers)[0]
    if kind.startswith("multipart/"):
        raise SourceTypeError(
            "The body is a form, which is not read.",
            "Send the file itself as the body: curl --data-binary @FILE.",
        )
    if not _TYPES.fullmatch(kind):
        raise SourceTypeError(
            f"The content type {kind[:80]!r} is not read.",
            "Send JSON lines (application/x-ndjson), JSON (application/json) or CSV (text/csv).",
        )


def require_text_body(headers: Headers, body: bytes) -> None:
    """Raises `SourceTypeError` for a form, and for a character encoding that is not read."""
    kind, charset = _type_and_charset(headers)
    if kind == "application/x-www-form-urlencoded" and _FORM.fullmatch(body[:1_000]):
        raise SourceTypeError(
            "The body is a form, which is not read.",
            "Send the entries themselves as the body: curl --data-binary @FILE.",
        )
    if charset not in _CHARSETS and not body.isascii():
        raise SourceTypeError(
            f"The character encoding {charset[:80]!r} is not read.", "Send UTF-8 or UTF-16."
        )


def _type_and_charset(headers: Headers) -> tuple[str, str]:
    kind, options = parse_options_header(headers.get("content-type", ""))
    charset = options.get(b"charset", b"").decode("latin-1")
    return kind.decode("latin-1").strip().lower(), charset.strip().lower()
