"""Packs of made-up logs: random and good, or as plain as a test needs them."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audit_core.evidence.pack.condition import test_of
from audit_core.evidence.pack.entry_lines import entry_line
from audit_core.evidence.pack.leaf_lines import (
    ClosedBlock,
    HashedLeaf,
    Kind,
    OpenedBlock,
    OpenedLeaf,
)
from audit_core.evidence.pack.making.writer import Asked, Line, Proven, pack
from audit_core.integrity.checkpoint import Checkpoint, fingerprint, origin, sign_checkpoint
from audit_core.integrity.installation_signer import installation_signer
from audit_core.integrity.merkle import RangeProof, range_proof, root
from audit_core.integrity.signed_note import Signer

SIGNER = installation_signer(b"installation's key" * 2)
ORGANIZATION = "org/ü 1"
BEGIN = 1_767_225_600_000_000
"""2026-01-01 in microseconds."""
MINUTE = 60_000_000

Value = str | None


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write of the log: what a leaf is made from, and what became of it."""

    plain: tuple[Value, ...]
    who: tuple[Value, ...]
    said: tuple[Value, ...]
    salts: tuple[bytes, bytes]
    gone: Kind | None = None
    secret: bool = False
    """Whether what was said is not shown."""

    def leaf(self, kind: Kind, *, closed: bool) -> OpenedLeaf:
        who = OpenedBlock(self.salts[0], list(self.who))
        said = OpenedBlock(self.salts[1], list(self.said))
        if closed:
            sealed = ClosedBlock(who.commitment), ClosedBlock(said.commitment)
            return OpenedLeaf(kind, list(self.plain), *sealed)
        hidden = ClosedBlock(said.commitment) if self.secret else said
        return OpenedLeaf(kind, list(self.plain), who, hidden)

    @property
    def hash(self) -> bytes:
        return self.leaf(Kind.LEFT_OUT, closed=True).hash


@dataclass(frozen=True, kw_only=True)
class MadePack:
    """A pack, and all that it was made from, so that a test can make it otherwise."""

    asked: Asked
    proven: Proven
    lines: tuple[Line, ...]
    hashes: tuple[bytes, ...]
    """Of all leaves of the log."""
    signer: Signer = SIGNER
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> bytes:
        return b"".join(pack(self.asked, self.proven, self.lines, self.signer, spool=None))

    def changed(self, **changes: Any) -> MadePack:
        return replace(self, **changes)


def subtrees(hashes: Sequence[bytes]) -> Any:
    return lambda level, index: root(hashes[index << level : (index + 1) << level])


def checkpoint_of(
    hashes: Sequence[bytes],
    *,
    signer: Signer = SIGNER,
    organization_id: str = ORGANIZATION,
    signed_at: datetime,
) -> str:
    name = origin(fingerprint(signer.key.public_key), organization_id)
    return sign_checkpoint(Checkpoint(name, len(hashes), root(hashes), signed_at), signer)


TEXTS = ("ok", "ünï \u2028 “quoted”", 'back\\slash "quote"', "\x7f\t\r\n\x01", "😀 astral", "")
METADATA = (
    None,
    "{}",
    '{"body":{"name":"bóx","n":1e2,"m":[1,2.50,-0,true,null]}}',
    '{ "spaced" :\n [ ] }',
    '{"half":"\\ud83d","deep":{"a":{"b":{"c":[[["x"]]]}}}}',
)


def writes(random: random.Random, number: int) -> list[Write]:
    """So many writes of one organization: some finish an earlier one, some are gone."""
    made: list[Write] = []
    entries, unfinished = 0, list[int]()
    for revision in range(1, number + 1):
        at = BEGIN + revision * MINUTE
        if unfinished and random.random() < 0.3:
            place = unfinished.pop(random.randrange(len(unfinished)))
            former = made[place]
            plain = list(former.plain)
            plain[1], plain[5], plain[9] = str(revision), str(at), random.choice(("200", "500"))
            made[place] = replace(former, gone=Kind.SUPERSEDED)
            made.append(replace(former, plain=tuple(plain)))
            continue
        entries += 1
        status = random.choice(("200", "404", "500", "0", None))
        if status is None:
            unfinished.append(len(made))
        made.append(_write(random, revision, entries, at, status))
    return made


