"""What erasing leaves in the files of the embedded log and of the state, whenever it is killed."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from audit_core.domain.errors import StorageFullError, StoreUnavailableError
from audit_core.integrity.actor_keys import ActorKeys, digest
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.log.engines.duckdb import rewriting, rollups
from audit_core.log.rollups import ROLLUPS
from audit_core.log.schema import from_arrow
from audit_core.log.store import open_log
from tests.support.byte_search import holding, write_uncompressed
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry

KEY = b"k" * 32
PEOPLE = 8
PSEUDONYM = "erased:0123456789abcdef"


def person(number):
    return {
        "actor_id": f"person-{number:04}-id-q7",
        "actor_email": f"Person-{number:04}.q7@example.org",
    }


def entries_of(people):
    """Each has entries of its own, is mentioned by the next one, and has an unfinished one."""
    made = []
    for number in range(people):
        who = person(number)
        address = person((number + 1) % people)["actor_email"]
        for at in range(6):
            created_at = NOW - timedelta(days=20 * at, hours=number % 50)
            values = {
                "metadata": f'{{"to": "{address}"}}' if at % 2 else '{"plain": 1}',
                "error_message": f"no rights for {address}" if at == 2 else None,
                "user_agent": f"agent of {who['actor_id']}",
                "target_id": who["actor_id"] if at == 3 else None,
                "status_code": None if at == 4 else 500,
            }
            id_ = f"{number}-{at}"
            made.append(entry(id_, created_at=created_at, **who, **values))
    return made


def open_in(folder, state=None):
    keeper = LeafKeeper(state, ActorKeys(state, KEY)) if state else None
    return open_log(f"duckdb:///{folder / 'log.duckdb'}", clock=lambda: NOW, keeper=keeper)


def erase(log, number):
    found = log.erasing.subject_of("org-alpha", address=person(number)["actor_email"].lower())
    log.erasing.erase(found.subject, pseudonym=PSEUDONYM)
    log.erasing.destroy_keys(found.subject)


def stored(log):
    return sorted(
        from_arrow(log.writes.between("org-alpha", after=0, until=2**60)), key=lambda e: e.id
    )


@pytest.fixture(autouse=True)
def counted_at_once(monkeypatch):
    monkeypatch.setattr(rollups, "BATCH", 10)


def test_no_value_of_the_erased_is_left_in_any_byte(tmp_path, monkeypatch):
    write_uncompressed(monkeypatch)
    state = new_state(tmp_path / "state.sqlite")
    log = open_in(tmp_path, state)
    log.append(entries_of(PEOPLE))
    texts = {text: number for number in range(PEOPLE) for text in person(number).values()}
    digests = [digest(person(number)["actor_id"]) for number in range(PEOPLE)]
    ActorKeys(state, KEY).of("org-alpha", [person(number)["actor_id"] for number in range(PEOPLE)])
    log.close()
    before = holding(tmp_path, [*texts, *digests])
    assert before.keys() == {*texts, *digests}
    assert all("log.duckdb" in before[text] for text in texts)

    log = open_in(tmp_path, state)
    for number in range(PEOPLE // 2):
        erase(log, number)
    assert log.erasing.pending()
    assert not log.erasing.write_anew()
    # The bytes are still there: the page must say so.
    log.close()
    assert state.write_anew()
    log = open_in(tmp_path, state)
    assert not log.erasing.pending()
    assert log.erasing.write_anew()
    log.close()
    state.close()
    kept = {text for text, number in texts.items() if number >= PEOPLE // 2}
    assert holding(tmp_path, [*texts, *digests]).keys() == kept | {*digests[PEOPLE // 2 :]}


@pytest.mark.parametrize("step", ["_copy", "_sync", "_require_whole", "rename"])
def test_a_killed_process_leaves_the_old_file_or_the_new_one(tmp_path, step):
    log = open_in(tmp_path)
    log.append(entries_of(PEOPLE))
    erase(log, 0)
    expected = stored(log)
    log.close()
    child = os.fork()
    if not child:
        killed_after(tmp_path, step)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    log = open_in(tmp_path)
    try:
        assert stored(log) == expected
        assert not log.erasing.pending()
        log.append([entry("later")])
        assert len(stored(log)) == len(expected) + 1
    finally:
        log.close()
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {"log.duckdb", "log.duckdb.lock"}


def killed_after(folder, step):
    """What follows is never done."""
    owner, name = (Path, "replace") if step == "rename" else (rewriting, step)
    whole = getattr(owner, name)

    def killed(*args, **kwargs):
        whole(*args, **kwargs)
        os._exit(9)

    try:
        setattr(owner, name, killed)
        open_in(folder)
    finally:
        os._exit(1)


def test_without_room_the_log_opens_and_says_what_is_left(tmp_path, monkeypatch, caplog):
    log = open_in(tmp_path)
    log.append(entries_of(2))
    erase(log, 0)
    log.close()

    def no_room(file):
        raise StorageFullError("No room beside the log.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(rewriting, "_require_room", no_room)
        log = open_in(tmp_path)
        assert log.erasing.pending()
        assert "No room beside the log." in caplog.text
        log.close()
    log = open_in(tmp_path)
    assert not log.erasing.pending()
    log.close()


def test_counts_are_those_of_the_entries(tmp_path):
    log = open_in(tmp_path)
    log.append(entries_of(PEOPLE))
    log.append([entry("uncounted", **person(1))])
    erase(log, 1)
    log.close()
    as_if_made_now = tmp_path / "anew"
    as_if_made_now.mkdir()
    shutil.copy(tmp_path / "log.duckdb", as_if_made_now)
    with duckdb.connect(str(as_if_made_now / "log.duckdb")) as connection:
        for rollup in ROLLUPS:
            connection.execute(f"DROP TABLE {rollup.table.name}")
    open_in(as_if_made_now).close()
    assert counts(tmp_path) == counts(as_if_made_now)


def counts(folder):
    with duckdb.connect(str(folder / "log.duckdb")) as connection:
        found = {}
        for rollup in ROLLUPS:
            names = [column.name for column in rollup.table.columns]
            total = "sum(alike)" if "alike" in names else "count(*)"
            columns = ", ".join(name for name in names if name != "alike")
            found[rollup.table.name] = sorted(
                map(
                    repr,
                    connection.execute(
                        f"SELECT {columns}, {total} FROM {rollup.table.name} GROUP BY ALL"  # noqa: S608
                    ).fetchall(),
                )
            )
        return found


def test_a_closed_log_is_not_opened_by_whoever_erases(tmp_path):
    log = open_in(tmp_path)
    log.append(entries_of(2))
    found = log.erasing.subject_of("org-alpha", actor_id=person(0)["actor_id"])
    log.close()
    for use in (
        lambda: log.erasing.erase(found.subject, pseudonym=PSEUDONYM),
        log.erasing.pending,
        log.erasing.write_anew,
    ):
        with pytest.raises(StoreUnavailableError, match="closed"):
            use()
    # Nobody has the file.
    open_in(tmp_path).close()
