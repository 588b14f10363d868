"""Random good packs, and how they are asked about."""

from __future__ import annotations

from typing import Any

from tests.support.packs import PLAIN_CONDITION, SIGNER, MadePack, checkpoint_of, made_pack, moment

UNKNOWN = {"all": [{"field": "action", "in": ["start"]}, {"unknown": "text “boom”"}]}


def good(seed: int) -> tuple[MadePack, dict[str, Any]]:
    """A random good pack, and how it is asked about."""
    number = 1 + seed * 7 % 60
    window = (seed % 20, seed % 20 + 1 + seed % 13) if seed % 3 else None
    condition = (PLAIN_CONDITION, UNKNOWN, {"all": []})[seed % 3 if seed % 2 else 0]
    made = made_pack(seed, number=number, window=window, condition=condition, gone=seed % 4 == 0)
    asked: dict[str, Any] = {"key": SIGNER.key}
    if seed % 5 == 0:
        earlier = made.hashes[: 1 + seed % len(made.hashes)]
        asked["checkpoint"] = checkpoint_of(earlier, signed_at=moment(0) or made.asked.made_at)
    return made, asked
