"""A backup holds trees that fit its copy of the log, though the log went on meanwhile."""

from __future__ import annotations

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.tree import Trees
from audit_core.log.store import open_log
from audit_core.state.tree.checkpoints import newest_checkpoints
from audit_core.state.tree.hashes import count_kept, tile_hashes
from audit_core.state.tree.rewinding import rewind
from audit_core.state.tree.tables import LeafKind
from tests.support.strategies import NOW, entry

KEY = b"k" * 32
OURS = "org-alpha"


def test_a_tree_that_was_brought_back_grows_again_to_the_same(tmp_path, state):
    keys = ActorKeys(state, KEY)
    log = open_log(
        f"duckdb:///{tmp_path / 'log.duckdb'}",
        clock=lambda: NOW,
        keeper=LeafKeeper(state, keys),
    )
    trees = Trees(log=log, state=state, keys=keys, installation_key=KEY, clock=lambda: NOW)
    try:
        log.append([entry(f"{number}", status_code=None) for number in range(300)])
        trees.sealed_now(OURS)
        with state.read() as connection:
            then = newest_checkpoints(connection)
        log.append([entry("7"), *(entry(f"{number}") for number in range(300, 400))])
        trees.sealed_now("")
        grown = trees.sealed_now(OURS).checkpoint
        log.append([entry("late", status_code=None)])
        log.append([entry("late"), entry("of none", organization_id=None)])
        assert trees.sealed_now(OURS).size() == 403
        trees.sealed_now("")

        with state.begin() as connection:
            rewind(connection, then, {OURS: 401})
            assert newest_checkpoints(connection) == then
            assert len(tile_hashes(connection, OURS, level=1, first=0, count=9)) == 1
            # What was replaced after the copy is no write of the copy's.
            assert count_kept(connection, OURS) == {LeafKind.SUPERSEDED: 1}
        again = trees.sealed_now(OURS)
        assert again.root(401) == grown.root
    finally:
        log.close()
