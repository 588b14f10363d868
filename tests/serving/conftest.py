"""What the browser tests use too."""

from tests.browser.conftest import browser, prepared

__all__ = ["browser", "prepared"]
