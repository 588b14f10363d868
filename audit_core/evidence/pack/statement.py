"""What is signed of a pack."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from audit_core.evidence.pack.layout import STATEMENT


def signed_text(manifest: bytes) -> str:
    """The text of the note: the checksum of the manifest, which holds those of all other files."""
    return f"{STATEMENT}\n{b64encode(sha256(manifest).digest()).decode()}\n"
