"""Leaves: the golden vectors, and the form for whole tables against the plain one."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from audit_core.integrity.leaf import (
    BLOCK_FIELDS,
    PLAIN,
    TIMES,
    Block,
    canonical_of,
    commitment,
    hash_of,
    leaf_data,
    leaf_hashes,
    leaves,
    salt,
)
from audit_core.log.schema import ARROW
from tests.support import plain_tree
from tests.support.laws import law

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "support" / "data" / "leaves.json").read_text(encoding="utf-8")
)
KEYS = {one["entry"]["actor_id"]: bytes.fromhex(one["actor_key"]) for one in GOLDEN["leaves"]}


def table(rows: list[dict[str, object]]) -> pa.Table:
    columns = {
        field.name: pa.array(
            [row.get(field.name, 0 if pa.types.is_integer(field.type) else "") for row in rows],
            pa.int64() if field.name in TIMES else field.type,
        )
        for field in ARROW
    }
    return pa.table(columns).cast(ARROW)


def test_golden_vectors_of_whole_tables() -> None:
    made = leaves(table([one["entry"] for one in GOLDEN["leaves"]]), KEYS)

    assert [value.hex() for value in made.plain] == [one["plain"] for one in GOLDEN["leaves"]]
    for block in Block:
        for values, name in ((made.salts, "salt"), (made.commitments, "commitment")):
            assert [value.hex() for value in values[block]] == [
                one[f"{block.value}_{name}"] for one in GOLDEN["leaves"]
            ]
    assert [value.hex() for value in made.hashes] == [one["hash"] for one in GOLDEN["leaves"]]


def test_golden_vectors_of_single_leaves() -> None:
    for one in GOLDEN["leaves"]:
        entry, key = one["entry"], bytes.fromhex(one["actor_key"])
        blocks = {
            block: canonical_of([entry[name] for name in BLOCK_FIELDS[block]]) for block in Block
        }
        assert {block: value.hex() for block, value in blocks.items()} == {
            block: one[block.value] for block in Block
        }
        who, said = (commitment(salt(key, entry["id"], block), blocks[block]) for block in Block)
        data = leaf_data(canonical_of([entry[name] for name in PLAIN]), who, said)
        assert data.hex() == one["data"], one["about"]
        assert hash_of(data).hex() == one["hash"], one["about"]


def test_no_rows_have_no_leaves() -> None:
    assert leaf_hashes(ARROW.empty_table(), {}) == []


TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=6)
MICROSECONDS = st.integers(0, 7258118399999999)
ROWS = st.fixed_dictionaries(
    {
        **{field.name: TEXTS for field in ARROW if field.type == pa.string()},
        **dict.fromkeys(("id", "organization_id", "actor_email", "action"), TEXTS.map(str)),
        "actor_id": st.sampled_from(["", "a", "ä"]),
        "organization_revision": st.integers(1, 2**62),
        "organization_seq": st.integers(1, 2**62),
        "status_code": st.none() | st.integers(0, 599),
        "created_at": MICROSECONDS,
        "received_at": MICROSECONDS,
    }
)


@law(30)
@given(st.lists(ROWS, max_size=5), st.integers(0, 5))
def test_tables_have_the_leaves_of_their_rows(rows: list[dict[str, object]], cut: int) -> None:
    keys = {"": b"0" * 32, "a": b"1" * 32, "ä": b"2" * 32}
    # In several pieces, as engines give them.
    entries = pa.concat_tables([table(rows[:cut]), table(rows[cut:])])
    plain = [
        plain_tree.leaf(
            row
            | {
                name: plain_tree.EPOCH + timedelta(microseconds=row[name])  # type: ignore[arg-type]
                for name in TIMES
            },
            keys[str(row["actor_id"])],
        )
        for row in rows
    ]
    assert leaf_hashes(entries, keys) == plain
