import threading
import time

import pytest

from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.group_commit import Writer
from audit_core.log.merge import merge
from audit_core.log.schema import FOUND, as_table
from tests.support.strategies import entry


def committed(arriving):
    return merge(arriving, FOUND.empty_table())


def in_threads(count, work):
    results = [None] * count

    def run(number):
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_what_arrives_during_a_commit_is_committed_together_and_told_apart():
    commits = []

    def commit(entries):
        commits.append(entries.num_rows)
        time.sleep(0.1)
        return committed(entries)

    writer = Writer(commit)
    reports = in_threads(
        8,
        lambda number: writer.append(as_table([entry(f"{number}-{i}") for i in range(number)] * 2)),
    )
    writer.close()
    assert [(report.accepted, report.known) for report in reports] == [(n, n) for n in range(8)]
    assert sum(commits) == 2 * sum(range(8))
    assert len(commits) < 8


def test_the_index_of_a_refusal_is_that_of_the_own_call():
    stamps = [entry("x"), entry("y")]
    later = entry("x", created_at=stamps[0].created_at.replace(year=2020))
    merged = committed(as_table([*stamps, entry("z"), later]))
    assert [index for index, _ in merged.report(2, 4).refused] == [1]


def test_a_failed_commit_reaches_everyone_who_waits_and_the_next_one_runs():
    failing = threading.Event()
    failing.set()

    def commit(entries):
        time.sleep(0.02)
        if failing.is_set():
            raise StoreUnavailableError("Broken.", "Repair it.")
        return committed(entries)

    writer = Writer(commit)
    results = in_threads(4, lambda number: writer.append(as_table([entry(str(number))])))
    assert all(isinstance(result, StoreUnavailableError) for result in results)
    failing.clear()
    assert writer.append(as_table([entry("a")])).accepted == 1
    writer.close()


def test_an_append_at_the_close_is_committed_or_refused_but_never_left_waiting():
    for _ in range(30):
        stored = []

        def commit(entries, stored=stored):
            stored.extend(entries.column("id").to_pylist())
            return committed(entries)

        writer = Writer(commit)

        def work(number, writer=writer):
            if number == 3:
                writer.close()
                return None
            return writer.append(as_table([entry(str(number))]))

        results = in_threads(6, work)
        accepted = [result for result in results if hasattr(result, "accepted")]
        refused = [result for result in results if isinstance(result, StoreUnavailableError)]
        assert len(accepted) == len(stored)
        assert len(accepted) + len(refused) == 5


def test_closing_twice_is_harmless_and_appending_afterwards_is_refused():
    writer = Writer(committed)
    writer.close()
    writer.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        writer.append(as_table([entry("a")]))


def test_what_one_sender_breaks_does_not_break_those_who_wait_with_it():
    commits = []

    def commit(entries):
        commits.append(entries.num_rows)
        time.sleep(0.05)
        if "poison" in entries.column("id").to_pylist():
            raise ValueError("cannot be stored")
        return committed(entries)

    writer = Writer(commit)
    ids = ["a", "b", "poison", "c", "d", "e"]
    reports = in_threads(len(ids), lambda number: writer.append(as_table([entry(ids[number])])))
    writer.close()
    assert max(commits) > 1
    for item, report in zip(ids, reports, strict=True):
        if item == "poison":
            assert isinstance(report, ValueError)
        else:
            assert report.accepted == 1
