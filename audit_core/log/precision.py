"""Arrivals whose times differ in precision: the same entry in milliseconds and in microseconds.

Daytona's API gives milliseconds where its database has microseconds, and others cut to seconds. A
time is the same as another if one is the other cut. That is no equivalence (two times may share a
cut), so the arrivals of one key are judged in their order, one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import numpy.typing as npt

_Mask = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.int64]
_Times = npt.NDArray[np.datetime64]

OUTCOMES = _ACCEPTED, _KNOWN, _FINISHED, _REFUSED = range(4)

LEVELS = 4
"""How far an entry has come: not there 0, in flight 1, unanswered 2, finished 3. Only forward is a
change."""
FINISHED_LEVEL = LEVELS - 1

COARSEST = timedelta(seconds=1)
"""Two times of one entry lie less than this apart, in the same second."""

_CUTS_US = (1_000, 1_000_000)
"""The units that sources cut times to, beside microseconds: milliseconds and seconds."""


def same_time(one_us: int, other_us: int) -> bool:
    """Whether two times, in microseconds since 1970, are equal or one is the other cut."""
    coarse, fine = min(one_us, other_us), max(one_us, other_us)
    return coarse == fine or any(coarse == fine - fine % unit for unit in _CUTS_US)


def uneven(keys: _Numbers, differing: _Mask) -> _Mask:
    """The rows of every key that has a differing row."""
    found = np.zeros(len(keys), np.bool_)
    found[keys[differing]] = True
    return found[keys]


@dataclass(slots=True)
class Courses:
    """What became of keys whose arrivals differ in time. Rows are indices of arrivals."""

    inserted: list[tuple[int, int]] = field(default_factory=list)
    """Of each new entry the first row, and the row that it is stored as."""
    completed: list[tuple[int, int]] = field(default_factory=list)
    """The same of each stored entry that is replaced by an arrival."""
    refined: dict[int, int] = field(default_factory=dict)
    """A row of each stored entry that gets nothing but a finer time, and that time."""
    finest: dict[int, int] = field(default_factory=dict)
    """The time (microseconds since 1970) of each row that is stored, where it is not its own."""

    def __bool__(self) -> bool:
        return bool(self.inserted or self.completed)

    @property
    def refined_rows(self) -> _Numbers:
        """The keys of `refined`."""
        return np.array([*self.refined], np.int64)

    @property
    def refined_times(self) -> _Times:
        """The values of `refined`."""
        return np.array([*self.refined.values()], np.int64).astype("datetime64[us]")

    def times(self, created: _Times) -> _Times:
        """The times of arrivals as they are stored."""
        times = created.copy()
        for row, time_us in self.finest.items():
            times[row] = np.datetime64(time_us, "us")
        return times


def judge(
    rows: _Numbers,
    keys: _Numbers,
    levels: _Numbers,
    stored_level: _Numbers,
    created: _Times,
    times: _Times,
    outcomes: _Numbers,
) -> Courses:
    """Judge arrivals one by one in their order, into `outcomes`.

    `times` holds the time of the stored entry of each row, where there is one; of each refused row
    it holds afterwards the time that it was held against.
    """
    courses = Courses()
    started: dict[int, _Course] = {}
    arrived_us, stored_us = (values.astype(np.int64) for values in (created, times))
    for row in rows.tolist():
        key, level, time_us = int(keys[row]), int(levels[row]), int(arrived_us[row])
        course = started.get(key)
        if course is None:
            course = started[key] = _Course(row, int(stored_level[row]), int(stored_us[row]))
        outcomes[row] = course.take(row, level, time_us)
        if outcomes[row] == _REFUSED:
            times[row] = np.datetime64(course.time_us, "us")
    for course in started.values():
        if course.source is not None:
            pairs = courses.completed if course.stored else courses.inserted
            pairs.append((course.first, course.source))
            courses.finest[course.source] = course.time_us
        elif course.moved:
            courses.refined[course.first] = course.time_us
    return courses


class _Course:
    """One entry while its arrivals are judged."""

    __slots__ = ("first", "level", "moved", "source", "stored", "time_us")

    def __init__(self, first: int, level: int, time_us: int) -> None:
        self.first = first
        self.level = level
        self.time_us = time_us
        self.stored = level > 0
        self.source: int | None = None
        """The arrival that it is stored as; `None`: it stays what it was."""
        self.moved = False

    def take(self, row: int, level: int, time_us: int) -> int:
        """The outcome of the next arrival."""
        if not self.level:
            self.source, self.level, self.time_us = row, level, time_us
            return _ACCEPTED
        if not same_time(self.time_us, time_us):
            return _REFUSED
        if self.level == FINISHED_LEVEL:
            return _KNOWN
        if time_us > self.time_us:
            self.time_us, self.moved = time_us, True
        if level <= self.level:
            return _KNOWN
        self.source, self.level = row, level
        return _FINISHED
