"""What is wrong with an installation, and what to do: each look is one finding.

`examine_settings` needs no open database; `examine_installation` looks at the opened ones, in
whichever process has them open.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError
from audit_core.explore.results import Total
from audit_core.installation import consistency_sql
from audit_core.installation.consistency_sql import OrganizationNumbers, Totals
from audit_core.installation.opened import Installation
from audit_core.installation.readiness import NO_ACCOUNTS, state_was_lost
from audit_core.log.free_space import free_space_mb
from audit_core.log.numbering import HEAD_NUMBERS, NO_HEAD
from audit_core.log.rollups import ROLLUPS
from audit_core.log.store import AuditLog
from audit_core.runtime.settings import Settings
from audit_core.runtime.signing_key import KEY_BYTES
from audit_core.state.access_log.record import newest_at

PRIVATE = 0o077
"""The bits of a mode that let others in."""

SKEW = timedelta(minutes=5)
"""How far ahead of the clock a stored time may lie."""


MAX_ORGANIZATIONS = 1_000_000
"""How many are looked at."""


class Health(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARNING = "warning"
    """It works, but should not stay so."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One look at one part."""

    part: str
    """Such as "log" or "key file"."""
    health: Health
    message: str
    hint: str = ""
    """What to do; empty where there is nothing to do."""


def examine_settings(settings: Settings) -> Iterator[Finding]:
    """Files, their owners and modes, free space, and settings that do not fit together."""
    for part, file in _files(settings):
        yield from _file(part, file)
    yield _key(settings.key_file)
    log = _file_of(settings.log_url)
    if log is not None and log.parent.exists():
        yield _space(log, settings.free_space_floor_mb)
    if settings.trusted_proxies and not settings.secure_cookie:
        yield Finding(
            part="proxy",
            health=Health.WARNING,
            message="Proxies are trusted, but the session cookie may go over HTTP.",
            hint="Set SANDTRAIL_SECURE_COOKIE=1 if the proxy serves HTTPS.",
        )
    else:
        yield Finding(part="proxy", health=Health.OK, message=_proxies(settings))


def examine_installation(
    installation: Installation, scope: Scope, *, full: bool
) -> Iterator[Finding]:
    """The open databases: whether they take writes, the marks, the numbers, what is kept beside
    the entries, and the clock. `full` compares all of it with every entry."""
    now = installation.clock()
    for part, look in (
        ("log", installation.log.check),
        ("state", lambda: installation.state.check(now)),
    ):
        yield _tried(part, look, "It takes writes.")
    yield _marks(installation)
    try:
        rows = _numbers(installation.log, scope)
    except AuditError as error:
        yield Finding(part="entries", health=Health.FAILED, message=error.message, hint=error.hint)
    else:
        yield from _contents(installation.log, scope, rows, full=full)
        yield _clock(installation, rows, now)
    yield from _accounts(installation)


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    for part, url in (("log file", settings.log_url), ("state file", settings.state_url)):
        file = _file_of(url)
        if file is not None:
            yield part, file
    yield "key file", settings.key_file


