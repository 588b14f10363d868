"""A part of a longer list, which says that it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """The first items of a list, in its order."""

    items: tuple[Item, ...]
    truncated: bool
    """Whether there are more than these."""
