"""Strangers from many addresses flood the access record while people go on with their work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit_core.domain.access import Role
from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import Part, RecordFilter, RecordScope
from audit_core.identity.accounts import add_account
from audit_core.identity.memberships import ensure_organization, set_membership
from audit_core.query.time.windows import TimeRange, Window
from audit_core.state.access_log.attempts import Attempts
from audit_core.state.access_log.joining import MAX_NETWORKS, MAX_ROWS
from audit_core.state.access_log.record import event_row, finished_row, record
from audit_core.state.access_log.verbs import verb_named
from audit_core.state.database import State, open_state
from audit_core.state.tables import access_event
from tests.soak.attack import Held, Scale

PROCESSES = 2
MINUTES = {Scale.SMALL: 1, Scale.FULL: 4}
ATTEMPTS = {Scale.SMALL: 70, Scale.FULL: 1_000}
"""Of each kind, process and minute."""
DEEDS = {Scale.SMALL: 5, Scale.FULL: 50}
"""Of people, in each process and minute."""
OLD = {Scale.SMALL: 2_000, Scale.FULL: 300_000}
"""Events that were there before."""
TARGET = "ada@example.com"
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORGANIZATION = RecordScope(part=Part.ORGANIZATION, organization_id="org-a")
ALWAYS = TimeRange(since=None, until=None)
EVERYTHING = RecordFilter(window=Window(preset="all"))
PAGE_WITHIN_S = 5.0
"""Far more than a page may take, also on a machine that is busy with other things."""


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each process takes its own part of the flood on one state."""
    url = f"sqlite:///{folder / 'state.sqlite'}"
    state = open_state(url)
    try:
        _prepare(state, OLD[scale])
        started = time.monotonic()
        slowest = 0.0
        reader = RecordReader(state)
        # Minute by minute together, as time passes for all processes alike.
        for minute in range(MINUTES[scale]):
            flooders = [_flooder(url, number, minute, scale) for number in range(PROCESSES)]
            while any(flooder.poll() is None for flooder in flooders):
                slowest = max(slowest, _page_time(reader))
                time.sleep(0.2)
            assert [flooder.returncode for flooder in flooders] == [0] * PROCESSES
        took = time.monotonic() - started
        yield _nothing_is_lost(reader, scale, took)
        yield _rows_are_bounded(reader, scale)
        yield _deeds_are_found(reader, scale)
        assert slowest < PAGE_WITHIN_S
        now = max(_page_time(reader) for _ in range(5))
        rows = reader.count(EVERYTHING, RecordScope.everything(), ALWAYS, limit=None).rows
        yield Held(
            "a page of the record stays quick during the flood and after it",
            f"at most {slowest * 1000:.0f} ms during, {now * 1000:.0f} ms after, of {rows:,} rows",
        )
    finally:
        state.close()


def _flooder(url: str, number: int, minute: int, scale: Scale) -> subprocess.Popen[bytes]:
    arguments = map(str, (number, minute, ATTEMPTS[scale], DEEDS[scale]))
    return subprocess.Popen(
        [sys.executable, "-m", __name__, url, *arguments], cwd=Path(__file__).parents[3]
    )


def _prepare(state: State, old: int) -> None:
    with state.begin() as connection:
        account = add_account(
            connection, email=TARGET, name="Ada", password="a long password", now=BEGAN, cost=4
        )
        ensure_organization(connection, organization_id="org-a", name="Acme")
        set_membership(connection, account_id=account.id, organization_id="org-a", role=Role.ADMIN)
    verb = verb_named("ingest")
    for first in range(0, old, 10_000):
        rows = (
            event_row(
                verb,
                at=BEGAN - timedelta(minutes=number + 1),
                actor="collector",
                detail={"accepted": number},
            )
            for number in range(first, min(first + 10_000, old))
        )
        with state.begin() as connection:
            connection.execute(
                access_event.insert(),
                [finished_row({**row, "organization_id": "org-a"}, verb) for row in rows],
            )


