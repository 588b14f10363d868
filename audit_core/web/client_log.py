"""Log lines that clients cause, such as refused sockets: the operator reads them, and whoever sends
many requests must not be able to flood the terminal with them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

LOGGER = logging.getLogger("sandtrail.clients")
"""The only logger in `audit_core/web/`."""

THROTTLED = (LOGGER.name, "sandtrail.uploads", "uvicorn.error")
"""Loggers of lines that a client can cause. Uvicorn writes one for each request it cannot parse."""

WINDOW_S = 60.0

Kind = tuple[str, str]
"""The name of a logger and a message before its arguments are put in: lines of one kind are alike,
whatever they quote."""


@dataclass(slots=True)
class _Window:
    """A kind of line of which one was written lately."""

    ends_at: float
    held_back: int = 0
    last: logging.LogRecord | None = None


class ThrottledLines(logging.Filter):
    """Lets the first line of a kind pass at once, and holds alike ones back for `window_s` seconds.

    When the window ends, the last of them is written with their number, and the next window begins:
    a flood takes one line a window, and none goes uncounted. Lines with a traceback always pass,
    since each has an id of its own. Thread-safe. Times are seconds of any clock that does not go
    back.
    """

    def __init__(
        self, window_s: float = WINDOW_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._window_s, self._now_s = window_s, now_s
        self._windows: dict[Kind, _Window] = {}
        self._timer: threading.Timer | None = None
        # Re-entrant: a handler may itself log.
        self._lock = threading.RLock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written now."""
        if record.exc_info or hasattr(record, "held_back"):
            return True
        kind = (record.name, str(record.msg))
        with self._lock:
            self.summarize()
            window = self._windows.setdefault(kind, _Window(ends_at=0.0))
            if not window.ends_at:
                window.ends_at = self._now_s() + self._window_s
                return True
            window.held_back += 1
            window.last = record
            self._summarize_later()
        return False

    def summarize(self, *, all_now: bool = False) -> None:
        """Write what was held back in windows that have ended, or `all_now`, as at the end of the
        process."""
        with self._lock:
            now_s = self._now_s()
            for kind, window in list(self._windows.items()):
                if now_s < window.ends_at and not all_now:
                    continue
                del self._windows[kind]
                if window.last is not None:
                    self._windows[kind] = _Window(ends_at=now_s + self._window_s)
                    logging.getLogger(kind[0]).handle(
                        _summary(window.last, window.held_back, self._window_s)
                    )

    def _summarize_later(self) -> None:
        """A flood may end within its window, so that no later line brings its number."""
        if self._timer is None:
            self._timer = threading.Timer(self._window_s, self._on_time)
            self._timer.daemon = True
            self._timer.start()

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
            self.summarize()
            if any(window.held_back for window in self._windows.values()):
                self._summarize_later()


def _summary(last: logging.LogRecord, held_back: int, window_s: float) -> logging.LogRecord:
    record = logging.LogRecord(
        last.name,
        last.levelno,
        last.pathname,
        last.lineno,
        "%s (the last of %s such lines within %g s)",
        (last.getMessage(), f"{held_back:,}", window_s),
        None,
    )
    record.held_back = held_back
    return record


def throttle_client_lines(window_s: float = WINDOW_S) -> ThrottledLines:
    """From now on, for all lines of this process that clients cause."""
    lines = ThrottledLines(window_s)
    for name in THROTTLED:
        logging.getLogger(name).addFilter(lines)
    return lines
