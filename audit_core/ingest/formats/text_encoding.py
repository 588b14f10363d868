"""Text of any encoding that is read, as UTF-8 without a mark."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from audit_core.domain.errors import SourceTypeError
from audit_core.ingest.formats.streams import StreamBroken

_NEEDED = 4
"""How many bytes tell the encoding."""


def as_utf8(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The text in pieces, none empty; UTF-16 is told by its mark, or by the NUL beside the first
    character, which is ASCII in JSON and CSV.

    Half of a surrogate pair becomes bytes that are not UTF-8, so that it costs its own record
    only. Raises `SourceTypeError` for UTF-32 and for what is no text.
    """
    head = b""
    broken: StreamBroken | None = None
    try:
        while len(head) < _NEEDED and (piece := next(pieces, b"")):
            head += piece
    except StreamBroken as error:
        broken = error
    encoding, mark = _encoding_of(head[:_NEEDED], name)
    content = _whole(head[len(mark) :], pieces, broken)
    yield from content if encoding is None else _transcoded(content, encoding)


def _encoding_of(head: bytes, name: str) -> tuple[str | None, bytes]:
    """The encoding, `None` for UTF-8, and the mark that it begins with."""
    if head.startswith(codecs.BOM_UTF8):
        return None, codecs.BOM_UTF8
    nul = tuple(byte == 0 for byte in head)
    utf32 = head in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
    if utf32 or nul in ((False, True, True, True), (True, True, True, False)):
        raise SourceTypeError(f"{name} is text in UTF-32, which is not read.", "Save it as UTF-8.")
    for mark, encoding in (
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return encoding, mark
    if nul in ((False, True, False, True), (False, True)):
        return "utf-16-le", b""
    if nul in ((True, False, True, False), (True, False)):
        return "utf-16-be", b""
    if any(nul):
        raise SourceTypeError(f"{name} is not text in UTF-8 or UTF-16.", "Save it as UTF-8.")
    return None, b""


def _whole(head: bytes, pieces: Iterator[bytes], broken: StreamBroken | None) -> Iterator[bytes]:
    if head:
        yield head
    if broken:
        raise broken
    yield from pieces


def _transcoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text.encode("utf-8", "surrogatepass")
    left, _ = decoder.getstate()
    if len(left) % 2:
        raise StreamBroken("The UTF-16 text ends in the middle of a character.")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogatepass")
