"""How tall the tables of the admin pages are."""

from __future__ import annotations

from typing import Literal

ROW = 35
"""The height of a line in pixels."""


def height(lines: int, most: int = 8) -> int | Literal["content"]:
    """As tall as the lines, or in pixels where the table scrolls: beyond `most` lines."""
    # Half a line more shows that there is something to scroll to.
    return "content" if lines <= most else int(ROW * (most + 1.5))
