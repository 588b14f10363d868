"""How well text can be read on its background, as WCAG 2 defines it."""

from __future__ import annotations

from collections.abc import Sequence

READABLE = 4.5
"""The least contrast of ordinary text."""


def luminance(color: Sequence[int]) -> float:
    """Of red, green and blue, 0 to 255 each: 0 is black, 1 white."""
    shares = (part / 255 for part in color)
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Sequence[int], other: Sequence[int]) -> float:
    """1 (the same) to 21 (black on white)."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def parts(color: str) -> list[int]:
    """Red, green and blue of `#RRGGBB`."""
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]
