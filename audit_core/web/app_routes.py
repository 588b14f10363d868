"""All routes under /api, in one list."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit_core.installation.opened import Product
from audit_core.web.limits.concurrent_downloads import Downloads
from audit_core.web.routes.access_record import access_record_route
from audit_core.web.routes.bundles import bundle_route
from audit_core.web.routes.entries import entries_route
from audit_core.web.routes.exports import export_routes
from audit_core.web.routes.head import head_route
from audit_core.web.routes.health import health_routes
from audit_core.web.routes.operator import operator_routes
from audit_core.web.routes.session import session_routes
from audit_core.web.routes.suggestions import record_suggestions_route, suggestions_route


def routes(product: Callable[[], Product]) -> list[Route]:
    """The routes; `product` gives the opened product or raises `AuditError`, and may block.

    The last one answers every other path under /api, which else would show the pages.
    """
    downloads = Downloads()
    return [
        *health_routes(product),
        *session_routes(product),
        entries_route(product),
        head_route(product),
        suggestions_route(product),
        *export_routes(product, downloads),
        access_record_route(product),
        record_suggestions_route(product),
        bundle_route(product),
        *operator_routes(product),
        Route("/api", _unknown),
        Route(
            "/api/{rest:path}",
            _unknown,
            methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        ),
    ]


async def _unknown(request: Request) -> JSONResponse:
    return JSONResponse({"error": "not found"}, status_code=404)
