"""All routes under /api, in one list."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from audit_core.installation.opened import Installation
from audit_core.web.errors import method_not_allowed, not_found
from audit_core.web.limits.concurrent_bodies import Bodies
from audit_core.web.limits.concurrent_downloads import Downloads
from audit_core.web.metrics.exposition import Metrics
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.openapi.reference import api_reference_routes
from audit_core.web.routes.access_record import access_record_route
from audit_core.web.routes.bundles import bundle_route
from audit_core.web.routes.entries import entries_route
from audit_core.web.routes.evidence.access_review import access_review_route
from audit_core.web.routes.evidence.alert_trail import alert_trail_route
from audit_core.web.routes.evidence.coverage import coverage_route
from audit_core.web.routes.evidence.report import report_route
from audit_core.web.routes.evidence.verifier import verifier_route
from audit_core.web.routes.exporting.routes import exporting_routes
from audit_core.web.routes.exports import export_routes
from audit_core.web.routes.head import head_route
from audit_core.web.routes.health import health_routes
from audit_core.web.routes.one_time_links import one_time_link_routes
from audit_core.web.routes.operator import operator_routes
from audit_core.web.routes.otlp import otlp_route
from audit_core.web.routes.reading.alerts import alerts_route
from audit_core.web.routes.reading.caller import Reading
from audit_core.web.routes.reading.counts import counts_route
from audit_core.web.routes.reading.daytona import daytona_routes
from audit_core.web.routes.reading.stored_entries import stored_entries_route
from audit_core.web.routes.session import session_routes
from audit_core.web.routes.suggestions import record_suggestions_route, suggestions_route
from audit_core.web.routes.theme import theme_route
from audit_core.web.routes.webhooks import webhooks_route


def routes(installation: Callable[[], Installation], metrics: Metrics | None = None) -> list[Route]:
    """The routes; `installation` gives the opened one or raises `AuditError`, and may block.
    `metrics` are those of the server that they are for; by default of none.

    The last one answers every other path under /api, which else would show the pages.
    """
    downloads, bodies = Downloads(), Bodies()
    reading = Reading(installation)
    metrics = metrics or Metrics(installation)
    described: list[ApiRoute] = [
        *health_routes(installation),
        metrics.route(),
        *session_routes(installation),
        *one_time_link_routes(installation),
        theme_route(),
        entries_route(installation, bodies),
        stored_entries_route(reading),
        counts_route(reading),
        alerts_route(reading),
        *daytona_routes(reading),
        webhooks_route(installation),
        otlp_route(installation, bodies),
        head_route(installation),
        suggestions_route(installation),
        *export_routes(installation, downloads),
        *exporting_routes(installation),
        access_record_route(installation),
        record_suggestions_route(installation),
        bundle_route(installation),
        alert_trail_route(installation),
        coverage_route(installation),
        access_review_route(installation),
        report_route(installation, downloads),
        verifier_route(installation),
        *operator_routes(installation),
    ]
    described += api_reference_routes(installation, described)
    metrics.know(described)
    return [
        *described,
        Route("/api", Unknown()),
        Route("/api/{rest:path}", Unknown()),
    ]


class Unknown:
    """ASGI application for what no route under /api takes: 405 with the methods of the routes at
    this path, 404 where there are none. Whatever the method is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = {
            method
            for route in Request(scope).app.routes
            if isinstance(route, Route)
            and route.path.startswith("/api/")
            and route.path_regex.match(scope["path"])
            for method in route.methods or ()
        }
        answer = method_not_allowed(", ".join(sorted(allowed))) if allowed else not_found()
        await answer(scope, receive, send)
