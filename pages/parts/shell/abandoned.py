"""Whether anybody still waits for what the present run of a page reads."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamlit.runtime.scriptrunner import get_script_run_ctx

GRACE_S = 1.0
"""How long a read may go on after something else was asked for in the same tab, in seconds: most
end sooner, and what they found is kept."""


def check_of_this_run() -> Callable[[], bool]:
    """Asks whether the tab of this run is closed, or has asked for another run a while ago.

    To be made in the run's own thread, and called in any. Streamlit stops a run between two
    elements only, and says nothing to a run that waits for the log.
    """
    context = get_script_run_ctx()
    requests = context.script_requests if context is not None else None
    asked_at: list[float] = []

    def check() -> bool:
        # The public ways to look at a request also take it.
        state = requests._state.name if requests is not None else "CONTINUE"
        if state == "RERUN":
            asked_at[:] = asked_at or [time.monotonic()]
            return time.monotonic() - asked_at[0] >= GRACE_S
        asked_at.clear()
        return state == "STOP"

    return check
