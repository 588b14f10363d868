"""Rejections are kept whole and read back page by page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text

from audit_core.domain.rejections import Rejection
from audit_core.state import rejections
from audit_core.state.database import State, open_state
from audit_core.state.rejections import (
    KeptRejection,
    count_dropped,
    keep_rejections,
    list_rejections,
)
from audit_core.state.tables import rejection, rejection_count
from tests.contract.engines import Engines
from tests.support.ada import NOW
from tests.support.laws import law
from tests.support.new_state import older_state


def _rejections(number: int) -> Iterator[Rejection]:
    return (Rejection(place=f"a.csv:{n}", reason="no id", raw=f"raw {n}\0") for n in range(number))


@pytest.mark.parametrize("number", [0, 1, 1000, 2501])
def test_all_of_any_number_are_kept_and_listed_last_first(state: State, number: int) -> None:
    with state.begin() as connection:
        kept = keep_rejections(
            connection,
            rejections=_rejections(number),
            organization_id="org-a",
            origin="a.csv",
            now=NOW,
        )
        listed = list_rejections(connection, organization_id="org-a", limit=5000)
    assert kept == number
    assert [one.place for one in listed] == [f"a.csv:{n}" for n in reversed(range(number))]
    if listed:
        assert listed[-1] == KeptRejection(
            id=1,
            at=NOW,
            origin="a.csv",
            organization_id="org-a",
            place="a.csv:0",
            reason="no id",
            raw="raw 0\u2400",
        )


@law(
    20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(step=st.integers(1, 12), before=st.integers(1, 13))
def test_pages_of_any_size_give_each_rejection_once(state: State, step: int, before: int) -> None:
    with state.begin() as connection:
        if not list_rejections(connection, organization_id=None, limit=1):
            for organization_id in ("org-a", None):
                keep_rejections(
                    connection,
                    rejections=_rejections(5),
                    organization_id=organization_id,
                    origin="o",
                    now=NOW,
                )
        everything = list_rejections(connection, organization_id=None, limit=100)
        paged: list[KeptRejection] = []
        while page := list_rejections(
            connection,
            organization_id=None,
            limit=step,
            before_id=paged[-1].id if paged else before,
        ):
            assert len(page) <= step
            paged.extend(page)
        own = list_rejections(connection, organization_id="org-a", limit=100)
    assert len(everything) == 10
    assert paged == [one for one in everything if one.id < before]
    assert {one.organization_id for one in own} == {"org-a"}


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["org-a", "org-b", None]), st.integers(1, 9), st.sampled_from([3, 5, 12])
    ),
    max_size=12,
)
"""Who adds, how many, and how many are kept at that moment."""


@law(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
def test_the_newest_of_each_organization_are_kept_and_the_others_counted(
    state: State, writes: list[tuple[str | None, int, int]]
) -> None:
    """Compared with plain lists; what is over the number goes at most two batches at once."""
    expected: dict[str | None, list[str]] = {"org-a": [], "org-b": [], None: []}
    dropped = dict.fromkeys(expected, 0)
    places = count()
    with pytest.MonkeyPatch.context() as patch, state.begin() as connection:
        connection.execute(delete(rejection))
        connection.execute(delete(rejection_count))
        patch.setattr(rejections, "_BATCH", 2)
        for organization_id, number, most in writes:
            patch.setattr(rejections, "MAX_OF_ORGANIZATION", most)
            added = [Rejection(place=f"{next(places)}", reason="r", raw="") for _ in range(number)]
            keep_rejections(
                connection, rejections=added, organization_id=organization_id, origin="o", now=NOW
            )
            for start in range(0, number, 2):
                batch = [one.place for one in added[start : start + 2]]
                stored = expected[organization_id] + batch
                gone = max(0, min(len(stored) - most, len(batch) + 2))
                dropped[organization_id] += gone
                expected[organization_id] = stored[gone:]
        rows = connection.execute(select(rejection).order_by(rejection.c.id)).all()
        for organization_id, stored in expected.items():
            own = [row.place for row in rows if row.organization_id == organization_id]
            assert own == stored
            if organization_id is not None:
                assert (
                    count_dropped(connection, organization_id=organization_id)
                    == (dropped[organization_id])
                )
        assert count_dropped(connection, organization_id=None) == sum(dropped.values())


def test_what_was_there_before_is_counted_by_the_migration(state: State, tmp_path: Path) -> None:
    """A state of the time before, which already holds more than are kept now."""
    with state.begin() as connection:
        for organization_id in ("org-a", None):
            keep_rejections(
                connection,
                rejections=_rejections(7),
                organization_id=organization_id,
                origin="o",
                now=NOW,
            )
        kept = [dict(row) for row in connection.execute(select(rejection)).mappings()]
    with older_state(tmp_path / "old.sqlite", "0008") as before:
        before.execute(insert(rejection), kept)
    migrated = open_state(f"sqlite:///{tmp_path / 'old.sqlite'}")
    try:
        with migrated.read() as connection:
            counts = connection.execute(select(rejection_count)).all()
    finally:
        migrated.close()
    assert sorted(tuple(row) for row in counts) == [("", 7, 0), ("org-a", 7, 0)]


@pytest.mark.parametrize("organization_id", ["org-a", None])
def test_dropping_reads_no_more_than_it_drops(state: State, organization_id: str | None) -> None:
    """The oldest are found by an index, in its order."""
    same = (
        rejection.c.organization_id.is_(None)
        if organization_id is None
        else rejection.c.organization_id == organization_id
    )
    oldest = select(rejection.c.id).where(same).order_by(rejection.c.id).limit(10)
    words = str(oldest.compile(state.engine, compile_kwargs={"literal_binds": True}))
    with state.read() as connection:
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {words}"))]
    assert len(plan) == 1
    assert "USING COVERING INDEX ix_rejection_" in plan[0]


def test_several_processes_on_one_server_count_together(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejections, "MAX_OF_ORGANIZATION", 25)
    url = engines.new_url("postgresql")
    states = [open_state(url) for _ in range(3)]
    failed: list[BaseException] = []

    def flood(state: State) -> None:
        try:
            for step in range(20):
                with state.begin() as connection:
                    keep_rejections(
                        connection,
                        rejections=_rejections(4),
                        organization_id=("org-a", None)[step % 2],
                        origin="o",
                        now=NOW,
                    )
        except BaseException as error:
            failed.append(error)
            raise

    try:
        threads = [threading.Thread(target=flood, args=(state,)) for state in states]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with states[0].read() as connection:
            rows = connection.execute(select(rejection.c.organization_id)).scalars().all()
            dropped = count_dropped(connection, organization_id=None)
            own = count_dropped(connection, organization_id="org-a")
    finally:
        for state in states:
            state.close()
    assert not failed
    assert (rows.count("org-a"), rows.count(None)) == (25, 25)
    assert (own, dropped) == (120 - 25, 2 * (120 - 25))
