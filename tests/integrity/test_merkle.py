"""The tree of RFC 6962 against a naive one that is written down as the RFC defines it."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.integrity.merkle import (
    EMPTY_ROOT,
    CompactRange,
    ProofError,
    RangeProof,
    check_consistency,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_proof,
    root,
    root_of_inclusion,
    root_of_range,
    tree_root,
)
from tests.support.laws import law

# The eight leaves of Certificate Transparency's reference tests, and their root.
CT_LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
] + [bytes(range(0x60, 0x70))]
CT_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

HASHES = [leaf_hash(str(number).encode()) for number in range(80)]
SIZES = st.integers(1, len(HASHES))


def naive(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive(leaves[:split]), naive(leaves[split:]))


def subtree_hash(level: int, index: int) -> bytes:
    leaves = HASHES[index << level : (index + 1) << level]
    assert len(leaves) == 1 << level, "only full subtrees are asked for"
    return naive(leaves)


def test_the_roots_of_certificate_transparency() -> None:
    for size, expected in CT_ROOTS.items():
        assert root(map(leaf_hash, CT_LEAVES[:size])).hex() == expected


def test_roots_are_those_of_the_definition() -> None:
    for size in range(len(HASHES) + 1):
        expected = naive(HASHES[:size])
        assert root(HASHES[:size]) == expected
        assert tree_root(size, subtree_hash) == expected
    assert root([]) == EMPTY_ROOT


@law(200)
@given(SIZES, st.data())
def test_a_leaf_is_proven_where_it_is_and_nowhere_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, subtree_hash)
    expected = naive(HASHES[:size])
    assert root_of_inclusion(HASHES[index], index, size, proof) == expected
    other = data.draw(st.integers(0, len(HASHES) - 1))
    if other != index:
        assert root_of_inclusion(HASHES[other], index, size, proof) != expected
        with suppress(ProofError):
            assert root_of_inclusion(HASHES[index], other, size, proof) != expected
    for wrong in (proof[:-1], [*proof, bytes(32)]):
        if wrong != proof:
            with pytest.raises(ProofError):
                root_of_inclusion(HASHES[index], index, size, wrong)


@law(200)
@given(SIZES, st.data())
def test_a_tree_begins_with_every_earlier_one_and_with_no_other(
    new: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, subtree_hash)
    old_root, new_root = naive(HASHES[:old]), naive(HASHES[:new])
    check_consistency(old, old_root, new, new_root, proof)
    other = naive([*HASHES[: old - 1], leaf_hash(b"another")] if old else [HASHES[0]])
    for broken in (
        (old, other, new, new_root, proof),
        (old, old_root, new, new_root, [*proof, bytes(32)]),
        *([(old, old_root, new, new_root, proof[:-1])] if proof else []),
        *([(old, old_root, new, other, proof)] if old > 0 else []),
    ):
        with pytest.raises(ProofError):
            check_consistency(*broken)


@law(300)
@given(SIZES, st.data())
def test_a_run_is_proven_whole_and_in_its_place(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    run = HASHES[start:stop]
    proof = range_proof(start, stop, size, subtree_hash)
    expected = naive(HASHES[:size])
    assert root_of_range(run, start, size, proof) == expected
    assert len(proof.left) + len(proof.right) <= 2 * size.bit_length()
    changed = data.draw(st.integers(0, len(run) - 1))
    wrong_runs = [
        [*run[:changed], *run[changed + 1 :]],
        [*run[:changed], bytes(32), *run[changed + 1 :]],
        [*run[:changed], run[changed], *run[changed:]],
    ]
    if len(run) > 1:
        wrong_runs.append([run[1], run[0], *run[2:]])
    for wrong in wrong_runs:
        with suppress(ProofError):
            assert root_of_range(wrong, start, size, proof) != expected
    for truncated in (
        RangeProof(proof.left[:-1], proof.right),
        RangeProof(proof.left, (*proof.right, bytes(32))),
        RangeProof((*proof.left[:-1], proof.left[-1][:31]), proof.right) if proof.left else None,
    ):
        if truncated is not None and truncated != proof:
            with pytest.raises(ProofError):
                root_of_range(run, start, size, truncated)


def test_a_run_may_be_added_to_at_any_place() -> None:
    for start in range(20):
        held = CompactRange(start).extend(HASHES[start:60])
        assert held.stop == 60
        for (level, index), hash_of_subtree in held.subtrees().items():
            assert hash_of_subtree == subtree_hash(level, index)


@pytest.mark.parametrize(("start", "stop", "size"), [(0, 0, 5), (3, 2, 5), (0, 6, 5), (-1, 2, 5)])
def test_no_proof_is_made_of_a_run_that_is_none(start: int, stop: int, size: int) -> None:
    with pytest.raises(ValueError, match="no run"):
        range_proof(start, stop, size, subtree_hash)


def test_a_size_that_no_tree_has_is_refused_at_once() -> None:
    for size in (1 << 63, 1 << 4000):
        with pytest.raises(ProofError):
            root_of_range(HASHES[:1], 0, size, RangeProof((), ()))
        with pytest.raises(ProofError):
            root_of_inclusion(HASHES[0], 0, size, [])
        with pytest.raises(ProofError):
            check_consistency(1, HASHES[0], size, HASHES[1], [])
