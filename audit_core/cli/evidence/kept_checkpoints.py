"""Checkpoints from places outside, held against the log: here, or by the app that has it open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from audit_core.cli.parts.origins import RunningApp
from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import LogLockedError, SourceError
from audit_core.domain.terminal_text import printable
from audit_core.installation.kept_checkpoint import ComparedCheckpoint, compare_checkpoint
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings
from audit_core.runtime.signing_key import read_key
from audit_core.web.addresses import CHECKPOINT_PATH

MAX_BYTES = 2**14
"""A checkpoint has some 500."""


def compare_checkpoints(files: Sequence[Path], settings: Settings, server: str) -> bool:
    """Say of each whether the log continues it; whether it continues all. Raises `AuditError`."""
    notes = [_text(file) for file in files]
    continued = True
    for file, compared in zip(files, _compared(notes, settings, server), strict=True):
        whose = printable(compared.organization_id) or "(no organization)"
        said = compared.problem or (
            f"the log continues it: {compared.kept:,} writes then, {compared.size:,} now."
        )
        say(f"{file.name}, of {whose}: {said}")
        continued &= compared.problem is None
    return continued


def _compared(notes: list[str], settings: Settings, server: str) -> Iterator[ComparedCheckpoint]:
    try:
        opened = open_installation(settings, utc_now, holder="python -m audit_core log verify")
    except LogLockedError:
        app = RunningApp(server, read_key(settings.key_file))
        for note in notes:
            query = urlencode({"note": note})
            yield ComparedCheckpoint(**app.asked_for_json(f"{CHECKPOINT_PATH}?{query}"))
        return
    with closing(opened):
        for note in notes:
            yield compare_checkpoint(opened, note)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The file {file} cannot be read.", "Check the name, and that it is a text."
        ) from error
