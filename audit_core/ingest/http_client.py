"""The log of a running app, reached over HTTP: the same `append` as the log itself."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import SourceError
from audit_core.ingest.records.record import write_record
from audit_core.log.merge import AppendReport
from audit_core.log.schema import from_arrow

PATH = "/api/v1/entries"
MAX_ENTRIES = 5_000
"""Entries in one request; the server takes 10,000."""
MAX_BYTES = 8_000_000
"""Bytes in one request; the server takes 10 MB."""
TRIES = 3
TIMEOUT_S = 120.0
LONGEST_WAIT_S = 30.0
MAX_ANSWER = 64 * 2**20
"""Bytes of an answer that are read; it can hold a rejection for each entry."""

RESTART_S = 60.0
"""For how long a server that has answered before is tried again: an app that starts anew, with a
large log to open, is back by then."""
LONGEST_BACKOFF_S = 8.0

_NOT_THERE = (ConnectionRefusedError, socket.gaierror, http.client.InvalidURL)
_REPORTED = frozenset({http.client.OK, http.client.UNPROCESSABLE_ENTITY})
"""The answers that say what became of each entry; with 422 each was rejected."""
_LATER = frozenset({429, 502, 503, 504})
_LINE = re.compile(r"([0-9]{1,9})$")

_REASONS = {
    401: ("refused the token", "Make a new one on the server: python -m audit_core token add."),
    403: (
        "does not allow this token to send entries",
        "Make one that may, on the server: python -m audit_core token add.",
    ),
    404: ("does not know the address", "Check --server: it is the address of the app."),
    413: ("finds the request too large", "Look for a limit in a proxy in front of it."),
    507: ("has too little free space", "Make room on the server."),
}


class RemoteError(SourceError):
    """The server cannot be used, or refuses. Says how many entries it had acknowledged."""


@dataclass(slots=True)
class RemoteLog:
    """Sends entries to a running app. Not to be used by two threads at once.

    `server` is the app's address (`http` or `https`, optionally with a path below which it is
    served); `sleep` waits a number of seconds; `notify` shows a sentence while something takes
    longer than it should. Raises `RemoteError` if the address does not fit.
    """

    server: str
    token: str = field(repr=False)
    sleep: Callable[[float], None]
    timeout_s: float = TIMEOUT_S
    notify: Callable[[str], None] = field(default=lambda _: None, repr=False)
    patience_s: float = RESTART_S
    """For how long a server that has answered before is tried again; infinite is for ever."""
    acknowledged: int = field(default=0, init=False)
    """How many entries the server has confirmed as stored, by now."""
    _answered: bool = field(default=False, init=False)
    """Whether the server has taken a request by now."""

    def __post_init__(self) -> None:
        address = urlsplit(self.server)
        if address.scheme not in ("http", "https") or not address.hostname or "@" in self.server:
            raise RemoteError(
                "The address of the server must look like http://localhost:8501, "
                "without a user name.",
                "Correct --server.",
            )
        if not self.token.isascii() or not self.token.isprintable() or not self.token:
            raise RemoteError(
                "There is no token, or it holds characters that no token has.",
                "Give --token, or set SANDTRAIL_TOKEN.",
            )

    def append_table(self, arriving: pa.Table) -> AppendReport:
        """As `append`, for entries as columns, of the shape `schema.ARRIVING`."""
        return self.append(from_arrow(arriving))

    def append(self, entries: Sequence[AuditEntry]) -> AppendReport:
        """Store entries, in as many requests as their size needs; each is all or nothing.

        Raises `RemoteError` that says how many entries the server has acknowledged in all;
        sending the rest again, or everything, is safe.
        """
        reports: list[tuple[int, AppendReport]] = []
        start = 0
        for count, body in _bodies(entries):
            report = self._send(body, count)
            self.acknowledged += report.accepted + report.known + report.finished
            reports.append((start, report))
            start += count
        return AppendReport(
            accepted=sum(report.accepted for _, report in reports),
            known=sum(report.known for _, report in reports),
            finished=sum(report.finished for _, report in reports),
            refused=tuple(
                (first + index, reason)
                for first, report in reports
                for index, reason in report.refused
            ),
        )

    def _send(self, body: bytes, count: int) -> AppendReport:
        """One request, tried again where that can help: sending entries twice is harmless."""
        tries, waited_s = 0, 0.0
        while True:
            tries += 1
            wait_s = float(2 ** (tries - 1))
            if self._answered:
                wait_s = min(wait_s, LONGEST_BACKOFF_S)
            try:
                status, retry_after, answer = self._post(body)
            except (OSError, http.client.HTTPException) as error:
                if not self._is_worth_a_try(tries, waited_s, error):
                    raise self._unreachable(error) from error
            else:
                if status in _REPORTED:
                    report = self._report(answer, count)
                    self._answered = True
                    return report
                if status not in _LATER or not self._is_worth_a_try(tries, waited_s):
                    raise self._refused(status)
                wait_s = retry_after if retry_after is not None else wait_s
            if self._answered and not waited_s:
                until = (
                    f"for {self.patience_s:.0f} s" if isfinite(self.patience_s) else "until it does"
                )
                self.notify(
                    f"The server {self.server} does not take entries now. It is tried again "
                    f"{until}."
                )
            wait_s = min(wait_s, LONGEST_WAIT_S)
            self.sleep(wait_s)
            waited_s += wait_s

    def _is_worth_a_try(self, tries: int, waited_s: float, error: Exception | None = None) -> bool:
        """Whether a request that failed is sent again. A server that has answered before may be
        starting anew; one that never did is not waited for when it cannot be reached at all."""
        if self._answered:
            return waited_s < self.patience_s
        return tries < TRIES and not isinstance(error, (*_NOT_THERE, ssl.SSLError))

    def _unreachable(self, error: Exception) -> RemoteError:
        if isinstance(error, _NOT_THERE):
            return self._failed("cannot be reached", f"Start the app there. {_CHECK}")
        if isinstance(error, ssl.SSLError):
            return self._failed("offers no safe connection", _CHECK)
        return self._failed("does not answer", "See its terminal.")

    def _post(self, body: bytes) -> tuple[int, float | None, bytes]:
        """Status, the seconds that Retry-After asks for, and the body of the answer."""
        address = urlsplit(self.server)
        secure = address.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(address.netloc, timeout=self.timeout_s)
        try:
            connection.request(
                "POST",
                address.path.rstrip("/") + PATH,
                body=body,
                headers={
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/x-ndjson",
                    "Accept": "application/json",
                },
            )
            response = connection.getresponse()
            header = response.getheader("Retry-After", "")
            retry_after = float(header) if header.isascii() and header.isdigit() else None
            return response.status, retry_after, response.read(MAX_ANSWER)
        finally:
            connection.close()

    def _report(self, answer: bytes, count: int) -> AppendReport:
        try:
            report = _read_answer(json.loads(answer))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._failed("gave an answer that is not understood", _CHECK) from error
        if report.accepted + report.known + report.finished + len(report.refused) != count:
            raise self._failed("did not account for all entries that were sent", _CHECK)
        if any(not 0 <= index < count for index, _ in report.refused):
            raise self._failed("rejected lines that were not sent", _CHECK)
        return report

    def _refused(self, status: int) -> RemoteError:
        what, hint = _REASONS.get(status, (f"answered with HTTP status {status}", _CHECK))
        return self._failed(what if str(status) in what else f"{what} (HTTP {status})", hint)

    def _failed(self, what: str, hint: str) -> RemoteError:
        return RemoteError(
            f"The server {self.server} {what}. {self.acknowledged:,} entries were acknowledged "
            "before that.",
            f"{hint} Running the same command again is safe: what is stored is recognized.",
        )


_CHECK = "Check that --server is the address of the app, and see the app's terminal."


def _bodies(entries: Sequence[AuditEntry]) -> Iterator[tuple[int, bytes]]:
    """The entries as JSON lines, in pieces: the number of lines, and their bytes."""
    lines: list[bytes] = []
    size = 0
    for entry in entries:
        line = f"{write_record(entry)}\n".encode()
        if lines and (len(lines) >= MAX_ENTRIES or size + len(line) > MAX_BYTES):
            yield len(lines), b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield len(lines), b"".join(lines)


def _read_answer(answer: Any) -> AppendReport:
    """Raises `ValueError`, `KeyError` or `TypeError` for anything but the expected form."""
    counts = [answer[name] for name in ("accepted", "known", "finished")]
    if any(type(count) is not int or count < 0 for count in counts):
        raise ValueError("a count is no whole number")
    refused = []
    for rejection in answer["rejected"]:
        line = _LINE.search(str(rejection["place"]))
        if line is None:
            raise ValueError("a place names no line")
        refused.append((int(line.group()) - 1, str(rejection["reason"])))
    accepted, known, finished = counts
    return AppendReport(accepted=accepted, known=known, finished=finished, refused=tuple(refused))
