"""Where a broken JSON value ends: found by depth alone, in linear time and without recursion."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_DEPTH_CHANGE = np.zeros(256, np.int8)
_DEPTH_CHANGE[[*b"[{"]], _DEPTH_CHANGE[[*b"]}"]] = 1, -1
"""By how much each character changes the depth, outside of strings."""

_QUOTE, _NEWLINE, _COMMA = b'"\n,'

_PLAIN = re.compile(r"[^\"\\\[\]{},]{0,64}+")
"""A short value without strings and brackets. Most broken ones are; a block costs far more."""

_ESCAPES = (b"\\\\", b'\\"', b"\\\n")
"""Pairs that hide a quote, a line end, or a further escape. From the left, backslashes pair up
with each other first."""


@dataclass(slots=True)
class ValueEnd:
    """Looks for the comma or bracket that ends a value, of which the text comes in blocks.

    A line end closes a string: no string may hold one, and a quote that is missing costs its
    line only. A closing bracket without an opening one counts for nothing.
    """

    closer: str
    """The bracket of the list or object around the value. Empty where there is none: the value
    then ends behind the bracket that closes it."""
    _depth: int = 0
    _inside: bool = False
    """Whether the next block begins within a string."""

    def search(self, block: str, *, last: bool) -> tuple[int, bool]:
        """How many characters of `block` belong to the value, and whether it ends there.

        What is left over, at most a backslash whose meaning is not known yet, comes again at the
        beginning of the next block; nothing is left of the `last`.
        """
        if not self._depth and not self._inside and (plain := _PLAIN.match(block)):
            end = plain.end()
            if block[end : end + 1] in (",", self.closer or ","):
                return end, True
        # One byte a character: whatever is not ASCII is no mark.
        text = block.encode("ascii", "replace")
        if b"\\" in text:
            for pair in _ESCAPES:
                text = text.replace(pair, b"__")
            if text.endswith(b"\\") and not last:
                text = text[:-1]
        if not text:
            return 0, False
        codes = np.frombuffer(text, np.uint8)
        outside, inside_after = self._strings(codes)
        total = self._depth + np.cumsum(np.where(outside, _DEPTH_CHANGE[codes], 0), dtype=np.int64)
        depth = total - np.minimum.accumulate(np.minimum(total, 0))
        before = np.concatenate([[self._depth], depth[:-1]])
        ends = (codes == _COMMA) & (before == 0)
        if self.closer:
            ends |= (codes == ord(self.closer)) & (before == 0)
        else:
            ends |= (_DEPTH_CHANGE[codes] < 0) & (depth == 0)
        found = np.flatnonzero(ends & outside)
        if len(found):
            end = int(found[0])
            return end + (not self.closer and codes[end] != _COMMA), True
        self._depth, self._inside = int(depth[-1]), inside_after
        return len(codes), False

    def _strings(self, codes: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[Any], bool]:
        """Which characters stand outside of strings, and whether the block ends within one."""
        quotes = np.cumsum(codes == _QUOTE, dtype=np.int64) + self._inside
        newlines = codes == _NEWLINE
        if newlines.any():
            quotes -= np.maximum.accumulate(np.where(newlines, quotes, 0))
        within = quotes & 1
        return within == 0, bool(within[-1])
