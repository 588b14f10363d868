"""Which requests may act at all, by where they come from. Pure: decides, does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from audit_core.web.security.exposure import Exposure, exposure

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STREAM_PATH = "/_stcore/stream"
PROBE_PATHS = frozenset({"/api/health", "/api/live"})
"""What machines ask that know no name of this server."""
WEBHOOKS = "/api/v1/webhooks/"
OTLP = "/api/otlp/"

_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_OWN_SITES = frozenset({None, "", "same-origin", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOrigin:
    """What a request says of itself; header values as sent, `None` where there was none."""

    method: str
    path: str
    host: str | None
    origin: str | None = None
    fetch_site: str | None = None
    """The Sec-Fetch-Site header; browsers leave it out over plain HTTP to other machines."""
    bearer: bool = False
    """Whether it carries an Authorization header of the kind Bearer."""
    cookie: bool = False
    """Whether it carries a session cookie, valid or not."""


def is_api(path: str) -> bool:
    """Whether a path belongs to our own routes."""
    return path == "/api" or path.startswith("/api/")


def is_webhook(path: str) -> bool:
    """Whether a path takes what other systems send by themselves, each message signed."""
    return path.startswith(WEBHOOKS)


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether an Origin header names the host of the request; a missing one does not."""
    if not origin or not host:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    default_port = _DEFAULT_PORT.get(parts.scheme)
    if default_port is None or parts.path or parts.query or parts.fragment:
        return False
    named = parts.netloc.lower().removesuffix(default_port)
    return bool(named) and named == host.lower().removesuffix(default_port)


def own_site(fetch_site: str | None) -> bool:
    """Whether Sec-Fetch-Site rules out that another site made the browser ask."""
    return fetch_site in _OWN_SITES


def refuses_socket(request: RequestOrigin) -> bool:
    """Whether a websocket handshake is refused: browsers always send an Origin there."""
    return request.path != STREAM_PATH or not same_origin(request.origin, request.host)


def refuses_request(request: RequestOrigin) -> bool:
    """Whether a request is refused as one that another site may have forged.

    What a page of another site can make a browser send carries the cookie and never a
    bearer token. A webhook is signed, and its route knows no cookie. That of OTLP knows none
    either, and refuses a request without a token itself, in the words that its senders read.
    """
    own_words = is_webhook(request.path) or request.path.startswith(OTLP)
    if not request.cookie and (request.bearer or own_words):
        return False
    if request.method not in READING_METHODS:
        return not same_origin(request.origin, request.host)
    return (
        request.cookie
        and (is_api(request.path) or exposure(request.path) is not Exposure.OPEN)
        and request.path not in PROBE_PATHS
        and not request.path.startswith("/api/session/")
        and not own_site(request.fetch_site)
    )
