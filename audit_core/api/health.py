"""GET /api/health: whether both databases answer."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit_core.errors import AuditError, LogLockedError
from audit_core.product import Product


def health_route(product: Callable[[], Product]) -> Route:
    """200 `{"status": "ok"}`, or 503 with the names of what does not answer, and no detail."""

    async def health(request: Request) -> JSONResponse:
        failing = await run_in_threadpool(_failing, product)
        if failing:
            return JSONResponse({"status": "unavailable", "failing": failing}, status_code=503)
        return JSONResponse({"status": "ok"})

    return Route("/api/health", health, methods=["GET"])


def _failing(product: Callable[[], Product]) -> list[str]:
    try:
        opened = product()
    except LogLockedError:
        return ["log"]
    except AuditError:
        return ["start"]
    failing = []
    for name, ping in (("log", opened.log.ping), ("state", opened.state.ping)):
        try:
            ping()
        except AuditError:
            failing.append(name)
    return failing
