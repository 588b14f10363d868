"""A tab of a browser without the browser: Streamlit's socket, spoken by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.log.store import utc_now
from audit_core.state.database import open_state
from audit_core.state.tables import account
from audit_core.web.security.identity import SESSION_COOKIE
from tests.browser.prepared import Prepared

ANSWER_WITHIN_S = 60.0


def session_secret(prepared: Prepared, email: str) -> str:
    """The secret of a new session of a person, made beside the running app."""
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    try:
        with state.begin() as connection:
            found = connection.execute(select(account.c.id).where(account.c.email == email))
            code = issue_code(connection, account_id=found.scalar_one(), now=utc_now())
            secret = redeem_code(
                connection,
                code=code,
                now=utc_now(),
                lifetime=timedelta(hours=1),
                address="127.0.0.1",
                user_agent="soak",
            )
    finally:
        state.close()
    assert secret is not None
    return secret


class Tab:
    """One socket; `session_id` is Streamlit's, known after the first run."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.session_id = ""

    def run(self, page: str = "", timeout: float = ANSWER_WITHIN_S) -> list[ForwardMsg]:
        """Run a page, and give all that it drew. Raises `TimeoutError`."""
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = "window=all"
        self.socket.send(message.SerializeToString())
        drawn = []
        while True:
            got = ForwardMsg()
            data = self.socket.recv(timeout=timeout)
            assert isinstance(data, bytes)
            got.ParseFromString(data)
            drawn.append(got)
            if got.WhichOneof("type") == "new_session":
                self.session_id = got.new_session.initialize.session_id
            if got.WhichOneof("type") == "script_finished":
                return drawn

    def closed_with(self, timeout: float = 20.0) -> int | None:
        """The code with which the server closes the socket; `None` while it does not."""
        try:
            while True:
                self.socket.recv(timeout=timeout)
        except ConnectionClosed as ended:
            return ended.rcvd.code if ended.rcvd else 0
        except TimeoutError:
            return None


@contextmanager
def opened_tab(url: str, secret: str | None = None) -> Iterator[Tab]:
    """A new tab of the session with this secret, or of nobody's."""
    host = urlsplit(url).netloc
    headers = {"Cookie": f"{SESSION_COOKIE}={secret}"} if secret else {}
    with connect(
        f"ws://{host}/_stcore/stream",
        origin=url,  # type: ignore[arg-type]
        subprotocols=["streamlit"],  # type: ignore[list-item]
        additional_headers=headers,
        max_size=None,
        open_timeout=ANSWER_WITHIN_S,
    ) as socket:
        yield Tab(socket)


def texts_of(drawn: list[ForwardMsg]) -> str:
    """Everything readable in what was drawn."""
    return "\n".join(str(message) for message in drawn)


def resident_mb(url: str) -> float:
    """How much memory the process that listens at an address of this machine has."""
    port = str(urlsplit(url).port)
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_text().split("\0")
            status = (process / "status").read_text()
        except (OSError, UnicodeDecodeError):
            continue
        if "app.py" in command and port in command:
            (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"No app runs at {url}.")
