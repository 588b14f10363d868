"""Reads of the log for HTTP: in threads of their own, and ended when the client leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from anyio import CancelScope, CapacityLimiter, create_task_group, sleep, to_thread
from anyio.lowlevel import RunVar
from starlette import types
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from audit_core.domain.errors import QueryCancelledError
from audit_core.log.reads.read_context import ReadContext, reading_in

THREADS = 16
"""How many requests may read the log, or write a download, at once. Everything else that routes
do in threads (sign-in, health, `head`, appends) has the server's own, and never waits for these."""

_LOOK_S = 0.25
"""How often a client is looked for while a read of its request runs."""

_THREADS: RunVar[CapacityLimiter] = RunVar("reading_threads")
_Found = TypeVar("_Found")


async def run_read(request: Request, context: ReadContext, work: Callable[[], _Found]) -> _Found:
    """What `work` returns or raises, run in a thread within the context, which is cancelled once
    the client has left."""
    outcome: list[Callable[[], _Found]] = []

    async def watch() -> None:
        while not await request.is_disconnected():
            await sleep(_LOOK_S)
        context.cancel()

    def run() -> None:
        try:
            with reading_in(context):
                found = work()
        except BaseException as error:
            outcome.append(_raising(error))
        else:
            outcome.append(lambda: found)

    # Kept and raised only here: a task group would raise it within a group of exceptions.
    async with create_task_group() as tasks:
        tasks.start_soon(watch)
        await to_thread.run_sync(run, limiter=_threads())
        tasks.cancel_scope.cancel()
    return outcome[0]()


class ClosedStream(StreamingResponse):
    """A stream that tells how it ended, whatever ended it: whether all pieces went out.

    Its pieces are read within the `context`, which is cancelled once the client has left: each
    statement of them has the time limit of one read.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        end: Callable[[bool], None],
        *,
        context: ReadContext | None = None,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(self._sent(pieces), media_type=media_type, headers=headers)
        self._end = end
        self._context = context or ReadContext()
        self._whole = False

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        async def watched() -> types.Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                self._context.cancel()
            return message

        try:
            await super().__call__(scope, watched, send)
        finally:
            self._context.cancel()
            with CancelScope(shield=True):
                await run_in_threadpool(self._end, self._whole)

    async def _sent(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        while True:
            piece = await to_thread.run_sync(self._next, pieces, limiter=_threads())
            if piece is None:
                return
            yield piece

    def _next(self, pieces: Iterator[bytes]) -> bytes | None:
        """The next piece; `None` at the end, or once nobody reads them any more."""
        try:
            with reading_in(self._context):
                piece = next(pieces, None)
        except QueryCancelledError:
            if self._context.cancelled:
                return None
            raise
        self._whole = piece is None
        return piece


def _threads() -> CapacityLimiter:
    """One for each event loop: a limiter belongs to the loop that it was first used in."""
    try:
        return _THREADS.get()
    except LookupError:
        limiter = CapacityLimiter(THREADS)
        _THREADS.set(limiter)
        return limiter


def _raising(error: BaseException) -> Callable[[], Any]:
    def again() -> Any:
        raise error

    return again
