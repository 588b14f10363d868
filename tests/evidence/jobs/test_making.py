"""What is made: as of one moment, with what is left out told, and since an earlier one."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from audit_core.domain.errors import AccountError, BusyError, ExportError, StorageFullError
from audit_core.evidence.download import FileLimit
from audit_core.evidence.formats import text_columns
from audit_core.evidence.jobs import deeds, store
from audit_core.evidence.jobs import making as making_module
from audit_core.evidence.jobs.export_cap import set_cap
from audit_core.evidence.jobs.files import ExportFiles
from audit_core.evidence.jobs.held import COUNTS
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.evidence.jobs.limits import MAX_RUNNING
from audit_core.evidence.jobs.making import Making
from audit_core.evidence.jobs.runner import RunningExports
from audit_core.evidence.jobs.vanished import acknowledge_vanished, list_vanished
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.evidence.pack.verifier import verify
from audit_core.log.schema import audit_entry
from tests.evidence.jobs.conftest import Desk
from tests.support.seeded import ALPHA, BETA
from tests.web.served import wait_for


def ids(text: str) -> list[str]:
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_what_arrives_while_it_is_made_is_not_in_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [desk.stored(number, minutes_ago=50 - number, status=None) for number in range(4)]
    desk.ask()
    making, real = desk.begun(), making_module.stream

    def later(*args: object, **kwargs: object) -> object:
        # After the cut: one that is new, and one of those is finished.
        desk.stored(9)
        desk.workshop.log.append([replace(before[0], status_code=500)])
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(making_module, "stream", later)
    making.run()
    done = desk.now(making.job)
    lines = desk.workshop.files.path(done.id).read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [entry.id for entry in before]
    assert json.loads(lines[0])["statusCode"] is None
    assert done.held is not None
    assert (done.expected, done.entries, done.held["head"], done.held["in_flight"]) == (4, 4, 4, 4)


@pytest.mark.parametrize(
    ("entries", "cap", "size", "held"),
    [
        (7, None, None, 7),
        (7, 5, None, 5),
        (None, 9, None, 9),
        (3, 9, None, 3),
        (None, None, 1, 1),
        (20, 21, None, 20),
    ],
)
def test_a_limit_says_how_many_were_left_out(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    entries: int | None,
    cap: int | None,
    size: int | None,
    held: int,
) -> None:
    monkeypatch.setattr(text_columns, "PIECE_BYTES", 1)
    stored = [desk.stored(number, minutes_ago=50 - number) for number in range(20)]
    with desk.workshop.state.begin() as connection:
        set_cap(connection, ALPHA, cap, actor="operator", now=desk.workshop.clock())
    desk.workshop = replace(desk.workshop, limit=FileLimit(entries=entries, size=size))
    desk.ask()
    done, text = desk.make()
    assert done.state is JobState.DONE
    assert done.entries == len(ids(text)) == held
    assert done.left_out == 20 - done.entries
    assert done.ends_at == (stored[held - 1].created_at if done.left_out else None)
    (event,) = desk.seeded.events("export.made")
    assert event.detail.get("left_out", 0) == done.left_out


def test_since_an_export_there_is_what_is_new_late_and_finished(desk: Desk) -> None:
    open_ended = desk.stored(1, status=None)
    still_open = desk.stored(2, status=None)
    desk.stored(3)
    desk.seeded.clock.pass_by(minutes=1)
    desk.ask()
    whole, text = desk.make()
    assert len(ids(text)) == 3
    desk.seeded.clock.pass_by(minutes=30)
    late = desk.stored(4, minutes_ago=40)
    new = desk.stored(5, minutes_ago=1)
    desk.workshop.log.append([replace(open_ended, status_code=200)])
    desk.since(whole)
    changed, text = desk.make()
    assert sorted(ids(text)) == sorted([open_ended.id, late.id, new.id])
    counts = dict.fromkeys(COUNTS, 0) | {"new": 1, "late": 1, "finished": 1}
    assert changed.changes == counts
    assert changed.since_export_id == whole.id
    assert "since-head-3" in (changed.file or "")
    assert changed.expected == 3
    # And so on, from there.
    desk.seeded.clock.pass_by(minutes=5)
    desk.workshop.log.append([replace(still_open, status_code=404)])
    desk.since(changed)
    again, text = desk.make()
    assert ids(text) == [still_open.id]
    assert again.changes == {**counts, "new": 0, "late": 0}
    assert not desk.seeded.events("export.vanished")


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_has_vanished_since_an_export_is_an_alarm(desk: Desk, unfinished: bool) -> None:
    for number in range(5):
        desk.stored(number, status=None if number == 2 else 200)
    desk.ask()
    whole, _ = desk.make()
    _remove(desk, "entry-000002" if unfinished else "entry-000001")
    desk.stored(7)
    desk.since(whole)
    changed, text = desk.make()
    assert len(ids(text)) == 1
    assert changed.changes is not None
    assert (changed.changes["vanished"], changed.changes["finished"]) == (1, 0)
    (event,) = desk.seeded.events("export.vanished")
    assert (event.organization_id, event.detail["vanished"]) == (ALPHA, 1)


def test_the_alarm_of_vanished_entries_lasts_until_it_is_acknowledged(desk: Desk) -> None:
    state, now = desk.workshop.state, desk.workshop.clock
    by: dict[str, Any] = {"actor": "ada", "address": None}
    desk.stored(1)
    desk.ask()
    whole, _ = desk.make()
    _remove(desk, "entry-000001")
    desk.since(whole)
    lacking, _ = desk.make()
    desk.since(lacking)
    desk.make()  # Lacks nothing of the one before.
    with state.begin() as connection:
        (alarm,) = list_vanished(connection)
        assert (alarm.export_id, alarm.count) == (lacking.id, 1)
        assert list_vanished(connection, BETA) == []
        with pytest.raises(ExportError, match="vanished"):
            deeds.delete_job(connection, lacking, now=now(), **by)
    # Neither the file's time nor that of the row ends it.
    for days in (2, 400):
        desk.seeded.clock.pass_by(days=days)
        with state.begin() as connection:
            store.expire(connection, now=now())
            assert [one.export_id for one in list_vanished(connection, ALPHA)] == [lacking.id]
    one: dict[str, Any] = {"export_id": lacking.id, "now": now(), **by}
    with state.begin() as connection:
        with pytest.raises(ExportError, match="nothing to acknowledge"):
            acknowledge_vanished(connection, organization_id=BETA, reason="x", **one)
        with pytest.raises(AccountError, match="reason is empty"):
            acknowledge_vanished(connection, organization_id=ALPHA, reason=" ", **one)
        acknowledge_vanished(connection, organization_id=ALPHA, reason="a\ntest", **one)
        assert list_vanished(connection) == []
        known = store.find_job(connection, lacking.id, ALPHA)
        assert known is not None
        assert (known.acknowledged or {})["reason"] == "a test"
        store.expire(connection, now=now())
        assert store.find_job(connection, lacking.id, ALPHA) is None
    (event,) = desk.seeded.events("vanished.acknowledged")
    assert (event.actor, event.detail["vanished"], event.detail["reason"]) == ("ada", 1, "a test")


def test_what_has_a_finer_time_since_has_not_vanished(desk: Desk) -> None:
    coarse = desk.stored(1, status=None)
    desk.seeded.clock.now = desk.seeded.clock.now.replace(microsecond=0)
    desk.ask()
    whole, _ = desk.make()
    finer = coarse.created_at + timedelta(microseconds=250)
    desk.workshop.log.append([replace(coarse, created_at=finer)])
    desk.since(whole)
    changed, text = desk.make()
    assert ids(text) == [coarse.id]
    assert changed.changes == dict.fromkeys(COUNTS, 0) | {"changed": 1}


def test_what_retention_let_go_has_not_vanished(desk: Desk) -> None:
    desk.stored(1, minutes_ago=60 * 24 * 50)
    desk.stored(2)
    desk.ask()
    whole, _ = desk.make()
    _remove(desk, "entry-000001")
    desk.workshop = replace(desk.workshop, retention=replace(desk.workshop.retention, days=10))
    desk.since(whole)
    changed, _ = desk.make()
    assert changed.changes is not None
    assert (changed.changes["vanished"], changed.changes["expired"]) == (0, 1)


def test_nothing_goes_on_from_what_was_never_complete(desk: Desk) -> None:
    job = desk.ask()
    with pytest.raises(ExportError, match="not known"):
        desk.since(job)


def test_one_that_is_stopped_is_interrupted_and_made_again_from_its_beginning(desk: Desk) -> None:
    desk.stored(1)
    job = desk.ask()
    making = desk.begun()
    making.stop()
    making.run()
    assert desk.now(job).state is JobState.INTERRUPTED
    desk.stored(2)
    done, text = desk.make()
    assert (done.id, done.attempts, len(ids(text))) == (job.id, 1, 2)


def test_what_a_killed_process_left_is_made_by_the_next_one(desk: Desk) -> None:
    desk.stored(1)
    job = desk.ask()
    desk.begun()  # And never heard of again.
    part = desk.workshop.files.path(job.id)
    part.parent.mkdir(mode=0o700, exist_ok=True)
    part.with_name(f"{job.id}.part").write_bytes(b"half a line")
    part.with_name("0" * 32).write_bytes(b"of an export that is not known")
    runner = RunningExports(desk.workshop, shared_log=False, look_every_s=0.02)
    try:
        wait_for(lambda: desk.now(job).state is JobState.DONE)
    finally:
        runner.stop()
    assert [path.name for path in part.parent.iterdir()] == [job.id]
    assert desk.now(job).attempts == 2


def test_of_processes_that_share_a_log_one_takes_over_when_the_time_is_up(desk: Desk) -> None:
    job = desk.ask()
    desk.begun()
    for seconds, state in ((30, JobState.RUNNING), (31, JobState.INTERRUPTED)):
        desk.seeded.clock.pass_by(seconds=seconds)
        with desk.workshop.state.begin() as connection:
            store.let_go_abandoned(connection, now=desk.workshop.clock(), at_once=False)
        assert desk.now(job).state is state


def test_what_ends_the_process_each_time_does_not_do_so_for_ever(desk: Desk) -> None:
    job = desk.ask()
    for _ in range(3):
        desk.begun()
        with desk.workshop.state.begin() as connection:
            store.let_go_abandoned(connection, now=desk.workshop.clock(), at_once=True)
    with desk.workshop.state.begin() as connection:
        assert store.take_next(connection, holder="x", now=desk.workshop.clock()) is None
    failed = desk.now(job)
    assert failed.state is JobState.FAILED
    assert "3 times" in (failed.problem or "")


def test_another_process_that_has_it_by_now_is_left_alone(desk: Desk) -> None:
    desk.stored(1)
    desk.ask()
    lost = desk.begun()
    with desk.workshop.state.begin() as connection:
        store.let_go_abandoned(connection, now=desk.workshop.clock(), at_once=True)
        job = store.take_next(connection, holder="another", now=desk.workshop.clock())
    assert job is not None
    lost.run()
    assert desk.now(job).state is JobState.RUNNING
    assert not desk.seeded.events("export.made")


def test_so_many_at_once_and_the_others_wait(desk: Desk) -> None:
    asked = [
        desk.ask(person=person, organization=organization)
        for organization in (ALPHA, BETA)
        for person in ("ann", "ann", "ben", "cy")
    ]
    running = []
    with desk.workshop.state.begin() as connection:
        while (
            job := store.take_next(connection, holder="x", now=desk.workshop.clock())
        ) is not None:
            running.append(job.id)
    # Nobody has two, no organization three.
    assert running == [asked[0].id, asked[2].id, asked[7].id]
    assert len(running) == MAX_RUNNING
    for _ in range(8):
        desk.ask()
    with pytest.raises(BusyError, match="You have 10 exports"):
        desk.ask()


def test_cancelling_one_that_runs_ends_it(desk: Desk) -> None:
    desk.stored(1)
    job, reached, go_on = desk.ask(), threading.Event(), threading.Event()
    runner = RunningExports(
        replace(desk.workshop, files=_Held(desk, reached, go_on)),
        shared_log=False,
        look_every_s=0.02,
    )
    try:
        assert reached.wait(20)
        with desk.workshop.state.begin() as connection:
            deeds.cancel(connection, job, actor="ann", now=desk.workshop.clock(), address=None)
        making: Making = runner._makings[job.id][0]
        wait_for(lambda: making.unwanted)
        go_on.set()
        wait_for(lambda: desk.now(job).state is JobState.CANCELLED)
    finally:
        go_on.set()
        runner.stop()
    assert not list(desk.workshop.files.folder.iterdir())


class _Held(ExportFiles):
    """Files before which the thread waits."""

    def __init__(self, desk: Desk, reached: threading.Event, go_on: threading.Event) -> None:
        super().__init__(folder=desk.workshop.files.folder)
        object.__setattr__(self, "_events", (reached, go_on))

    def require_space(self) -> None:
        reached, go_on = self._events  # type: ignore[attr-defined]
        reached.set()
        go_on.wait(20)


def test_too_little_space_ends_it_with_the_reason_and_entries_are_still_accepted(
    desk: Desk,
) -> None:
    desk.stored(1)
    job = desk.ask()
    floor = ExportFiles(folder=desk.workshop.files.folder, free_space_floor_mb=2**40)
    making = Making(replace(desk.workshop, files=floor), desk.begun().job)
    with pytest.raises(StorageFullError):
        making.run()
    failed = desk.now(job)
    assert failed.state is JobState.FAILED
    assert "MB are free" in (failed.problem or "")
    assert not list(floor.folder.iterdir())
    assert desk.stored(2)


def test_times_over_are_told_from_those_to_come(desk: Desk) -> None:
    desk.stored(1)
    desk.ask()
    done, _ = desk.make()
    assert done.expires_at == desk.workshop.clock() + timedelta(hours=24)


def _remove(desk: Desk, entry_id: str) -> None:
    """As whoever has the database may do."""
    log = desk.workshop.log
    with log._changing() as connection:
        for table in (audit_entry, audit_entry.metadata.tables["unfinished_entry"]):
            connection.execute(delete(table).where(table.c.id == entry_id))


def test_a_pack_is_made_like_any_other_file_and_is_never_a_part(desk: Desk) -> None:
    desk.stored(1, status=None)
    desk.stored(2)
    job = desk.ask()
    what = {**job.what, "format": "pack"}
    making = replace_kind(desk, job, what)
    making.run()
    done = desk.now(job)
    assert (done.state, done.entries, done.left_out) == (JobState.DONE, 2, 0)
    assert (done.file or "").endswith("_pack.zip")
    report = verify(desk.workshop.files.path(done.id))
    assert not report.fails
    limited = replace(desk.workshop, limit=FileLimit(entries=1))
    desk.workshop = limited
    again = desk.ask()
    with pytest.raises(PackProblem):
        replace_kind(desk, again, what).run()
    assert desk.now(again).state is JobState.FAILED


def replace_kind(desk: Desk, job: ExportJob, what: dict[str, Any]) -> Making:
    begun = desk.begun()
    assert begun.job.id == job.id
    return replace(begun, job=replace(begun.job, what=what))
