"""How many websockets are open, and for how long those of people who are not signed in."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """Bounds of websockets; times in seconds."""

    silent_s: float = 20.0
    """A browser sends its first message at once; whoever says nothing for this long is none. A
    page that comes back has nothing to say."""
    anonymous_s: float = 300.0
    """How long the sign-in page keeps one socket. A page that is still there opens the next one
    by itself, and what was typed stays."""
    recheck_s: float = 60.0
    """After how much silence the session of somebody signed in is looked up again."""
    anonymous_of_address: int = 50
    """One address may be a whole office: that many may look at the sign-in page at once."""
    anonymous: int = 500
    """In all. Beyond it the oldest one makes room: a stranger can keep nobody from signing in."""
    of_account: int = 100


@dataclass(eq=False, slots=True)
class Socket:
    """One open websocket."""

    address: str
    account_id: str | None
    """`None` for somebody who is not signed in."""
    closes_at: float
    """When its next wait for a message ends at the latest, in the time of the event loop."""
    guard: asyncio.Timeout | None = field(default=None)
    evicted: bool = False
    has_run: bool = False
    """Whether somebody signed in has run a page over it."""

    def close_by(self, when: float) -> None:
        """End the wait for the next message at another time, also one that is under way."""
        self.closes_at = when
        if self.guard is not None:
            self.guard.reschedule(when)


class Sockets:
    """All open websockets of the process. Used on the event loop only."""

    def __init__(self, limits: SocketLimits) -> None:
        self._limits = limits
        self._of_address: Counter[str] = Counter()
        self._of_account: Counter[str] = Counter()
        # In order of arrival.
        self._anonymous: dict[Socket, None] = {}

    def admit(
        self, address: str, account_id: str | None, now: float, *, resumes: bool = False
    ) -> Socket | None:
        """A new socket, or `None` where its address or account has enough of them.

        `resumes` says that the page was there before, and so has nothing to say at once.
        """
        limits = self._limits
        if account_id is not None:
            if self._of_account[account_id] >= limits.of_account:
                return None
            self._of_account[account_id] += 1
            return Socket(address, account_id, now + limits.recheck_s)
        if self._of_address[address] >= limits.anonymous_of_address:
            return None
        if len(self._anonymous) >= limits.anonymous:
            oldest = next(iter(self._anonymous))
            oldest.evicted = True
            oldest.close_by(now)
            self._forget_anonymous(oldest)
        first_s = limits.anonymous_s if resumes else limits.silent_s
        socket = Socket(address, None, now + first_s)
        self._anonymous[socket] = None
        self._of_address[address] += 1
        return socket

    def forget(self, socket: Socket) -> None:
        """The socket is closed. Telling so twice is harmless."""
        if socket.account_id is None:
            self._forget_anonymous(socket)
            return
        self._of_account[socket.account_id] -= 1
        if self._of_account[socket.account_id] <= 0:
            del self._of_account[socket.account_id]
        socket.account_id = None

    def _forget_anonymous(self, socket: Socket) -> None:
        if socket in self._anonymous:
            del self._anonymous[socket]
            self._of_address[socket.address] -= 1
            if self._of_address[socket.address] <= 0:
                del self._of_address[socket.address]