def _page_time(reader: RecordReader) -> float:
    began = time.monotonic()
    page = reader.page(EVERYTHING, ORGANIZATION, ALWAYS, None, 50)
    reader.count(EVERYTHING, ORGANIZATION, ALWAYS, limit=10_000)
    assert len(page.events) == 50
    return time.monotonic() - began


def _nothing_is_lost(reader: RecordReader, scale: Scale, took: float) -> Held:
    expected = ATTEMPTS[scale] * MINUTES[scale] * PROCESSES
    for verb, scope in (
        ("sign_in.refused", ORGANIZATION),
        ("token.refused", RecordScope.installation()),
    ):
        record_filter = RecordFilter(window=Window(preset="all"), actions=(verb,))
        assert reader.count(record_filter, scope, ALWAYS, limit=None).deeds == expected
    return Held(
        "every attempt of a stranger is in the counts",
        f"{2 * expected:,} attempts by {PROCESSES} processes in {took:.0f} s",
    )


def _rows_are_bounded(reader: RecordReader, scale: Scale) -> Held:
    rows = 0
    for minute in range(MINUTES[scale]):
        since = BEGAN + timedelta(minutes=minute)
        time_range = TimeRange(since=since, until=since + timedelta(minutes=1))
        record_filter = RecordFilter(window=Window(preset="all"), query="outcome:refused")
        for scope in (ORGANIZATION, RecordScope.installation()):
            page = reader.page(record_filter, scope, time_range, None, 1_000)
            rows = max(rows, len(page.events))
            networks = [one.networks for one in page.events if one.networks is not None]
            beyond = ATTEMPTS[scale] * PROCESSES - MAX_ROWS
            assert networks == [min(beyond, MAX_NETWORKS)]
    assert rows == MAX_ROWS + 1
    return Held(
        "a flood from many addresses makes few rows, and one that counts the rest",
        f"{rows} rows a minute and organization for {ATTEMPTS[scale] * PROCESSES:,} attempts",
    )


def _deeds_are_found(reader: RecordReader, scale: Scale) -> Held:
    record_filter = RecordFilter(window=Window(preset="all"), query="action:export.finished")
    batches = reader.export(record_filter, ORGANIZATION, ALWAYS)
    found = [event.detail["number"] for batch in batches for event in batch]
    expected = DEEDS[scale] * MINUTES[scale] * PROCESSES
    assert sorted(found) == sorted(
        f"{process}-{number}"
        for process in range(PROCESSES)
        for number in range(DEEDS[scale] * MINUTES[scale])
    )
    return Held("each deed of a person is one row and is found by a filter", f"{expected:,} deeds")


def flood(url: str, process: int, minute: int, attempts: int, deeds: int) -> None:
    """One process's part of a minute: attempts on an account, guesses of tokens, and deeds in
    between."""
    state = open_state(url)
    guesses = Attempts(state)
    for number in range(attempts):
        at = BEGAN + timedelta(minutes=minute, seconds=number * 59 / attempts)
        address = f"10.{process}.{number // 250}.{number % 250}"
        guesses.add(at=at, verb="token.refused", actor="unknown", address=address)
        with state.begin() as connection:
            record(
                connection,
                at=at,
                verb="sign_in.refused",
                actor=TARGET,
                address=address,
                detail={"reason": "wrong password"},
            )
        if number % (attempts // deeds) == 0:
            deed = minute * deeds + number // (attempts // deeds)
            with state.begin() as connection:
                record(
                    connection,
                    at=at,
                    verb="export.finished",
                    actor=TARGET,
                    organization_id="org-a",
                    detail={"number": f"{process}-{deed}"},
                )
    guesses.close()
    state.close()


if __name__ == "__main__":
    flood(sys.argv[1], *map(int, sys.argv[2:]))
