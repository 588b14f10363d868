"""How many requests come, what they are answered with, and how long that takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD = "other"
UNKNOWN_ROUTE = "(unknown)"
"""For whatever path under /api no route is at."""
PAGES = "(pages)"
"""For everything else: the pages, their scripts and styles, and what Streamlit serves."""


class RequestMetrics:
    """The metrics of HTTP requests; `routes` are those whose templates are labels."""

    def __init__(self, registry: CollectorRegistry, routes: Callable[[], Iterable[Route]]) -> None:
        self._routes = routes
        self._requests = Counter(
            "sandtrail_http_requests",
            "Requests by route, method and status, refusals included.",
            ("route", "method", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "sandtrail_http_request_seconds",
            "Seconds from the head of a request to the head of its answer, by route.",
            ("route",),
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._under_way = Gauge(
            "sandtrail_http_requests_under_way",
            "Requests whose answer is not complete, downloads included.",
            registry=registry,
        )

    def template_of(self, path: str) -> str:
        """The label of a path: the template of its route, never the path itself."""
        if path != "/api" and not path.startswith("/api/"):
            return PAGES
        return next(
            (route.path for route in self._routes() if route.path_regex.match(path)), UNKNOWN_ROUTE
        )

    async def measure(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the app answer a request, and count it."""
        route = self.template_of(scope["path"])
        method = scope["method"] if scope["method"] in METHODS else OTHER_METHOD
        began = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and not status:
                status = message["status"]
                self._requests.labels(route, method, str(status)).inc()
                self._seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        with self._under_way.track_inprogress():
            await app(scope, receive, noting)


class MeasuredRequests:
    """ASGI middleware in front of all others that answer: what they refuse is counted as well.

    Behind `BasePath`, so that the labels are the same wherever the app is served.
    """

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._metrics.measure(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)
