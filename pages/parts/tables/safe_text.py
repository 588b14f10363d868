"""Log text that a screen would obey rather than show, such as marks that turn text around."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_OBEYED = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode's categories of controls, formats and separators of lines and paragraphs."""

_KEPT = frozenset("\n\t\u200c\u200d")
"""Line ends and tabs, and what joins emoji and letters in several scripts."""


def visible(text: str) -> str:
    """The text with such characters written out as JSON does, `\\u202e`: JSON stays the same JSON.

    One of them would turn around what stands beside it, or make two names look alike.
    """
    if text.isprintable():
        return text
    return "".join(
        json.dumps(item)[1:-1]
        if item not in _KEPT and unicodedata.category(item) in _OBEYED
        else item
        for item in text
    )


def visible_values(value: Any) -> Any:
    """A decoded JSON value with all its texts and names made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [visible_values(item) for item in value]
    if isinstance(value, dict):
        return {visible(name): visible_values(item) for name, item in value.items()}
    return value
