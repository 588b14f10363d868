"""The state as commands use it: opened by the settings, for one transaction.

The app may be running meanwhile: the state, unlike the log, has room for several processes.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from audit_core.runtime.settings import read_settings
from audit_core.state.database import State, open_state


def _user() -> str:
    """Who runs the command, as the system names them; who became root is named as well."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container knows its user by number only
        user = str(os.getuid())
    before = os.environ.get("SUDO_USER")
    return f"{before} as {user}" if before and before != user else user


ACTOR = f"command line ({_user()})"
"""Who did it, in the access record."""


@contextmanager
def writing() -> Iterator[Connection]:
    """A write transaction: the deed and its record, or neither."""
    with opened_state() as state, state.begin() as connection:
        yield connection


@contextmanager
def reading() -> Iterator[Connection]:
    """A read transaction."""
    with opened_state() as state, state.read() as connection:
        yield connection


@contextmanager
def opened_state() -> Iterator[State]:
    """The state, open for as long as the command needs it."""
    state = open_state(read_settings().state_url)
    try:
        yield state
    finally:
        state.close()
