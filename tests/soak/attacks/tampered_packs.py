"""Packs of random logs: good ones raise no alarm, and one changed byte is always found."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

from audit_core.evidence.pack.leaf_lines import ClosedBlock, Kind, OpenedLeaf
from audit_core.evidence.pack.verdicts import PackError
from audit_core.evidence.pack.verifier import verify
from tests.evidence.pack.good_packs import good
from tests.soak.attack import Held, Scale
from tests.support.packs import SIGNER
from tests.support.tampered_packs import contents, insider

PACKS = {Scale.SMALL: 25, Scale.FULL: 10_000}
CHANGES = {Scale.SMALL: 100, Scale.FULL: 20_000}
PROVEN = ("entries.jsonl", "leaves.jsonl", "proof.json", "checkpoint.txt")
"""What an insider with the key cannot change in a pack of plain fields unnoticed."""


def run(_: Path, scale: Scale) -> Iterator[Held]:
    """In memory: nothing is written."""
    entries = 0
    for seed in range(1_000, 1_000 + PACKS[scale]):
        made, asked = good(seed)
        report = verify(io.BytesIO(made.file), **asked)
        assert not report.fails, f"pack {seed}: {report.as_json()}"
        entries += int(report.subject["counts"]["entry"])
    yield Held(
        "no good pack raises an alarm", f"{PACKS[scale]:,} packs with {entries:,} entries, 0 alarms"
    )
    chance = random.Random(7)  # noqa: S311
    for number in range(CHANGES[scale]):
        seed = number % 200
        made, asked = good(seed)
        packed = made.file
        # What stands in a line in place of secrets is proven by nothing.
        redacted = any(isinstance(leaf, OpenedLeaf) and _hides(leaf) for leaf, _ in made.lines)
        name = chance.choice(PROVEN[redacted:])
        data = bytearray(contents(packed)[name])
        if not data:
            continue
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        changed = insider(packed, **{name.replace(".", "_"): bytes(data)})
        try:
            found = verify(io.BytesIO(changed), **asked)
        except PackError:
            continue
        assert found.fails or _says_the_same(data, contents(packed)[name]), (
            f"pack {seed}, a bit in byte {place} of {name}"
        )
    yield Held(
        "no flipped bit passes, not even one that the holder of the key has signed",
        f"{CHANGES[scale]:,} flips, key {SIGNER.name}",
    )


def _says_the_same(one: bytes | bytearray, other: bytes) -> bool:
    """JSON may spell a character in two ways, such as with a capital digit in an escape."""
    if one.startswith(b"{\n"):
        return json.loads(one) == json.loads(other)
    return [json.loads(line) for line in bytes(one).split(b"\n") if line] == [
        json.loads(line) for line in other.split(b"\n") if line
    ]


def _hides(leaf: OpenedLeaf) -> bool:
    return leaf.kind is Kind.ENTRY and isinstance(leaf.said, ClosedBlock)
