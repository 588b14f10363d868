"""A leaf: what the tree knows of one write, in a form that has one spelling only.

Leaf `n`, counted from 0, is the write of an organization with `organization_revision == n + 1`.
Its plain fields stand in it as they are. What is personal stands as two commitments, salted with
a key of the actor: who it was, and what was said. So either part can be left closed when a leaf
is shown, and destroying the key of an actor closes it for good; the hash stays.

The form, field by field: `V`, the length of the text in bytes as four bytes (big-endian), the
text in UTF-8; for none `N` and four zero bytes. Numbers are decimals in ASCII, times are
microseconds since 1970 in UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

VERSION = b"\x01"
"""The first byte of the leaf of an entry."""

ABSENT = b"\x00"
"""The first byte of a leaf for a number that no entry had; its two fields, the organization and
the number, follow in their canonical form."""

LEAF_PREFIX = b"\x00"
"""What RFC 6962 puts before a leaf's data, to be hashed."""

KEY_BYTES = 32
"""The length of an actor's key."""

PLAIN = (
    "organization_id",
    "organization_revision",
    "organization_seq",
    "id",
    "created_at",
    "received_at",
    "action",
    "target_type",
    "target_id",
    "status_code",
    "source",
)
"""The columns that stand in a leaf as they are, in order."""

TIMES = ("created_at", "received_at")


class Block(StrEnum):
    """A part of an entry that stands in its leaf as a commitment. The value is part of the salt."""

    WHO = "who"
    SAID = "said"


BLOCK_FIELDS: Mapping[Block, tuple[str, ...]] = {
    Block.WHO: (
        "actor_id",
        "actor_email",
        "actor_api_key_prefix",
        "actor_api_key_suffix",
        "ip_address",
        "user_agent",
    ),
    Block.SAID: ("error_message", "metadata"),
}
"""The columns of each block, in order; `metadata` is its stored text."""

FIELDS = (*PLAIN, *BLOCK_FIELDS[Block.WHO], *BLOCK_FIELDS[Block.SAID])
"""The columns that a leaf is made from."""

_NONE = b"N\x00\x00\x00\x00"


def canonical(value: str | int | None) -> bytes:
    """One field, in the one form that it has. Times come as microseconds."""
    if value is None:
        return _NONE
    text = str(value).encode()
    return b"V" + len(text).to_bytes(4, "big") + text


def canonical_of(values: Sequence[str | int | None]) -> bytes:
    """Several fields behind each other: the plain ones of a leaf, or a block."""
    return b"".join(map(canonical, values))


def salt(actor_key: bytes, id_: str, block: Block) -> bytes:
    """What makes the commitment to a block impossible to guess: 32 bytes."""
    return hashlib.sha256(actor_key + canonical(id_) + canonical(block.value)).digest()


def commitment(salt_: bytes, block: bytes) -> bytes:
    """What stands in the leaf for a block in its canonical form: 32 bytes."""
    return hashlib.sha256(salt_ + block).digest()


def leaf_data(plain: bytes, who: bytes, said: bytes) -> bytes:
    """What is hashed: plain fields in their canonical form, then the two commitments."""
    return VERSION + plain + who + said


def absent_leaf(organization_id: str, organization_revision: int) -> bytes:
    """The hash of a leaf whose number no entry had when it was sealed."""
    return hash_of(ABSENT + canonical_of([organization_id, organization_revision]))


def hash_of(data: bytes) -> bytes:
    """The hash of a leaf's data, as RFC 6962 makes it."""
    return hashlib.sha256(LEAF_PREFIX + data).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """The leaves of some rows, in their order, with all that is needed to open each."""

    plain: list[bytes]
    """The plain fields, in their canonical form."""
    salts: Mapping[Block, list[bytes]]
    commitments: Mapping[Block, list[bytes]]
    hashes: list[bytes]


def leaves(rows: pa.Table, keys: Mapping[str, bytes]) -> Leaves:
    """The leaves of rows that have at least the columns `FIELDS`, typed as in `log.schema.ARROW`.

    `rows` are of one organization; `keys` holds the key of every `actor_id` in them, else
    `KeyError`. A few thousand rows at a time are fastest.
    """
    plain = _joined([rows.column(name) for name in PLAIN])
    ids = _joined([rows.column("id")])
    actor_keys = [keys[actor] for actor in rows.column("actor_id").to_pylist()]
    sha256 = hashlib.sha256
    salts, commitments = {}, {}
    for block, names in BLOCK_FIELDS.items():
        name = canonical(block.value)
        values = _joined([rows.column(column) for column in names])
        salts[block] = [
            sha256(key + id_ + name).digest() for key, id_ in zip(actor_keys, ids, strict=True)
        ]
        commitments[block] = [
            sha256(salt_ + value).digest()
            for salt_, value in zip(salts[block], values, strict=True)
        ]
    prefix = LEAF_PREFIX + VERSION
    hashes = [
        sha256(prefix + fields + who + said).digest()
        for fields, who, said in zip(
            plain, commitments[Block.WHO], commitments[Block.SAID], strict=True
        )
    ]
    return Leaves(plain=plain, salts=salts, commitments=commitments, hashes=hashes)


def leaf_hashes(rows: pa.Table, keys: Mapping[str, bytes]) -> list[bytes]:
    """The hashes of `leaves`."""
    return leaves(rows, keys).hashes


def _joined(columns: Sequence[pa.ChunkedArray]) -> list[bytes]:
    """The canonical forms of several columns, behind each other in each row."""
    if not columns[0]:
        return []
    parts: list[pa.Array] = []
    for column in columns:
        parts.extend(_parts(column))
    # Joined by Arrow, without an object for each field: the hashes are what costs time then.
    separator = pa.array([b""], pa.large_binary())[0]
    joined: list[bytes] = pc.binary_join_element_wise(*parts, separator).to_pylist()
    return joined


def _parts(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """What stands before each text, and the texts in UTF-8."""
    if pa.types.is_timestamp(column.type):
        # Stored times are UTC without a zone, in microseconds.
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    texts = column.cast(pa.large_string()).combine_chunks().cast(pa.large_binary())
    if isinstance(texts, pa.ChunkedArray):
        texts = pa.concat_arrays(texts.chunks)
    given = texts.is_valid().to_numpy(zero_copy_only=False)
    texts = pc.fill_null(texts, b"")
    heads = np.zeros(len(texts), np.dtype([("kind", "S1"), ("length", ">u4")]))
    heads["kind"] = np.where(given, b"V", b"N")
    heads["length"] = pc.binary_length(texts).to_numpy()
    kinds = pa.Array.from_buffers(
        pa.binary(heads.dtype.itemsize), len(heads), [None, pa.py_buffer(heads.tobytes())]
    )
    return kinds.cast(pa.large_binary()), texts
