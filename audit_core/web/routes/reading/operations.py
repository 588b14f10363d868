"""What the routes that read say of themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from audit_core.explore.stacked_histogram import MAX_STACKED, STACKS
from audit_core.identity.token_verbs import READ
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.buckets import WIDTHS_US
from audit_core.web.errors import ErrorCode
from audit_core.web.openapi.operation import (
    READS_THE_LOG,
    Answer,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.parameters import filter_parameters
from audit_core.web.routes.reading.answers import Counts, DaytonaPage, EntryPage, ScenarioList
from audit_core.web.routes.reading.daytona_parameters import (
    CREATED_AT,
    DEFAULT_LIMIT,
    LISTS,
    MAX_LIMIT,
    MAX_OFFSET,
    MAX_STATUS,
    MAX_VALUES,
    OPERATORS,
    STATUS,
)

MAX_SERIES, DEFAULT_SERIES = 50, MAX_STACKED
"""How many values have a series of their own in counts."""
WIDTHS_S = tuple(width // 1_000_000 for width in WIDTHS_US)
"""How long a bucket of counts may be, in seconds."""
COLUMNS = ("outcome", *STACKS)
"""What entries can be counted by."""
MAX_ENTRIES, DEFAULT_ENTRIES = 1_000, 100
"""How many entries a page of `GET /api/v1/entries` holds."""

_ERRORS = (ErrorCode.INVALID_REQUEST, *READS_THE_LOG)
_OPERATOR_WORDS = {
    "eq": "equal to this",
    "not": "other than this, or none",
    "in": f"one of these, at most {MAX_VALUES}, also with commas in between",
    "notIn": f"none of these, at most {MAX_VALUES}, also with commas in between",
    "gte": "this or more",
    "lte": "this or less",
    "gt": "more than this",
    "lt": "less than this",
}


def _number(first: int, last: int) -> Any:
    return Annotated[int, Field(ge=first, le=last)]


def _comparisons() -> tuple[Parameter, ...]:
    kinds: dict[str, Any] = {STATUS: _number(0, MAX_STATUS), CREATED_AT: datetime}
    return tuple(
        Parameter(
            name=f"{name}[{operator}]",
            description=f"Entries whose `{name}` is {_OPERATOR_WORDS[operator]}. Also as JSON in "
            f'one parameter, `{name}={{"{operator}": …}}`.',
            kind=kinds.get(name, str),
            many=operator in LISTS,
        )
        for name, operators in OPERATORS.items()
        for operator in operators
    )


_DAYTONA_PARAMETERS = (
    Parameter(
        name="page",
        description=f"The number of the page, from 1; no page ends behind {MAX_OFFSET:,} entries.",
        kind=_number(1, MAX_OFFSET),
    ),
    Parameter(
        name="limit",
        description=f"How many entries a page holds; {DEFAULT_LIMIT} if none.",
        kind=_number(1, MAX_LIMIT),
    ),
    Parameter(
        name="nextToken",
        description="That of the page before; wins over `page`, and neither repeats nor leaves out "
        "an entry.",
    ),
    Parameter(name="from", description="An older name of `createdAt[gte]`.", kind=datetime),
    Parameter(name="to", description="An older name of `createdAt[lte]`.", kind=datetime),
    *_comparisons(),
)
_PAGE = {200: Answer(description="A page, newest entry first.", kinds=(DaytonaPage,))}

DAYTONA_ORGANIZATION = Operation(
    id="getOrganizationAuditLogs",
    summary="Entries of an organization, as Daytona answers them",
    description="For Daytona's own clients. By a token of this organization; any other one gets "
    "403, also if there is none of that name. Secrets are redacted unless the token may read them.",
    section=Section.DAYTONA,
    callers=(Caller.PROGRAM,),
    permission=READ.name,
    parameters=(
        Parameter(name="organization_id", description="The organization's id.", in_path=True),
        *_DAYTONA_PARAMETERS,
    ),
    answers=_PAGE,
    errors=_ERRORS,
)
DAYTONA_SCENARIOS = Operation(
    id="getAuditScenarios",
    summary="The actions that the log holds, by the type of their targets",
    section=Section.DAYTONA,
    callers=(Caller.PROGRAM,),
    permission=READ.name,
    answers={200: Answer(description="The actions.", kinds=(ScenarioList,))},
    errors=READS_THE_LOG,
)
DAYTONA_ADMIN = Operation(
    id="getAllAuditLogs",
    summary="Entries of all organizations, as Daytona answers them",
    description="By a token of the whole installation, which the operator makes at the command "
    "line; others get 403.",
    section=Section.DAYTONA,
    callers=(Caller.PROGRAM,),
    permission=READ.name,
    parameters=_DAYTONA_PARAMETERS,
    answers=_PAGE,
    errors=_ERRORS,
)
ENTRIES = Operation(
    id="getEntries",
    summary="What a filter matches, page by page",
    description="Newest entry first. Secrets are redacted unless the token may read them.",
    section=Section.READ,
    callers=(Caller.PROGRAM, Caller.PERSON),
    permission=READ.name,
    parameters=(
        *filter_parameters(EntryFilter),
        Parameter(
            name="limit",
            description=f"How many entries a page holds; {DEFAULT_ENTRIES} if none.",
            kind=_number(1, MAX_ENTRIES),
        ),
        Parameter(name="cursor", description="The `next` of the page before."),
    ),
    answers={200: Answer(description="A page.", kinds=(EntryPage,))},
    errors=_ERRORS,
)
COUNTS = Operation(
    id="getCounts",
    summary="How what a filter matches lies in time, by the values of a column",
    section=Section.READ,
    callers=(Caller.PROGRAM, Caller.PERSON),
    permission=READ.name,
    parameters=(
        *filter_parameters(EntryFilter),
        Parameter(
            name="by",
            description="The column; `outcome` if none.",
            kind=Literal[*COLUMNS],
        ),
        Parameter(
            name="limit",
            description="How many values, the largest ones, have a series of their own; "
            f"{DEFAULT_SERIES} if none. Outcomes all do.",
            kind=_number(1, MAX_SERIES),
        ),
        Parameter(
            name="bucket",
            description="How long a bucket is, in seconds; what suits a chart if none. A window "
            "holds at most 1,000.",
            kind=Literal[*WIDTHS_S],
        ),
    ),
    answers={200: Answer(description="The counts.", kinds=(Counts,))},
    errors=_ERRORS,
)
