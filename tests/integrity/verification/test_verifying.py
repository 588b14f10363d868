"""Full verification: whatever is changed behind the log's back is found, by number; and nothing is
found where nothing was."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, literal, select, update

from audit_core.integrity import run
from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.tile import TILE
from audit_core.integrity.tree import Trees
from audit_core.integrity.verification.findings import Finding, FindingKind, result_from_json
from audit_core.integrity.verification.standing import standing_of
from audit_core.integrity.verification.verifier import Verifier, last_night, verify
from audit_core.log.retention import Retention
from audit_core.log.schema import audit_entry, unfinished_entry
from audit_core.log.store import Limits, open_log
from audit_core.state.database import open_state
from audit_core.state.tree.status import read_status, set_status
from audit_core.state.tree.tables import tree_checkpoint, tree_tile
from tests.integrity.test_sealer import until
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry

KEY = b"k" * 32
ORGANIZATION = "org-alpha"
SIZE = 700
"""Two full tiles, and a tail that begins at write 513."""

column = audit_entry.c


class House:
    """A log and its state, in a folder."""

    def __init__(self, folder):
        self.now = NOW
        self.state = state = open_state(f"sqlite:///{folder / 'state.sqlite'}")
        keys = ActorKeys(state, KEY)
        limits = Limits(retention=Retention(days=30))
        self.log = open_log(
            f"duckdb:///{folder / 'log.duckdb'}",
            clock=lambda: self.now,
            keeper=LeafKeeper(state, keys),
            limits=limits,
        )
        self.trees = Trees(
            log=self.log,
            state=state,
            keys=keys,
            installation_key=KEY,
            clock=lambda: self.now,
        )

    def fill(self):
        """So that all is sealed."""
        self.log.append([entry(f"{n}") for n in range(400)])
        self.log.append([entry(f"open {n}", status_code=None) for n in range(3)])
        self.trees.sealed_now(ORGANIZATION)
        self.log.append([entry("open 0"), entry("open 1", status_code=500)])
        self.log.append([entry(f"{n}") for n in range(405, SIZE)])
        self.trees.sealed_now(ORGANIZATION)

    def tamper(self, *statements):
        with self.log._engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)

    def verify(self):
        return self.trees.verify(
            ORGANIZATION,
            earliest=Retention(days=30).earliest(self.now),
            progress=lambda checked, to_check: None,
        )

    def close(self):
        self.log.close()
        self.state.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The folder of a house, which is closed."""
    folder = tmp_path_factory.mktemp("verified")
    new_state(folder / "state.sqlite").close()
    made = House(folder)
    made.fill()
    made.state.merge_write_ahead_log()
    made.close()
    return folder


@pytest.fixture
def house(filled, tmp_path):
    for name in ("log.duckdb", "state.sqlite"):
        shutil.copy(filled / name, tmp_path / name)
    made = House(tmp_path)
    yield made
    made.close()


def at(number):
    return column.organization_revision == number


def test_nothing_is_found_where_nothing_was_changed(house):
    result = house.verify()
    assert result.holds
    assert (result.size, result.unsealed, result.checkpoints) == (SIZE, 0, 2)
    assert result.kept == {"superseded": 2}
    house.log.append([entry("one more")])
    assert house.verify().unsealed == 1
    assert result_from_json(result.as_json()) == replace(result, seconds=round(result.seconds, 3))


MISSING, ALTERED, EXTRA = FindingKind.MISSING, FindingKind.ALTERED, FindingKind.EXTRA

