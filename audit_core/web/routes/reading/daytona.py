"""Daytona's audit API, for its official clients, over this log."""

from __future__ import annotations

from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.explore.scenarios import read_scenarios
from audit_core.identity.api_tokens import Token
from audit_core.identity.token_verbs import READ, REVEAL
from audit_core.installation.opened import Installation
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.reading import run_read
from audit_core.web.routes.attachment import refuse_head
from audit_core.web.routes.reading.answers import DaytonaPage, ScenarioList, entry_objects
from audit_core.web.routes.reading.caller import (
    Caller,
    Reading,
    caller_of_token,
    scope_of_token,
)
from audit_core.web.routes.reading.daytona_parameters import DaytonaQuestion, read_question
from audit_core.web.routes.reading.operations import (
    DAYTONA_ADMIN,
    DAYTONA_ORGANIZATION,
    DAYTONA_SCENARIOS,
)
from audit_core.web.routes.reading.page_token import PageToken, seal, unseal
from audit_core.web.routes.reading.parameters import HINT
from audit_core.web.security.bearer_tokens import TokenRefused, refused_token, require_token

ORGANIZATION_PATH = "/api/audit/organizations/{organization_id}"
SCENARIOS_PATH = "/api/audit/scenarios"
ADMIN_PATH = "/api/admin/audit"


def daytona_routes(reading: Reading) -> list[ApiRoute]:
    """`ORGANIZATION_PATH` by a token of that organization, `SCENARIOS_PATH` by one of any, and
    `ADMIN_PATH` by one of the whole installation; each for `read:audit_logs`."""

    async def organization(request: Request) -> Response:
        token = await _token(request, reading, of_installation=False)
        if isinstance(token, Response):
            return token
        if request.path_params["organization_id"] != token.organization_id:
            return await _refuse_foreign(request, reading, token)
        return await _page(request, reading, caller_of_token(token, scope_of_token(token)))

    async def everything(request: Request) -> Response:
        token = await _token(request, reading, of_installation=True)
        if isinstance(token, Response):
            return token
        scope = replace(Scope.everything(), secrets=token.may(REVEAL))
        return await _page(request, reading, caller_of_token(token, scope))

    async def scenarios(request: Request) -> Response:
        token = await _token(request, reading, of_installation=False)
        if isinstance(token, Response):
            return token
        caller = caller_of_token(token, scope_of_token(token))
        opened = reading.begin(request, caller)
        context = opened.log.new_request(person=caller.person)
        reader = reading.reader(opened)
        found = await run_read(request, context, lambda: read_scenarios(reader, caller.scope))
        answer = ScenarioList(
            targets=[
                {"targetType": target, "actions": list(actions)}
                for target, actions in found.targets
            ]
        )
        if found.truncated:
            answer["truncated"] = True
        return JSONResponse(answer)

    return [
        ApiRoute(ORGANIZATION_PATH, organization, DAYTONA_ORGANIZATION),
        ApiRoute(SCENARIOS_PATH, scenarios, DAYTONA_SCENARIOS),
        ApiRoute(ADMIN_PATH, everything, DAYTONA_ADMIN),
    ]


async def _token(request: Request, reading: Reading, *, of_installation: bool) -> Token | Response:
    if refusal := refuse_head(request):
        return refusal
    token = await require_token(
        request, reading.installation, READ, of_installation=of_installation
    )
    return token.as_response() if isinstance(token, TokenRefused) else token


async def _refuse_foreign(request: Request, reading: Reading, token: Token) -> Response:
    """403, alike for an organization that there is and for one that there is not."""
    reason = "The token is of another organization."
    refused = await run_in_threadpool(
        refused_token, reading.installation(), request, token, READ, reason
    )
    return refused.as_response()


async def _page(request: Request, reading: Reading, caller: Caller) -> Response:
    opened = reading.begin(request, caller)
    question = read_question(request.scope["query_string"])
    context = opened.log.new_request(person=caller.person)
    reader = reading.reader(opened)
    return await run_read(
        request,
        context,
        # Written as JSON there too: that takes as long as reading it.
        lambda: JSONResponse(_answer(opened, reader, caller.scope, question)),
    )


def _answer(
    opened: Installation, reader: Reader, scope: Scope, question: DaytonaQuestion
) -> DaytonaPage:
    """Raises `FilterError` for a next token that is none of this organization's."""
    whose = f"daytona {'' if scope.organization_id is None else f'of {scope.organization_id}'}"
    token = _read_token(question, opened.key, whose)
    page = token.page if token else question.page
    if question.asks_nothing:
        return DaytonaPage(items=[], total=0, page=page, totalPages=0)
    query = question.query(scope)
    found = reader.page(
        query,
        token.cursor if token else None,
        question.limit,
        offset=0 if token else (page - 1) * question.limit,
    )
    if token is not None and token.question == question.digest:
        total = token.total
    else:
        total = reader.planner.memoized(
            ("count", query), scope, lambda: CountReader(reader).count(query).number
        )
    answer = DaytonaPage(
        items=entry_objects(found.rows, scope),
        total=total,
        page=page,
        totalPages=-(-total // question.limit),
    )
    if found.older is not None:
        next_page = PageToken(
            cursor=found.older,
            as_of=opened.clock(),
            page=page + 1,
            total=total,
            question=question.digest,
        )
        answer["nextToken"] = seal(next_page, opened.key, whose)
    return answer


def _read_token(question: DaytonaQuestion, key: bytes, whose: str) -> PageToken | None:
    if question.next_token is None:
        return None
    try:
        return unseal(question.next_token, key, whose)
    except ValueError as error:
        raise FilterError((f"nextToken cannot be read: {error}.",), HINT) from None
