"""Memory of commands that read far more than they keep."""

from __future__ import annotations

import ctypes
import platform

_MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` of mallopt(3)."""
_LARGE = 2**20


def give_back_freed_memory() -> None:
    """Let memory that is freed in pieces of a megabyte or more go back to the system at once.

    glibc comes to keep such pieces for what follows, and small ones that stay lie between them: an
    export of ten million entries grew by some 100 MB that nothing used. With another C library
    nothing changes.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
