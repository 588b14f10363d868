"""`backup` and `restore`: log, state and key, together, in one folder."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audit_core.cli.parts.opened_state import ACTOR
from audit_core.cli.parts.origins import opened_log, opened_origin
from audit_core.cli.parts.terminal import say
from audit_core.domain.access import Scope
from audit_core.domain.errors import SourceError
from audit_core.domain.terminal_text import printable
from audit_core.evidence.erasures.exchange import take_in
from audit_core.evidence.erasures.rewriting import rewrite
from audit_core.evidence.erasures.store import organizations_with
from audit_core.evidence.erasures.sweeping import sweep
from audit_core.installation.backup import (
    Contents,
    read_backup,
    restore_key,
    restore_log,
    restore_state,
    write_backup,
)
from audit_core.installation.high_water_marks import StateMarks
from audit_core.installation.opened import open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings, read_settings
from audit_core.runtime.signing_key import read_key
from audit_core.sources.source import read_all_again
from audit_core.state.access_log.record import record
from audit_core.state.database import State, open_state


class Part(StrEnum):
    """What is restored alone."""

    LOG = "log"
    STATE = "state"


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The address of the app while it runs with a DuckDB log, such as "
            "http://localhost:8501. Left out: the log is read at its URL.",
        ),
    ] = None,
) -> None:
    """Write log, state and key into one folder, with a list of sums; also while the app runs.

    The folder holds secrets: the key and the hashes of passwords. Only its owner may read it.
    """
    settings = read_settings()
    scope = Scope.everything()
    key = read_key(settings.key_file)
    with (
        closing(open_state(settings.state_url)) as state,
        opened_origin(source or settings.log_url, settings, scope) as origin,
    ):
        contents = write_backup(
            folder, origin=origin, state=state, key=key, now=utc_now(), scope=scope
        )
        _record(state, "backup.made", contents)
    say(
        f"{printable(str(folder))} holds {contents.entries:,} entries and "
        f"{contents.state_rows:,} rows of the state. To check it anywhere: sha256sum -c SHA256SUMS"
    )


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `backup` has written.")],
    only: Annotated[
        Part | None, typer.Option(help="Restore this part alone, and leave the other.")
    ] = None,
    erasures: Annotated[
        Path | None,
        typer.Option(
            help="A list that `erasure list --output` has written: erasures that the backup is "
            "older than are repeated as well."
        ),
    ] = None,
) -> None:
    """Put a backup into the log, the state and the key file of the settings, which must be empty.

    The app must not run. Everybody signs in anew, and sources are read from their beginning again:
    they may have come further than the log that is put back. Who was erased is erased again.
    """
    settings = read_settings()
    contents = read_backup(folder)
    lines = [] if erasures is None else _lines_of(erasures)
    with closing(open_state(settings.state_url)) as state:
        if only is not Part.LOG:
            restore_state(folder, state)
            restore_key(folder, settings.key_file)
        if only is not Part.STATE:
            _restore_log(folder, settings, state)
        with state.begin() as connection:
            take_in(connection, lines)
            read_all_again(connection)
        _record(state, "backup.restored", contents)
        with state.read() as connection:
            to_repeat = only is not Part.STATE and bool(organizations_with(connection))
    if to_repeat:
        _repeat_erasures(settings)
    say(
        f"The backup of {printable(str(contents.created_at))} is restored and was compared: "
        f"{contents.entries:,} entries."
    )


def _restore_log(folder: Path, settings: Settings, state: State) -> None:
    with closing(opened_log(settings.log_url, settings, StateMarks(state))) as log:
        restore_log(folder, log, Scope.everything())
        missing = log.loss
    if missing is not None:
        say(
            f"Since that backup {missing.entries:,} more entries were accepted, which are missing "
            "now. To go on without them: python -m audit_core log accept-loss",
            err=True,
        )


def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"The list of erasures {file} cannot be read.",
            "Name a file that `erasure list --output` has written.",
        ) from error


def _repeat_erasures(settings: Settings) -> None:
    """Erase once more who was erased since the backup was made, and write the log's file anew."""
    installation = open_installation(settings, utc_now, holder="python -m audit_core restore")
    with closing(installation):
        repeated = sweep(installation.erasures, from_beginning=True)
    if not repeated.entries:
        return
    installation = open_installation(settings, utc_now, holder="python -m audit_core restore")
    with closing(installation):
        rewrite(installation.erasures)
    people = "1 person" if repeated.people == 1 else f"{repeated.people:,} people"
    say(f"The erasures of {people} were repeated: {repeated.entries:,} entries.")


def _record(state: State, verb: str, contents: Contents) -> None:
    with state.begin() as connection:
        record(
            connection,
            at=utc_now(),
            verb=verb,
            actor=ACTOR,
            detail={"entries": contents.entries, "created_at": contents.created_at},
        )
