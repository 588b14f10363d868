"""RFC 6962 Merkle trees over SHA-256: roots, and proofs of inclusion, consistency and ranges.

Pure. A hash is 32 bytes. A tree of `size` leaves is never held: whoever makes a proof is asked for
the hashes of aligned full subtrees, `subtree_hash(level, index)`, that is of the leaves from
`index << level` up to and without `(index + 1) << level`; the ragged right edge is derived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""
MAX_SIZE = 1 << 62
"""No tree has more leaves; bounds the depth of a proof that somebody else wrote."""

SubtreeHash = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof does not have the shape that its numbers ask for, or does not lead to its root; the
    text is a sentence."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds `data`."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root of a full subtree whose nodes of one level these are: a power of two of them."""
    level = list(hashes)
    while len(level) > 1:
        level = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
    return level[0]


_BLOCK_LEVEL = 8
_BLOCK = 1 << _BLOCK_LEVEL


class CompactRange:
    """The leaves from `start` on, kept as the hashes of the largest aligned subtrees within them:
    memory grows with the logarithm of their number."""

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.stop = start
        self._levels: list[int] = []
        self._hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self._add(0, leaf)

    def _add(self, level: int, merged: bytes) -> None:
        """Add the hash of the next subtree of a level, to the start of which this goes."""
        self.stop += 1 << level
        index = (self.stop >> level) - 1
        while index & 1 and self._levels and self._levels[-1] == level:
            self._levels.pop()
            merged = node_hash(self._hashes.pop(), merged)
            level, index = level + 1, index >> 1
        self._levels.append(level)
        self._hashes.append(merged)

    def extend(self, leaves: Iterable[bytes]) -> CompactRange:
        """Add the hashes of the next leaves; the range itself."""
        following = iter(leaves)
        while True:
            room = _BLOCK - self.stop % _BLOCK
            block = list(islice(following, room))
            if len(block) == _BLOCK:
                # Level by level: a third of the time of a leaf after the other.
                self._add(_BLOCK_LEVEL, fold(block))
            else:
                for leaf in block:
                    self._add(0, leaf)
            if len(block) < room:
                return self

    def subtrees(self) -> dict[tuple[int, int], bytes]:
        """The hashes by level and index of their subtree."""
        found = {}
        begin = self.start
        for level, held in zip(self._levels, self._hashes, strict=True):
            found[level, begin >> level] = held
            begin += 1 << level
        return found

    def root(self) -> bytes:
        """The root of the tree of these leaves. Raises `ValueError` unless they start at 0."""
        if self.start:
            raise ValueError("a range that does not start at 0 has no root of its own")
        if not self._hashes:
            return EMPTY_ROOT
        above = self._hashes[-1]
        for held in reversed(self._hashes[:-1]):
            above = node_hash(held, above)
        return above


