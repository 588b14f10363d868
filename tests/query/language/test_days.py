"""Days in a query are days of a zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given

from audit_core.domain.entries import EARLIEST, LATEST
from audit_core.domain.errors import FilterError
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Field, depth, leaves
from audit_core.query.language.describe import describe
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.parser import parse
from audit_core.query.language.printer import conjoin, to_text
from audit_core.query.limits import MAX_CHARACTERS, MAX_DEPTH
from audit_core.query.time.days import day_start
from audit_core.query.time.windows import Window, zone_names
from tests.query.time.test_days import days, zones
from tests.support.expression_strategies import expressions, times
from tests.support.laws import law

BERLIN = "Europe/Berlin"


def utc(text):
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("time:2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("time:2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("time:>=2026-10-25", "2026-10-24T22:00Z", None),
        ("time:>2026-10-25", "2026-10-25T23:00Z", None),
        ("time:<2026-10-25", None, "2026-10-24T22:00Z"),
        ("time:<=2026-10-25", None, "2026-10-25T23:00Z"),
        ("time:[2026-10-24 TO 2026-10-25]", "2026-10-23T22:00Z", "2026-10-25T23:00Z"),
        ("time:{2026-10-24 TO 2026-10-26}", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("time:[2026-10-25 TO *]", "2026-10-24T22:00Z", None),
        ("time:[2026-10-25T00:00:00Z TO 2026-10-25]", "2026-10-25T00:00Z", "2026-10-25T23:00Z"),
        ("received:2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("time:(2026-10-25)", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
    ],
)
def test_a_day_is_that_of_the_zone_in_every_form(text, low, high):
    field = Field.RECEIVED_AT if text.startswith("received") else Field.CREATED_AT
    assert parse(text, zone=BERLIN) == times(
        low and utc(low), high and utc(high), include_low=low is not None, field=field
    )


@law(300)
@given(zones, days.filter(lambda day: EARLIEST.date() < day < LATEST.date()))
def test_a_day_in_a_query_begins_and_ends_with_the_day_of_the_zone(zone, day):
    assume(day_start(day, zone) < day_start(day.fromordinal(day.toordinal() + 1), zone))
    (found,) = leaves(parse(f"time:{day}", zone=zone))
    assert found.low == max(day_start(day, zone), EARLIEST)
    assert found.high == min(day_start(day.fromordinal(day.toordinal() + 1), zone), LATEST)
    assert to_text(found, zone=zone) == f"time:{day}" or found.high == LATEST


@law(200)
@given(expressions, zones)
def test_the_canonical_text_means_the_same_in_every_zone(expression, zone):
    text = to_text(expression, zone=zone)
    assume(len(text) <= MAX_CHARACTERS and depth(expression) <= MAX_DEPTH)
    assert parse(text, zone=zone) == expression


@law(200)
@given(zones, zones, days, days)
def test_borders_of_days_of_one_zone_are_written_in_another(of, zone, first, last):
    low, high = sorted((day_start(first, of), day_start(last, of)))
    assume(EARLIEST <= low < high <= LATEST)
    expression = times(low, high)
    assert parse(to_text(expression, zone=zone), zone=zone) == expression


def test_a_day_that_a_zone_skipped_is_told_and_not_only_empty():
    with pytest.raises(QueryError, match=r"no 2011-12-30 in Pacific/Apia.*skipped that day"):
        parse("time:2011-12-30", zone="Pacific/Apia")
    assert parse("time:[2011-12-30 TO 2011-12-31]", zone="Pacific/Apia") == parse(
        "time:2011-12-31", zone="Pacific/Apia"
    )


@pytest.mark.parametrize("zone", ("Pacific/Kiritimati", "Pacific/Niue", "UTC"))
def test_the_first_and_the_last_day_are_cut_to_what_entries_can_have(zone):
    first, last = EARLIEST.astimezone(ZoneInfo(zone)).date(), LATEST.date()
    (found,) = leaves(parse(f"time:{first}", zone=zone))
    assert found.low == EARLIEST
    (found,) = leaves(parse("time:2199-12-31", zone=zone))
    assert found.high <= LATEST
    with pytest.raises(QueryError, match="outside"):
        parse(f"time:{last.replace(day=3)}", zone=zone)


def test_the_zone_is_named_where_a_time_cannot_be_read():
    with pytest.raises(QueryError, match=r"2026-01-31 \(in Asia/Tokyo\)"):
        parse("time:yesterday", zone="Asia/Tokyo")


def test_a_condition_is_added_without_moving_the_days():
    text = "time:2026-10-25 -action:start"
    assert conjoin(text, "action", "start", exclude=False, zone=BERLIN) == (
        "time:2026-10-25 action:start"
    )


def test_a_sentence_names_the_day_and_its_zone_or_the_offset():
    assert describe(parse("time:2026-10-25", zone=BERLIN), zone=BERLIN) == (
        "time is 2026-10-25 (Europe/Berlin)"
    )
    assert describe(parse("time:>=2026-10-25", zone=BERLIN), zone=BERLIN) == (
        "time is from 2026-10-25T00:00:00+02:00"
    )


def test_the_days_of_a_filter_move_with_the_zone_of_its_window():
    filters = [
        EntryFilter(window=Window(zone=zone), query="time:2026-10-25") for zone in ("UTC", BERLIN)
    ]
    lows = [next(leaves(item.expression)).low for item in filters]
    assert lows == [utc("2026-10-25T00:00Z"), utc("2026-10-24T22:00Z")]
    assert EntryFilter.from_params(filters[1].to_params()) == filters[1]


def test_an_address_with_an_unknown_zone_still_says_what_is_wrong_with_its_query():
    with pytest.raises(FilterError) as caught:
        EntryFilter.from_params({"zone": ["Nowhere"], "query": ["time:yesterday"]})
    assert len(caught.value.problems) == 2


def test_every_zone_that_can_be_chosen_can_be_asked_in():
    for zone in zone_names():
        parse("time:2026-10-25", zone=zone)
