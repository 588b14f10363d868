"""Spike: far more in an hour than is usual, by measures that a former spike does not move.

Usual is what the hours of the time looked back on have *in which there was any*: most hours of a
person are empty, and with the empty ones counted each beginning of work would be a spike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

LOOK_BACK = timedelta(days=28)
"""Four weeks, each weekday four times: habits of longer ago say little about this week."""

MIN_COUNT = 20
"""Fewer in an hour are no spike, however unusual."""

FEW_HOURS = 12
"""Of fewer hours there is no telling how much they vary."""

DEVIATIONS = 6
"""How many of them above the median a spike lies at least."""

OF_NORMAL = 1.4826
"""The standard deviation of normally distributed values, in median absolute deviations."""

HIGH_SHARE = 0.98
"""A spike also lies above this share of the hours: bursts are usual for some, such as builds."""


@dataclass(frozen=True, slots=True)
class Band:
    """What is usual in an hour."""

    hours: int
    """Of how many it was taken: 0 if there was nothing to look back on."""
    median: float
    """Of the hours that had any; 0 without such hours."""
    upper: float
    """More than this is above the band; at least `MIN_COUNT` - 1."""

    def is_exceeded(self, count: int) -> bool:
        """Whether so many in an hour are a spike."""
        return count > self.upper


def band_of(hours: Mapping[int, int]) -> Band:
    """The band of hours, given as how many of them had each count (1 or more)."""
    number = sum(hours.values())
    if not number:
        return Band(hours=0, median=0, upper=MIN_COUNT - 1)
    median = _quantile(hours, 0.5)
    if number < FEW_HOURS:
        return Band(number, median, max(MIN_COUNT - 1, 3 * max(hours)))
    distances: dict[float, int] = {}
    for count, times in hours.items():
        distance = abs(count - median)
        distances[distance] = distances.get(distance, 0) + times
    # What is counted varies by the root of it at least.
    deviation = max(OF_NORMAL * _quantile(distances, 0.5), math.sqrt(median), 1.0)
    high = _quantile(hours, HIGH_SHARE)
    return Band(number, median, max(MIN_COUNT - 1, median + DEVIATIONS * deviation, high))


def _quantile(values: Mapping[float, int] | Mapping[int, int], share: float) -> float:
    """The smallest value that so large a share of all is not above; each value with how often it
    occurs."""
    needed = share * sum(values.values())
    passed = 0
    largest = 0.0
    for value in sorted(values):
        largest = float(value)
        passed += values[value]  # type: ignore[index]
        if passed >= needed:
            break
    return largest
