"""The real app in a process of its own, which a test may signal and kill."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 60.0
TAIL = 3_000


@dataclass(frozen=True)
class AppProcess:
    """The app, and where it answers."""

    process: subprocess.Popen[bytes]
    url: str
    port: int
    log_file: Path

    def log(self) -> str:
        """What it wrote to the terminal last."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")[-TAIL:]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def start_app(environment: dict[str, str], log_file: Path, *, port: int = 0) -> AppProcess:
    """Start the app without waiting for it; port 0 is any free one."""
    port = port or free_port()
    with log_file.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "streamlit", "run", "app.py"),
                *("--server.port", str(port), "--server.address", "127.0.0.1"),
            ],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    prefix = environment.get("SANDTRAIL_BASE_PATH", "")
    return AppProcess(process, f"http://127.0.0.1:{port}{prefix}", port, log_file)


def wait_until_up(app: AppProcess) -> None:
    """Raises `RuntimeError`, with what the app said, if it does not come up."""
    deadline = time.monotonic() + START_WITHIN_S
    # One client: each loads the certificates of the system, for longer than a request takes.
    with httpx.Client(timeout=5) as client:
        while time.monotonic() < deadline and app.process.poll() is None:
            try:
                if client.get(f"{app.url}/api/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass  # It does not listen yet.
            time.sleep(0.1)
    raise RuntimeError(f"The app did not come up (exit {app.process.poll()}):\n{app.log()}")


@contextmanager
def running_app(
    environment: dict[str, str], log_file: Path, *, port: int = 0
) -> Iterator[AppProcess]:
    """The app while it runs; it is ended afterwards, unless a test has done so."""
    app = start_app(environment, log_file, port=port)
    try:
        wait_until_up(app)
        yield app
    finally:
        app.process.terminate()
        try:
            app.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            app.process.kill()
            app.process.wait()


@contextmanager
def running(environment: dict[str, str], log_file: Path, *, port: int = 0) -> Iterator[str]:
    """The address of the app while it runs."""
    with running_app(environment, log_file, port=port) as app:
        yield app.url
