"""Schedules: every day of a year once, by any clock; after a stop in order and none twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Role
from audit_core.domain.errors import ExportError
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.jobs import store
from audit_core.evidence.jobs.job import ExportJob, ExportRequest, JobState
from audit_core.evidence.jobs.making import Making
from audit_core.evidence.schedules import schedule as schedules
from audit_core.evidence.schedules.runner import (
    Calendar,
    ScheduledExports,
    ask_for_due,
    hand_over,
)
from audit_core.evidence.schedules.schedule import Schedule
from audit_core.evidence.schedules.slots import Every, next_slot
from audit_core.identity.memberships import set_membership
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import Window
from audit_core.runtime.zones import MINUTES_OF_DAY
from tests.evidence.nasty_entries import made
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.served import wait_for

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
AUDITOR = "auditor@example.org"


@given(
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, MINUTES_OF_DAY - 1),
    every=st.sampled_from(Every),
    year=st.integers(2000, 2035),
)
def test_over_a_year_each_moment_is_in_one_export(
    zone: str, minute: int, every: Every, year: int
) -> None:
    info = ZoneInfo(zone)
    now, slots = datetime(year, 1, 1, 12, tzinfo=UTC), list[datetime]()
    while now < datetime(year + 1, 1, 2, tzinfo=UTC):
        slots.append(now := next_slot(every, minute, zone, now))
    days = [slot.astimezone(info).date() for slot in slots]
    assert days == sorted(set(days))
    if every is Every.DAY:
        assert all(after - before == timedelta(days=1) for before, after in pairwise(days))
    ranges = [Window(preset=every.window, zone=zone).time_range(slot) for slot in slots]
    assert all(one.until == other.since for one, other in pairwise(ranges))
    for slot, day in zip(slots, days, strict=True):
        shown = slot.astimezone(info)
        meant = minute // 60, minute % 60
        if (shown.hour, shown.minute) != meant:
            # The clocks leave that time out on that day.
            local = datetime(day.year, day.month, day.day, *meant, tzinfo=info)
            assert local.astimezone(UTC).astimezone(info).replace(tzinfo=None) != local.replace(
                tzinfo=None
            )


def test_both_days_on_which_the_clocks_are_changed() -> None:
    at = 2 * 60 + 30
    spring = next_slot(Every.DAY, at, "Europe/Berlin", datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert spring == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 on the clocks.
    autumn = next_slot(Every.DAY, at, "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert autumn == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 for the first time.
    following = next_slot(Every.DAY, at, "Europe/Berlin", autumn)
    assert following == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path / "data")
    yield seeded
    seeded.installation.close()


@pytest.fixture
def calendar(seeded: Seeded, tmp_path: Path) -> Calendar:
    return replace(seeded.installation.export_calendar, folder=tmp_path / "handed")


def add(seeded: Seeded, *, to_folder: bool = False, every: Every = Every.DAY) -> Schedule:
    request = ExportRequest(
        entry_filter=EntryFilter.from_params({"action": ["create"]}),
        as_of=seeded.clock(),
        kind=FileKind(format=Format.JSONL),
    )
    with seeded.installation.state.begin() as connection:
        return schedules.add_schedule(
            connection,
            organization_id=ALPHA,
            name="Nightly",
            account_id=seeded.ids[AUDITOR],
            made_by=AUDITOR,
            request=request,
            every=every,
            minute=6 * 60,
            zone="Europe/Berlin",
            to_folder=to_folder,
            now=seeded.clock(),
        )


def make_all(seeded: Seeded) -> list[ExportJob]:
    """Make what waits; all that are there, oldest first."""
    workshop = seeded.installation.exports
    while True:
        with workshop.state.begin() as connection:
            job = store.take_next(connection, holder="test", now=workshop.clock())
        if job is None:
            break
        Making(workshop, job).run()
    with workshop.state.read() as connection:
        return store.list_jobs(connection, ALPHA, limit=100)[::-1]


def now_of(seeded: Seeded, one: Schedule) -> Schedule:
    with seeded.installation.state.read() as connection:
        found = schedules.find_schedule(connection, one.id, one.organization_id)
    assert found is not None
    return found


def test_after_a_stop_each_day_is_made_once_and_in_order(
    seeded: Seeded, calendar: Calendar
) -> None:
    add(seeded)
    start = seeded.clock()
    seeded.installation.log.append(
        [made(number, created_at=start + timedelta(days=number)) for number in range(6)]
    )
    assert ask_for_due(calendar) == 0
    seeded.clock.pass_by(days=5)
    for _ in range(8):
        ask_for_due(calendar)
        ask_for_due(calendar)
        jobs = make_all(seeded)
        seeded.clock.pass_by(seconds=1)
    assert [job.state for job in jobs] == [JobState.DONE] * 5
    ranges = [job.request.time_range for job in jobs]
    assert all(one.until == other.since for one, other in pairwise(ranges))
    assert [job.entries for job in jobs] == [1] * 5
    assert {job.title for job in jobs} == {"Nightly"}
    assert len(seeded.events("export.requested")) == 5


def test_of_two_processes_one_asks(seeded: Seeded, calendar: Calendar) -> None:
    add(seeded)
    seeded.clock.pass_by(days=1)
    runners = [ScheduledExports(calendar, look_every_s=0.01) for _ in range(2)]
    try:
        wait_for(lambda: seeded.events("export.requested"))
    finally:
        for runner in runners:
            runner.stop()
    assert len(seeded.events("export.requested")) == 1


def test_files_are_handed_to_the_folder_once(seeded: Seeded, calendar: Calendar) -> None:
    one = add(seeded, to_folder=True)
    seeded.clock.pass_by(days=1)
    ask_for_due(calendar)
    (job,) = make_all(seeded)
    assert hand_over(replace(calendar, folder=None)) == 0
    assert "SANDTRAIL" not in (now_of(seeded, one).problem or "x")
    assert "No folder" in (now_of(seeded, one).problem or "")
    assert (hand_over(calendar), hand_over(calendar)) == (1, 0)
    assert now_of(seeded, one).problem is None
    assert calendar.folder is not None
    (file,) = (path for path in calendar.folder.rglob("*") if path.is_file())
    assert file.name == job.file
    assert file.read_bytes() == calendar.files.path(job.id).read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    (event,) = seeded.events("export.handed")
    assert event.organization_id == ALPHA


def test_who_may_not_export_any_more_has_nothing_made(seeded: Seeded, calendar: Calendar) -> None:
    one = add(seeded)
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection, account_id=seeded.ids[AUDITOR], organization_id=ALPHA, role=Role.MEMBER
        )
    seeded.clock.pass_by(days=2)
    assert ask_for_due(calendar) == 0
    stopped = now_of(seeded, one)
    assert stopped.paused
    assert stopped.problem == f"{AUDITOR} may not export any more, so nothing is made."
    assert len(seeded.events("export_schedule.stopped")) == 1


def test_one_is_paused_resumed_and_removed(seeded: Seeded, calendar: Calendar) -> None:
    one, state = add(seeded), seeded.installation.state
    with state.begin() as connection:
        schedules.set_paused(connection, one, paused=True, actor="x", now=seeded.clock())
    seeded.clock.pass_by(days=3)
    assert ask_for_due(calendar) == 0
    with state.begin() as connection:
        schedules.set_paused(connection, one, paused=False, actor="x", now=seeded.clock())
    assert now_of(seeded, one).next_at > seeded.clock()
    with state.begin() as connection:
        assert not schedules.list_schedules(connection, BETA)
        assert schedules.find_schedule(connection, one.id, BETA) is None
        schedules.remove_schedule(connection, one, actor="x", now=seeded.clock())
        assert not schedules.list_schedules(connection, ALPHA)
    verbs = ("added", "paused", "resumed", "removed")
    assert all(len(seeded.events(f"export_schedule.{verb}")) == 1 for verb in verbs)


def test_no_schedule_holds_secrets(seeded: Seeded) -> None:
    one = add(seeded)
    with (
        seeded.installation.state.begin() as connection,
        pytest.raises(ExportError, match="without secrets"),
    ):
        schedules.add_schedule(
            connection,
            organization_id=ALPHA,
            name="x",
            account_id=one.account_id,
            made_by=AUDITOR,
            request=replace(one.request(seeded.clock()), secrets=True),
            every=Every.DAY,
            minute=0,
            zone="UTC",
            to_folder=False,
            now=seeded.clock(),
        )
