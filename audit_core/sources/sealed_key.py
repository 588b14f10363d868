"""Keys of other systems, encrypted with this installation's key: used, and shown never again."""

from __future__ import annotations

from cryptography.fernet import InvalidToken

from audit_core.domain.errors import AuditError
from audit_core.runtime.encryption import cipher_for

_PURPOSE = "keys of sources"


def seal(secret: str, installation_key: bytes) -> str:
    """The secret as it is kept."""
    return cipher_for(_PURPOSE, installation_key).encrypt(secret.encode()).decode()


def unseal(sealed: str, installation_key: bytes) -> str:
    """The secret that was sealed. Raises `AuditError` where the installation's key is another."""
    try:
        return cipher_for(_PURPOSE, installation_key).decrypt(sealed).decode()
    except InvalidToken as error:
        raise AuditError(
            "The key of this source cannot be read: it was encrypted with another key file.",
            "Put the key file back from the backup, or give the source its key again.",
        ) from error
