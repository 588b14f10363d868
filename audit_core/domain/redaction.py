"""What may not be shown unasked: secrets in metadata and messages are replaced by a mark."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from operator import methodcaller
from typing import Any

from audit_core.domain.entries import AuditEntry
from audit_core.domain.secret_shapes import MARK, SHAPES, SHORTEST

_NAMES = """
    token accesstoken refreshtoken sshtoken password passwd secret secrets clientsecret apikey
    authorization auth cookie setcookie credentials privatekey command env environment signature
    sessiontoken connectionstring passphrase tokens passwords apikeys
"""

SECRET_KEYS = frozenset(_NAMES.split())
"""Names, in lower case without punctuation, whose values are secret whatever they hold. A whole
command line is one of them: a password may stand anywhere in it."""

SECRET_ENDINGS = (
    "token",
    "password",
    "secret",
    "apikey",
    "privatekey",
    "accesskey",
    "secretkey",
)
"""What the names end with, written likewise, whose values are secret."""


def _searched(words: Iterable[str]) -> str:
    """An expression that is found where any of the words is: by their common beginnings, so that
    it is told by one walk through a text and not by one for each."""
    beginnings: dict[str, list[str]] = {}
    for word in words:
        beginnings.setdefault(word[0], []).append(word[1:])
    parts = [
        # Where a word ends, longer ones tell nothing more.
        re.escape(first) + ("" if "" in rest else _searched(rest))
        for first, rest in sorted(beginnings.items())
    ]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


_LIKELY = re.compile(_searched(literal for shape in SHAPES for literal in shape.literals))
"""Found in every text, in lower case, that holds something of a secret's shape."""

_IN_TEXT = tuple(
    # Words of ASCII, as the engines have them: a letter with an accent before it hides no secret.
    # Replaced by a function: a text with groups is taken apart again at each call.
    (
        re.compile(shape.pattern.replace(r"\b", r"(?a:\b)")),
        methodcaller("expand", shape.replacement),
        re.compile(_searched(shape.literals)),
    )
    for shape in SHAPES
)

SEARCHES = tuple(pattern.search for pattern, _, _ in _IN_TEXT)
"""For each of `SHAPES`, in their order, what finds it in a text."""

_MAX_SHORT = 256
"""Up to how many characters a text of metadata is remembered with what was made of it."""


def redact_text(text: str) -> str:
    """The text with what looks like a secret replaced by `MARK`."""
    if len(text) < SHORTEST:
        return text
    lowered = text.lower()
    if not _LIKELY.search(lowered):
        return text
    for pattern, replacement, likely in _IN_TEXT:
        if likely.search(lowered):
            text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Whether a value by this name is secret, whatever it holds."""
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    return plain in SECRET_KEYS or plain.endswith(SECRET_ENDINGS)


_redact_short = lru_cache(maxsize=4096)(redact_text)
"""Within metadata the same few words come again and again."""


def _redact_string(text: str) -> str:
    return _redact_short(text) if len(text) <= _MAX_SHORT else redact_text(text)


def _redact_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _redact_secret(inner) if is_secret(key) else _redact_value(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_redact_value(inner) for inner in value]
    return _redact_string(value) if isinstance(value, str) else value


def _redact_secret(value: Any) -> Any:
    """Names of variables stay, values go; nothing and switches have nothing to hide."""
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, dict):
        return {key: _redact_secret(inner) for key, inner in value.items()}
    return MARK


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _written(value: Any) -> str:
    text = _compact(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair can be written as an escape only.
        return json.dumps(value, separators=(",", ":"))
    return text


def redact_metadata(metadata: str | None) -> str | None:
    """The JSON object with every secret value replaced; keys and their order stay.

    Never raises: what cannot be read as JSON, or is nested too deeply, is replaced as a whole.
    """
    if metadata is None:
        return None
    try:
        return _written(_redact_value(json.loads(metadata)))
    except (ValueError, RecursionError):
        return _written({"metadata": MARK})


def redact(entry: AuditEntry) -> AuditEntry:
    """The entry as it may be shown and exported unasked."""
    metadata = redact_metadata(entry.metadata)
    message = None if entry.error_message is None else redact_text(entry.error_message)
    if (metadata, message) == (entry.metadata, entry.error_message):
        return entry
    return replace(entry, metadata=metadata, error_message=message)
