"""GET /api/v1/alerts: what has changed of an organization's alerts, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from audit_core.detect.alerts.alert import Alert, sentence_of
from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import AlertChanges, alerts_since
from audit_core.domain.access import Scope
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import FilterError
from audit_core.domain.redaction import redact_text
from audit_core.identity.memberships import members
from audit_core.identity.token_verbs import READ
from audit_core.installation.opened import Installation
from audit_core.query.time.windows import format_instant
from audit_core.web.errors import ErrorCode
from audit_core.web.openapi.operation import (
    Answer,
    ApiRoute,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.operation import Caller as Kind
from audit_core.web.routes.attachment import refuse_head
from audit_core.web.routes.reading.caller import Reading, require_caller
from audit_core.web.routes.reading.parameters import HINT, read_params, whole_number

ALERTS_PATH = "/api/v1/alerts"
MAX_ALERTS, DEFAULT_ALERTS = 1_000, 100
"""How many alerts an answer holds."""
_MAX_REVISION = 999_999_999
_FILTERS = tuple(name for name in AlertFilter.params() if name != "assignee")


class RuleOfAlert(TypedDict):
    """The rule that raised an alert."""

    id: str
    title: str
    """As it was when the alert was raised."""


class AlertObject(TypedDict):
    """An alert as it is now. Times are RFC 3339 in UTC."""

    id: str
    """The same in every message about it."""
    number: int
    """The organization's own count of alerts."""
    revision: int
    """The number of its last change, in the organization's own count of changes."""
    rule: RuleOfAlert
    level: Level
    state: AlertState
    resolution: str | None
    """What came of it; null until a person closes it."""
    assignee: str | None
    """An e-mail address; null where it is of nobody, or of somebody who has left."""
    group: dict[str, str]
    """By what the rule tells entries apart. Text of the log."""
    sentence: str
    """What happened. Holds text of the log."""
    count: int
    """At how many entries something was found; 0 where it was withdrawn."""
    first_at: str
    last_at: str
    """When the first and the last of them was made."""
    raised_at: str
    changed_at: str
    closed_at: str | None
    withdrawn_at: str | None
    """When nothing of it was true any more."""
    path: str
    """Of its page in the app."""


class AlertList(TypedDict):
    """What has changed."""

    alerts: list[AlertObject]
    """In the order of their last change."""
    revision: int
    """What to ask with next, as `since`."""
    more: bool
    """Whether there is more already."""


OPERATION = Operation(
    id="getAlerts",
    summary="Alerts that have changed since",
    description="In the order of their last change. Whoever asks again with `revision` as `since` "
    "misses no change; of an alert that changed several times in between they see the last. "
    "Secrets are redacted unless the token may read them.",
    section=Section.ALERTS,
    callers=(Kind.PROGRAM, Kind.PERSON),
    permission=READ.name,
    parameters=(
        Parameter(
            name="since",
            description="The `revision` of the answer before; 0, if none, for all alerts.",
            kind=Annotated[int, Field(ge=0, le=_MAX_REVISION)],
        ),
        Parameter(
            name="state",
            description="How far they are; of several any. An alert that is not of one of them any "
            "more is not told, so ask without it to see each change.",
            kind=AlertState,
            many=True,
        ),
        Parameter(name="level", description="Of several any.", kind=Level, many=True),
        Parameter(name="rule", description="The id of the rule; of several any.", many=True),
        Parameter(
            name="text",
            description="In the rule's title or a value of the group, whatever the case.",
        ),
        Parameter(
            name="from", description="Something of it happened then or later.", kind=datetime
        ),
        Parameter(name="to", description="Something of it happened before.", kind=datetime),
        Parameter(
            name="limit",
            description=f"How many alerts the answer holds; {DEFAULT_ALERTS} if none.",
            kind=Annotated[int, Field(ge=1, le=MAX_ALERTS)],
        ),
    ),
    answers={200: Answer(description="The alerts.", kinds=(AlertList,))},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.TOO_MANY_REQUESTS),
)


def alerts_route(reading: Reading) -> ApiRoute:
    """`since`, a filter and `limit`: by a token for `read:audit_logs`, or by a person with that
    permission."""

    async def read(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        caller = await require_caller(request, reading.installation)
        if isinstance(caller, Response):
            return caller
        opened = reading.begin(request, caller, verb="alerts.read")
        question = _read_question(read_params(request.scope["query_string"]))
        return JSONResponse(await run_in_threadpool(_answer, opened, caller.scope, question))

    return ApiRoute(ALERTS_PATH, read, OPERATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    asked: AlertFilter
    since: int
    limit: int


def _read_question(params: dict[str, list[str]]) -> _Question:
    """Raises `FilterError`."""
    problems: list[str] = []
    since = whole_number(params, "since", 0, range(_MAX_REVISION + 1), problems)
    limit = whole_number(params, "limit", DEFAULT_ALERTS, range(1, MAX_ALERTS + 1), problems)
    problems += [
        f"The parameter {name[:80]!r} is unknown; known are {', '.join(_FILTERS)}."
        for name in params
        if name not in _FILTERS
    ]
    if problems:
        raise FilterError(tuple(problems), HINT)
    return _Question(asked=AlertFilter.from_params(params), since=since, limit=limit)


def _answer(opened: Installation, scope: Scope, question: _Question) -> AlertList:
    organization_id = scope.organization_id or ""
    with opened.state.read() as connection:
        found = alerts_since(
            connection,
            organization_id,
            question.asked,
            since=question.since,
            limit=question.limit,
        )
        people = {
            one.account_id: one.email
            for one in members(connection, organization_id, opened.clock())
        }
    return _listed(found, people, scope)


def _listed(found: AlertChanges, people: Mapping[str, str], scope: Scope) -> AlertList:
    return AlertList(
        alerts=[_object(one, people, scope) for one in found.alerts],
        revision=found.revision,
        more=found.more,
    )


def _object(one: Alert, people: Mapping[str, str], scope: Scope) -> AlertObject:
    def text(value: str) -> str:
        return value if scope.secrets else redact_text(value)

    def time(at: datetime | None) -> str | None:
        return None if at is None else format_instant(at)

    return AlertObject(
        id=one.id,
        number=one.number,
        revision=one.revision,
        rule=RuleOfAlert(id=one.rule_id, title=one.rule_title),
        level=one.level,
        state=one.state,
        resolution=one.resolution,
        assignee=None if one.assignee_id is None else people.get(one.assignee_id),
        group={name: text(value) for name, value in one.group.items()},
        sentence=text(sentence_of(one)),
        count=one.count,
        first_at=format_instant(one.first_at),
        last_at=format_instant(one.last_at),
        raised_at=format_instant(one.raised_at),
        changed_at=format_instant(one.changed_at),
        closed_at=time(one.closed_at),
        withdrawn_at=time(one.withdrawn_at),
        path=f"/alerts?alert={one.id}",
    )