TAMPERINGS = {
    "a row is removed": ([delete(audit_entry).where(at(300))], [(MISSING, 300, 300)]),
    "the front is removed": (
        [delete(audit_entry).where(column.organization_revision <= 10)],
        [(MISSING, 1, 10)],
    ),
    "the end is removed": (
        [delete(audit_entry).where(column.organization_revision > 690)],
        [(MISSING, 691, 700)],
    ),
    "a byte of a plain field": (
        [update(audit_entry).where(at(300)).values(action="Create")],
        # Two versions that were replaced since are known by their hashes.
        [(ALTERED, 257, 512)],
    ),
    "a byte of who": (
        [update(audit_entry).where(at(600)).values(actor_email="ann@example.net")],
        [(ALTERED, 600, 600)],
    ),
    "a time by a microsecond": (
        [
            update(audit_entry)
            .where(at(600))
            .values(created_at=NOW - timedelta(hours=1, microseconds=1))
        ],
        [(ALTERED, 600, 600)],
    ),
    "a missing text becomes an empty one": (
        [update(audit_entry).where(at(601)).values(error_message="")],
        [(ALTERED, 601, 601)],
    ),
    "two numbers are swapped": (
        [
            update(audit_entry).where(at(601)).values(organization_revision=-1),
            update(audit_entry).where(at(602)).values(organization_revision=601),
            update(audit_entry).where(at(-1)).values(organization_revision=602),
        ],
        [(ALTERED, 601, 602)],
    ),
    "a row is there twice": (
        [
            insert(audit_entry).from_select(
                [one.name for one in column], select(audit_entry).where(at(20))
            )
        ],
        [(EXTRA, 20, 20)],
    ),
    "a row without a number that could be": (
        [update(audit_entry).where(at(650)).values(organization_revision=0)],
        [(EXTRA, 0, 0), (MISSING, 650, 650)],
    ),
    "a row moves to another organization": (
        [update(audit_entry).where(at(650)).values(organization_id="org-beta")],
        [(MISSING, 650, 650)],
    ),
    "an answer is given to who had none": (
        [update(unfinished_entry).where(unfinished_entry.c.id == "open 2").values(status_code=0)],
        [(ALTERED, 257, 512)],
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_is_changed_in_the_log_is_found_by_number(house, name):
    statements, expected = TAMPERINGS[name]
    house.tamper(*statements)
    found = house.verify().findings
    assert [(one.kind, one.first, one.last) for one in found] == expected
    assert all(one.sentence.endswith(".") for one in found)


def test_what_is_slipped_in_far_from_where_its_number_belongs_is_found(house, monkeypatch):
    """Leaves are made batch by batch, each of what lies behind the one before."""
    monkeypatch.setattr(run, "FIRST_SIZE", TILE)
    monkeypatch.setattr(run, "GROWTH", 1)
    values = {"id": "slipped in", "organization_revision": 650, "revision": 3}
    copied = [literal(values[one.name]) if one.name in values else one for one in column]
    copy = select(*copied).where(at(20))
    house.tamper(insert(audit_entry).from_select([one.name for one in column], copy))
    assert [(one.kind, one.first, one.last) for one in house.verify().findings] == [
        (EXTRA, 650, 650)
    ]


@pytest.mark.parametrize(
    "statement",
    [
        update(tree_tile).values(hash=b"x" * 32),
        delete(tree_tile).where(tree_tile.c.number == 1),
        update(tree_checkpoint).where(tree_checkpoint.c.size == 403).values(root=b"x" * 32),
        update(tree_checkpoint).where(tree_checkpoint.c.size == 403).values(note="no note"),
    ],
)
def test_what_is_changed_in_the_state_is_found(house, statement):
    with house.state.begin() as connection:
        connection.execute(statement)
    kinds = {one.kind for one in house.verify().findings}
    assert FindingKind.CHECKPOINT in kinds


def test_retention_is_no_finding_and_an_entry_that_comes_back_is_one(house):
    with house.log._engine.begin() as connection:
        row = dict(connection.execute(select(audit_entry).where(at(5))).one()._mapping)
    house.now = NOW + timedelta(days=70)
    house.log.append([entry("later", created_at=house.now)])
    house.trees.sealed_now(ORGANIZATION)
    result = house.verify()
    assert result.holds
    assert result.kept == {"gone": 512, "pruned": 188}
    house.tamper(insert(audit_entry).values({**row, "created_at": house.now}))
    assert [(one.kind, one.first) for one in house.verify().findings] == [(EXTRA, 5)]


def test_what_is_asked_for_is_verified_and_kept_and_each_night_all_is(house):
    verifier = Verifier(
        log=house.log,
        state=house.state,
        trees=house.trees,
        clock=lambda: house.now,
        retention=Retention(),
        look_every_s=0.01,
        pause_s=0.0,
    )

    def status():
        with house.state.read() as connection:
            return read_status(connection, ORGANIZATION)

    try:
        with house.state.begin() as connection:
            set_status(connection, ORGANIZATION, requested_at=NOW, requested_by="ada")
        until(lambda: status().verified_at == NOW)
        assert (status().requested_at, status().running_since) == (None, None)
        house.tamper(delete(audit_entry).where(at(300)))
        house.now = last_night(NOW) + timedelta(days=1, minutes=1)
        until(lambda: status().verified_at == house.now)
        standing = standing_of(house.trees, house.state, ORGANIZATION, SIZE)
        detail = "The 255 others of 257 to 512 cannot be checked without them."
        assert standing.verified.result.findings == (Finding(MISSING, 300, 300, detail),)
        assert standing.alarms == (f"The log lacks write 300. {detail}",)
    finally:
        verifier.stop()


def test_one_that_is_cancelled_leaves_the_last_result(house):
    def going_on():
        with house.state.begin() as connection:
            set_status(connection, ORGANIZATION, cancelled=True)

    options = {"retention": Retention(), "clock": lambda: NOW}
    assert verify(house.trees, house.state, ORGANIZATION, **options).holds
    with house.state.read() as connection:
        before = read_status(connection, ORGANIZATION)
    assert verify(house.trees, house.state, ORGANIZATION, going_on=going_on, **options) is None
    with house.state.read() as connection:
        assert read_status(connection, ORGANIZATION) == before
