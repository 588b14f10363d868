"""GET /api/v1/suggestions: what could be written next in a query text, while a person types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit_core.access import Permission, Scope
from audit_core.api.identity import require
from audit_core.api.pace import SPAN, Pace
from audit_core.api.reading import run_read
from audit_core.known_values import KnownValues
from audit_core.log.store import AuditLog
from audit_core.product import Product
from audit_core.query.completion import suggest
from audit_core.query.limits import MAX_CHARACTERS
from audit_core.query.suggestions import Listed, Suggestions, suggestions
from audit_core.reader import Reader

SUGGESTIONS_PATH = "/api/v1/suggestions"


def suggestions_route(product: Callable[[], Product]) -> Route:
    """Takes the text `before` the cursor and the one `after` it, either may be missing.

    200 `{"suggestions": [{"shown", "note", "count", "before", "after", "more"}], "hint"}`, see
    `query.suggestions.Suggestion`; values are those of the organization that the session looks at.
    400 for a text that is longer than a query may be, 401, 403, 429 for whoever asks too often.
    """
    pace = Pace()
    known: dict[AuditLog, KnownValues] = {}

    def answer(account_id: str, scope: Scope, before: str, after: str) -> Response:
        opened = product()
        if not pace.allows(account_id, opened.clock()):
            return JSONResponse(
                {"error": "too many requests"},
                status_code=429,
                headers={"retry-after": str(int(SPAN.total_seconds()))},
            )
        if opened.log not in known:  # The first one, or opened anew.
            known.clear()
            known[opened.log] = KnownValues(Reader(opened.log), opened.clock)
        found = _suggested(before, after, scope, known[opened.log])
        return JSONResponse(asdict(found))

    async def receive(request: Request) -> Response:
        found = await require(request, product, Permission.READ)
        if isinstance(found, Response):
            return found
        viewer, scope = found
        before, after = (request.query_params.get(name, "") for name in ("before", "after"))
        if len(before) + len(after) > MAX_CHARACTERS:
            return JSONResponse(
                {"error": f"a query has at most {MAX_CHARACTERS} characters"}, status_code=400
            )
        return await run_read(
            request,
            product().log.new_request(person=viewer.account_id),
            lambda: answer(viewer.account_id, scope, before, after),
        )

    return Route(SUGGESTIONS_PATH, receive, methods=["GET"])


def _suggested(before: str, after: str, scope: Scope, known: KnownValues) -> Suggestions:
    text = before + after
    completion = suggest(text, len(before))
    listed = known.of(completion.listed, scope) if completion.listed else Listed()
    return suggestions(text, completion, listed)
