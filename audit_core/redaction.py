"""What may not be shown unasked: secrets in metadata and messages are replaced by a mark."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from operator import methodcaller
from typing import Any

from audit_core.entries import AuditEntry

MARK = "[redacted]"

_NAMES = """
    token accesstoken refreshtoken sshtoken password passwd secret secrets clientsecret apikey
    authorization auth cookie setcookie credentials privatekey command env environment signature
    sessiontoken connectionstring passphrase tokens passwords apikeys
"""

SECRET_KEYS = frozenset(_NAMES.split())
"""Names, in lower case without punctuation, whose values are secret whatever they hold. A whole
command line is one of them: a password may stand anywhere in it."""

_SECRET_ENDINGS = (
    "token",
    "password",
    "secret",
    "apikey",
    "privatekey",
    "accesskey",
    "secretkey",
)

_SPACES = "\\s\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""All that Python takes for a space, within brackets: the engines take only ASCII's for one."""

SECRET_SHAPES: tuple[tuple[str, str], ...] = (
    (rf"(?i)\b(bearer|basic)[{_SPACES}]+[a-z0-9._~+/=-]{{8,}}", rf"\1 {MARK}"),
    (r"\b(?:dtn|ghp|gho|ghs|glpat|npm|pypi|sk|xox[abp])[-_][A-Za-z0-9_-]{8,}", MARK),
    (r"\bAKIA[0-9A-Z]{16}\b", MARK),
    (r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)*", MARK),
    (
        rf"(?i)\b([a-z][a-z0-9+.-]{{0,20}}://)[^{_SPACES}/@:]{{0,200}}:[^{_SPACES}/@]{{1,200}}@",
        rf"\1{MARK}@",
    ),
    (
        r"(?i)(password|passwd|secret|token|(?:api|access|private|secret)[_-]?key)"
        rf"([\"']?[{_SPACES}]{{0,3}}[=:][{_SPACES}]{{0,3}})"
        # What is redacted already stays as it is, and what stands right behind a value between
        # quotation marks belongs to it.
        rf"(?:{re.escape(MARK)}|(?:\"[^\"]{{0,500}}\"|'[^']{{0,500}}')+[A-Za-z0-9_]*|[^{_SPACES}]+)",
        rf"\1\2{MARK}",
    ),
)
"""Shapes of secrets in free text. A match starts at a place from which a bounded stretch
decides, or takes all that it has read: so no text takes long. The log's engines read them too
(`log.dialects.secrets`): only what all of them understand may stand here."""

_IN_TEXT = tuple(
    # Words of ASCII, as the engines have them: a letter with an accent before it hides no secret.
    # Replaced by a function: a text with groups is taken apart again at each call.
    (re.compile(shape.replace(r"\b", r"(?a:\b)")), methodcaller("expand", replacement))
    for shape, replacement in SECRET_SHAPES
)


_SHORTEST = 7
"""No shape matches less, as in `token=x` or `a://:b@`."""


def redact_text(text: str) -> str:
    """The text with what looks like a secret replaced by `MARK`."""
    if len(text) < _SHORTEST:
        return text
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Whether a value by this name is secret, whatever it holds."""
    plain = re.sub(r"[^a-z0-9]", "", key.lower())
    return plain in SECRET_KEYS or plain.endswith(_SECRET_ENDINGS)


def _redact_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _redact_secret(inner) if is_secret(key) else _redact_value(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_redact_value(inner) for inner in value]
    return redact_text(value) if isinstance(value, str) else value


def _redact_secret(value: Any) -> Any:
    """Names of variables stay, values go; nothing and switches have nothing to hide."""
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return value
    if isinstance(value, dict):
        return {key: _redact_secret(inner) for key, inner in value.items()}
    return MARK


def _written(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
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
