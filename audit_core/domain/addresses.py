"""E-mail addresses: two are the same whatever the case and the Unicode form of either.

What is stored and shown stays as it came; only comparing goes by the key. `address_key` of
`log/sql/functions.py` is the same for every engine.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def address_key(address: str) -> str:
    """What addresses are compared by: small letters, composed (NFC)."""
    return unicodedata.normalize("NFC", address.lower())


def unicode_forms(texts: Sequence[str]) -> list[str]:
    """The texts as they are, and composed and decomposed where that differs, each once."""
    forms = (
        (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
        for text in texts
    )
    return [*dict.fromkeys(form for group in forms for form in group)]
