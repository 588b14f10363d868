from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test

from pages.parts.shell import cached, sign_in, viewer
from tests.support.seeded import Seeded, open_seeded

MAIN = Path(__file__).parents[2] / "pages" / "main.py"

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _looked_for_once() -> Iterator[None]:
    """Each new app reads what all installed packages say of themselves, to find components, and
    each run compiles the scripts anew: in one process both stay what they are."""
    scripts = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner,
            "scan_component_manifests",
            cache(manifest_scanner.scan_component_manifests),
        )
        patch.setattr(app_test, "ScriptCache", lambda: scripts)
        yield


@pytest.fixture
def seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    monkeypatch.setattr(cached, "installation", lambda: seeded.installation)
    monkeypatch.setattr(cached, "utc_now", seeded.clock)
    # AppTest has no address to give, only a stand-in that no database stores.
    for module in (viewer, sign_in):
        monkeypatch.setattr(module, "address", lambda: "127.0.0.1")
    monkeypatch.setattr(viewer, "browser_secret", lambda: None)
    yield seeded
    seeded.installation.close()


@pytest.fixture
def open_app(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> Open:
    """`open_app(email)` is the app as that person sees it; without one, as anybody does."""

    def opened(email: str | None = None, *, path: str = "/") -> AppTest:
        secret = seeded.sign_in(email) if email else None
        monkeypatch.setattr(viewer, "session_secret", lambda: secret)
        app = AppTest.from_file(str(MAIN), default_timeout=30)
        app.context = {"url": f"http://testserver{path}"}
        return app

    return opened


@pytest.fixture
def sent_to(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that the browser was sent to."""
    paths: list[str] = []
    monkeypatch.setattr(sign_in, "send_to", paths.append)
    return paths
