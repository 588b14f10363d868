"""A file on the disk as an answer, whole or a part, read in small pieces while it is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from anyio import open_file
from starlette.responses import Response, StreamingResponse

from audit_core.web.routes.exporting.ranges import ByteRange

PIECE = 256 * 1024


def file_response(
    path: Path,
    *,
    size: int,
    part: ByteRange | None,
    headers: dict[str, str],
    media_type: str,
    head: bool,
) -> Response:
    """200 with all of it, 206 with a part; its length always stands, so that a cut is seen.

    `head`: nothing but the headers.
    """
    start, stop = (0, size) if part is None else (part.start, part.stop)
    said = {
        **headers,
        "accept-ranges": "bytes",
        "content-length": str(stop - start),
        **({} if part is None else {"content-range": part.content_range}),
    }
    status = 200 if part is None else 206
    if head:
        return Response(status_code=status, headers=said, media_type=media_type)
    return StreamingResponse(
        _pieces(path, start, stop), status_code=status, headers=said, media_type=media_type
    )


async def _pieces(path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
    # Once open, it can be read to its end also if it is removed meanwhile.
    async with await open_file(path, "rb") as file:
        await file.seek(start)
        while start < stop:
            piece = await file.read(min(PIECE, stop - start))
            if not piece:
                raise OSError("the file is shorter than it was")
            start += len(piece)
            yield piece
