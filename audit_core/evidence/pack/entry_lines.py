"""The lines of a pack's entries: the 16 fields as Daytona's API names them, for people and tools;
and whether a line says what its leaf says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring

from audit_core.domain.entries import FIELDS
from audit_core.evidence.pack.layout import MAX_DEPTH
from audit_core.evidence.pack.leaf_lines import OpenedBlock, OpenedLeaf, Texts
from audit_core.evidence.pack.strict_json import Number, strict_json
from audit_core.integrity.leaf import BLOCK_FIELDS, PLAIN, Block

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = {ours: json_name for json_name, ours in FIELDS}
_JSON_NAMES = frozenset(json_name for json_name, _ in FIELDS)
_LINE_ENDS = str.maketrans("\r\n", "  ")


def instant_text(microseconds: int) -> str:
    """RFC 3339 in UTC, with six digits of a second or none."""
    instant = _EPOCH + timedelta(microseconds=microseconds)
    return instant.replace(tzinfo=None).isoformat() + "Z"


def entry_line(plain: Texts, who: Texts, said: Texts) -> str:
    """The line of an entry, without its end; `said` as the reader may see it."""
    error_message, metadata = said
    before, between, behind = _around_said(plain, who)
    # The stored text itself: written anew, its numbers might be spelled otherwise. A line end in it
    # can only be white space, since JSON's texts have none.
    shown = "null" if metadata is None else metadata.translate(_LINE_ENDS)
    return f"{before}{_text(error_message)}{between}{shown}{behind}"


def _around_said(plain: Texts, who: Texts) -> tuple[str, str, str]:
    """What stands before, between and behind the values of the message and the metadata.

    Written out, as it is made for hundreds of thousands; the names and their order are `FIELDS`.
    """
    organization_id, _, _, id_, created_at, _, action, target_type, target_id, status, source = (
        plain
    )
    actor_id, actor_email, prefix, suffix, ip_address, user_agent = who
    return (
        f'{{"id":{_text(id_)},"actorId":{_text(actor_id)},"actorEmail":{_text(actor_email)},'
        f'"actorApiKeyPrefix":{_text(prefix)},"actorApiKeySuffix":{_text(suffix)},'
        f'"organizationId":{_text(organization_id or None)},"action":{_text(action)},'
        f'"targetType":{_text(target_type)},"targetId":{_text(target_id)},'
        f'"statusCode":{"null" if status is None else status},"errorMessage":',
        f',"ipAddress":{_text(ip_address)},"userAgent":{_text(user_agent)},'
        f'"source":{_text(source)},"metadata":',
        f',"createdAt":"{instant_text(int(created_at or 0))}"}}',
    )


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


def difference(line: bytes, leaf: OpenedLeaf) -> str | None:
    """The first field in which a line does not say what the opened parts of its leaf say; None if
    there is none. Raises `ValueError` for a line that is no entry."""
    written = line.decode()
    if _is_plainly(written, leaf):
        return None
    entry = strict_json(written)
    if not isinstance(entry, dict) or entry.keys() != _JSON_NAMES:
        raise ValueError("it does not have exactly the 16 fields of an entry")
    shown = dict(zip(PLAIN, leaf.plain, strict=True))
    for block, part in ((Block.WHO, leaf.who), (Block.SAID, leaf.said)):
        if isinstance(part, OpenedBlock):
            shown |= zip(BLOCK_FIELDS[block], part.values, strict=True)
    for ours, text in shown.items():
        name = _NAMES.get(ours)
        if name is not None and not _says(ours, entry[name], text):
            return name
    return None


def _is_plainly(line: str, leaf: OpenedLeaf) -> bool:
    """Whether the line is the very one that the leaf makes, whatever stands in place of what was
    said where that is closed: then it need not be taken apart."""
    who, said = leaf.who, leaf.said
    if not isinstance(who, OpenedBlock):
        return False
    if isinstance(said, OpenedBlock):
        if line != entry_line(leaf.plain, who.values, said.values):
            return False
        metadata = said.values[1]
        # Text that is no object could make up further members of the line.
        return metadata is None or isinstance(json.loads(metadata), dict)
    before, between, behind = _around_said(leaf.plain, who.values)
    if not (line.startswith(before) and line.endswith(behind)):
        return False
    message, found, metadata = line[len(before) : -len(behind)].partition(between)
    return bool(found) and _is_json(message) and _is_json(metadata)


_MAX_KEPT = 1_024
"""Up to how many characters a value is remembered: what is left behind secrets comes again."""


def _is_json(text: str) -> bool:
    """Whether it is one value, and certainly not nested too deep, by itself or within another."""
    return text == "null" or (_is_short_json if len(text) <= _MAX_KEPT else _is_one_value)(text)


def _is_one_value(text: str) -> bool:
    if text.count("[") + text.count("{") >= MAX_DEPTH:
        return False
    try:
        strict_json(text)
    except (ValueError, RecursionError):
        return False
    return True


_is_short_json = lru_cache(maxsize=16_384)(_is_one_value)


def _says(ours: str, value: object, text: str | None) -> bool:
    if text is None or (ours == "organization_id" and not text):
        return value is None
    if ours == "status_code":
        return isinstance(value, Number) and value == Number(text)
    if ours == "metadata":
        try:
            return bool(value == strict_json(text))
        except ValueError:
            return False
    if isinstance(value, Number):
        return False
    return value == (instant_text(int(text)) if ours == "created_at" else text)
