"""The tree of RFC 6962 and its leaves once more, as plainly as can be: nothing of it is shared with
the product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PLAIN = [
    *("organization_id", "organization_revision", "organization_seq", "id"),
    *("created_at", "received_at", "action", "target_type", "target_id", "status_code", "source"),
]
WHO = [
    *("actor_id", "actor_email", "actor_api_key_prefix", "actor_api_key_suffix"),
    *("ip_address", "user_agent"),
]
SAID = ["error_message", "metadata"]


def field(value: object) -> bytes:
    if value is None:
        return b"N" + bytes(4)
    if isinstance(value, datetime):
        value = (value.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    text = str(value).encode()
    return b"V" + len(text).to_bytes(4, "big") + text


def fields(row: Mapping[str, object], names: Sequence[str]) -> bytes:
    return b"".join(field(row[name]) for name in names)


def parts(row: Mapping[str, object], actor_key: bytes) -> dict[str, bytes]:
    """Everything between a row of the log and the hash of its leaf."""
    made = {"plain": fields(row, PLAIN)}
    for block, names in (("who", WHO), ("said", SAID)):
        made[block] = fields(row, names)
        made[f"{block}_salt"] = sha256(actor_key + field(row["id"]) + field(block)).digest()
        made[f"{block}_commitment"] = sha256(made[f"{block}_salt"] + made[block]).digest()
    data = b"\x01" + made["plain"] + made["who_commitment"] + made["said_commitment"]
    return made | {"data": data, "hash": sha256(b"\x00" + data).digest()}


def leaf(row: Mapping[str, object], actor_key: bytes) -> bytes:
    return parts(row, actor_key)["hash"]


def root(hashes: Sequence[bytes]) -> bytes:
    """The root of leaves, given as their hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"").digest()
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return sha256(b"\x01" + root(hashes[:half]) + root(hashes[half:])).digest()