def _file_of(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    embedded = parsed.get_backend_name() in ("duckdb", "sqlite")
    return Path(parsed.database) if embedded and parsed.database else None


def _file(part: str, file: Path) -> Iterator[Finding]:
    """Its owner and mode, by name only: opening and closing it could drop the owner's lock."""
    try:
        found = file.stat()
    except FileNotFoundError:
        yield Finding(
            part=part,
            health=Health.WARNING,
            message=f"{file} does not exist.",
            hint="It is made at the first start. If it was there before, it is lost: restore it.",
        )
        return
    except OSError as error:
        yield Finding(
            part=part,
            health=Health.FAILED,
            message=f"{file} cannot be looked at: {error.strerror}.",
            hint="Run this as the user that runs Sandtrail, and check the folders above.",
        )
        return
    if found.st_uid != os.geteuid():
        yield Finding(
            part=part,
            health=Health.FAILED,
            message=f"{file} belongs to user {found.st_uid}; this is user {os.geteuid()}.",
            hint="Run this as the user that runs Sandtrail, or change the owner with chown.",
        )
    elif found.st_mode & PRIVATE:
        yield Finding(
            part=part,
            health=Health.WARNING,
            message=f"{file} has the mode {stat.S_IMODE(found.st_mode):04o}: others may use it.",
            hint=f"Run: chmod 600 {file}",
        )
    else:
        yield Finding(part=part, health=Health.OK, message="Its owner alone may use it.")


def _key(file: Path) -> Finding:
    try:
        size = len(file.read_bytes())
    except OSError as error:
        return Finding(
            part="key",
            health=Health.WARNING if isinstance(error, FileNotFoundError) else Health.FAILED,
            message=f"The key cannot be read: {error.strerror}.",
            hint="It is made at the first start; put it back from a backup if there was one.",
        )
    if size < KEY_BYTES:
        return Finding(
            part="key",
            health=Health.FAILED,
            message=f"The key has {size} bytes; it needs {KEY_BYTES}.",
            hint="Put it back from a backup, or delete the file: a new key is made.",
        )
    return Finding(part="key", health=Health.OK, message=f"It has {size} bytes.")


def _space(file: Path, floor_mb: int) -> Finding:
    free_mb = free_space_mb(file)
    message = f"{free_mb:,} MB are free on the disk of the log; the floor is {floor_mb:,} MB."
    if free_mb < floor_mb:
        return Finding(
            part="disk",
            health=Health.FAILED,
            message=message,
            hint="Make room: no entries are accepted below the floor.",
        )
    health = Health.WARNING if free_mb < 2 * floor_mb else Health.OK
    hint = "Make room before the floor is reached." if health is Health.WARNING else ""
    return Finding(part="disk", health=health, message=message, hint=hint)


def _proxies(settings: Settings) -> str:
    trusted = ", ".join(str(network) for network in settings.trusted_proxies)
    return f"Forwarded addresses are believed from {trusted or 'nobody'}."


def _tried(part: str, look: Callable[[], None], fine: str) -> Finding:
    try:
        look()
    except AuditError as error:
        return Finding(part=part, health=Health.FAILED, message=error.message, hint=error.hint)
    return Finding(part=part, health=Health.OK, message=fine)


def _marks(installation: Installation) -> Finding:
    missing = installation.log.loss
    if missing is not None:
        error = missing.error()
        return Finding(part="marks", health=Health.FAILED, message=error.message, hint=error.hint)
    return Finding(part="marks", health=Health.OK, message="The log holds all that is marked.")


def _numbers(log: AuditLog, scope: Scope) -> tuple[OrganizationNumbers, ...]:
    statement = consistency_sql.numbers(scope)
    return log.fetch_rows(statement, scope, OrganizationNumbers, limit=MAX_ORGANIZATIONS).items


def _contents(
    log: AuditLog, scope: Scope, rows: Sequence[OrganizationNumbers], *, full: bool
) -> Iterator[Finding]:
    heads = log.heads()
    problems = [
        f"Entries of {row.organization_id or '(no organization)'} have numbers above those that "
        "the log has given."
        for row in rows
        if any(getattr(row, name) > getattr(heads.get(row.organization_id, NO_HEAD), name)
               for name in HEAD_NUMBERS)
    ]  # fmt: skip
    problems += [
        f"{row.entries - row.numbered:,} entries of "
        f"{row.organization_id or '(no organization)'} have the number of another one."
        for row in rows
        if row.entries != row.numbered
    ]
    if log.keeps_counts:
        problems += _counts(log, scope, full=full)
    for problem in problems:
        yield Finding(
            part="entries",
            health=Health.FAILED,
            message=problem,
            hint="Make a backup, and restore it into an empty log: that makes anew what is kept "
            "beside the entries.",
        )
    if not problems:
        total = sum(row.entries for row in rows)
        compared = "each of them" if full else "their numbers and totals (with --full: each)"
        yield Finding(
            part="entries",
            health=Health.OK,
            message=f"{total:,} entries; what is kept beside them agrees with {compared}.",
        )


def _counts(log: AuditLog, scope: Scope, *, full: bool) -> list[str]:
    (found,) = log.fetch_rows(consistency_sql.totals(scope), scope, Totals, limit=1).items
    if found.kept != found.stored:
        return [f"The counts by the hour hold {found.kept:,} entries; {found.stored:,} are there."]
    if not full:
        return []
    differing = {
        rollup.called: log.fetch_rows(
            consistency_sql.differing(rollup, scope), scope, Total, limit=1
        )
        .items[0]
        .count
        for rollup in ROLLUPS
    }
    return [
        f"{number:,} of {called} are not what the entries give."
        for called, number in differing.items()
        if number
    ]


def _clock(
    installation: Installation, rows: Sequence[OrganizationNumbers], now: datetime
) -> Finding:
    received = max((row.newest.replace(tzinfo=UTC) for row in rows), default=None)
    try:
        with installation.state.read() as connection:
            recorded = newest_at(connection)
    except AuditError as error:
        return Finding(part="clock", health=Health.FAILED, message=error.message, hint=error.hint)
    ahead = [
        f"{what} of {at:%Y-%m-%d %H:%M} UTC"
        for what, at in (("an entry that was received", received), ("a record", recorded))
        if at is not None and at > now + SKEW
    ]
    if ahead:
        return Finding(
            part="clock",
            health=Health.WARNING,
            message=f"The clock says {now:%Y-%m-%d %H:%M} UTC, yet there is {' and '.join(ahead)}.",
            hint="Set the clock (NTP); sessions and times of arrival go by it.",
        )
    return Finding(part="clock", health=Health.OK, message="Nothing was stored in its future.")


def _accounts(installation: Installation) -> Iterator[Finding]:
    try:
        lost = state_was_lost(installation)
    except AuditError:
        # It stands among the findings about the state.
        return
    if lost:
        yield Finding(
            part="accounts",
            health=Health.WARNING,
            message=NO_ACCOUNTS,
            hint="Restore the state, or add an account.",
        )
