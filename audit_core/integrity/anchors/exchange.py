"""One bounded request to an anchor: no redirect, no second try, a limit of time and of size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3

from audit_core.domain.errors import SettingsError
from audit_core.integrity.anchors.anchor import AnchorUnavailable
from audit_core.runtime.outgoing.connections import guard
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.version import product_version

CONNECT_S, ANSWER_S = 5.0, 15.0
"""How long connecting, and a whole answer, may take."""
MAX_ANSWER = 2**16
"""Bytes of an answer that are read: a time stamp with its certificates has some 6,000."""
_PIECE = 2**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    content_type: str
    """Without parameters, in lower case; empty if there was none."""
    body: bytes


class Exchange:
    """Posts to one address, which `policy` has to allow. Not to be used by two threads at once."""

    def __init__(self, url: str, policy: OutgoingPolicy, *, answer_s: float = ANSWER_S) -> None:
        self.host = host_of(url)
        self._url = url
        self._answer_s = answer_s
        self._pool = urllib3.PoolManager(
            retries=False, headers={"User-Agent": f"sandtrail/{product_version()}"}
        )
        guard(self._pool, policy)

    def post(self, body: bytes, content_type: str) -> Answer:
        """The answer to one request. Raises `AnchorUnavailable`, or `OutgoingRefused` if the
        address may not be reached."""
        ends_at = time.monotonic() + self._answer_s
        timeout = urllib3.Timeout(connect=min(CONNECT_S, self._answer_s), read=self._answer_s)
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers={**self._pool.headers, "Content-Type": content_type},
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            try:
                found = self._read(response, ends_at)
            except BaseException:
                # What was not read to its end cannot carry the next request.
                response.close()
                raise
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self.unavailable("It cannot be reached.") from error
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(status=response.status, content_type=kind, body=found)

    def unavailable(self, what: str) -> AnchorUnavailable:
        """`what` is a sentence."""
        return AnchorUnavailable(f"{self.host}: {what}", "It is tried again by itself.")

    def _read(self, response: Any, ends_at: float) -> bytes:
        found = b""
        for piece in response.stream(_PIECE):
            found += piece
            if len(found) > MAX_ANSWER:
                raise self.unavailable(f"Its answer is longer than {MAX_ANSWER:,} bytes.")
            if time.monotonic() > ends_at:
                raise self.unavailable("It did not answer in whole in time.")
        return found


def host_of(url: str) -> str:
    """The host of an address, and its port if one is named: what may be shown of it. Raises
    `SettingsError` for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SettingsError(
            "An anchor has an address that is none.",
            "Write SANDTRAIL_ANCHOR_… like https://example.org/path, without a password in it.",
        )
    return parts.hostname if port is None else f"{parts.hostname}:{port}"
