"""The version of the product, as pyproject.toml says it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

NOT_INSTALLED = "not installed"
"""In place of a version where this checkout was never installed."""


@cache  # pages show it in every run, and it is looked for in all that is installed
def product_version() -> str:
    """The version that was installed when this process began, like `0.9.0`, or `NOT_INSTALLED`."""
    try:
        return version("sandtrail")
    except PackageNotFoundError:
        return NOT_INSTALLED
