"""Bodies that drip: how slowly a request's body may come."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

GRACE_S = 30.0
"""How long a body may take at any pace."""
SLOWEST_BYTES_PER_S = 2_000
"""How fast it comes after that, on average; any line is faster, and 10 MB take 84 minutes."""


class SlowBodyError(Exception):
    """The body of a request came too slowly; the rest was not read."""


class PacedBody:
    """The messages of a request, whose body has to come at a pace."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._closes_at = asyncio.get_running_loop().time() + GRACE_S
        self._whole = False

    async def receive(self) -> Message:
        """The next message. Raises `SlowBodyError` where the body does not come in time.

        What comes after the body, the end of the connection, may take for ever.
        """
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._closes_at):
                message = await self._receive()
        except TimeoutError:
            raise SlowBodyError from None
        self._closes_at += len(message.get("body", b"")) / SLOWEST_BYTES_PER_S
        self._whole = not message.get("more_body", False)
        return message
