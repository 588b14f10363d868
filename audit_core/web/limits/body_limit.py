"""The body of a request, limited while it streams in."""

from __future__ import annotations

from starlette.requests import Request


class BodyTooLarge(Exception):
    """The body holds more than was allowed; the rest was not read."""


async def read_body(request: Request, *, max_bytes: int) -> bytes:
    """The whole body. Raises `BodyTooLarge` as soon as it is known to pass `max_bytes`."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise BodyTooLarge
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > max_bytes:
            raise BodyTooLarge
        pieces.append(piece)
    return b"".join(pieces)
