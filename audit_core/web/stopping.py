"""Stopping the server within a bounded time, whatever its clients do.

Uvicorn closes its listening sockets at the first signal and then waits, without limit, for every
connection to finish: one client that reads nothing keeps the process for ever. `streamlit run` has
no option for Uvicorn's own limit, so it is set here, on the server that runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from uvicorn import Server

from audit_core.web.client_log import LOGGER

GRACE_S = 3.0
"""How long requests under way may go on after the signal; then their connections are cut."""
GIVE_UP_S = 5
"""When the databases are closed even though requests still run."""
EXIT_S = 8.0
"""When the process ends even though threads still run."""
STOP_WITHIN_S = 10
"""When the kernel ends the process, if even that has not worked."""
LINGER_S = 1.0
"""How long threads may run on once the databases are closed."""

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)


@contextmanager
def bounded_stop() -> Iterator[None]:
    """Within it, the first signal that asks the process to stop ends it within `STOP_WITHIN_S`.

    To be entered where the server starts up, and left once everything is closed. Requests that
    end within `GRACE_S` end as ever; what is cut off reaches its reader as a broken transfer. Any
    further signal changes nothing. The exit status is 0. Does nothing where no Uvicorn server
    handles the signals, as in tests.
    """
    server = running_server()
    if server is None:
        yield
        return
    stop = _Stop(server, asyncio.get_running_loop())
    server.config.timeout_graceful_shutdown = GIVE_UP_S
    for number in SIGNALS:
        # A process that was started to outlive its terminal ignores SIGHUP, and goes on doing so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop.asked)
    try:
        yield
    finally:
        stop.all_closed.set()


def running_server() -> Server | None:
    """The server that runs this process, found as what its signals go to: nothing else leads
    from an application to its server."""
    owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return owner if isinstance(owner, Server) else None


class _Stop:
    """The stop of one server, from the first signal on."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.all_closed = threading.Event()
        self._server = server
        self._loop = loop
        self._begun = threading.Event()
        # Started before it is needed: a signal handler may interrupt whoever holds the lock that
        # starting a thread takes.
        threading.Thread(target=self._insist, name="stop", daemon=True).start()

    def asked(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self._begun.is_set():
            return
        if hasattr(signal, "alarm"):
            # Needs neither a thread nor the interpreter.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(STOP_WITHIN_S)
        # Not by the server's own handler: that would raise the signal again at the end.
        self._server.should_exit = True
        self._begun.set()
        self._loop.call_soon_threadsafe(self._loop.call_later, GRACE_S, self._cut)

    def _cut(self) -> None:
        """Break every connection that is left; no reader may take what it has for the whole."""
        connections = list(self._server.server_state.connections)
        for connection in connections:
            # Not `close`, which waits for the reader to take what is buffered.
            connection.transport.abort()
        if connections:
            LOGGER.warning("Cut off %s connections that were still busy.", len(connections))

    def _insist(self) -> None:
        """End the process when it does not end by itself. Runs in a thread of its own."""
        self._begun.wait()
        if self.all_closed.wait(EXIT_S):
            time.sleep(LINGER_S)
        else:
            # What was acknowledged is committed, and the databases outlive a kill.
            sys.stderr.write(f"Stopped after {EXIT_S:g} s, with work still under way.\n")
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(0)
