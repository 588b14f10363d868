"""Many and large uploads, by who may, by who may not, and into a tab of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx

from audit_core.web.security.identity import SESSION_COOKIE
from tests.browser.prepared import ADMIN, AUDITOR, BOTH, prepare
from tests.soak.attack import Held, Scale
from tests.soak.tab import opened_tab, resident_mb, session_secret
from tests.support.app_process import running

FILE_MB = 20
FILES = {Scale.SMALL: 8, Scale.FULL: 80}
QUOTA_MB = {Scale.SMALL: 100, Scale.FULL: 1_000}
GROWTH_MB = 60
"""How much memory the app may have more than before; one file held whole would be a third."""


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """One person sends more than a quota, three at a time; others try what they may not."""
    prepared = prepare(folder)
    quota = QUOTA_MB[scale]
    settings = {**prepared.environment, "SANDTRAIL_UPLOAD_PERSON_MB": str(quota)}
    with running(settings, folder / "app.log") as url:
        secrets = {email: session_secret(prepared, email) for email in (ADMIN, AUDITOR, BOTH)}
        with opened_tab(url, secrets[ADMIN]) as tab:
            tab.run("sources")
            content = bytes(FILE_MB * 1024 * 1024)
            for email, expected in ((None, 401), (AUDITOR, 403), (BOTH, 404)):
                secret = secrets[email] if email else None
                assert _put(url, secret, tab.session_id, b"x") == expected
            _put(url, secrets[ADMIN], tab.session_id, b"warm")
            before = largest = resident_mb(url)
            statuses = []
            for _ in range(FILES[scale]):
                statuses.append(_put(url, secrets[ADMIN], tab.session_id, content))
                largest = max(largest, resident_mb(url))
            assert set(statuses) == {204}
            kept = [path for path in (folder / "uploads").glob("*/*") if path.name != ".lock"]
            kept_mb = sum(path.stat().st_size for path in kept) / 1024 / 1024
            assert kept_mb <= quota
            assert largest - before < GROWTH_MB, (before, largest)
            assert httpx.get(f"{url}/api/health", timeout=30).status_code == 200
    assert not list((folder / "uploads").glob("*/*"))
    yield Held(
        "uploads stay on disk, within the quota, and in the tab of their person",
        f"{FILES[scale]} files of {FILE_MB} MB sent, {kept_mb:.0f} MB kept, memory "
        f"{before:.0f} MB before and {largest:.0f} MB at most",
    )


def _put(url: str, secret: str | None, tab: str, content: bytes) -> int:
    """Send a file as the browser does; the status of the answer."""
    cookies = {SESSION_COOKIE: secret} if secret else {}
    with httpx.Client(base_url=url, cookies=cookies, timeout=120) as client:
        client.get("/_stcore/health")
        answer = client.put(
            f"/_stcore/upload_file/{tab}/{uuid4()}",
            files={"a.csv": ("a.csv", content, "text/csv")},
            headers={"origin": url, "x-xsrftoken": client.cookies.get("_streamlit_xsrf", "")},
        )
        return answer.status_code
