"""Keys of other systems, encrypted with this installation's key: used, and shown never again."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit_core.domain.errors import AuditError

_PURPOSE = b"sandtrail: keys of sources"


def seal(secret: str, installation_key: bytes) -> str:
    """The secret as it is kept."""
    return _box(installation_key).encrypt(secret.encode()).decode()


def unseal(sealed: str, installation_key: bytes) -> str:
    """The secret that was sealed. Raises `AuditError` where the installation's key is another."""
    try:
        return _box(installation_key).decrypt(sealed).decode()
    except InvalidToken as error:
        raise AuditError(
            "The key of this source cannot be read: it was encrypted with another key file.",
            "Put the key file back from the backup, or give the source its key again.",
        ) from error


def _box(installation_key: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(installation_key)
    return Fernet(base64.urlsafe_b64encode(derived))
