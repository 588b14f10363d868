"""One bounded request to an anchor: no redirect, no second try, a limit of time and of size."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from audit_core.domain.errors import SettingsError
from audit_core.integrity.anchors.anchor import AnchorUnavailable
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.runtime.outgoing.posting import PostLimits, Unreachable, post

CONNECT_S, ANSWER_S = 5.0, 15.0
"""How long connecting, and a whole answer, may take."""
MAX_ANSWER = 2**16
"""Bytes of an answer that are read: a time stamp with its certificates has some 6,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    content_type: str
    """Without parameters, in lower case; empty if there was none."""
    body: bytes


class Exchange:
    """Posts to one address, which `policy` has to allow."""

    def __init__(self, url: str, policy: OutgoingPolicy, *, answer_s: float = ANSWER_S) -> None:
        self.host = host_of(url)
        self._url = url
        self._policy = policy
        self._limits = PostLimits(
            connect_s=min(CONNECT_S, answer_s), answer_s=answer_s, answer_bytes=MAX_ANSWER
        )

    def post(self, body: bytes, content_type: str) -> Answer:
        """The answer to one request. Raises `AnchorUnavailable`, or `OutgoingRefused` if the
        address may not be reached."""
        try:
            answer = post(
                self._url,
                body,
                {"Content-Type": content_type},
                policy=self._policy,
                limits=self._limits,
            )
        except Unreachable as error:
            raise self.unavailable(str(error)) from error
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(status=answer.status, content_type=kind, body=answer.body)

    def unavailable(self, what: str) -> AnchorUnavailable:
        """`what` is a sentence."""
        return AnchorUnavailable(f"{self.host}: {what}", "It is tried again by itself.")


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
