"""Tiles: aligned full subtrees of 256 leaves, or of 256 tiles, whose roots are kept."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.integrity.merkle import HASH_BYTES, fold

TILE = 256
"""How many leaves, or tiles of the level below, make a full tile."""

LEVEL_BITS = 8
"""So many levels of the tree lie between two levels of tiles."""


def tile_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """The roots of the full tiles that these make, which begin with a tile; what is left behind
    the last one is left out."""
    full = len(hashes) // TILE
    return [fold(hashes[number * TILE : (number + 1) * TILE]) for number in range(full)]


def joined(hashes: Sequence[bytes]) -> bytes:
    """As they are kept together."""
    return b"".join(hashes)


def parted(kept: bytes) -> list[bytes]:
    """The hashes that were `joined`."""
    return [kept[start : start + HASH_BYTES] for start in range(0, len(kept), HASH_BYTES)]