def root(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree of leaves with these hashes."""
    return CompactRange().extend(leaves).root()


def tree_root(size: int, subtree_hash: SubtreeHash) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return _span_hash(0, size, subtree_hash) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, subtree_hash: SubtreeHash) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_span_hash(middle, stop, subtree_hash))
            stop = middle
        else:
            path.append(_span_hash(start, middle, subtree_hash))
            start = middle
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to from the hash of leaf `index`.

    Raises `ProofError` where the path does not have the length of these numbers.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"Leaf {index} is not in a tree of {size} leaves.")
    _check_hashes((leaf, *proof))
    above, number, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            raise ProofError("The proof of inclusion is longer than the tree is high.")
        if number & 1 or number == last:
            above = node_hash(sibling, above)
            while not number & 1:
                number, last = number >> 1, last >> 1
        else:
            above = node_hash(above, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise ProofError("The proof of inclusion is shorter than the tree is high.")
    return above


def consistency_proof(old: int, new: int, subtree_hash: SubtreeHash) -> list[bytes]:
    """That the tree of the first `old` leaves is the beginning of the one of the first `new`
    (RFC 6962, 2.1.2). Empty for an old tree without leaves, and between equals."""
    if not 0 <= old <= new:
        raise ValueError(f"{old} leaves are not the beginning of {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_span_hash(middle, stop, subtree_hash))
            stop = middle
        else:
            path.append(_span_hash(start, middle, subtree_hash))
            start, whole = middle, False
    if not whole:
        path.append(_span_hash(start, stop, subtree_hash))
    return path[::-1]


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise `ProofError` unless the proof shows that the tree of `old` leaves with `old_root` is
    the beginning of the one of `new` with `new_root`. Every tree begins with the empty one."""
    if not 0 <= old <= new <= MAX_SIZE:
        raise ProofError(f"{old} leaves are not the beginning of {new}.")
    _check_hashes((old_root, new_root, *proof))
    if old in (0, new):
        if proof:
            raise ProofError("The proof of consistency is longer than these sizes ask for.")
        if old_root != (new_root if old else EMPTY_ROOT):
            raise ProofError(f"Two different trees of {old} leaves are claimed.")
        return
    if _roots_of_consistency(old, old_root, new, proof) != (old_root, new_root):
        raise ProofError(f"The tree of {new} leaves does not begin with the one of {old}.")


def _roots_of_consistency(
    old: int, old_root: bytes, new: int, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    path = iter(proof)
    # A full old tree is a node of the new one itself, and is left out of the proof.
    first = next(path, None) if number else old_root
    if first is None:
        raise ProofError("The proof of consistency is shorter than these sizes ask for.")
    old_above = new_above = first
    for sibling in path:
        if last == 0:
            raise ProofError("The proof of consistency is longer than these sizes ask for.")
        if number & 1 or number == last:
            old_above = node_hash(sibling, old_above)
            new_above = node_hash(sibling, new_above)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            new_above = node_hash(new_above, sibling)
        number, last = number >> 1, last >> 1
    if last:
        raise ProofError("The proof of consistency is shorter than these sizes ask for.")
    return old_above, new_above


@dataclass(frozen=True, slots=True)
class RangeProof:
    """The hashes of the largest subtrees left and right of a run of leaves, each in the order of
    their leaves: with the run's own hashes, the whole tree."""

    left: tuple[bytes, ...]
    right: tuple[bytes, ...]


def range_proof(start: int, stop: int, size: int, subtree_hash: SubtreeHash) -> RangeProof:
    """The proof of the leaves from `start` up to and without `stop` in a tree of `size` leaves.

    Raises `ValueError` unless 0 <= start < stop <= size.
    """
    if not 0 <= start < stop <= size:
        raise ValueError(f"leaves {start} to {stop} are no run in a tree of {size}")
    left: list[bytes] = []
    right: list[bytes] = []
    for begin, end in _outside(0, size, start, stop):
        side = left if end <= start else right
        side.append(_span_hash(begin, end, subtree_hash))
    return RangeProof(tuple(left), tuple(right))


def root_of_range(leaves: Iterable[bytes], start: int, size: int, proof: RangeProof) -> bytes:
    """The root that the hashes of the leaves from `start` on lead to, in a tree of `size`."""
    return root_of_compact_range(CompactRange(start).extend(leaves), size, proof)


def root_of_compact_range(run: CompactRange, size: int, proof: RangeProof) -> bytes:
    """The root of a tree of `size` leaves that holds a run, as the proof has it.

    Raises `ProofError` where the run is empty or does not lie in the tree, and where the proof has
    not as many hashes as these numbers ask for.
    """
    start, stop = run.start, run.stop
    if not 0 <= start < stop <= size <= MAX_SIZE:
        raise ProofError(f"Leaves {start} to {stop} are no run in a tree of {size} leaves.")
    _check_hashes((*proof.left, *proof.right))
    spans = list(_outside(0, size, start, stop))
    before = sum(end <= start for _, end in spans)
    if (before, len(spans) - before) != (len(proof.left), len(proof.right)):
        raise ProofError(
            f"The proof of the run has {len(proof.left)} + {len(proof.right)} hashes where its "
            f"numbers ask for {before} + {len(spans) - before}."
        )
    outside = dict(zip(spans, (*proof.left, *proof.right), strict=True))
    inside = run.subtrees()

    def hash_of(begin: int, end: int) -> bytes:
        if (known := outside.get((begin, end))) is not None:
            return known
        width = end - begin
        if width & (width - 1) == 0:
            level = width.bit_length() - 1
            if (known := inside.get((level, begin >> level))) is not None:
                return known
        middle = begin + _split(width)
        return node_hash(hash_of(begin, middle), hash_of(middle, end))

    return hash_of(0, size)


def _outside(begin: int, end: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The largest nodes of the tree that hold no leaf of the run, from left to right."""
    if start <= begin and end <= stop:
        return
    if end <= start or stop <= begin:
        yield begin, end
        return
    middle = begin + _split(end - begin)
    yield from _outside(begin, middle, start, stop)
    yield from _outside(middle, end, start, stop)


def _span_hash(begin: int, end: int, subtree_hash: SubtreeHash) -> bytes:
    """The hash of a node of the tree: a full subtree, or the ragged right edge of one."""
    width = end - begin
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return subtree_hash(level, begin >> level)
    middle = begin + _split(width)
    return node_hash(_span_hash(begin, middle, subtree_hash), _span_hash(middle, end, subtree_hash))


def _split(width: int) -> int:
    """How many leaves are left of a node's middle: the largest power of two below its width."""
    return 1 << (width - 1).bit_length() - 1


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(held) != HASH_BYTES for held in hashes):
        raise ProofError(f"A hash in the proof does not have {HASH_BYTES} bytes.")
