"""The log that a command reads whole: at its URL, or through the app that has it open."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.domain.errors import LogLockedError, SourceError
from audit_core.log.high_water_mark import Marks
from audit_core.log.numbering import HEAD_NUMBERS, Head
from audit_core.log.store import AuditLog, Limits, open_log, utc_now
from audit_core.runtime.settings import Settings
from audit_core.runtime.signing_key import read_key
from audit_core.transfer.digests_sql import Kind
from audit_core.transfer.transfer import SHAPES, Day, Digest, LocalOrigin, Origin, Stretch
from audit_core.web.addresses import DIGEST_PATH, HEADS_PATH, ROWS_PATH
from audit_core.web.security.operator_proof import proof

LONGEST_READ_S = 3600.0
"""A digest reads the whole log: far more than a page may take."""


@contextmanager
def opened_origin(source: str, settings: Settings, scope: Scope) -> Iterator[Origin]:
    """The log at a URL, or that of the app at an address. Raises `AuditError`."""
    if source.startswith(("http://", "https://")):
        yield RunningApp(source, read_key(settings.key_file))
        return
    try:
        log = opened_log(source, settings)
    except LogLockedError as error:
        raise LogLockedError(
            error.message,
            "If that is the Sandtrail app on this machine, read the log through it: "
            "--from http://localhost:8501",
        ) from error
    with closing(log):
        yield LocalOrigin(log=log, scope=scope)


def opened_log(url: str, settings: Settings, marks: Marks | None = None) -> AuditLog:
    """A log to be copied from or into. Raises what `open_log` raises."""
    return open_log(
        url,
        holder="python -m audit_core",
        limits=Limits(
            memory_limit_mb=settings.memory_limit_mb,
            free_space_floor_mb=settings.free_space_floor_mb,
            query_timeout_s=LONGEST_READ_S,
        ),
        marks=marks,
    )


class RunningApp:
    """The log of an app that runs on this machine, read by the operator's routes."""

    def __init__(self, address: str, key: bytes) -> None:
        wrong = SourceError(
            f"The address {address} names no app.", "Write it like http://localhost:8501."
        )
        try:
            parts = urlsplit(address)
            self._port = parts.port
        except ValueError as error:
            raise wrong from error
        if not parts.hostname or "@" in parts.netloc:
            raise wrong
        self._host = parts.hostname
        self._kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._key = key

    def asked_for_json(self, path: str) -> Any:
        """What an operator's route answers. Raises `SourceError`."""
        with self._asked(path) as answer, self._translated():
            return json.loads(answer.read())

    def digest(self, kind: Kind = Kind.ENTRIES) -> dict[Day, Digest]:
        """See `Origin.digest`."""
        days = self.asked_for_json(f"{DIGEST_PATH}?of={kind}")["days"]
        return {
            (organization, day): Digest(count=count, first=first, second=second)
            for organization, day, count, first, second in days
        }

    def rows(self, stretch: Stretch, kind: Kind = Kind.ENTRIES) -> Iterator[pa.Table]:
        """See `Origin.rows`."""
        query = urlencode(
            {
                "organization": stretch.organization_id,
                "first": stretch.first,
                "last": stretch.last,
                "of": kind.value,
            }
        )
        with (
            self._asked(f"{ROWS_PATH}?{query}") as answer,
            self._translated(),
            pa.ipc.open_stream(answer) as stream,
        ):
            if stream.schema.names != SHAPES[kind].names:
                raise SourceError(
                    f"The app at {self._host} is of another version than this command.",
                    "Run both from the same version of Sandtrail.",
                )
            for batch in stream:
                yield pa.Table.from_batches([batch])

    def heads(self) -> dict[str, Head]:
        """See `Origin.heads`."""
        rows = self.asked_for_json(HEADS_PATH)["heads"]
        return {
            row["organization_id"]: Head(**{name: row[name] for name in HEAD_NUMBERS})
            for row in rows
        }

    @contextmanager
    def _asked(self, path: str) -> Iterator[http.client.HTTPResponse]:
        connection = self._kind(self._host, self._port, timeout=LONGEST_READ_S)
        headers = {"Authorization": f"Bearer {proof(self._key, utc_now())}"}
        with closing(connection):
            with self._translated():
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise SourceError(
                    f"The app at {self._host} answered {answer.status}.",
                    "Check the address, that SANDTRAIL_KEY_FILE is the key file of that app, and "
                    "that both clocks agree."
                    if answer.status == http.client.UNAUTHORIZED
                    else "See the terminal of the app for the cause.",
                )
            yield answer

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, pa.ArrowInvalid) as error:
            raise SourceError(
                f"The app at {self._host} cannot be reached, or broke off.",
                "Check that it runs, then run the command again: what is copied stays.",
            ) from error
