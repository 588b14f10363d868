"""GET /api/v1/counts: how the entries that a filter matches lie in time, for scripts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.explore.counts import CountReader
from audit_core.explore.histogram import Histogram, Key
from audit_core.explore.reader import Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.buckets import SECOND_US
from audit_core.query.time.windows import format_instant
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.reading import run_read
from audit_core.web.routes.attachment import refuse_head
from audit_core.web.routes.reading.answers import BucketTotal, Counts, Series
from audit_core.web.routes.reading.caller import Reading, require_caller
from audit_core.web.routes.reading.operations import (
    COLUMNS,
    COUNTS,
    DEFAULT_SERIES,
    MAX_SERIES,
    WIDTHS_S,
)
from audit_core.web.routes.reading.parameters import one_of, only, read_params, whole_number

COUNTS_PATH = "/api/v1/counts"

OUTCOME = "outcome"
MAX_BUCKETS = 1_000


def counts_route(reading: Reading) -> ApiRoute:
    """The filter's parameters as in the address of Explore, `by` (one of `COLUMNS`), `limit` and
    `bucket` (one of `WIDTHS_S`): by a token for `read:audit_logs`, or by a person with that
    permission."""

    async def count(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        caller = await require_caller(request, reading.installation)
        if isinstance(caller, Response):
            return caller
        opened = reading.begin(request, caller)
        question = _read_question(read_params(request.scope["query_string"]))
        context = opened.log.new_request(person=caller.person)
        reader, now = reading.reader(opened), opened.clock()
        return await run_read(
            request, context, lambda: JSONResponse(_answer(reader, caller.scope, question, now))
        )

    return ApiRoute(COUNTS_PATH, count, COUNTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    entry_filter: EntryFilter
    by: str
    limit: int
    width_us: int | None


def _read_question(params: dict[str, list[str]]) -> _Question:
    """Raises `FilterError`."""
    problems: list[str] = []
    by = one_of(params, "by", OUTCOME, COLUMNS, problems)
    limit = whole_number(params, "limit", DEFAULT_SERIES, range(1, MAX_SERIES + 1), problems)
    bucket = only(params, "bucket", problems)
    if bucket is not None and bucket not in map(str, WIDTHS_S):
        problems.append(
            f"The parameter bucket is {bucket[:80]!r}, and not one of "
            f"{', '.join(map(str, WIDTHS_S))} (seconds)."
        )
    if problems:
        raise FilterError(tuple(problems))
    width_us = None if bucket is None else int(bucket) * SECOND_US
    entry_filter = EntryFilter.from_params(params)
    return _Question(entry_filter=entry_filter, by=by, limit=limit, width_us=width_us)


def _answer(reader: Reader, scope: Scope, question: _Question, now: datetime) -> Counts:
    """Raises `FilterError` where the window holds more than `MAX_BUCKETS`."""
    time_range = question.entry_filter.window.time_range(now)
    query = Query(question.entry_filter, scope, time_range)
    _require_few_buckets(reader, query, question.width_us, now)
    if question.by == OUTCOME:
        outcomes = reader.outcomes_over_time(query, now, width_us=question.width_us)
        names = {outcome: outcome.value for outcome in outcomes.totals()}
        return _counts(OUTCOME, outcomes, names, None, 0)
    stacked = CountReader(reader).stacked_over_time(
        question.by, query, now, limit=question.limit, width_us=question.width_us
    )
    others = len(stacked.values)
    places = dict(enumerate((*stacked.values, None)))
    return _counts(question.by, stacked, places, others, stacked.others)


def _require_few_buckets(reader: Reader, query: Query, width_us: int | None, now: datetime) -> None:
    if width_us is None:
        return
    since, until = reader.span(query, now)
    number = -(-(until - since) // timedelta(microseconds=width_us))
    if number > MAX_BUCKETS:
        raise FilterError(
            (f"These are {number:,} buckets; at most {MAX_BUCKETS:,} are counted at once.",),
            "Choose a longer bucket or a shorter window.",
        )


def _counts(
    by: str,
    histogram: Histogram[Key],
    values: Mapping[Key, str | None],
    others: Key | None,
    other_values: int,
) -> Counts:
    """The answer; `others` is the key of all values together that have none of their own."""
    buckets: dict[Key, list[BucketTotal]] = defaultdict(list)
    for start, key, count in histogram.counts:
        buckets[key].append({"start": start.isoformat(), "count": count})
    totals = histogram.totals()
    series = [
        Series(
            value=values[key],
            others=key == others,
            total=totals[key],
            buckets=buckets[key],
        )
        for key in sorted(totals, key=lambda key: (key == others, -totals[key]))
    ]
    return Counts(
        since=format_instant(histogram.since),
        until=format_instant(histogram.until),
        bucket=histogram.buckets.width_us // SECOND_US,
        by=by,
        total=histogram.total,
        other_values=other_values,
        series=series,
    )
