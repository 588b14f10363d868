"""The command line in this process: all that `python -m audit_core` does, but for the start."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from audit_core.__main__ import main


def run_here(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the settings of this process; how it ended, and what it wrote."""
    output, errors = io.StringIO(), io.StringIO()
    factory, hook, mask = logging.getLogRecordFactory(), sys.excepthook, os.umask(0o077)
    code: object = 0
    try:
        with (
            patch.object(sys, "argv", ["audit_core", *words]),
            redirect_stdout(output),
            redirect_stderr(errors),
        ):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        logging.setLogRecordFactory(factory)
        sys.excepthook = hook
        os.umask(mask)
    return subprocess.CompletedProcess(
        words, int(str(code or 0)), output.getvalue(), errors.getvalue()
    )
