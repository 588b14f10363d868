from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import FAILURES, AuditEntry, Outcome
from audit_core.domain.listing import Listing
from audit_core.explore.histogram import Histogram
from audit_core.explore.presentation import text
from audit_core.explore.presentation.metrics import compared_with, metrics_of
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME
from audit_core.explore.reader import Reader
from audit_core.explore.results import ErrorCount, HourOfWeek, Share, Summary
from audit_core.explore.stacked_histogram import MAX_STACKED, StackedHistogram
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.buckets import HOUR_US, buckets_for
from audit_core.query.time.windows import Window
from pages.parts.charts.figures import hours, outcomes, ranking, stacked_histogram, timeline
from pages.parts.charts.figures.chart import Chart, changes_of
from pages.parts.charts.figures.failures import failures
from tests.support.laws import law, some
from tests.support.plain_reading import MONDAY, bucket_start
from tests.support.strategies import windows_around_changes

HOSTILE = '<a href="javascript:alert(1)">x</a><b>bold</b><br>$x$ %{x} &lt;'
BEGIN = datetime(2026, 3, 28, tzinfo=UTC)
END = datetime(2026, 3, 30, tzinfo=UTC)


def histogram(*counts: tuple[datetime, Outcome, int], zone: str = "UTC") -> Histogram[Outcome]:
    window = Window(preset=None, since=BEGIN, until=END, zone=zone)
    return Histogram(
        buckets=buckets_for(BEGIN, END, zone),
        counts=tuple(
            (start.astimezone(window.zone_info), item, count) for start, item, count in counts
        ),
        since=BEGIN,
        until=END,
    )


def summary(**numbers: int) -> Summary:
    none = {"entries": 0, "answered": 0, "succeeded": 0, "failed": 0, "failed_starts": 0}
    return Summary(**{**none, "users": 0, **numbers})


