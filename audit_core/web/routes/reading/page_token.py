"""Where the next page begins, as callers are given it.

Encrypted for whom it was given: it tells nothing, cannot be made up, and opens nothing for anybody
else. One of another organization looks like any text that is none.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken

from audit_core.query.keyset import Cursor
from audit_core.query.time.windows import format_instant, parse_instant
from audit_core.runtime.encryption import cipher_for

MAX_LENGTH = 2_000
"""A longer text is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageToken:
    """The place where a page begins, and what the pages before it settled."""

    cursor: Cursor
    as_of: datetime
    """What a relative window counts from, on every page alike. Aware, UTC."""
    page: int = 1
    """The number of the page that begins here."""
    total: int = 0
    """How many entries the first page counted; 0 where it did not."""
    question: str = ""
    """What was asked, as a digest, where the total depends on it."""


def seal(token: PageToken, key: bytes, whose: str) -> str:
    """The token as text. `key` is the installation's, `whose` names for whom it is."""
    content = [
        token.cursor.to_param(),
        format_instant(token.as_of),
        token.page,
        token.total,
        token.question,
    ]
    return _cipher(key, whose).encrypt(json.dumps(content).encode()).decode()


def unseal(text: str, key: bytes, whose: str) -> PageToken:
    """The token of a text. Raises `ValueError` for any that `seal` did not make with the same key
    and for the same."""
    if len(text) > MAX_LENGTH or not text.isascii():
        raise ValueError("it is none of ours")
    try:
        # One spelling only: decoders are lenient with the last bits and with foreign characters.
        if base64.urlsafe_b64encode(base64.urlsafe_b64decode(text)).decode() != text:
            raise ValueError("it is none of ours")
        content = _cipher(key, whose).decrypt(text)
    except (InvalidToken, binascii.Error):
        raise ValueError("it is none of ours") from None
    cursor, as_of, page, total, question = json.loads(content)
    return PageToken(
        cursor=Cursor.from_param(cursor),
        as_of=parse_instant(as_of),
        page=page,
        total=total,
        question=question,
    )


def _cipher(key: bytes, whose: str) -> Fernet:
    return cipher_for(f"page tokens of {whose}", key)
