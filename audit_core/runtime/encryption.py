"""What the installation's key is good for: a key of its own for each purpose."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def key_for(purpose: str, installation_key: bytes) -> bytes:
    """32 bytes for one purpose; nothing about them can be told from those for another one."""
    info = f"sandtrail: {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(installation_key)


def cipher_for(purpose: str, installation_key: bytes) -> Fernet:
    """Encrypts and decrypts for one purpose; what was encrypted for another one, or with another
    installation's key, is refused with `InvalidToken`."""
    return Fernet(base64.urlsafe_b64encode(key_for(purpose, installation_key)))
