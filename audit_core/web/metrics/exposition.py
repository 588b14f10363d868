"""GET /api/metrics: what a Prometheus server scrapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit_core.identity.token_verbs import METRICS
from audit_core.installation.opened import Installation
from audit_core.web.metrics.installation_metrics import InstallationMetrics
from audit_core.web.metrics.requests import RequestMetrics
from audit_core.web.openapi.operation import Answer, ApiRoute, Caller, Operation, Section
from audit_core.web.security.bearer_tokens import TokenRefused, require_token

METRICS_PATH = "/api/metrics"

OPERATION = Operation(
    id="getMetrics",
    summary="What the server does, for Prometheus",
    description="By a token of the whole installation. Nothing in it tells one organization, "
    "person or address from another.",
    section=Section.HEALTH,
    callers=(Caller.PROGRAM,),
    permission=METRICS.name,
    answers={200: Answer(description="The metrics.", media_types=("text/plain",))},
)


class Metrics:
    """The metrics of one server."""

    def __init__(self, installation: Callable[[], Installation]) -> None:
        self._installation = installation
        self._routes: list[Route] = []
        self.connections: Callable[[], int | None] = lambda: None
        """How many connections are open; set once the server is known."""
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics(self._registry, lambda: self._routes)
        self._registry.register(InstallationMetrics(installation, lambda: self.connections()))
        ProcessCollector(registry=self._registry)

    def know(self, routes: Iterable[Route]) -> None:
        """The routes whose templates are labels."""
        self._routes = list(routes)

    def route(self) -> ApiRoute:
        """`METRICS_PATH`: 200 with the text, 401, 403 without `METRICS`."""

        async def metrics(request: Request) -> Response:
            token = await require_token(request, self._installation, METRICS, of_installation=True)
            if isinstance(token, TokenRefused):
                return token.as_response()
            text = await run_in_threadpool(generate_latest, self._registry)
            return Response(text, media_type=CONTENT_TYPE_LATEST)

        return ApiRoute(METRICS_PATH, metrics, OPERATION)
