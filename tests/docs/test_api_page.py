"""What the page of the API shows works, against a real server, as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_core.evidence.jobs.runner import RunningExports
from audit_core.identity.api_tokens import add_token
from audit_core.identity.token_verbs import EXPORT, METRICS, READ, WRITE
from audit_core.web.openapi.operation import JSON, Caller
from tests.docs.documents import document, fenced, headings
from tests.docs.test_reference_pages import described
from tests.support.seeded import ALPHA, open_seeded
from tests.web.conftest import app_of
from tests.web.served import served

PAGE = document("docs/api.md")
SETUP = {language: fenced(PAGE, language)[0] for language in ("python", "ts")}
EXAMPLES = {
    "bash": fenced(PAGE, "bash"),
    "python": fenced(PAGE, "python")[1:],
    "ts": fenced(PAGE, "ts")[1:],
}
WITHIN_S = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def environment(folder: Path) -> Iterator[dict[str, str]]:
    (folder / "data").mkdir()
    seeded = open_seeded(folder / "data")

    def of_installation(verb: str) -> str:
        with seeded.installation.state.begin() as connection:
            _, secret = add_token(
                connection,
                organization_id=None,
                name=verb,
                verbs=[verb],
                now=seeded.clock(),
                expires_at=None,
            )
        return secret

    exports = RunningExports(seeded.installation.exports, shared_log=False, look_every_s=0.05)
    try:
        with served(app_of(seeded.installation)) as port:
            yield {
                **os.environ,
                "SERVER": f"http://127.0.0.1:{port}",
                "ORGANIZATION": ALPHA,
                "WRITE_TOKEN": seeded.token(ALPHA, WRITE.name),
                "READ_TOKEN": seeded.token(ALPHA, READ.name),
                "EXPORT_TOKEN": seeded.token(ALPHA, EXPORT.name),
                "ALL_TOKEN": of_installation(READ.name),
                "METRICS_TOKEN": of_installation(METRICS.name),
            }
    finally:
        exports.stop()
        seeded.installation.close()


def run(command: list[str], text: str, folder: Path, environment: dict[str, str]) -> str:
    """What a program prints whose text is its input."""
    ended = subprocess.run(
        command,
        input=text,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert ended.returncode == 0, f"{text}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_every_route_for_programs_has_an_example_in_each_language() -> None:
    shown = [text for text in headings(PAGE) if text.startswith("`")]
    routes = {
        f"`{route.operation.method} {route.path}`"
        for route in described()
        if Caller.PROGRAM in route.operation.callers
        or (
            (not route.operation.callers and route.operation.method == "GET")
            and JSON in route.operation.answers[200].media_types
        )
    }
    assert set(shown) == routes
    for section in re.split(r"(?m)^### ", PAGE)[1:]:
        for language in EXAMPLES:
            assert f"\n```{language}\n" in section, section.partition("\n")[0]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_is_shown_with_curl_works(folder: Path, environment: dict[str, str]) -> None:
    printed = [run(["bash", "-eu"], text, folder, environment) for text in EXAMPLES["bash"]]
    sent, logs, entries, counts, page, *_ = printed
    assert json.loads(sent)["accepted"] == 2
    assert json.loads(logs) == {}
    assert [entry["id"] for entry in json.loads(entries)["entries"]] == ["e-2"]
    assert json.loads(counts)["total"] == 3
    assert json.loads(page)["total"] == 3
    assert 'sandtrail_records_total{outcome="accepted"}' in printed[-2]


def test_what_is_shown_in_python_works(folder: Path, environment: dict[str, str]) -> None:
    for text in EXAMPLES["python"]:
        assert run([sys.executable, "-"], f"{SETUP['python']}\n{text}", folder, environment)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: not run here")
def test_what_is_shown_in_typescript_works(folder: Path, environment: dict[str, str]) -> None:
    # No types are written, so that it is JavaScript as well; each example in a scope of its own.
    scopes = "\n".join(f"{{\n{text}\n}}" for text in EXAMPLES["ts"])
    command = ["node", "--input-type=module", "-"]
    assert run(command, f"{SETUP['ts']}\n{scopes}", folder, environment)
