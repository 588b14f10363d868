"""Random secrets and ids, and the digests under which secrets are kept."""

from __future__ import annotations

import hashlib
import secrets


def new_id() -> str:
    """128 random bits as 32 hexadecimal digits; names a thing, proves nothing."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """256 random bits as 43 characters that are safe in a URL and a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The SHA-256 of a secret as 64 hexadecimal digits: what is stored instead of it.

    Fast and without a salt, which is right only for secrets too random to be guessed.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
