"""The verifier for auditors: one HTML page that needs neither a network nor an installation."""

from __future__ import annotations

from pathlib import Path

from audit_core.runtime.version import product_version

FOLDER = Path(__file__).parent / "browser"
FILE_NAME = "sandtrail-verifier.html"
SCRIPTS = ("libraries.js", "verify.js", "page.js")


def verifier_page() -> str:
    """The page, with its style and its one script within; the libraries' licences stand beside
    them."""
    script = "\n".join(_read(name) for name in SCRIPTS)
    return (
        _read("page.html")
        .replace("/*CSS*/", _read("page.css"))
        .replace("VERSION", product_version())
        .replace("/*JS*/", script)
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
