"""Numbers next to each other, as runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def runs_of(numbers: Iterable[int], *, within: int | None = None) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of ascending numbers without a gap. With `within` none goes beyond
    a tile: so many numbers, the first of which begins at 1."""
    first = last = None
    for number in numbers:
        if last is not None and number == last + 1 and not (within and last % within == 0):
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last
