"""The routes of a witness: `POST /add-checkpoint` as c2sp.org/tlog-witness has it, and the newest
checkpoint of a log for whoever compares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from audit_core.domain.errors import AuditError
from audit_core.integrity.witness.add_checkpoint import MAX_BODY, PATH
from audit_core.integrity.witness.witness import Outcome, Witness
from audit_core.web.limits.body_limit import BodyTooLarge, read_body
from audit_core.web.stopping import bounded_stop

CHECKPOINT_PATH = "/checkpoint"
BODY_S = 15.0
"""How long a request's body may take to come."""
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def witness_app(witness: Witness) -> Starlette:
    """The application. It ends in order, within a bounded time, when its server is told to."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_S):
                body = await read_body(request, max_bytes=MAX_BODY)
        except BodyTooLarge:
            return _answer(Outcome(status=413, text="The request is too large.\n"))
        except TimeoutError:
            return _answer(Outcome(status=408, text="The request came too slowly.\n"))
        except ClientDisconnect:
            return _answer(Outcome(status=400, text="The request broke off.\n"))
        return _answer(await run_in_threadpool(witness.add_checkpoint, body))

    async def checkpoint(request: Request) -> Response:
        origin = request.query_params.get("origin", "")
        note = await run_in_threadpool(witness.newest, origin)
        if note is None:
            return _answer(Outcome(status=404, text="The origin is unknown here.\n"))
        return _answer(Outcome(status=200, text=note))

    return Starlette(
        routes=[
            Route(PATH, add_checkpoint, methods=["POST"]),
            Route(CHECKPOINT_PATH, checkpoint, methods=["GET"]),
        ],
        exception_handlers={AuditError: _unavailable},
        lifespan=_lifespan,
    )


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    with bounded_stop():
        yield


async def _unavailable(request: Request, error: Exception) -> Response:
    """Nothing is cosigned that could not be kept. The hint is the operator's, at the terminal."""
    if not isinstance(error, AuditError):
        raise error
    return _answer(Outcome(status=503, text=f"{error.message}\n"))


def _answer(outcome: Outcome) -> Response:
    # The content type as it is: Starlette would add a charset to the one of sizes.
    headers = {**_HEADERS, "Content-Type": outcome.content_type}
    return Response(outcome.text, status_code=outcome.status, headers=headers)
