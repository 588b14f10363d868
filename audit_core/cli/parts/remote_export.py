"""An export that a running app makes, asked for over HTTP with a token."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from audit_core.domain.errors import AuditError, SourceError
from audit_core.evidence.download import FileKind
from audit_core.query.entry_filter import EntryFilter
from audit_core.runtime.version import product_version

LOOK_EVERY_S = 1.0
MAX_TRIES = 5
"""How often a transfer is gone on with that broke off."""
_TIMEOUT = urllib3.Timeout(connect=10, read=120)
_PIECE = 2**20
_OPEN = ("waiting", "running", "interrupted")


class RemoteError(AuditError):
    """What the app answered."""


@dataclass(slots=True)
class RemoteExport:
    """One export in another process. Raises `RemoteError` with what the app says, and
    `SourceError` where it cannot be reached."""

    server: str
    token: str
    wait: Callable[[float], None] = time.sleep
    _pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=_TIMEOUT, retries=False)
    )

    def __post_init__(self) -> None:
        parts = urlsplit(self.server)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SourceError(
                f"The server {self.server} is no address.", "Give it like https://HOST:PORT."
            )
        self.server = self.server.rstrip("/")

    def make(
        self, entry_filter: EntryFilter, kind: FileKind, tell: Callable[[str], None]
    ) -> dict[str, Any]:
        """Have it made, and wait until it is; what the app says of it then."""
        params = {**entry_filter.to_params(), **kind.params(), "for": [kind.audience.value]}
        asked = urlencode(params, doseq=True)
        export = self._json("POST", f"/api/v1/exports?{asked}")
        while export["state"] in _OPEN:
            tell(_progress(export))
            self.wait(LOOK_EVERY_S)
            export = self._json("GET", f"/api/v1/exports/{export['id']}")
        if export["state"] != "done":
            raise RemoteError(
                export["problem"] or f"The export is {export['state']}.",
                export["hint"] or "Ask for it again.",
            )
        return export

    def take(self, export: dict[str, Any], file: BinaryIO, tell: Callable[[str], None]) -> None:
        """Write its file, going on where the transfer breaks off."""
        digest, size, tries = hashlib.sha256(), 0, 0
        while size < export["size"]:
            before = size
            try:
                for piece in self._pieces(export, size):
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
                    tell(f"{size:,} of {export['size']:,} bytes")
            except (HTTPError, OSError) as error:
                tries = 0 if size > before else tries + 1
                if tries >= MAX_TRIES:
                    raise self._unreachable(error) from error
                self.wait(LOOK_EVERY_S)
        if digest.hexdigest() != export["sha256"]:
            raise RemoteError(
                "What arrived is not the file that the app has made: its checksum differs.",
                "Run the command again.",
            )

    def _pieces(self, export: dict[str, Any], start: int) -> Iterator[bytes]:
        headers = {"range": f"bytes={start}-", "if-range": f'"{export["sha256"]}"'}
        path = f"/api/v1/exports/{export['id']}/file"
        answer = self._answer("GET", path, headers=headers)
        try:
            if answer.status != 206:
                raise self._told(answer)
            yield from answer.stream(_PIECE)
        finally:
            answer.close()

    def _json(self, method: str, path: str) -> dict[str, Any]:
        try:
            answer = self._answer(method, path, headers={})
            if answer.status >= 400:
                raise self._told(answer)
            found: dict[str, Any] = answer.json()
        except (HTTPError, OSError, ValueError) as error:
            raise self._unreachable(error) from error
        return found

    def _answer(
        self, method: str, path: str, *, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        return self._pool.request(
            method,
            f"{self.server}{path}",
            headers={
                "authorization": f"Bearer {self.token}",
                "user-agent": f"Sandtrail/{product_version()}",
                **headers,
            },
            preload_content=False,
            redirect=False,
        )

    def _told(self, answer: urllib3.BaseHTTPResponse) -> RemoteError:
        try:
            told = answer.json()
            return RemoteError(str(told["error"]), str(told["hint"]))
        except (ValueError, KeyError, TypeError):
            return RemoteError(
                f"The server answered {answer.status}, and not as Sandtrail does.",
                "Check the address of --server.",
            )

    def _unreachable(self, error: Exception) -> SourceError:
        return SourceError(
            f"The server {self.server} cannot be reached: {type(error).__name__}.",
            "Check the address of --server, and that the app runs.",
        )


def _progress(export: dict[str, Any]) -> str:
    if export["state"] != "running":
        return str(export["waits"] or "It begins in a moment.")
    if export["expected"] is None:
        return "Counting what matches"
    left = export["seconds_left"]
    rest = "" if left is None else f", {left:,.0f} seconds left"
    return f"{export['entries']:,} of {export['expected']:,} entries{rest}"
