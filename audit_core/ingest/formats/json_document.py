"""Records inside a larger JSON document, one at a time: lists, saved pages, single objects.

A list is never held whole. A record that is broken is passed over up to the comma that ends it,
so that it does not take the rest of the list with it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import RAW_LIMIT, Rejection
from audit_core.ingest.formats.lines import MARK
from audit_core.ingest.formats.streams import StreamBroken
from audit_core.ingest.formats.value_ends import ValueEnd
from audit_core.ingest.records.located import (
    MAX_RECORD,
    Reading,
    ReadValue,
    location_in,
    read_value,
    reject,
)
from audit_core.ingest.records.strict_json import Undecodable, scan, skip_whitespace

_FIRST_BLOCK, _LARGEST_BLOCK = 512, 2**16
"""How many characters of a broken value are looked at together: few records are long."""

_EMPTY_LISTS = re.compile(r"(?:\[[ \t\r\n]*+\][ \t\r\n]*+)++")


class TextBuffer:
    """A window on the text of a stream. Bytes that are not UTF-8 stand as lone surrogates."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0
        self._end: Exception | None = None
        self._ended = False

    def fill(self) -> bool:
        """Read on. False at the end, or where the stream broke (see `finish`)."""
        if self._ended:
            return False
        try:
            piece = next(self._pieces, b"")
        except (StreamBroken, SourceError) as error:
            self._end, piece = error, b""
        self._ended = not piece
        added = self._decoder.decode(piece, final=self._ended)
        self._text = self._text[self._at :] + added
        self._at = 0
        return bool(added) or not self._ended

    def finish(self) -> None:
        """To be called where the text ended: raises what broke the stream, if anything did."""
        if self._end is not None:
            raise self._end

    def peek(self) -> str:
        """The next character that is no whitespace, and no byte order mark where documents were
        joined; empty at the end."""
        while True:
            self._at = _skip_blank(self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self.fill():
                return ""

    def advance(self) -> None:
        """Go past the character that `peek` gave."""
        self._at += 1

    def value(self) -> tuple[Any, str]:
        """The next JSON value and its text, after `peek`. Raises `Undecodable`, moving nowhere."""
        while True:
            more = len(self._text) - self._at <= MAX_RECORD
            try:
                value, end = scan(self._text, self._at)
            except Undecodable:
                if more and self.fill():
                    continue
                raise
            if end == len(self._text) and more and self.fill():
                continue  # a number may go on in the next piece
            raw = self._text[self._at : end]
            if len(raw) > MAX_RECORD:
                raise Undecodable(f"The record has more than {MAX_RECORD:,} characters.")
            if not raw.isascii():
                _require_utf8(raw)
            self._at = end
            return value, raw

    def skip(self, closer: str) -> tuple[str, int]:
        """Pass over everything up to the comma or `closer` that ends the current value.

        With an empty `closer` up to the comma, or to behind the bracket that closes the value
        (see `ValueEnd`). Returns the beginning of what was passed over, at most `RAW_LIMIT`
        characters, and its length.
        """
        search, size = ValueEnd(closer), _FIRST_BLOCK
        head, length, ended = "", 0, False
        while not ended:
            block = self._text[self._at : self._at + size]
            last = self._ended and self._at + len(block) == len(self._text)
            passed, ended = search.search(block, last=last)
            head += block[: min(passed, RAW_LIMIT - len(head))]
            length += passed
            self._at += passed
            size = min(2 * size, _LARGEST_BLOCK)
            # A backslash may be left of the block, and wait for what it escapes.
            at_end = len(self._text) - self._at <= 1
            if not ended and at_end and not self.fill() and self._at == len(self._text):
                break
        return head, length

    def skip_empty_lists(self) -> None:
        """Pass over lists that hold nothing, however many follow each other."""
        if match := _EMPTY_LISTS.match(self._text, self._at):
            self._at = match.end()


def _skip_blank(text: str, at: int) -> int:
    at = skip_whitespace(text, at)
    while text[at : at + 1] == MARK:
        at = skip_whitespace(text, at + 1)
    return at


def _require_utf8(raw: str) -> None:
    try:
        raw.encode()
    except UnicodeEncodeError as error:
        raise Undecodable(f"There is a byte that is not UTF-8 at {error.start + 1:,}.") from None


class DocumentReader:
    """Reads the records of one document; numbers its items from 1."""

    def __init__(self, pieces: Iterator[bytes], name: str, read: ReadValue = read_value) -> None:
        self._buffer = TextBuffer(pieces)
        self._name = name
        self._read = read
        self._count = 0
        self._cut = False
        """Whether a rejection has already said that the file ends too early."""

    def read_array(self) -> Iterator[Reading]:
        """What each item of a list became; several lists may follow each other."""
        while self._buffer.peek() == "[":
            self._buffer.skip_empty_lists()
            if self._buffer.peek() == "[":
                yield from self._items()
        if self._buffer.peek():
            yield self._rejected("There is more text behind the end of the list.", "]")
        self._buffer.finish()

    def read_pages(self, path: Sequence[str]) -> Iterator[Reading]:
        """What each item of `{"items": […]}` became, the names in `path` leading to the list;
        several pages may follow each other."""
        whole = True
        while whole and self._buffer.peek() == "{":
            whole = yield from self._page(path)
        if whole and self._buffer.peek():
            yield self._rejected("There is more text behind the end of the page.", "}")
        self._buffer.finish()

    def read_objects(self) -> Iterator[Reading]:
        """What each of the objects became that follow each other, on any number of lines."""
        while self._buffer.peek():
            yield self._item("")
            if self._buffer.peek() in (",", "]"):
                self._buffer.advance()
        self._buffer.finish()

    def _items(self) -> Iterator[Reading]:
        buffer = self._buffer
        buffer.advance()
        if buffer.peek() == "]":
            buffer.advance()
            return
        while buffer.peek():
            yield self._item("]")
            if buffer.peek() not in ("", ",", "]"):
                yield self._rejected("A comma is missing between two items.", "]")
            closer = buffer.peek()
            if closer:
                buffer.advance()
            if closer == "]":
                return
        yield from self._ended("The text ends before the list is closed; the rest is missing.")

    def _item(self, closer: str) -> Reading:
        try:
            value, raw = self._buffer.value()
        except Undecodable as error:
            return self._rejected(error.reason, closer)
        self._count += 1
        return self._read(value, location_in(self._name, "item", self._count), raw)

    def _page(self, path: Sequence[str]) -> Generator[Reading, None, bool]:
        """The items of one page. Returns whether the page was read to its end."""
        buffer = self._buffer
        buffer.advance()
        while buffer.peek() == '"':
            try:
                name, _ = buffer.value()
            except Undecodable:
                break
            if buffer.peek() != ":":
                break
            buffer.advance()
            opens = buffer.peek()
            if name == path[0] and opens == "[" and not path[1:]:
                yield from self._items()
            elif name == path[0] and opens == "{" and path[1:]:
                if not (yield from self._page(path[1:])):
                    return False
            else:
                buffer.skip("}")
            if buffer.peek() != ",":
                break
            buffer.advance()
        if buffer.peek() == "}":
            buffer.advance()
            return True
        if buffer.peek():
            yield self._rejected("The page is broken here; the rest was not read.", "}")
        else:
            yield from self._ended("The text ends within the page; the rest is missing.")
        return False

    def _rejected(self, reason: str, closer: str) -> Rejection:
        """The rejection of what stands here, after passing over it."""
        self._count += 1
        location = location_in(self._name, "item", self._count)
        head, length = self._buffer.skip(closer)
        if length > MAX_RECORD:
            reason = f"The item has {length:,} characters; the limit is {MAX_RECORD:,}."
        if not self._buffer.peek() and closer:
            self._buffer.finish()
            self._cut = True
            reason += " The text ends here, too early; the rest is missing."
        return reject(
            location, reason, head.rstrip() if length < RAW_LIMIT else head, length=length
        )

    def _ended(self, reason: str) -> Iterator[Reading]:
        """The rejection for the place where the text ends too early, unless there was one."""
        self._buffer.finish()
        if not self._cut:
            self._cut = True
            yield reject(location_in(self._name, "item", self._count + 1), reason, "")
