"""A pipe that is followed while it is open: read ahead in a thread, and stored at intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Queue
from threading import Thread

from audit_core.ingest.records.batches import Batch, Nowhere
from audit_core.log.schema import ARRIVING

TICK_S = 0.25
"""How long nothing comes before a look at what waits to be stored, and at whether to stop."""

AHEAD = 8
"""How many batches are read ahead. With more under way the pipe fills, and its writer waits."""

FLUSH_S = 1.0
"""How long an entry waits at most for others to be stored with it."""


class FollowedBatches:
    """Batches that are read in a thread of their own, so that waiting for them holds nothing up.

    Once it is `stopped` they end: what was read by then still comes. The thread ends with the pipe,
    or with the process.
    """

    def __init__(self, batches: Iterable[Batch], stopped: Callable[[], bool]) -> None:
        self._queue: Queue[Batch | BaseException | None] = Queue(AHEAD)
        self._stopped = stopped
        self.ended = False
        """Whether there are no more."""
        Thread(target=self._read, args=(batches,), daemon=True, name="follow").start()

    def until(self, over: Callable[[], bool]) -> Iterator[Batch]:
        """The batches until there are no more, or it is `over`; an empty one whenever none has come
        for `TICK_S`. What reading them raises is raised. May be called again."""
        while not self.ended and not over():
            try:
                item = self._queue.get(timeout=0 if self._stopped() else TICK_S)
            except Empty:
                self.ended = self._stopped()
                yield _nothing()
                continue
            if isinstance(item, Batch):
                yield item
                continue
            self.ended = True
            if item is not None:
                raise item

    def _read(self, batches: Iterable[Batch]) -> None:
        try:
            for batch in batches:
                self._queue.put(batch)
                if self._stopped():
                    break
        except BaseException as error:  # raised in the thread that reads them
            self._queue.put(error)
        else:
            self._queue.put(None)


def _nothing() -> Batch:
    return Batch(table=ARRIVING.empty_table(), locations=Nowhere(), rejections=[], last="")


class Interval:
    """Is over each time that so many seconds have passed, and `at_once` for the first time if so
    said; `clock` counts seconds."""

    def __init__(
        self, seconds: float, clock: Callable[[], float], *, at_once: bool = False
    ) -> None:
        self._seconds, self._clock = seconds, clock
        self._since = clock() - (seconds if at_once else 0)

    def __call__(self) -> bool:
        """Whether they have passed since the last time that this was true."""
        now = self._clock()
        if now - self._since < self._seconds:
            return False
        self._since = now
        return True
