"""The security headers that every response carries."""

from __future__ import annotations

import base64
import hashlib
import re

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

FIXED: tuple[tuple[str, str], ...] = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "SAMEORIGIN"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
        "magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
    ),
)

STRICT_TRANSPORT = ("strict-transport-security", "max-age=31536000")


def content_security_policy(host: str | None, script_hashes: tuple[str, ...] = ()) -> str:
    """The policy for a response to a request for `host` (the Host header, port included).

    A host that is missing or not a plain name adds nothing. `script_hashes` are those of
    `inline_script_hashes`.
    """
    script_sources = " ".join(("'self'", *(f"'{value}'" for value in script_hashes)))
    # Not every browser counts the websocket of the own host as 'self'.
    sockets = f" ws://{host} wss://{host}" if host and _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {script_sources}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            f"connect-src 'self'{sockets}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


def inline_script_hashes(html: str) -> tuple[str, ...]:
    """The `sha256-…` source of each inline script of a page that this program serves."""
    return tuple(
        "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _INLINE_SCRIPT.findall(html)
    )


def security_headers(
    *, host: str | None, path: str, secure: bool, script_hashes: tuple[str, ...] = ()
) -> tuple[tuple[str, str], ...]:
    """All headers for one response; `secure` says that people reach the app by HTTPS only."""
    headers = (("content-security-policy", content_security_policy(host, script_hashes)), *FIXED)
    if path == "/api" or path.startswith("/api/"):
        headers += (("cache-control", "no-store"),)
    if secure:
        headers += (STRICT_TRANSPORT,)
    return headers
