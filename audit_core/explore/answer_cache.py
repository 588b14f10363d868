"""Answers to reads, kept for all sessions within a number of bytes.

Questions carry the head of the log that they were asked of. While the log moves, each answer is
asked for during a few seconds and never again, so nothing here may be bounded by how long it lasts
or how many there are alone.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

MAX_BYTES = 48 * 2**20
"""How much the answers may take, pickled."""

LASTS_S = 600.0
"""How long an answer is kept, in seconds."""

OVERHEAD_BYTES = 2_000
"""What a question and the bookkeeping take, roughly."""

_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class _Kept:
    pickled: bytes
    until: float


@dataclass(slots=True)
class _Asking:
    """One question that is being asked."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    callers: int = 0


@dataclass(eq=False, slots=True)
class AnswerCache:
    """Safe to use from many threads; two that ask the same at once wait for one answer.

    Answers are kept pickled, so each caller has one of its own.
    """

    max_bytes: int = MAX_BYTES
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Hashable, _Kept] = field(default_factory=OrderedDict)
    """The longest unused first."""
    _bytes: int = 0
    _asking: dict[Hashable, _Asking] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, question: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        """The answer that is kept, or what `ask` returns now; what it raises is not kept."""
        with self._lock:
            kept = self._find(question)
            one = self._asking.setdefault(question, _Asking())
            one.callers += 1
        try:
            with one.lock if kept is None else nullcontext():
                if kept is None:
                    with self._lock:
                        kept = self._find(question)
                if kept is not None:
                    found: _Answer = pickle.loads(kept)  # noqa: S301 - pickled below
                    return found
                answer = ask()
                self._keep(question, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
                return answer
        finally:
            with self._lock:
                one.callers -= 1
                if not one.callers:
                    self._asking.pop(question, None)

    @property
    def size(self) -> int:
        """How much is kept now."""
        return self._bytes

    def _find(self, question: Hashable) -> bytes | None:
        kept = self._kept.get(question)
        if kept is None or kept.until <= self.clock():
            return None
        self._kept.move_to_end(question)
        return kept.pickled

    def _keep(self, question: Hashable, pickled: bytes) -> None:
        with self._lock:
            self._drop(question)
            now = self.clock()
            self._kept[question] = _Kept(pickled, now + LASTS_S)
            self._bytes += len(pickled) + OVERHEAD_BYTES
            while self._kept:
                oldest = next(iter(self._kept))
                if self._bytes <= self.max_bytes and self._kept[oldest].until > now:
                    break
                self._drop(oldest)

    def _drop(self, question: Hashable) -> None:
        if (kept := self._kept.pop(question, None)) is not None:
            self._bytes -= len(kept.pickled) + OVERHEAD_BYTES