def texts_of(chart: Chart) -> list[str]:
    """All strings of the figure that Plotly reads as its kind of HTML."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for item in value.values():
                yield from walk(item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from walk(item)

    content = chart.figure.to_plotly_json()
    content["layout"].pop("template")
    return list(walk(content))


# Text


@given(st.text(max_size=120), st.integers(1, 90))
def test_no_character_of_log_text_opens_or_closes_a_tag_or_an_entity(log: str, most: int) -> None:
    shown = text.label(log, most)
    assert "<" not in shown and ">" not in shown
    assert len(text.plain(log, most)) <= max(most, len("(empty)"))
    assert text.plain(log, most).isprintable()


def test_log_text_keeps_its_characters_for_people() -> None:
    assert text.label("a <b> & c") == "a &lt;b&gt; &amp; c"
    assert text.plain("a\n\tb\u202ec\u0000") == "a bc"
    assert text.plain("x" * 40) == "x" * 33 + "…"
    assert text.plain(" \u200b ") == "(empty)"


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_only_all_is_100_percent_and_only_nothing_is_0(part: int, rest: int) -> None:
    share = text.percent(part, part + rest)
    assert (share == "100%") == (rest == 0 < part)
    assert (share == "0%") == (part == 0)


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [(1, 3, "33%"), (42, 1000, "4.2%"), (1, 10**6, "under 0.1%"), (999, 1000, "99.9%")],
)
def test_a_share_has_a_decimal_where_it_matters(part: int, whole: int, share: str) -> None:
    assert text.percent(part, whole) == share


def test_an_interval_says_its_day_its_zone_and_outside_utc_its_offset() -> None:
    at = datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert text.interval(at, at + timedelta(minutes=30), "UTC") == (
        "Mon 2 Mar 2026, 14:00 to 14:30, UTC"
    )
    berlin = Window(zone="Europe/Berlin").zone_info
    assert text.interval(
        at.astimezone(berlin), (at + timedelta(hours=1)).astimezone(berlin), "Europe/Berlin"
    ).endswith("15:00 to 16:00, Europe/Berlin (+01:00)")
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert text.interval(midnight, midnight + timedelta(days=7), "UTC") == (
        "Mon 2 Mar 2026 to Sun 8 Mar 2026, UTC"
    )
    late = datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert "18:00 to 00:00 the next day" in text.interval(late, late + timedelta(hours=6), "UTC")


# Outcomes


def test_bars_stand_at_local_times_and_are_as_wide_as_their_buckets() -> None:
    at = BEGIN + timedelta(hours=5)
    shown = histogram((at, Outcome.SUCCESS, 3), zone="Europe/Berlin")
    figure = outcomes.over_time(shown, Window(zone="Europe/Berlin")).figure
    (bar,) = figure.data
    assert bar.x == (datetime(2026, 3, 28, 6),)  # noqa: DTZ001 - Plotly's wall clock
    assert bar.width == shown.buckets.width_us / 1000
    assert bar.offset == 0
    assert "Europe/Berlin" in figure.layout.xaxis.title.text


def test_each_outcome_has_its_colour_and_its_total_in_the_legend() -> None:
    every = [(BEGIN, item, number + 1000) for number, item in enumerate(Outcome)]
    figure = outcomes.over_time(histogram(*every), Window()).figure
    assert {bar.name: bar.marker.color for bar in figure.data} == {
        f"{item.label} {number + 1000:,}": COLOR_OF_OUTCOME[item]
        for number, item in enumerate(Outcome)
    }
    assert len(set(COLOR_OF_OUTCOME.values())) == len(Outcome)
    assert figure.layout.showlegend


def test_the_sentence_of_outcomes_over_time_has_the_numbers() -> None:
    chart = outcomes.over_time(
        histogram((BEGIN, Outcome.SUCCESS, 960), (BEGIN, Outcome.CLIENT_ERROR, 40)), Window()
    )
    assert chart.alt == (
        "Outcomes over time: 1,000 entries from 2026-03-28 00:00:00 to 2026-03-30 00:00:00 UTC, "
        "96% success and 4.0% client error; "
        "busiest Sat 28 Mar 2026, 00:00 to 00:30, UTC, with 1,000."
    )
    assert "no entries" in outcomes.over_time(histogram(), Window()).alt


def test_an_entry_dated_far_ahead_is_told_and_leaves_the_other_bars_their_width() -> None:
    at, later = BEGIN + timedelta(hours=3), END + timedelta(hours=2)
    far = datetime(2199, 1, 1, tzinfo=UTC)
    counts = [(at, Outcome.SUCCESS, 7), (later, Outcome.SUCCESS, 1)]
    near = outcomes.over_time(histogram(*counts), Window())
    chart = outcomes.over_time(histogram(*counts, (far, Outcome.SUCCESS, 1)), Window())
    assert chart.figure.layout.xaxis.range == near.figure.layout.xaxis.range
    assert near.figure.layout.xaxis.range[1] > timeline.wall(later)
    told = "1 entry dated later, not drawn"
    assert told in chart.figure.layout.xaxis.title.text and told in chart.alt
    assert told not in near.alt


def test_the_ring_shows_every_outcome_with_its_share_and_nothing_else() -> None:
    chart = outcomes.shares({Outcome.SUCCESS: 3, Outcome.IN_FLIGHT: 1})
    ring = chart.figure.data[0]
    assert ring.ids == ("all", "success", "in_flight")
    assert ring.values == (4, 3, 1)
    assert [key.name for key in chart.figure.data[1:]] == [
        "In flight<br>1 · 25%",
        "Success<br>3 · 75%",
    ]
    assert chart.alt == "Outcomes of 4 entries: success 3 (75%) and in flight 1 (25%)."
    assert chart.clicks[0, 2] == {"outcomes": (Outcome.IN_FLIGHT,)}
    assert (0, 0) not in chart.clicks


# Groups


def errors(*counts: tuple[str, int, int]) -> Listing[ErrorCount]:
    return Listing(tuple(ErrorCount(*count) for count in counts), truncated=False)


def test_groups_say_how_many_and_how_much_failed() -> None:
    shares = Listing(
        (
            Share(name="start", count=12_300, failed=492),
            Share(name="stop", count=10, failed=0),
        ),
        truncated=True,
    )
    chart = ranking.ranked(shares, "actions", "Most frequent actions")
    notes = [note.text for note in chart.figure.layout.annotations]
    assert notes == ["start", "12,300 · 4.0% failed", "stop", "10"]
    assert chart.alt == "Most frequent actions: start, 12,300 · 4.0% failed; stop, 10."
    assert chart.clicks[0, 0] == {"actions": ("start",), "outcomes": FAILURES}
    assert chart.clicks[1, 0] == {"actions": ("start",)}
    assert chart.clicks[2, 1] == {"actions": ("stop",)}


def test_names_that_look_alike_once_cut_stay_two_rows() -> None:
    names = ["x" * 60 + "1", "x" * 60 + "2"]
    shares = Listing(tuple(Share(name=n, count=1, failed=0) for n in names), truncated=False)
    chart = ranking.ranked(shares, "actors", "Most active users")
    assert chart.figure.data[-1].y == (0, 1)
    assert [chart.clicks[1, row]["actors"] for row in (0, 1)] == [(names[0],), (names[1],)]


def test_errors_are_split_by_status_code_from_the_most_failing_action_down() -> None:
    counts = [("start", 404, 5), ("create", 400, 4), ("create", 500, 3), ("stop", 409, 1)]
    chart = failures(errors(*counts), limit=2)
    assert [note.text for note in chart.figure.layout.annotations] == [
        "create",
        "7 errors",
        "start",
        "5 errors",
    ]
    assert chart.clicks[0, 0] == {"actions": ("create",), "status_codes": (400,)}
    assert chart.clicks[1, 0] == {"actions": ("start",), "status_codes": (404,)}
    assert chart.clicks[2, 0] == {"actions": ("create",), "status_codes": (500,)}
    assert chart.clicks[3, 1] == {"actions": ("start",), "outcomes": FAILURES}
    assert chart.figure.data[2].base == (4,)
    assert "404 Not Found" in chart.figure.data[1].hovertemplate
    assert chart.alt == (
        "Errors by action and status code: create, 7 errors, most often 400; "
        "start, 5 errors, most often 404."
    )


def test_a_status_code_without_a_name_is_shown_as_its_number() -> None:
    chart = failures(errors(("start", 599, 1)), limit=8)
    assert "599: " in chart.figure.data[0].hovertemplate


def test_hostile_log_text_is_text_in_every_chart() -> None:
    shares = Listing((Share(name=HOSTILE, count=9, failed=2),), truncated=False)
    for chart in (
        ranking.ranked(shares, "actions", "Most frequent actions"),
        failures(errors((HOSTILE, 500, 2)), limit=8),
    ):
        for shown in texts_of(chart):
            assert "<a" not in shown
            assert "<b>bold" not in shown
        assert all("javascript" not in bar.hovertemplate for bar in chart.figure.data)
        assert any(change["actions"] == (HOSTILE,) for change in chart.clicks.values())


# Hours


def test_the_week_has_a_square_for_each_hour() -> None:
    chart = hours.hours_of_week([HourOfWeek(0, 5, 1), HourOfWeek(167, 2, 0)], Window(), BEGIN, END)
    busy, quiet = chart.figure.data
    assert list(zip(busy.x, busy.base, strict=True)) == [(0, -0.45), (23, 5.55)]
    assert len(busy.x) + len(quiet.x) == 7 * 24
    assert chart.alt == (
        "Entries by weekday and hour (UTC): busiest Monday, 00:00 to 01:00, with 5; "
        "by day, most on Monday (5) and fewest on Saturday (0)."
    )
    assert hours.hours_of_week([], Window(), BEGIN, END).alt.endswith("none.")


@given(
    st.integers(0, 7 * 24 - 1),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")),
)
@example(hour=6 * 24 + 2, until=datetime(2026, 3, 29, 12, tzinfo=UTC), zone="Europe/Berlin")
def test_the_latest_hour_lies_in_the_window_on_the_right_clock(
    hour: int, until: datetime, zone: str
) -> None:
    since = until - timedelta(days=15)
    found = hours.latest(hour, Window(zone=zone), since, until)
    assert found is not None and found.since is not None and found.until is not None
    assert since <= found.since < found.until <= until
    local = found.since.astimezone(found.zone_info)
    assert local.weekday() * 24 + local.hour == hour


def test_an_hour_that_the_window_does_not_hold_cannot_be_asked_for() -> None:
    until = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert hours.latest(20, Window(), until - timedelta(hours=3), until) is None


# Clicks


def test_a_click_means_what_the_chart_says_and_nothing_that_the_browser_makes_up() -> None:
    clicks = {(0, 3): {"actions": ("start",)}}
    assert changes_of([{"curve_number": 0, "point_number": 3}], clicks) == clicks[0, 3]
    for forged in (
        [],
        [{}],
        [{"curve_number": 0}],
        [{"curve_number": 0, "point_number": [3]}],
        [{"curve_number": False, "point_number": 3}],
        [{"curve_number": 9, "point_number": 3, "customdata": ["stop"]}],
    ):
        assert changes_of(forged, clicks) == {}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder: Path = tmp_path_factory.mktemp("log")
    log = open_log(f"duckdb:///{folder / 'log.duckdb'}", clock=lambda: END)
    random_numbers = random.Random(5)  # noqa: S311 - a sample, not a secret
    days = [
        *(datetime(2026, 3, 27, tzinfo=UTC) + timedelta(minutes=7 * n) for n in range(900)),
        *(datetime(2026, 10, 24, tzinfo=UTC) + timedelta(minutes=11 * n) for n in range(400)),
    ]
    log.append([sample(number, at, random_numbers) for number, at in enumerate(days)])
    yield Reader(log)
    log.close()


def sample(number: int, at: datetime, numbers: random.Random) -> AuditEntry:
    person = numbers.choice(["ann", "bob", "cleo"])
    return AuditEntry(
        id=f"entry-{number}",
        actor_id=f"id-{person}",
        actor_email=f"{person}@example.org",
        actor_api_key_prefix=None,
        actor_api_key_suffix=None,
        organization_id="org-alpha",
        action=numbers.choice(["start", "stop", "create"]),
        target_type="sandbox",
        target_id="sb-1",
        status_code=numbers.choice([None, 0, 101, 200, 200, 200, 204, 302, 404, 409, 500]),
        error_message=None,
        ip_address=None,
        user_agent=None,
        source=None,
        metadata=None,
        created_at=at,
    )


SCOPE = Scope(organization_id="org-alpha")

WINDOWS = [
    Window(preset=None, since=since, until=until, zone=zone)
    for zone in ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")
    for since, until in (
        (datetime(2026, 3, 28, 3, 17, tzinfo=UTC), datetime(2026, 3, 30, 1, 41, tzinfo=UTC)),
        (datetime(2026, 3, 28, 22, 5, tzinfo=UTC), datetime(2026, 3, 29, 3, tzinfo=UTC)),
        (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 4, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
        (None, None),
    )
]


def counted(reader: Reader, entry_filter: EntryFilter, changes: Any) -> int:
    narrowed = replace(entry_filter, **changes)
    time_range = narrowed.window.time_range(END)
    return reader.summary(Query(narrowed, SCOPE, time_range)).entries


@pytest.mark.law
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.describe())
def test_what_a_click_asks_for_is_what_the_bar_counted(reader: Reader, window: Window) -> None:
    entry_filter = EntryFilter(window=window)
    time_range = window.time_range(END)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    shown = reader.outcomes_over_time(Query(entry_filter, SCOPE, time_range), now)
    assert shown.total
    chart = outcomes.over_time(shown, window)
    for (trace, point), changes in some(chart.clicks.items()):
        assert counted(reader, entry_filter, changes) == chart.figure.data[trace].y[point]
    ring = outcomes.shares(shown.totals())
    for (_, point), changes in ring.clicks.items():
        assert counted(reader, entry_filter, changes) == ring.figure.data[0].values[point]


def test_what_a_click_on_a_group_asks_for_is_what_its_bar_counted(reader: Reader) -> None:
    entry_filter = EntryFilter(window=Window(preset="all"))
    time_range = entry_filter.window.time_range(END)
    for chart in (
        ranking.ranked(
            reader.actors(Query(entry_filter, SCOPE, time_range), 10), "actors", "Users"
        ),
        ranking.ranked(
            reader.actions(Query(entry_filter, SCOPE, time_range), 10), "actions", "Actions"
        ),
    ):
        failed, others, _ = chart.figure.data
        for point, (_, _, size) in enumerate(failed.customdata):
            assert counted(reader, entry_filter, chart.clicks[0, point]) == size
            whole = size + others.customdata[point][2]
            assert counted(reader, entry_filter, chart.clicks[1, point]) == whole
            assert counted(reader, entry_filter, chart.clicks[2, point]) == whole
    chart = failures(reader.errors(Query(entry_filter, SCOPE, time_range), 100), limit=8)
    for (trace, point), changes in chart.clicks.items():
        if trace < len(chart.figure.data) - 1:
            size = chart.figure.data[trace].customdata[point][1]
            assert counted(reader, entry_filter, changes) == size


@law(60)
@given(
    st.sampled_from((60, 900, 1800, 3600, 7200, 21600, 86400, 7 * 86400)),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago")),
)
def test_buckets_end_after_they_begin_and_up_to_an_hour_at_most_a_width_later(
    width_s: int, at: datetime, zone: str
) -> None:
    buckets = replace(buckets_for(at, at + timedelta(days=1), zone), width_us=width_s * 1_000_000)
    start = at.astimezone(Window(zone=zone).zone_info)
    end = timeline.bucket_end(start, buckets)
    assert start.astimezone(UTC) < end.astimezone(UTC)
    if buckets.width_us <= HOUR_US:
        assert end.astimezone(UTC) - start.astimezone(UTC) <= timedelta(seconds=width_s)


# Metrics


def test_metrics_compare_with_the_window_before() -> None:
    metrics = metrics_of(
        summary(entries=1_234, answered=1_000, succeeded=957, failed_starts=3, users=7),
        summary(entries=1_000, answered=1_000, succeeded=980, failed_starts=5, users=7),
    )
    assert [(item.value, item.delta) for item in metrics] == [
        ("1,234", "+23%"),
        ("95.7%", "-2.3 pp"),
        ("3", "-2"),
        ("7", 0),
    ]
    assert [item.delta_color for item in metrics] == ["off", "normal", "inverse", "off"]


def test_metrics_say_new_when_nothing_was_before() -> None:
    metrics = metrics_of(
        summary(entries=10, answered=10, succeeded=10, failed_starts=1, users=2), summary()
    )
    assert [item.delta for item in metrics] == ["new"] * 4
    assert {item.delta_arrow for item in metrics} == {"off"}


def test_metrics_of_all_time_have_no_change_and_an_unknown_rate_no_value() -> None:
    metrics = metrics_of(summary(entries=2), None)
    assert [item.delta for item in metrics] == [None] * 4
    assert metrics[1].value is None


def test_a_rate_is_cut_so_that_100_percent_says_that_nothing_failed() -> None:
    now = summary(entries=10**6, answered=10**6, succeeded=10**6 - 1)
    assert metrics_of(now, None)[1].value == "99.9%"


def test_a_change_too_small_to_show_is_none() -> None:
    now, before = summary(entries=100_001), summary(entries=100_000)
    assert metrics_of(now, before)[0].delta == 0


def test_growth_from_next_to_nothing_has_no_exact_figure() -> None:
    assert metrics_of(summary(entries=12_894), summary(entries=2))[0].delta == "over 10 times"


def test_what_the_change_compares_with_is_named() -> None:
    assert compared_with(Window(preset="7d")) == "the prior 7 days"
    assert compared_with(Window(preset="1h")) == "the prior hour"
    assert compared_with(Window(preset="today")) == "yesterday until the same time"
    assert compared_with(WINDOWS[0]) == "the prior window"


# Zoom


parts = st.floats(0, 1)


@given(windows_around_changes(), parts, parts, st.lists(parts, min_size=1, max_size=20))
def test_a_drag_asks_for_every_bar_that_it_touches(
    window: Window, first: float, last: float, places: list[float]
) -> None:
    assert window.since is not None and window.until is not None
    length = window.until - window.since
    buckets = buckets_for(window.since, window.until, window.zone)
    width = timedelta(microseconds=buckets.width_us)
    bars = {
        bucket_start(window.since + length * place * 0.999, window.zone, width) for place in places
    }
    axis = timeline.Axis.of(
        Histogram(
            buckets=buckets,
            counts=tuple(
                (start.astimezone(window.zone_info), Outcome.SUCCESS, 1) for start in sorted(bars)
            ),
            since=window.since,
            until=window.until,
        )
    )
    clocks = axis.clocks
    begin, end = map(clocks.position, axis.edges)
    walls = sorted(begin + (end - begin) * part for part in (first, last))
    found = axis.dragged_window(window, [wall.isoformat(sep=" ") for wall in walls])
    for start in axis.totals:
        shown = clocks.position(start)
        following = MONDAY + ((shown - MONDAY) // width + 1) * width
        if clocks.steady_us is not None:
            following = clocks.position(timeline.bucket_end(start, buckets))
        if shown < walls[1] and walls[0] < following:
            bar = axis.bucket_window(window, start)
            assert found is not None
            assert found.since <= bar.since < bar.until <= found.until  # type: ignore[operator]


@law(200)
@given(windows_around_changes(), st.lists(parts, min_size=2, max_size=40))
def test_bars_stand_apart_in_order_and_each_counts_for_itself(
    window: Window, places: list[float]
) -> None:
    assert window.since is not None and window.until is not None
    buckets = buckets_for(window.since, window.until, window.zone)
    length = window.until - window.since
    starts = sorted({timeline.bucket_start(window.since + length * at, buckets) for at in places})
    shown = Histogram(
        buckets=buckets,
        counts=tuple(
            (start.astimezone(window.zone_info), Outcome.SUCCESS, number + 1)
            for number, start in enumerate(starts)
        ),
        since=window.since,
        until=window.until,
    )
    axis = timeline.Axis.of(shown)
    positions = [axis.clocks.position(start) for start in starts]
    assert positions == sorted(set(positions))
    assert list(axis.totals.values()) == list(range(1, len(starts) + 1))


def test_an_hour_that_happens_twice_has_two_bars_and_says_its_offset() -> None:
    zone = "Europe/Berlin"
    since = datetime(2026, 10, 24, 22, tzinfo=UTC)
    until = since + timedelta(hours=25)
    window = Window(preset=None, since=since, until=until, zone=zone)
    buckets = buckets_for(since, until, zone)
    berlin = window.zone_info
    half_past = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    counts = [(at.astimezone(berlin), Outcome.SUCCESS, 1) for at in half_past]
    shown = Histogram(buckets=buckets, counts=tuple(counts), since=since, until=until)
    drawn = outcomes.over_time(shown, window).figure
    (bar,) = drawn.data
    assert bar.x[1] - bar.x[0] == timedelta(hours=1)
    assert [text[0].partition("<br>")[0] for text in bar.customdata] == [
        "Sun 25 Oct 2026, 02:30 to 02:45, Europe/Berlin (+02:00)",
        "Sun 25 Oct 2026, 02:30 to 02:45, Europe/Berlin (+01:00)",
    ]
    axis = drawn.layout.xaxis
    assert axis.range[1] - axis.range[0] == timedelta(hours=25)
    assert dict(zip(axis.ticktext, axis.tickvals, strict=True))["04:00"] == (
        axis.range[0] + timedelta(hours=5)
    )
    near = Window(preset=None, since=half_past[0], until=half_past[1], zone=zone)
    empty: Histogram[Outcome] = Histogram(
        buckets=buckets_for(half_past[0], half_past[1], zone),
        counts=(),
        since=half_past[0],
        until=half_past[1],
    )
    labels = outcomes.over_time(empty, near).figure.layout.xaxis.ticktext
    assert {"02:40 +02:00", "02:00 +01:00"} <= set(labels)


def test_a_bar_says_its_time_in_utc_too() -> None:
    at = BEGIN + timedelta(hours=5)
    shown = histogram((at, Outcome.SUCCESS, 3), zone="Europe/Berlin")
    (bar,) = outcomes.over_time(shown, Window(zone="Europe/Berlin")).figure.data
    assert bar.customdata[0][0] == (
        "Sat 28 Mar 2026, 06:00 to 06:30, Europe/Berlin (+01:00)<br>"
        "Sat 28 Mar 2026, 05:00 to 05:30, UTC"
    )


def test_values_are_stacked_with_a_colour_each_and_all_others_in_grey() -> None:
    shown = StackedHistogram(
        by="actor",
        buckets=buckets_for(BEGIN, END, "UTC"),
        values=(HOSTILE, None),
        others=12,
        counts=((BEGIN, 0, 5), (BEGIN, 1, 3), (BEGIN, 2, 2)),
        since=BEGIN,
        until=END,
    )
    chart = stacked_histogram.over_time(
        shown,
        Window(),
        called="user",
        names=[HOSTILE, "(none)"],
        changes=[{"query": "a"}, {"query": "b"}],
    )
    bars = chart.figure.data
    assert [bar.name for bar in bars[1:]] == ["(none) 3", "12 other values 2"]
    assert len({bar.marker.color for bar in bars}) == 3
    assert bars[-1].marker.color == stacked_histogram.OTHER_COLOR
    assert not any("<a" in shown or "<b>bold" in shown for shown in texts_of(chart))
    assert chart.clicks[1, 0]["query"] == "b"
    assert set(chart.clicks[2, 0]) == {"window"}
    assert "10 entries" in chart.alt and "20% 12 other values" in chart.alt
    assert len(set(stacked_histogram.COLORS)) == MAX_STACKED
