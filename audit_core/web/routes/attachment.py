"""The headers of a file that is handed out."""

from __future__ import annotations

from audit_core.runtime.version import product_version

VERSION_HEADER = "Sandtrail-Version"
"""Which version made the file: the file's own formats have no place for it."""


def attachment(name: str) -> dict[str, str]:
    """What has a browser save the answer under `name`, and says which version made it."""
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        VERSION_HEADER: product_version(),
    }
