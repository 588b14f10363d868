"""What the uploader holds: receipts of files that lie on disk, or why a file was not taken.

The gate takes files in Streamlit's place (`audit_core/web/security/upload_gate.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.typing import UploadedFile

from audit_core.identity.sessions import Viewer
from audit_core.ingest.uploads import StoredFile, UploadRefusedError
from audit_core.web.security.upload_gate import read_receipt
from pages.parts.shell import cached


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not taken, or is not there any more."""

    name: str
    error: UploadRefusedError


def expect(person: Viewer) -> None:
    """This tab shows the uploader: the gate takes files from it, of this person's session only."""
    context = get_script_run_ctx()
    if context is not None:
        cached.installation().uploads.admit(context.session_id, person.session_id)


def chosen(files: Sequence[UploadedFile], person: Viewer) -> list[StoredFile | RefusedFile]:
    """What became of each file that was chosen, in their order."""
    return [_found(file, person) for file in files]


def discard(files: Iterable[StoredFile]) -> None:
    """They are not needed any more."""
    for file in files:
        cached.installation().uploads.discard(file.receipt)


def _found(file: UploadedFile, person: Viewer) -> StoredFile | RefusedFile:
    try:
        receipt = read_receipt(file.getvalue())
        return cached.installation().uploads.find(receipt, person.session_id, file.name)
    except UploadRefusedError as error:
        return RefusedFile(file.name, error)
