"""Spans: a time cut into parts of equal length, for small charts beside a line of text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, func, literal, literal_column

from audit_core.log.sql.functions import floor_div
from audit_core.query.time.windows import EPOCH

_MICROSECOND = timedelta(microseconds=1)


def width_us(since: datetime, until: datetime, number: int) -> int:
    """How long `number` parts are, in microseconds, to reach from one end to the other; at least
    one microsecond."""
    return max(1, -(-((until - since) // _MICROSECOND) // number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """The time from `since` until `until`, cut into `number` parts. The first and the last also
    hold what lies beyond."""

    since: datetime
    until: datetime
    number: int = 20
    """1 or more."""

    @property
    def width(self) -> timedelta:
        """The length of one part, at least a microsecond."""
        return width_us(self.since, self.until, self.number) * _MICROSECOND


def span_number(at_us: ColumnElement[int], spans: Spans) -> ColumnElement[int]:
    """In which part a time (microseconds since 1970) lies, from 0."""
    begin = literal((spans.since - EPOCH) // _MICROSECOND, BigInteger)
    elapsed = func.greatest(at_us - begin, literal_column("0"))
    number = floor_div(elapsed, literal(spans.width // _MICROSECOND, BigInteger))
    last: ColumnElement[int] = func.least(number, literal_column(str(spans.number - 1)))
    return last