def _write(random: random.Random, revision: int, entry: int, at: int, status: Value) -> Write:
    late = random.choice((0, 0, 0, 30 * MINUTE))
    return Write(
        plain=(
            ORGANIZATION,
            str(revision),
            str(entry),
            f"id-{entry}",
            str(at - late - random.randrange(1_000_000)),
            str(at),
            random.choice(("create", "start", "toolbox_exec")),
            random.choice(("sandbox", None)),
            random.choice((f"t-{entry}", "ünï", None)),
            status,
            random.choice(("cli", None)),
        ),
        who=(f"user-{entry % 3}", random.choice(("a@b", "")), None, "9f", "192.0.2.1", "agent"),
        said=(random.choice((None, *TEXTS)), random.choice(METADATA)),
        salts=(random.randbytes(32), random.randbytes(32)),
        secret=random.random() < 0.1,
    )


PLAIN_CONDITION = {
    "any": [
        {"field": "action", "in": ["start"]},
        {"not": {"field": "target_type", "exists": True}},
        {"all": [{"field": "id", "like": ["id-", 1, 0]}, {"field": "status_code", "from": "400"}]},
    ]
}


def made_pack(
    seed: int,
    *,
    number: int = 40,
    condition: dict[str, Any] | None = None,
    gone: bool = True,
    window: tuple[int, int] | None = None,
) -> MadePack:
    """A good pack of a random log. `window` is a part of its minutes, `gone` whether some leaves
    cannot be opened any more."""
    chance = random.Random(seed)  # noqa: S311
    log = writes(chance, number)
    if gone:
        unopenable = (Kind.ERASED, Kind.PRUNED, Kind.ABSENT)
        log = [
            replace(item, gone=chance.choice(unopenable))
            if chance.random() < 0.05 and item.gone is None
            else item
            for item in log
        ]
    return pack_of(log, condition=condition or PLAIN_CONDITION, window=window)


def pack_of(
    log: Sequence[Write], *, condition: dict[str, Any], window: tuple[int, int] | None = None
) -> MadePack:
    since = until = None
    bounds = {}
    if window is not None:
        since, until = BEGIN + window[0] * MINUTE, BEGIN + window[1] * MINUTE
        bounds = {"from": str(since), "to": str(until - 1)}
    asked_for = {"all": [*([{"field": "created_at", **bounds}] if bounds else []), condition]}
    start = border(log, since)
    hashes = tuple(item.hash for item in log)
    signed_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=len(log) + 1)
    proof = range_proof(start, len(log), len(log), subtrees(hashes))
    return MadePack(
        asked=Asked(
            organization_id=ORGANIZATION,
            sentence="made up",
            parameters={"window": ["all"]},
            condition=asked_for,
            since=moment(since),
            until=moment(until),
            zone="UTC",
            made_at=signed_at,
            made_by="a test",
            product="Sandtrail of a test",
        ),
        proven=Proven(
            start=start,
            proof=RangeProof(proof.left, proof.right),
            checkpoint=checkpoint_of(hashes, signed_at=signed_at),
            entries=max(int(item.plain[2] or 0) for item in log),
        ),
        lines=tuple(lines_of(log[start:], asked_for)),
        hashes=hashes,
    )


def moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def border(log: Sequence[Write], since: int | None) -> int:
    """The last leaf before the window that is a new entry and can be shown."""
    newest, found = 0, 0
    for place, item in enumerate(log):
        if since is None or int(item.plain[5] or 0) >= since:
            break
        fresh = int(item.plain[2] or 0) > newest
        newest = max(newest, int(item.plain[2] or 0))
        if fresh and item.gone is None:
            found = place
    return found


def lines_of(log: Sequence[Write], condition: dict[str, Any]) -> Iterator[Line]:
    meets = test_of(json.loads(json.dumps(condition)))
    for item in log:
        if item.gone is not None:
            yield HashedLeaf(item.gone, item.hash), None
            continue
        met = meets(item.plain)
        if met is False:
            yield item.leaf(Kind.LEFT_OUT, closed=True), None
        elif met is None and int(item.plain[2] or 0) % 2:
            yield HashedLeaf(Kind.CLOSED, item.hash, int(item.plain[4] or 0)), None
        else:
            shown = ("[redacted]", '{"body":"[redacted]"}') if item.secret else item.said
            yield (
                item.leaf(Kind.ENTRY, closed=False),
                entry_line(item.plain, item.who, list(shown)),
            )


def file_of(pack: bytes) -> io.BytesIO:
    return io.BytesIO(pack)
