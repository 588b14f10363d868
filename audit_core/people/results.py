"""What the engines' answers are made of: instants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    class _Timed(DataclassInstance, Protocol):
        @property
        def first(self) -> datetime: ...

        @property
        def last(self) -> datetime: ...


Row = TypeVar("Row", bound="_Timed")


def instant(naive: datetime) -> datetime:
    """A time as engines give it, aware."""
    return naive.replace(tzinfo=UTC)


def timed(row: Row) -> Row:
    """The row with its `first` and `last` aware."""
    ends: dict[str, Any] = {"first": instant(row.first), "last": instant(row.last)}
    return replace(row, **ends)
