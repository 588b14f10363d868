"""The tree over the log: on every engine it is the plain tree of RFC 6962 over all writes in order,
whatever becomes of the entries afterwards, and whenever sealing was cut off."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import and_, select, update

from audit_core.domain.errors import StoreUnavailableError
from audit_core.integrity import sealing as sealing_module
from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.checkpoint import open_checkpoint
from audit_core.integrity.leaf import absent_leaf
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.sealing import TreeProblem, thin_out
from audit_core.integrity.tree import Trees
from audit_core.integrity.verification.standing import verified_of
from audit_core.integrity.verification.verifier import verify
from audit_core.log.retention import Retention
from audit_core.log.store import Limits, open_log
from audit_core.log.writes import settling, stretches
from audit_core.state.database import open_state
from audit_core.state.tree.checkpoints import checkpoint_times, newest_checkpoints
from audit_core.state.tree.hashes import count_kept, gone_tiles
from audit_core.state.tree.leases import hold
from audit_core.state.tree.rewinding import rewind
from audit_core.state.tree.status import read_status
from audit_core.state.tree.tables import LeafKind, tree_checkpoint, tree_tile
from tests.support import plain_tree
from tests.support.arriving import FINE, cuts
from tests.support.laws import law
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry

KEY = b"k" * 32
COARSE = sorted(cuts(FINE))[0]
NUMBERS = count(1)


class Cut(LeafKeeper):
    """A keeper after which the append is cut off, when it is told so."""

    armed = False

    def replacing(self, rows):
        super().replacing(rows)
        if self.armed:
            raise StoreUnavailableError("Cut off.", "")


class House:
    """One log with its state and its trees."""

    def __init__(self, url, state, clock=lambda: NOW, limits=None):
        self.clock = clock
        self.state = state
        self.keys = ActorKeys(self.state, KEY)
        self.keeper = Cut(self.state, self.keys)
        self.log = open_log(url, clock=clock, keeper=self.keeper, limits=limits)
        self.start_anew()

    def start_anew(self):
        """As a process does that was killed: nothing but what is stored is known."""
        self.trees = Trees(
            log=self.log,
            state=self.state,
            keys=ActorKeys(self.state, KEY),
            installation_key=KEY,
            clock=self.clock,
        )

    def close(self):
        self.log.close()
        self.state.close()

    def leaves(self, organization, *, after):
        """The leaves of the writes above a number, plainly."""
        rows = self.log.writes.between(organization, after=after, until=2**60).to_pylist()
        keys = self.keys.of(organization, {row["actor_id"] for row in rows})
        return {
            row["organization_revision"]: plain_tree.leaf(row, keys[row["actor_id"]])
            for row in rows
        }


@pytest.fixture(scope="module")
def house(new_url, engine, tmp_path_factory):
    """Where the log is on PostgreSQL, its state is too, in a database of its own."""
    if engine == "postgresql":
        state = open_state(new_url())
    else:
        state = new_state(tmp_path_factory.mktemp("tree") / "state.sqlite")
    made = House(new_url(), state)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """So that some trees take several."""
    monkeypatch.setattr(sealing_module, "BATCH", 512)


arrivals = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from([None, None, 0, 200, 500]),
        st.sampled_from([COARSE, FINE]),
    ),
    min_size=1,
    max_size=5,
)
steps = st.lists(
    st.one_of(
        arrivals,
        st.sampled_from(["many", "seal", "seal", "cut the append off", "cut sealing off"]),
    ),
    min_size=1,
    max_size=9,
)


@law(20)
@given(steps)
def test_the_root_is_that_of_the_plain_tree_over_all_writes(house, steps):
    organization = f"tree-{next(NUMBERS)}"
    leaves = {}

    def append(entries):
        house.log.append(entries)
        leaves.update(house.leaves(organization, after=len(leaves)))

    for step in steps:
        if isinstance(step, list):
            append(
                [
                    entry(id, organization_id=organization, status_code=status, created_at=time)
                    for id, status, time in step
                ]
            )
        elif step == "many":
            append(
                [
                    entry(f"{len(leaves)}-{number}", organization_id=organization)
                    for number in range(300)
                ]
            )
        elif step == "seal":
            house.trees.sealing.seal(organization, not_older_than=timedelta())
        elif step == "cut the append off":
            house.keeper.armed = True
            try:
                append([entry("a", organization_id=organization, created_at=FINE)])
            except StoreUnavailableError:
                pass
            finally:
                house.keeper.armed = False
        else:
            cut_sealing_off(house, organization)
    reader = house.trees.sealed_now(organization)
    plain = [leaves[number] for number in range(1, len(leaves) + 1)]
    assert reader.size() == len(plain)
    assert reader.root(reader.size()) == plain_tree.root(plain)
    assert reader.leaf_hashes(0, len(plain)) == plain
    for size in {len(plain) // 2, len(plain) // 3}:
        assert reader.root(size) == plain_tree.root(plain[:size])
    signed, _ = open_checkpoint(reader.checkpoint.note, [house.trees.sealing.signer.key])
    assert (signed.size, signed.root) == (len(plain), plain_tree.root(plain))


@law(15)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(1, 40), st.sampled_from([None, 200])), min_size=1
    ),
    st.data(),
)
def test_the_next_writes_are_found_however_organizations_mix(house, appends, data):
    numbered = next(NUMBERS)
    names = [f"mixed-{numbered}", f"others-{numbered}"]
    for which, number, status in appends:
        # The first ones again: what was unfinished may be finished now.
        house.log.append(
            [
                entry(f"e{one}", organization_id=names[which], status_code=status)
                for one in range(number)
            ]
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "BEYOND", 2)
        patch.setattr(stretches, "SPARE", 0.1)
        for name in names:
            head = house.log.known_heads().get(name)
            written = head.organization_revision if head else 0
            after = data.draw(st.integers(0, written))
            until = data.draw(st.integers(after, written))
            before = house.log.writes.between(name, after=0, until=after)
            above = max(before.column("revision").to_pylist(), default=0)
            found = house.log.writes.next(name, after=after, until=until, above=above)
            known = house.log.writes.between(name, after=after, until=until)
            assert found.to_pylist() == known.to_pylist()


def cut_sealing_off(house, organization):
    """All but the commit is done."""

    def cut_off(*args, **kwargs):
        raise StoreUnavailableError("Cut off.", "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing_module, "add_checkpoint", cut_off)
        with pytest.raises(StoreUnavailableError):
            house.trees.sealing.seal(organization, not_older_than=timedelta())
    house.start_anew()


def test_a_log_that_was_there_before_is_sealed_from_its_beginning(new_url, tmp_path, monkeypatch):
    """What was finished before anybody kept leaves has numbers that no entry has."""
    monkeypatch.setattr(settling, "SETTLED_AFTER", timedelta())
    url = new_url()
    log = open_log(url, clock=lambda: NOW)
    log.append([entry("first"), entry("open", status_code=None), entry("second")])
    log.append([entry("open", status_code=200)])
    log.close()
    house = House(url, new_state(tmp_path / "state.sqlite"))
    try:
        leaves = house.leaves("org-alpha", after=0)
        assert sorted(leaves) == [1, 3, 4]
        leaves[2] = absent_leaf("org-alpha", 2)
        reader = house.trees.sealed_now("org-alpha")
        assert reader.root(4) == plain_tree.root([leaves[number] for number in range(1, 5)])
        with house.state.read() as connection:
            assert count_kept(connection, "org-alpha") == {LeafKind.ABSENT: 1}
    finally:
        house.close()


def test_retention_leaves_all_proofs_of_what_remains(new_url, tmp_path):
    now = [NOW]
    limits = Limits(retention=Retention(days=30))
    house = House(new_url(), new_state(tmp_path / "state.sqlite"), lambda: now[0], limits)
    try:
        old = [entry(f"old-{number}", created_at=NOW - timedelta(days=25)) for number in range(600)]
        house.log.append(old)
        house.log.append([entry("open", status_code=None, created_at=NOW)])
        house.log.append([entry(f"new-{number}", created_at=NOW) for number in range(300)])
        house.log.append([entry("open", created_at=NOW)])
        before = house.trees.sealed_now("org-alpha")
        leaves = before.leaf_hashes(0, before.size())
        assert before.size() == 902

        now[0] = NOW + timedelta(days=15)
        house.log.append([entry("later", created_at=now[0])])
        assert house.log.writes.between("org-alpha", after=0, until=600).num_rows == 0
        after = house.trees.sealed_now("org-alpha")
        assert after.size() == 903
        assert after.root(902) == before.checkpoint.root
        assert after.leaf_hashes(512, 902) == leaves[512:]
        with house.state.read() as connection:
            assert gone_tiles(connection, "org-alpha", first=0, last=9) == {0, 1}
            kept = count_kept(connection, "org-alpha")
        assert kept == {LeafKind.PRUNED: 88, LeafKind.SUPERSEDED: 1}
    finally:
        house.close()


def test_nothing_is_signed_that_contradicts_what_was_signed(house):
    organization = f"tree-{next(NUMBERS)}"
    house.log.append([entry(f"{n}", organization_id=organization) for n in range(300)])
    sealed = house.trees.sealed_now(organization).checkpoint
    for column in (tree_tile.c.hash, tree_checkpoint.c.tail):
        own = and_(column.table.c.organization_id == organization, column.is_not(None))
        with house.state.begin() as connection:
            kept = connection.execute(select(column).where(own)).scalar_one()
            changed = {column.name: bytes([kept[0] ^ 1]) + kept[1:]}
            connection.execute(update(column.table).where(own).values(changed))
        with pytest.raises(TreeProblem, match="is not the one that was signed"):
            house.trees.sealing.seal(organization, not_older_than=timedelta())
        with house.state.begin() as connection:
            connection.execute(update(column.table).where(own).values({column.name: kept}))
    assert house.trees.newest(organization) == sealed
    house.trees.sealing.seal(organization, not_older_than=timedelta())


def test_whatever_is_verified_is_as_it_was_sealed(house):
    organization = f"tree-{next(NUMBERS)}"
    many = [entry(f"{n}", organization_id=organization) for n in range(300)]
    house.log.append([entry("open", organization_id=organization, status_code=None), *many])
    house.trees.sealed_now(organization)
    house.log.append([entry("open", organization_id=organization)])
    house.trees.sealed_now(organization)
    options = {"retention": Retention(), "clock": house.clock}
    result = verify(house.trees, house.state, organization, **options)
    assert (result.findings, result.kept) == ((), {"superseded": 1})
    with house.state.begin() as connection:
        status = read_status(connection, organization)
        assert (status.verified_at, verified_of(status).result.size) == (NOW, 302)
        assert hold(connection, "verifying", holder="a", now=NOW, lasts=timedelta(1))
        assert not hold(connection, "verifying", holder="b", now=NOW, lasts=timedelta(1))
        newest = newest_checkpoints(connection)
        rewind(connection, newest, {one.organization_id: one.size for one in newest})
        assert newest_checkpoints(connection) == newest
        times = checkpoint_times(connection, organization)
        # Two of one moment: the later one stays.
        assert thin_out(connection, times, NOW + timedelta(days=20)) == 1
