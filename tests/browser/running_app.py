"""The real app in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 40.0
TAIL = 3_000


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    environment: dict[str, str], log_file: Path, *, port: int | None = None
) -> Iterator[str]:
    """The address of the app while it runs, at any free port unless one is given. Raises
    `RuntimeError` if it does not come up."""
    with process_running(environment, log_file, port=port) as (address, _):
        yield address


@contextmanager
def process_running(
    environment: dict[str, str], log_file: Path, *, port: int | None = None
) -> Iterator[tuple[str, int]]:
    """The same, with the id of its process."""
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
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, log_file)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log_file: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/api/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    tail = log_file.read_text(encoding="utf-8", errors="replace")[-TAIL:]
    raise RuntimeError(f"The app did not come up (exit code {process.poll()}):\n{tail}")
