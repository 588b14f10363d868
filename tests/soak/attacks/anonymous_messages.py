"""Every message of Streamlit's protocol, random ones and random bytes, while others work."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from audit_core.web.security.frames import MESSAGES
from audit_core.web.security.identity import SESSION_COOKIE
from tests.browser.prepared import ADMIN, AUDITOR, HOME, prepare
from tests.soak.attack import Held, Scale
from tests.soak.tab import opened_tab, session_secret, texts_of
from tests.support.app_process import running

RANDOM_FRAMES = {Scale.SMALL: 40, Scale.FULL: 3_000}
SEED = 11


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Strangers and signed-in people send what no page sends, over and over."""
    prepared = prepare(folder)
    with running(prepared.environment, folder / "app.log") as url:
        secrets = {email: session_secret(prepared, email) for email in (ADMIN, AUDITOR)}
        others = _Others(url, secrets[AUDITOR], len(prepared.entries[HOME]))
        with opened_tab(url, secrets[ADMIN]) as page, others:
            page.run()
            closed = sent = 0
            for secret in (None, secrets[AUDITOR], secrets[ADMIN]):
                for kind in MESSAGES:
                    closed += _send(url, secret, [_message(kind)])
                    sent += 1
            dice = random.Random(SEED)  # noqa: S311 - the same attack each time
            frames = [_frame(dice) for _ in range(RANDOM_FRAMES[scale])]
            for start in range(0, len(frames), 10):
                secret = dice.choice((None, None, secrets[AUDITOR], secrets[ADMIN]))
                closed += _send(url, secret, frames[start : start + 10])
            assert "Overview" in texts_of(page.run())
            others.check()
        assert others.downloads >= 1
        assert httpx.get(f"{url}/api/health", timeout=30).status_code == 200
    log = (folder / "app.log").read_text(encoding="utf-8", errors="replace")
    for wrong in ("Exception in ASGI application", "Error processing back message"):
        assert wrong not in log, log[max(0, log.find(wrong) - 500) :][:4_000]
    yield Held(
        "no message of anybody closes, clears or stops anything for others",
        f"{sent + len(frames):,} messages, {closed} sockets closed for them, meanwhile "
        f"{others.downloads} whole downloads and {others.asked} answers of health and head",
    )


def _message(kind: str) -> bytes:
    message = BackMsg()
    if isinstance(getattr(message, kind), bool):
        setattr(message, kind, True)
    else:
        getattr(message, kind).SetInParent()
    return bytes(message.SerializeToString())


def _frame(dice: random.Random) -> bytes | str:
    """Random bytes, a random message, or a text."""
    shape = dice.random()
    if shape < 0.05:
        return "clear_cache"
    if shape < 0.35:
        return dice.randbytes(dice.choice((0, 1, 5, 50, 5_000)))
    if shape < 0.6:
        whole = bytearray(_message(dice.choice(list(MESSAGES))) + _run(dice))
        whole[dice.randrange(len(whole))] = dice.randrange(256)
        return bytes(whole)
    return _run(dice)


def _run(dice: random.Random) -> bytes:
    """A run of a page with anything in it."""
    message = BackMsg()
    state = message.rerun_script

    def text() -> str:
        length = dice.choice((0, 3, 40, 2_000))
        return "".join(chr(dice.choice((0x41, 0x0, 0x2028, 0xE9, 0x1F600))) for _ in range(length))

    state.query_string = text()
    state.page_script_hash = text()
    state.page_name = dice.choice((text(), "explore", "access", "sources", "../main"))
    state.fragment_id = text()
    state.is_auto_rerun = dice.random() < 0.5
    state.cached_message_hashes.extend(text() for _ in range(3))
    state.context_info.url = text()
    state.context_info.timezone = text()
    for _ in range(dice.randrange(12)):
        widget = state.widget_states.widgets.add()
        widget.id = dice.choice((text(), "$$ID-1-organization_choice", "$$ID-1-sign_in"))
        setattr(widget, dice.choice(("string_value", "json_value", "json_trigger_value")), text())
    return bytes(message.SerializeToString())


def _send(url: str, secret: str | None, frames: list[bytes | str]) -> int:
    """Send to one socket after the other until all are sent; how many sockets were closed."""
    closed = 0
    waiting = list(frames)
    while waiting:
        try:
            with opened_tab(url, secret) as tab:
                while waiting:
                    tab.socket.send(waiting.pop(0))
                    if (code := tab.closed_with(timeout=0.05)) is not None:
                        assert code in (1001, 1002, 1008), code
                        closed += 1
                        break
        except (ConnectionClosed, InvalidStatus):
            closed += 1
    return closed


class _Others:
    """What everybody else does meanwhile: a download after the other, and small questions."""

    def __init__(self, url: str, secret: str, entries: int) -> None:
        self._client = httpx.Client(
            base_url=url, cookies={SESSION_COOKIE: secret}, timeout=60, headers={"origin": url}
        )
        self._entries = entries
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self.downloads = self.asked = 0
        self._threads = [
            threading.Thread(target=self._repeat, args=(item,))
            for item in (self._download, self._ask)
        ]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()
        self.check()

    def check(self) -> None:
        """Raises what went wrong."""
        for error in self._errors:
            raise error

    def _repeat(self, deed: Callable[[], None]) -> None:
        try:
            while not self._stop.is_set():
                deed()
                self._stop.wait(0.1)
        except BaseException as error:
            self._errors.append(error)

    def _download(self) -> None:
        answer = self._client.get("/api/v1/export", params={"format": "jsonl", "window": "all"})
        assert answer.status_code == 200, answer.text
        assert len(answer.text.splitlines()) == self._entries
        self.downloads += 1

    def _ask(self) -> None:
        for path in ("/api/health", "/api/v1/head"):
            answer = self._client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            self.asked += 1
