"""Makes the proof of a single entry, opened as far as its reader may see."""

from __future__ import annotations

from audit_core.domain.access import Scope
from audit_core.evidence.pack.leaf_lines import HashedLeaf, OpenedLeaf
from audit_core.evidence.pack.leaf_proof import proof_text
from audit_core.evidence.pack.making.from_log import KINDS
from audit_core.evidence.pack.making.opening import opened_rows
from audit_core.evidence.pack.making.problem import PackProblem
from audit_core.integrity.merkle import inclusion_proof
from audit_core.integrity.tree import Trees


def prove_leaf(trees: Trees, scope: Scope, index: int) -> str:
    """The proof of leaf `index`, counted from 0, of the scope's organization. Raises `PackProblem`
    where there is none, else `AuditError`."""
    if scope.organization_id is None or scope.actor_id is not None:
        raise PackProblem(
            "A leaf is one of an organization's log.",
            "Name the organization, as somebody who may read all of its log.",
        )
    tree = trees.sealed_now(scope.organization_id)
    if not 0 <= index < tree.size():
        raise PackProblem(
            f"There is no leaf {index:,}: the log has {tree.size():,}, counted from 0.",
            "Choose a number that a pack names.",
        )
    run = tree.run(index, index + 1)
    held, kind = run.hashes[0], run.kinds.get(index + 1)
    shown: OpenedLeaf | HashedLeaf
    if kind is not None and held is not None:
        shown = HashedLeaf(KINDS[kind], held)
    elif held is not None:
        keys = tree.keys_of(run.rows.column("actor_id").to_pylist())
        (row,) = opened_rows(run.rows, keys)
        shown, _ = row.entry(secrets=scope.secrets)
    else:
        raise PackProblem(
            f"Leaf {index:,} was sealed, and the log does not hold it any more.",
            "Evidence → Integrity says what is missing, once it has verified the log.",
        )
    return proof_text(
        index,
        shown,
        inclusion_proof(index, tree.size(), tree.subtree_hash),
        key=trees.sealing.signer.key,
        checkpoint=tree.checkpoint.note,
    )
