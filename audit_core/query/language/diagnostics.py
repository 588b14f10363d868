"""What is wrong with a query text, with its place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from audit_core.domain.errors import FilterError

MAX_PROBLEMS = 20
"""How many problems of one text are told."""

_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what has no shape of its own, or would turn other text around."""

_STAND_IN = "\N{MIDDLE DOT}"
_BEYOND_CONTROLS = 0x20
_CONTROL_PICTURES = 0x2400


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryProblem:
    """One thing that is wrong with a query text."""

    start: int
    """Where it begins, in characters of the text, from 0."""
    end: int
    """Where it ends, exclusive; equal to `start` for something that is missing there."""
    message: str
    """What is wrong, with the text in question: one or more whole sentences."""
    hint: str
    """What would be right: one or more whole sentences."""


class QueryError(FilterError):
    """A query text cannot be understood.

    `query_problems` holds everything that was found wrong, in the order of the text; never empty,
    and at most `MAX_PROBLEMS`. `left_out` counts those after them, and the last sentence tells it.
    """

    def __init__(self, problems: Iterable[QueryProblem]) -> None:
        found = sorted(
            set(problems), key=lambda problem: (problem.start, problem.end, problem.message)
        )
        self.query_problems = tuple(found[:MAX_PROBLEMS])
        self.left_out = len(found) - len(self.query_problems)
        more = (f"The text has {self.left_out} more problems.",) if self.left_out else ()
        super().__init__(
            (*(problem.message for problem in self.query_problems), *more),
            hint=" ".join(dict.fromkeys(problem.hint for problem in self.query_problems)),
        )


class Refused(Exception):
    """Carries one problem from where it is found to where all are collected; never leaves
    `query`."""

    def __init__(self, problem: QueryProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def suggestion(word: str, known: Iterable[str]) -> str:
    """A sentence with the closest known words, or an empty text if none is close."""
    close = get_close_matches(word.lower()[:100], sorted(set(known)), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(close)}?" if close else ""


def mark(text: str, problem: QueryProblem) -> str:
    """Two lines for a fixed-width display: the text, and carets below the problem.

    Line ends and controls are shown by a picture of one column, so that there are never more
    than two lines; characters that take two columns get two carets.
    """
    shown = [_shown(character) for character in text]
    start = min(max(problem.start, 0), len(text))
    end = min(problem.end, len(text))
    before = sum(map(_columns, shown[:start]))
    below = max(1, sum(map(_columns, shown[start:end])))
    return f"{''.join(shown)}\n{' ' * before}{'^' * below}"


def _shown(character: str) -> str:
    if ord(character) < _BEYOND_CONTROLS:
        return chr(_CONTROL_PICTURES + ord(character))
    return _STAND_IN if unicodedata.category(character) in _UNSHOWN else character


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
