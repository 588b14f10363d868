"""The options of the page server that security rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audit_core.api.identity import ACCOUNT_HEADER, SESSION_HEADER

EXPECTED: Mapping[str, object] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.trustedUserHeaders": {ACCOUNT_HEADER: "account", SESSION_HEADER: "session"},
}
"""What must be in force, by the option's name; names of headers in lower case."""


def wrong_options(option: Callable[[str], object]) -> tuple[str, ...]:
    """One sentence for each option that is not in force; `option` gives the effective value."""
    return tuple(
        f"The Streamlit option {name} is {found!r}; it must be {expected!r}."
        for name, expected in EXPECTED.items()
        if _comparable(found := option(name)) != expected
    )


def _comparable(value: object) -> object:
    if isinstance(value, dict):
        return {str(name).lower(): each for name, each in value.items()}
    # Streamlit hands some switches over as text.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
