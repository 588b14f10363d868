"""The leaves of a pack's run, a line of JSON each: opened, or closed by their hash.

A leaf of kind `entry` is one that the filter matched, `left_out` one that it did not. Both show
their plain fields and, of each block, either salt and values or the commitment. The other kinds
show a hash: `closed` where the plain fields cannot tell why the filter left the leaf out, and those
that the log itself cannot open any more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from audit_core.evidence.pack.condition import NUMBERS
from audit_core.evidence.pack.strict_json import strict_json
from audit_core.integrity.leaf import (
    BLOCK_FIELDS,
    PLAIN,
    TIMES,
    Block,
    canonical,
    canonical_of,
    commitment,
    leaf_data,
)
from audit_core.integrity.merkle import leaf_hash

Texts: TypeAlias = Sequence[str | None]


class Kind(StrEnum):
    """What a line shows of its leaf. The value stands in the file."""

    ENTRY = "entry"
    LEFT_OUT = "left_out"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    """An unfinished version of an entry that was finished, or refined, later."""
    ERASED = "erased"
    PRUNED = "pruned"
    """Dropped by retention, within a tile that stays."""
    ABSENT = "absent"
    """No entry held the number when it was sealed."""


OPENED = (Kind.ENTRY, Kind.LEFT_OUT)
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_unhex = bytes.fromhex
_OPENED_BY_NAME = {kind.value: kind for kind in OPENED}
MAX_TIME = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""
_MAY_BE_NONE = ("target_type", "target_id", "status_code", "source")
_NUMBERS = itemgetter(*map(PLAIN.index, NUMBERS))
_TIMES = itemgetter(*map(PLAIN.index, TIMES))
_MUST_BE = itemgetter(*(n for n, name in enumerate(PLAIN) if name not in _MAY_BE_NONE))
_TEXT_TYPES = {str, type(None)}
_NONE = canonical(None).decode()
_HEADS = [canonical("." * length)[:5].decode() for length in range(128)]


def canonical_texts(values: Texts) -> bytes:
    """What `integrity.leaf.canonical_of` makes of texts: faster, for hundreds of thousands."""
    try:
        text = "".join([_NONE if value is None else _HEADS[len(value)] + value for value in values])
    except IndexError:
        return canonical_of(values)
    # Where all is ASCII, a text has as many bytes as characters.
    return text.encode() if text.isascii() else canonical_of(values)


def _usual_line() -> re.Pattern[str]:
    """See `_usual_leaf`. Numbers and times are within what `_parse_plain` accepts."""
    text = r'"([^"\\\x00-\x1f]*+)"'
    number, time = r'"(0|-?[1-9][0-9]{0,17})"', r'"(0|[1-9][0-9]{0,16})"'
    plain = [time if name in TIMES else number if name in NUMBERS else text for name in PLAIN]
    plain = [
        f"(?:{one}|null)" if name in _MAY_BE_NONE else one
        for name, one in zip(PLAIN, plain, strict=True)
    ]
    who = ",".join([f"(?:{text}|null)"] * len(BLOCK_FIELDS[Block.WHO]))
    hash_ = "[0-9a-f]{64}"
    return re.compile(
        rf'{{"kind":"({"|".join(OPENED)})","plain":\[{",".join(plain)}\],'
        rf'"who":{{"(?:commitment":"({hash_})"|salt":"({hash_})","values":\[{who}\])}},'
        rf'"said":{{"(?:commitment":"({hash_})"|salt":"({hash_})","values":(\[.*\]))}}}}'
    )


_USUAL = _usual_line()
_WHO, _SAID = 1 + len(PLAIN), 3 + len(PLAIN) + len(BLOCK_FIELDS[Block.WHO])
"""Where in a match of it the groups of a block begin."""


# What there is one of for each leaf is made some hundred thousand times: a tuple is made in a third
# of a frozen dataclass's time.
class OpenedBlock(NamedTuple):
    """A block whose values are shown; with the salt they make the commitment."""

    salt: bytes
    values: Texts

    @property
    def commitment(self) -> bytes:
        """What stands in the leaf."""
        return commitment(self.salt, canonical_texts(self.values))

    def as_json(self) -> dict[str, Any]:
        """As it stands in a line."""
        return {"salt": self.salt.hex(), "values": list(self.values)}


class ClosedBlock(NamedTuple):
    """A block of which only the commitment is shown."""

    commitment: bytes

    def as_json(self) -> dict[str, Any]:
        """As it stands in a line."""
        return {"commitment": self.commitment.hex()}


class OpenedLeaf(NamedTuple):
    """A leaf whose plain fields are shown, in the order of `PLAIN`."""

    kind: Kind
    plain: Texts
    who: OpenedBlock | ClosedBlock
    said: OpenedBlock | ClosedBlock

    @property
    def hash(self) -> bytes:
        """The hash of the leaf."""
        plain = canonical_texts(self.plain)
        return leaf_hash(leaf_data(plain, self.who.commitment, self.said.commitment))

    def line(self) -> str:
        """The line, without its end."""
        return _written(
            {
                "kind": self.kind.value,
                "plain": list(self.plain),
                "who": self.who.as_json(),
                "said": self.said.as_json(),
            }
        )


class HashedLeaf(NamedTuple):
    """A leaf of which only the hash is shown. `created_at` is claimed, in microseconds since 1970,
    of `closed` leaves only, else None."""

    kind: Kind
    hash: bytes
    created_at: int | None = None

    def line(self) -> str:
        """The line, without its end."""
        claimed = {} if self.created_at is None else {"created_at": str(self.created_at)}
        return _written({"kind": self.kind.value, "hash": self.hash.hex(), **claimed})


def _written(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_line(line: bytes) -> OpenedLeaf | HashedLeaf:
    """The leaf of a line without its end. Raises `ValueError` with the reason."""
    text = line.decode()
    return _usual_leaf(text) or parse_leaf(strict_json(text))


def _usual_leaf(line: str) -> OpenedLeaf | None:
    """The opened leaf of a line that is spelled as `OpenedLeaf.line` does it, without an escape but
    in what was said: as most are. None for any other line: `parse_leaf` decides on it."""
    found = _USUAL.fullmatch(line)
    if found is None:
        return None
    parts = found.groups()
    closed, salt, *values = parts[_WHO:_SAID]
    who = ClosedBlock(_unhex(closed)) if closed else OpenedBlock(_unhex(salt), values)
    closed, salt, written = parts[_SAID:]
    said: OpenedBlock | ClosedBlock
    if closed:
        said = ClosedBlock(_unhex(closed))
    else:
        try:
            texts = _parse_texts(json.loads(written), len(BLOCK_FIELDS[Block.SAID]))
        except (ValueError, RecursionError):
            return None
        said = OpenedBlock(_unhex(salt), texts)
    return OpenedLeaf(_OPENED_BY_NAME[parts[0]], list(parts[1:_WHO]), who, said)


def parse_leaf(value: Any) -> OpenedLeaf | HashedLeaf:
    """The leaf of a line's value, which is used up. Raises `ValueError` with the reason."""
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    try:
        kind = Kind(value.pop("kind", None))
    except ValueError:
        raise ValueError("its kind is none that this version knows") from None
    if kind in OPENED:
        if value.keys() != {"plain", "who", "said"}:
            raise ValueError("it has not exactly the members kind, plain, who and said")
        who, said = (_parse_block(value[block.value], block) for block in Block)
        return OpenedLeaf(kind, _parse_plain(value["plain"]), who, said)
    if value.keys() != ({"hash", "created_at"} if kind is Kind.CLOSED else {"hash"}):
        raise ValueError("it has other members than its kind asks for")
    created_at = value.get("created_at")
    if created_at is not None and not (type(created_at) is str and _NUMBER.fullmatch(created_at)):
        raise ValueError("created_at is no whole number")
    return HashedLeaf(
        kind, parse_hash(value["hash"]), None if created_at is None else int(created_at)
    )


