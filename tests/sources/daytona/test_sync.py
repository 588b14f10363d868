"""Whatever Daytona does, in the end both sides hold the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError
from audit_core.log.schema import entries
from audit_core.log.store import AuditLog, open_log
from audit_core.sources.daytona.checkpoint import (
    Checkpoint,
    TimeWindow,
    read_checkpoint,
    write_checkpoint,
)
from audit_core.sources.daytona.client import Answer, Request
from audit_core.sources.daytona.in_flight import InFlight
from audit_core.sources.daytona.sync import DaytonaSync
from audit_core.sources.problems import SourceUnavailable, TooManyRequests
from audit_core.sources.stored_sql import Count, UnfinishedEntry, stored_between, unfinished
from tests.support.daytona_model import DaytonaModel, Faults, Row, row_item
from tests.support.laws import law

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ORGANIZATION = "org-a"
SCOPE = Scope(organization_id=ORGANIZATION)


class Killed(BaseException):
    """The process ended here."""


class House:
    """Our side, which may be killed anywhere and begins again with what was kept."""

    def __init__(self, log: AuditLog, model: DaytonaModel, seed: int, scope: Scope = SCOPE) -> None:
        self.log = log
        self.scope = scope
        self.model = model
        self.now = START
        self.kept = write_checkpoint(Checkpoint())
        self.rejections: list[str] = []
        self.chance = random.Random(seed)  # noqa: S311
        self.kill_share = 0.0
        self.late = 0
        self.sync = self.begin()

    def begin(self) -> DaytonaSync:
        known = self.log.fetch_rows(
            unfinished(self.scope), self.scope, UnfinishedEntry, limit=10_000
        )
        return DaytonaSync(
            checkpoint=read_checkpoint(self.kept),
            organization_id=self.scope.organization_id,
            ask=self._ask,
            append=self._append,
            keep=lambda kept: self.rejections.extend(one.raw for one in kept),
            save=self._save,
            stored=self._stored,
            in_flight=InFlight((one.id, one.created_at) for one in known.items),
            clock=lambda: self.now,
            elapsed=lambda: (self.now - START).total_seconds(),
        )

    def _may_die(self) -> None:
        if self.chance.random() < self.kill_share:
            raise Killed

    def _ask(self, request: Request) -> Answer:
        self.now += timedelta(milliseconds=100)
        self._may_die()
        answered = self.model.answer(dict(request.parameters()), "dtn_key", self.now)
        if answered.status == 429:
            raise TooManyRequests(2.0)
        if answered.status != 200 or answered.cut is not None:
            raise SourceUnavailable(f"answered {answered.status}", "")
        return Answer(body=answered.body, server_time=self.now + self.model.clock_off)

    def _append(self, table):
        self._may_die()
        report = self.log.append_table(table)
        self._may_die()
        return report

    def _save(self, checkpoint: Checkpoint) -> None:
        self._may_die()
        self.kept = write_checkpoint(checkpoint)
        assert read_checkpoint(self.kept) == checkpoint
        self._may_die()

    def _stored(self, window: TimeWindow) -> int:
        statement = stored_between(self.scope, window.since, window.until)
        return self.log.fetch_rows(statement, self.scope, Count, limit=1).items[0].count

    def run_to_the_end(self) -> None:
        """While entries come, and then a while now and then until all have come."""
        self.run(START + timedelta(minutes=2))
        for minutes in (4, 20, 33, 37, 45):
            self.now = max(self.now, START + timedelta(minutes=minutes))
            self.run(self.now + timedelta(seconds=20))
        self.kill_share, self.model.faults = 0.0, Faults()
        self.run(self.now + timedelta(seconds=60))

    def run(self, until: datetime) -> None:
        while self.now < until:
            try:
                step = self.sync.step()
                self.late += step.late if step else 0
                if step is None:
                    self.now += timedelta(seconds=max(self.sync.due_in_s, 0.1))
            except AuditError:
                self.now += timedelta(seconds=2)
            except Killed:
                self.sync = self.begin()

    def held(self) -> dict[str, int | None]:
        statement = select(entries.c.id, entries.c.status_code)
        table = self.log.fetch(statement, self.scope, max_rows=100_000).table
        return dict(
            zip(*(table.column(name).to_pylist() for name in ("id", "status_code")), strict=True)
        )


def make_rows(count: int, seed: int, *, crowded: bool, minutes: float) -> list[Row]:
    """Rows of the past and of the minutes to come."""
    chance = random.Random(seed)  # noqa: S311
    rows = []
    for number in range(count):
        if number % 3 == 0:
            created = START + timedelta(minutes=chance.uniform(0, minutes))
        elif crowded and number % 3 == 1:
            created = START - timedelta(days=3, microseconds=chance.randrange(3_000))
        else:
            created = START - timedelta(days=chance.uniform(0, 400))
        seconds = chance.choice((0.01, 0.5, 3, 30, 1_800, 2_050))
        answered = created + timedelta(seconds=seconds)
        early = chance.random() < 0.3
        rows.append(
            Row(
                item=row_item(
                    number, 0 if seconds == 1_800 else chance.choice((200, 201, 400, 500))
                )
                | {"brandNew": number},
                created_at=created,
                visible_at=created if early else answered,
                finished_at=answered,
            )
        )
    return rows


@pytest.fixture
def fresh_log(tmp_path: Path) -> Iterator[AuditLog]:
    log = open_log(f"duckdb:///{tmp_path}/log.duckdb", clock=lambda: START)
    yield log
    log.close()


def end_of(rows: list[Row]) -> dict[str, int | None]:
    return {row.item["id"]: row.item["statusCode"] for row in rows}


def test_everything_arrives_with_late_ones_and_the_status_of_what_was_in_flight(
    fresh_log: AuditLog,
) -> None:
    rows = make_rows(2_200, 1, crowded=True, minutes=1.5)
    house = House(fresh_log, DaytonaModel(rows=rows, seed=1), 1)
    house.run_to_the_end()
    assert house.held() == end_of(rows)
    assert not house.rejections


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=10)], ids=["at once", "late"])
def test_what_comes_late_is_counted_and_what_was_never_read_is_not(
    fresh_log: AuditLog, after: timedelta
) -> None:
    def row(number: int, created: datetime, visible: datetime) -> Row:
        item = row_item(number, 200)
        return Row(item=item, created_at=created, visible_at=visible, finished_at=visible)

    past = [START - timedelta(seconds=10 * number) for number in range(1, 100)]
    rows = [row(number, at, at) for number, at in enumerate(past)]
    created = START + timedelta(seconds=20)
    rows.append(row(100, created, created + after))
    # Behind this one by more than a page of new entries overlaps: only comparing finds it.
    newest = created + timedelta(seconds=90)
    rows.append(row(101, newest, newest))
    house = House(fresh_log, DaytonaModel(rows=rows, seed=1), 1)
    house.run_to_the_end()
    assert house.held() == end_of(rows)
    assert house.late == (1 if after else 0)


# A server whose clock is ahead: what is settled had been counted by its clock alone.
@example(seed=0, count=10, crowded=False, clock_off=3_600, storm=0.0, kills=0.0, whole=True)
# A run takes seconds.
@law(200, share=40)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 250),
    crowded=st.booleans(),
    clock_off=st.sampled_from((-3_600, -90, 0, 45, 3_600)),
    storm=st.sampled_from((0.0, 0.05, 0.2)),
    kills=st.sampled_from((0.0, 0.01, 0.05)),
    whole=st.booleans(),
)
def test_both_sides_hold_the_same_at_the_end(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    count: int,
    crowded: bool,
    clock_off: int,
    storm: float,
    kills: float,
    whole: bool,
) -> None:
    """Also where it is a whole deployment, with entries of no organization among the others."""
    rows = make_rows(count, seed, crowded=crowded, minutes=1.5)
    if whole:
        for number, row in enumerate(rows):
            row.item["organizationId"] = (ORGANIZATION, "org-b", None)[number % 3]
    model = DaytonaModel(
        rows=rows,
        seed=seed,
        faults=Faults(too_many=storm, server_error=storm, wrong_json=storm, cut=storm),
        clock_off=timedelta(seconds=clock_off),
    )
    folder = tmp_path_factory.mktemp("sync")
    log = open_log(f"duckdb:///{folder}/log.duckdb", clock=lambda: START)
    try:
        house = House(log, model, seed, Scope.everything() if whole else SCOPE)
        house.kill_share = kills
        house.run_to_the_end()
        assert house.held() == end_of(rows)
        assert not house.rejections
    finally:
        log.close()


def test_one_bad_item_costs_itself_only_and_is_kept_once(fresh_log: AuditLog) -> None:
    rows = make_rows(300, 2, crowded=False, minutes=1.5)
    rows[7].item["statusCode"] = "fine"
    house = House(fresh_log, DaytonaModel(rows=rows, seed=2), 2)
    house.run_to_the_end()
    expected = end_of(rows)
    del expected["id-7"]
    assert house.held() == expected
    assert len(house.rejections) in {1, 2}  # It may have been in flight first.
    assert all('"id-7"' in raw for raw in house.rejections)


def test_after_a_long_sleep_nothing_is_missing(fresh_log: AuditLog) -> None:
    rows = make_rows(600, 3, crowded=False, minutes=40)
    house = House(fresh_log, DaytonaModel(rows=rows, seed=3), 3)
    house.run(START + timedelta(minutes=1))
    house.now = START + timedelta(days=2)
    house.sync = house.begin()
    house.run(house.now + timedelta(minutes=3))
    assert house.held() == end_of(rows)


@given(st.integers(0, 7 * 10**12), st.integers(0, 10**9))
def test_halves_are_the_whole_and_share_their_border(since_ms: int, length_ms: int) -> None:
    since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=since_ms)
    window = TimeWindow(since=since, until=since + timedelta(milliseconds=length_ms))
    if not window.divisible:
        return
    older, newer = window.halves()
    assert (older.since, newer.until) == (window.since, window.until)
    assert older.until == newer.since
    assert max(older.until - older.since, newer.until - newer.since) < window.until - window.since
    assert older.until.microsecond % 1000 == 0
