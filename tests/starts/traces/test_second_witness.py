"""What only the audit log or only the state changes tell of, and what is not judged yet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit_core.domain.entries import AuditEntry
from audit_core.starts.traces.second_witness import (
    LASTS,
    LATE,
    Comparison,
    SecondWitness,
    SeenChange,
    compare,
)
from tests.support.strategies import NOW, entry

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def done(action: str, minutes: float, status: int | None = 200) -> AuditEntry:
    """Something that was done so many minutes before now."""
    return entry(
        f"{action}-{minutes}",
        action=action,
        status_code=status,
        target_id="box",
        created_at=NOW - minutes * MINUTE,
    )


def changed(old: str | None, new: str, minutes: float) -> SeenChange:
    return SeenChange(f"{new}-{minutes}", old, new, NOW - minutes * MINUTE)


def compared(
    entries: list[AuditEntry],
    changes: list[SeenChange],
    *,
    since: float = 10_000,
    until: float = 0,
    entries_until: float = 0,
    truncated: bool = False,
) -> Comparison:
    witness = SecondWitness(
        changes=tuple(sorted(changes, key=lambda change: change.at)),
        truncated=False,
        since=NOW - since * MINUTE,
        until=NOW - until * MINUTE,
        entries_until=NOW - entries_until * MINUTE,
    )
    ordered = sorted(entries, key=lambda item: item.created_at)
    return compare(ordered, witness, NOW, truncated=truncated)


LIFE = [
    done("create", 300),
    done("stop", 250),
    done("archive", 200),
    done("start", 150),
    done("delete", 100),
]
ITS_CHANGES = [
    changed(None, "creating", 300),
    changed("creating", "started", 299),
    changed("started", "stopping", 249.9),
    changed("stopping", "stopped", 249),
    changed("stopped", "archiving", 199),
    changed("archiving", "archived", 190),
    changed("archived", "restoring", 150),
    changed("restoring", "error", 130),
    changed("error", "destroying", 100),
    changed("destroying", "destroyed", 99),
]


def test_a_life_that_both_tell_of_lacks_nothing() -> None:
    found = compared(LIFE, ITS_CHANGES)
    assert found.lone_entries == ()
    assert [change.entry.action for change in found.changes if change.entry] == [
        *("create", "create", "stop", "stop", "archive", "archive", "start", "start"),
        *("delete", "delete"),
    ]


@pytest.mark.parametrize("missing", range(len(LIFE)))
def test_an_entry_that_was_lost_leaves_its_changes_alone(missing: int) -> None:
    left = [item for number, item in enumerate(LIFE) if number != missing]
    found = compared(left, ITS_CHANGES)
    assert any(change.lacks_entry for change in found.changes)
    assert found.lone_entries == ()


@pytest.mark.parametrize("item", LIFE, ids=lambda item: item.action)
def test_changes_that_were_lost_leave_their_entry_alone(item: AuditEntry) -> None:
    left = [
        change
        for change in ITS_CHANGES
        if not item.created_at <= change.at <= item.created_at + 30 * MINUTE
    ]
    assert compared(LIFE, left).lone_entries == (item,)


@pytest.mark.parametrize("status", [400, 500, None, 0])
def test_what_was_refused_changes_nothing_and_causes_nothing(status: int | None) -> None:
    found = compared([done("stop", 250, status)], [changed("started", "stopped", 249)])
    assert found.lone_entries == ()
    assert found.changes[0].lacks_entry


def test_what_may_still_come_is_not_judged() -> None:
    young = LATE / MINUTE - 1
    assert not compared([], [changed("started", "stopped", young)]).changes[0].judged
    assert compared([], [changed("started", "stopped", young + 2)]).changes[0].lacks_entry
    edge = (LASTS + LATE) / MINUTE
    assert compared([done("stop", edge - 1)], []).lone_entries == ()
    assert len(compared([done("stop", edge + 1)], []).lone_entries) == 1


def test_where_nobody_was_there_to_tell_nothing_is_missed() -> None:
    # Before webhooks were set up, and after they ended.
    assert compared([done("stop", 250)], [], since=200).lone_entries == ()
    assert compared([done("stop", 250)], [], until=260).lone_entries == ()
    # Since the log was last fed.
    stopped = [changed("started", "stopped", 250)]
    assert not compared([], stopped, entries_until=300).changes[0].judged
    # Before the oldest entry that is shown.
    found = compared([done("read", 240)], stopped, truncated=True)
    assert not found.changes[0].judged


def test_a_sandbox_that_fails_by_itself_is_listed() -> None:
    found = compared([done("create", 300)], [*ITS_CHANGES[:2], changed("started", "error", 200)])
    assert [change.lacks_entry for change in found.changes] == [False, False, True]


def test_a_snapshot_leads_back_to_where_the_sandbox_was() -> None:
    found = compared(
        [done("snapshot", 200)],
        [changed("started", "snapshotting", 199), changed("snapshotting", "started", 198)],
    )
    assert not any(change.lacks_entry for change in found.changes)
