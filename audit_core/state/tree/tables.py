"""The tables of the tree. Organizations are named as in the log: '' for none."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    false,
)

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Counter, Digest, FreeText, metadata


class LeafKind(IntEnum):
    """Why a leaf's hash is kept: it cannot be made again from the log."""

    SUPERSEDED = 1
    """A version of an entry that was finished, or got a finer time, since."""
    ERASED = 2
    """What was personal in the entry was erased."""
    PRUNED = 3
    """The entry was too old to be kept."""
    ABSENT = 4
    """No entry had this number when it was sealed."""


# The roots of full tiles. Level 1: of 256 leaves; level 2: of 256 tiles of level 1, and so on.
# `gone`: all entries of the tile were too old to be kept.
tree_tile = Table(
    "tree_tile",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("gone", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)

# Leaves that cannot be made again, by `organization_revision`. Those without a hash are absent,
# from `revision` up to `last`.
tree_leaf = Table(
    "tree_leaf",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("hash", LargeBinary),
    sqlite_with_rowid=False,
)

# Signed heads of trees. The newest one of an organization has the leaves of its last tile, which
# is not full, in `tail`, and in `log_revision` the number that the log has for its last leaf.
tree_checkpoint = Table(
    "tree_checkpoint",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("organization_id", FreeText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("note", Text, nullable=False),
    Column("tail", LargeBinary),
    Column("log_revision", BigInteger, nullable=False),
    Index("ix_tree_checkpoint_organization_id_id", "organization_id", "id"),
)

# The keys that salts are made of, encrypted with the installation's; by a digest of the actor.
actor_key = Table(
    "actor_key",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("actor", Digest, primary_key=True),
    Column("sealed_key", Text, nullable=False),
    sqlite_with_rowid=False,
)

# One row for each tree: what is wrong with sealing it, and its last full verification; while one
# runs or is asked for also that.
tree_status = Table(
    "tree_status",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("problem", FreeText),
    Column("problem_at", UtcTime),
    Column("requested_at", UtcTime),
    Column("requested_by", FreeText),
    Column("running_since", UtcTime),
    Column("checked", BigInteger),
    Column("to_check", BigInteger),
    Column("cancelled", Boolean, nullable=False, server_default=false()),
    Column("verified_at", UtcTime),
    Column("result", JSON),
)

# Which process does the work of a name, until when.
work_lease = Table(
    "work_lease",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("held_until", UtcTime, nullable=False),
)
