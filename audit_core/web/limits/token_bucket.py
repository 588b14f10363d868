"""A token bucket: so many at once, then so many a second."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MAX_BUCKETS = 10_000
"""How many addresses are remembered; the one that was heard of longest ago is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` at once, and `per_s` a second after that."""

    burst: int
    per_s: float


class Bucket:
    """The tokens of one client. Times are seconds of any clock that does not go back."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> float:
        """Take a token; the seconds to wait before it may be used, 0 if it is there already."""
        earned = max(0.0, now - self._at) * self._rate.per_s
        self._tokens = min(float(self._rate.burst), self._tokens + earned) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate.per_s)


class Buckets:
    """A bucket for each of many clients, by a name such as an address."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str, now: float) -> float:
        """See `Bucket.take`."""
        bucket = self._buckets.pop(name, None) or Bucket(self._rate, now)
        self._buckets[name] = bucket
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket.take(now)
