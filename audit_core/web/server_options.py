"""The options of the page server that security rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from audit_core.web.security.identity import ACCOUNT_HEADER, SESSION_HEADER

EXPECTED: Mapping[str, object] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "server.baseUrlPath": "",  # SANDTRAIL_BASE_PATH is for all routes; this, for Streamlit's only
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.trustedUserHeaders": {ACCOUNT_HEADER: "account", SESSION_HEADER: "session"},
}
"""What must be in force, by the option's name; names of headers in lower case."""


def leave_peers_as_they_are() -> None:
    """Keep Uvicorn from rewriting the peer's address before the gate sees it.

    Uvicorn believes `X-Forwarded-For` from every client on loopback, and so from everybody who
    can log in to this machine. `streamlit run` has read its option before the app is imported and
    has no way to set it, so the middleware itself is made to do nothing. The gate decides instead
    (`forwarded.py`), with whatever server runs the app.
    """

    async def pass_on(
        self: ProxyHeadersMiddleware, scope: Scope, receive: Receive, send: Send
    ) -> None:
        await self.app(scope, receive, send)  # type: ignore[arg-type]  # Uvicorn's own ASGI types

    ProxyHeadersMiddleware.__call__ = pass_on  # type: ignore[assignment, method-assign]


def wrong_options(option: Callable[[str], object]) -> tuple[str, ...]:
    """One sentence for each option that is not in force; `option` gives the effective value."""
    return tuple(
        f"The Streamlit option {name} is {found!r}; it must be {expected!r}."
        for name, expected in EXPECTED.items()
        if _comparable(found := option(name)) != expected
    )


def _comparable(value: object) -> object:
    if isinstance(value, dict):
        return {str(name).lower(): item for name, item in value.items()}
    # Streamlit hands some switches over as text.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
