"""What goes on at the command line until it is told to stop: following a pipe or a source."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOOK_S = 0.25


class Stop:
    """Whether the command has been told to stop."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Whether it has."""
        return self.requested

    def wait(self, seconds: float) -> bool:
        """Wait, but not once the command is told to stop; whether it is."""
        until = time.monotonic() + seconds
        while not self.requested and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
        return self.requested

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `KeyboardInterrupt` once the command is told to stop."""
        if self.wait(seconds):
            raise KeyboardInterrupt

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Meanwhile Ctrl-C and SIGTERM request the stop; the second one ends the process. Python
        hands signals to the main thread only."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = [signal.getsignal(number) for number in _SIGNALS]

        def request(number: int, frame: FrameType | None) -> None:
            self.requested = True
            restore()

        def restore() -> None:
            for number, handler in zip(_SIGNALS, before, strict=True):
                signal.signal(number, handler)

        for number in _SIGNALS:
            signal.signal(number, request)
        try:
            yield
        finally:
            restore()
