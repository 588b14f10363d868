"""How webhooks are signed by Standard Webhooks 1.0, and the secrets that it is done with. Pure.

What is signed is `id.timestamp.body`: by HMAC-SHA256 under a secret that both sides hold (`v1`), or
by an ed25519 key whose public half the receiver has (`v1a`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SECRET_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX = "whsec_", "whsk_", "whpk_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret, as it is given to the other side."""
    return SECRET_PREFIX + _base64(secrets.token_bytes(SECRET_BYTES))


def new_private_key() -> str:
    """A random ed25519 key."""
    return PRIVATE_PREFIX + _base64(Ed25519PrivateKey.generate().private_bytes_raw())


def public_key(private: str) -> str:
    """The public half of a `new_private_key()`, as it is given to the other side."""
    return PUBLIC_PREFIX + _base64(_private(private).public_key().public_bytes_raw())


def signed_content(id_: str, timestamp: str, body: bytes) -> bytes:
    """What is signed. `timestamp` is in whole seconds since 1970."""
    return f"{id_}.{timestamp}.".encode() + body


def symmetric_digest(key: bytes, content: bytes) -> str:
    """The `v1` signature of a content, without its version."""
    return _base64(hmac.new(key, content, hashlib.sha256).digest())


def sign(secret: str, private: str | None, content: bytes) -> str:
    """The signatures of a content by a `new_secret()`, and by a `new_private_key()` if there is
    one, as they stand in the header."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    symmetric = f"v1,{symmetric_digest(key, content)}"
    if private is None:
        return symmetric
    return f"{symmetric} v1a,{_base64(_private(private).sign(content))}"


def _private(private: str) -> Ed25519PrivateKey:
    raw = base64.b64decode(private.removeprefix(PRIVATE_PREFIX))
    return Ed25519PrivateKey.from_private_bytes(raw)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