def _parse_plain(value: object) -> list[str | None]:
    texts = _parse_texts(value, len(PLAIN))
    if None in _MUST_BE(texts):
        raise ValueError("a field that every leaf has is missing")
    for text in _NUMBERS(texts):
        if text is not None and not _NUMBER.fullmatch(text):
            raise ValueError("a number is none")
    for text in _TIMES(texts):
        if not 0 <= int(text or "") <= MAX_TIME:
            raise ValueError("a time lies outside the calendar")
    return texts


def _parse_block(value: object, block: Block) -> OpenedBlock | ClosedBlock:
    match value:
        case {"commitment": held, **others} if not others:
            return ClosedBlock(parse_hash(held))
        case {"salt": salt, "values": values, **others} if not others:
            return OpenedBlock(parse_hash(salt), _parse_texts(values, len(BLOCK_FIELDS[block])))
    raise ValueError(f"{block.value} is neither opened nor closed")


def _parse_texts(value: object, number: int) -> list[str | None]:
    if type(value) is not list or len(value) != number:
        raise ValueError(f"a list does not have {number} values")
    if not set(map(type, value)) <= _TEXT_TYPES:
        raise ValueError("a value is neither a text nor null")
    try:
        "".join(filter(None, value)).encode()
    except UnicodeEncodeError:
        raise ValueError("a value holds half of a character") from None
    return value


def parse_hash(value: object) -> bytes:
    """32 bytes in their one spelling. Raises `ValueError`."""
    if type(value) is not str or not _HASH.fullmatch(value):
        raise ValueError("a hash is not 64 hexadecimal digits")
    return bytes.fromhex(value)


def parse_hashes(value: object) -> tuple[bytes, ...]:
    """The hashes of a list. Raises `ValueError`."""
    if type(value) is not list:
        raise ValueError("hashes are no list")
    return tuple(map(parse_hash, value))
