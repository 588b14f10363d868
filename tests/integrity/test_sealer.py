"""The thread that seals: it follows the log, signs when nothing comes, says what is wrong, and one
of several does the work."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.integrity import run as run_module
from audit_core.integrity import sealer as sealer_module
from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.run import BatchSize
from audit_core.integrity.sealer import Sealer
from audit_core.integrity.sealing import superfluous
from audit_core.integrity.tree import Trees
from audit_core.log.store import open_log
from audit_core.state.tree.leases import hold, let_go
from audit_core.state.tree.status import read_status
from audit_core.state.tree.tables import tree_tile
from tests.support.laws import law
from tests.support.strategies import NOW, entry

KEY = b"k" * 32


def until(true, within_s=20):
    ends_at = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


@pytest.fixture
def now():
    return [NOW]


@pytest.fixture
def trees(tmp_path, state, now):
    keys = ActorKeys(state, KEY)
    log = open_log(
        f"duckdb:///{tmp_path / 'log.duckdb'}",
        clock=lambda: now[0],
        keeper=LeafKeeper(state, keys),
    )
    made = Trees(log=log, state=state, keys=keys, installation_key=KEY, clock=lambda: now[0])
    made.log, made.state = log, state
    yield made
    log.close()


@pytest.fixture
def sealer(trees, now):
    made = Sealer(
        log=trees.log, state=trees.state, trees=trees, clock=lambda: now[0], look_every_s=0.01
    )
    yield made
    made.stop()


def size(trees, organization="org-alpha"):
    newest = trees.newest(organization)
    return None if newest is None else newest.size


def test_it_follows_the_log_and_signs_when_nothing_comes(trees, sealer, now):
    trees.log.append([entry("a"), entry("of none", organization_id=None)])
    until(lambda: size(trees) == 1 and size(trees, "") == 1)
    trees.log.append([entry("b")])
    now[0] += timedelta(seconds=11)
    until(lambda: size(trees) == 2)
    signed = trees.newest("org-alpha")
    now[0] += timedelta(minutes=5)
    until(lambda: trees.newest("org-alpha").id != signed.id)
    again = trees.newest("org-alpha")
    assert (again.size, again.root, again.signed_at) == (signed.size, signed.root, now[0])
    assert again.tail == signed.tail


def test_a_tile_is_sealed_at_once(trees, sealer):
    trees.log.append([entry("a")])
    until(lambda: size(trees) == 1)
    trees.log.append([entry(f"{number}") for number in range(256)])
    until(lambda: size(trees) == 257)


def test_what_was_changed_is_noted_and_no_more_once_it_is_mended(trees, now, monkeypatch):
    monkeypatch.setattr(sealer_module, "RETRY_S", 0.0)
    trees.log.append([entry(f"{number}") for number in range(300)])
    trees.sealed_now("org-alpha")
    with trees.state.begin() as connection:
        kept = connection.execute(tree_tile.select()).one().hash
        connection.execute(tree_tile.update().values(hash=b"x" * 32))
    now[0] += timedelta(minutes=5)
    sealer = Sealer(
        log=trees.log, state=trees.state, trees=trees, clock=lambda: now[0], look_every_s=0.01
    )

    def problem():
        with trees.state.read() as connection:
            return read_status(connection, "org-alpha").problem

    try:
        until(lambda: "not the one that was signed" in (problem() or ""))
        assert size(trees) == 300
        with trees.state.begin() as connection:
            connection.execute(tree_tile.update().values(hash=kept))
        until(lambda: problem() is None)
    finally:
        sealer.stop()


def test_one_holder_at_a_time(state):
    lasts = timedelta(seconds=30)
    with state.begin() as connection:
        assert hold(connection, "sealing", holder="a", now=NOW, lasts=lasts)
        assert not hold(connection, "sealing", holder="b", now=NOW + lasts, lasts=lasts)
        assert hold(connection, "sealing", holder="a", now=NOW + lasts, lasts=lasts)
        later = NOW + 3 * lasts
        assert hold(connection, "sealing", holder="b", now=later, lasts=lasts)
        let_go(connection, "sealing", holder="a")
        assert not hold(connection, "sealing", holder="a", now=later, lasts=lasts)
        let_go(connection, "sealing", holder="b")
        assert hold(connection, "sealing", holder="a", now=later, lasts=lasts)


@law(50)
@given(st.lists(st.integers(0, 40 * 24 * 3600), max_size=60), st.integers(0, 10**6))
def test_checkpoints_are_thinned_out_evenly(seconds, start):
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    times = [(id, begin + timedelta(seconds=s)) for id, s in enumerate(sorted(seconds))]
    now = begin + timedelta(days=41)
    dropped = set(superfluous(times, now))
    left = [(id, at) for id, at in times if id not in dropped]
    assert left[-1:] == times[-1:]
    assert superfluous(left, now) == []
    for id, at in times:
        age = now - at
        if age < timedelta(hours=1):
            assert id not in dropped
        # Of each day there is one left.
        assert any(one.date() == at.date() for _, one in left)


def test_a_log_that_was_lost_is_noted(trees, now, tmp_path, state):
    trees.log.append([entry("a")])
    trees.sealed_now("org-alpha")
    log = open_log(f"duckdb:///{tmp_path / 'another.duckdb'}", clock=lambda: now[0])
    other = Trees(
        log=log,
        state=state,
        keys=ActorKeys(state, KEY),
        installation_key=KEY,
        clock=lambda: now[0],
    )
    sealer = Sealer(log=log, state=state, trees=other, clock=lambda: now[0], look_every_s=0.01)

    def problem():
        with state.read() as connection:
            return read_status(connection, "org-alpha").problem or ""

    try:
        until(lambda: "The log holds 0 writes, fewer than the 1 that were sealed." in problem())
    finally:
        sealer.stop()
        log.close()


def test_batches_grow_where_entries_are_small_and_shrink_where_they_are_large(trees, monkeypatch):
    size = BatchSize(65_536)
    trees.log.append([entry(f"{n}", metadata='"' + "x" * 500 + '"') for n in range(1024)])
    reader = trees.sealed_now("org-alpha")
    size.learn(reader.run(0, 1024))
    assert size.leaves == 4096
    # A run that is not whole says little.
    size.learn(reader.run(0, 1000))
    assert size.leaves == 4096
    monkeypatch.setattr(run_module, "MAX_BYTES", 100_000)
    size.learn(reader.run(0, 1024))
    assert size.leaves == 1024
    for _ in range(3):
        size.learn(reader.run(0, 1024))
    assert size.leaves == 256
