"""One bounded POST: no redirect, no second try, an end however slowly the other side answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3

from audit_core.runtime.outgoing.connections import guard
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.version import product_version

_PIECE = 2**12


class Unreachable(Exception):
    """No whole answer came; the text is a sentence for people. Nothing is known of whether the
    other side took what was sent. `hung`: it took its time until ours was over."""

    def __init__(self, sentence: str, *, hung: bool = False) -> None:
        super().__init__(sentence)
        self.hung = hung


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLimits:
    """How long it may take, in seconds, and how large an answer may be."""

    connect_s: float = 5.0
    answer_s: float = 20.0
    """All of it, connecting included."""
    answer_bytes: int | None = None
    """How long a body that is needed in whole may be; `None`: none is needed, and what came of it
    does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostAnswer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""
    body: bytes = b""
    """Empty where none was needed."""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    policy: OutgoingPolicy,
    limits: PostLimits,
) -> PostAnswer:
    """The answer to one request. Raises `Unreachable`, or `OutgoingRefused` if the address may not
    be reached. Blocks."""
    pool = urllib3.PoolManager(retries=False)
    watch = _Deadline(limits.answer_s)
    guard(pool, policy, opened=watch.opened)
    timeout = urllib3.Timeout(connect=limits.connect_s, read=limits.answer_s)
    try:
        response = pool.request(
            "POST",
            url,
            body=body,
            headers={
                "User-Agent": f"sandtrail/{product_version()}",
                "Connection": "close",
                "Accept-Encoding": "identity",
                **headers,
            },
            timeout=timeout,
            redirect=False,
            preload_content=False,
        )
        try:
            # The end of a connection looks like the end of what is sent.
            watch.require_time()
            found = _body(response, limits.answer_bytes)
            watch.require_time()
        finally:
            response.close()
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _unreachable(error, limits, over=watch.over) from error
    finally:
        watch.stop()
        pool.clear()
    names = {name.lower(): value for name, value in response.headers.items()}
    return PostAnswer(status=response.status, headers=names, body=found)


def _unreachable(error: Exception, limits: PostLimits, *, over: bool) -> Unreachable:
    """What is said of an error. `over`: the time has run out."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return Unreachable("The name of its host leads nowhere.")
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return Unreachable("Nothing accepts connections there.")
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return Unreachable(f"No connection within {limits.connect_s:g} s.", hung=True)
    if over or isinstance(error, urllib3.exceptions.TimeoutError):
        return Unreachable(f"No whole answer within {limits.answer_s:g} s.", hung=True)
    if isinstance(error, urllib3.exceptions.SSLError):
        return Unreachable("Its certificate cannot be trusted, or it speaks no TLS.")
    return Unreachable("The connection was cut before an answer came.")


def _body(response: urllib3.BaseHTTPResponse, most: int | None) -> bytes:
    if most is None:
        return b""
    found = b""
    for piece in response.stream(_PIECE, decode_content=False):
        found += piece
        if len(found) > most:
            raise Unreachable(f"Its answer is longer than {most:,} bytes.")
    return found


class _Deadline:
    """Ends a connection when its time is over: a time-out of a socket begins anew with each byte
    that comes."""

    def __init__(self, within_s: float) -> None:
        self._ends_at = time.monotonic() + within_s
        self._timers: list[threading.Timer] = []
        self._sockets: list[socket.socket] = []

    @property
    def over(self) -> bool:
        """Whether the time has run out."""
        return time.monotonic() >= self._ends_at

    def require_time(self) -> None:
        """Raises `TimeoutError` once the time has run out."""
        if self.over:
            raise TimeoutError

    def opened(self, connected: socket.socket) -> None:
        """A connection that has to end in time, under whatever it is wrapped in later."""
        own = connected.dup()
        self._sockets.append(own)
        timer = threading.Timer(max(0.0, self._ends_at - time.monotonic()), _shut, (own,))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def stop(self) -> None:
        """There is nothing left to end."""
        for timer in self._timers:
            timer.cancel()
            timer.join()
        for own in self._sockets:
            own.close()


def _shut(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It has ended by itself.
