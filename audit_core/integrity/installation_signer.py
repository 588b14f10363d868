"""The key that an installation signs its checkpoints and packs with."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_core.integrity.checkpoint import PRODUCT, fingerprint
from audit_core.integrity.signed_note import Signer
from audit_core.runtime.encryption import key_for

PURPOSE = "checkpoints"


def installation_signer(installation_key: bytes) -> Signer:
    """The signer of an installation, the same for all of its organizations: derived from the
    installation's key, so that nothing further has to be kept."""
    private_key = Ed25519PrivateKey.from_private_bytes(key_for(PURPOSE, installation_key))
    public_key = private_key.public_key().public_bytes_raw()
    return Signer(f"{PRODUCT}/{fingerprint(public_key)}", private_key)
