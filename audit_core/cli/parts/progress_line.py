"""One line on the terminal that says how far a command is, and is gone at its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from audit_core.domain.terminal_text import printable

_EVERY_S = 0.5


@dataclass(slots=True)
class ProgressLine:
    """Written to standard error, and only where that is a terminal: a file would keep it."""

    elapsed: Callable[[], float] = time.monotonic
    _shown_at: float = float("-inf")
    _shown: bool = False

    @property
    def wanted(self) -> bool:
        """Whether anybody sees it."""
        return sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Show this in place of what stands there, if some time has passed since."""
        if not self.wanted or self.elapsed() - self._shown_at < _EVERY_S:
            return
        self._shown_at, self._shown = self.elapsed(), True
        sys.stderr.write(f"\r\x1b[K{printable(text)}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
