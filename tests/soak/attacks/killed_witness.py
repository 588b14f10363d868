"""A witness is killed, again and again, while a log streams checkpoints to it and, in between,
tries to have another history cosigned."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from audit_core.domain.errors import AuditError
from audit_core.integrity.anchors.anchor import AnchorContradicts
from audit_core.integrity.anchors.witness_client import WitnessAnchor
from audit_core.integrity.checkpoint import parse_checkpoint
from audit_core.integrity.cosignature import cosigned_at
from audit_core.integrity.signed_note import parse_note
from tests.soak.attack import Held, Scale
from tests.support.growing_log import GrowingLog
from tests.support.witness_process import running_witness

KILLS = {Scale.SMALL: 1, Scale.FULL: 40}
LONGEST_S = 0.4
"""How long a witness lives at most once checkpoints come."""


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """What was cosigned before is known after each kill, and nothing that contradicts it is."""
    chance = random.Random(7)  # noqa: S311
    log = GrowingLog()
    log.grow(5)
    acknowledged: list[int] = []
    forged = 0
    for _ in range(KILLS[scale]):
        with running_witness(folder, [log.key]) as witness:
            forged += _forged(witness.anchor(), log, acknowledged)
            stream = threading.Thread(target=_stream, args=(witness.anchor(), log, acknowledged))
            before = len(acknowledged)
            stream.start()
            while len(acknowledged) == before:
                assert stream.is_alive(), "the witness took nothing"
                time.sleep(0.005)
            time.sleep(chance.uniform(0, LONGEST_S))
            witness.process.kill()
            stream.join(timeout=30)
        _require_kept(folder, acknowledged[-1])
    with running_witness(folder, [log.key]) as witness:
        forged += _forged(witness.anchor(), log, acknowledged)
        witness.anchor().submit(log.submission())
    yield Held(
        "a killed witness knows all that it has cosigned, and cosigns no other history",
        f"{KILLS[scale]} kills, {len(acknowledged):,} cosigned checkpoints, {forged:,} forged ones "
        "refused",
    )


def _stream(anchor: WitnessAnchor, log: GrowingLog, acknowledged: list[int]) -> None:
    """Until the witness is gone."""
    while True:
        submission = log.submission(known_size=max(acknowledged, default=0))
        try:
            lines = anchor.submit(submission).decode()
        except AuditError:
            return
        assert cosigned_at(parse_note(submission.note + lines), anchor.key)
        acknowledged.append(submission.size)
        log.grow(1)


def _forged(anchor: WitnessAnchor, log: GrowingLog, acknowledged: list[int]) -> int:
    """A log that was cut, and one that was rewritten: how many were refused."""
    if not acknowledged:
        return 0
    known = acknowledged[-1]
    for leaves in (log.leaves[: known - 1], [bytes(32), *log.leaves[1:], bytes(32)]):
        other = GrowingLog()
        other.leaves = list(leaves)
        try:
            anchor.submit(other.submission(known_size=known))
        except AnchorContradicts:
            continue
        raise AssertionError("another history was cosigned")
    return 2


def _require_kept(folder: Path, size: int) -> None:
    (file,) = (folder / "seen").glob("*.checkpoint")
    kept = parse_checkpoint(parse_note(file.read_text(encoding="utf-8")).text)
    assert kept.size >= size, f"{kept.size} is kept of {size} that were cosigned"
