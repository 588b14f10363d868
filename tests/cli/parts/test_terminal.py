"""Every command, given arguments and files that would act on a terminal: they are shown."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from audit_core.__main__ import main
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.simulator import simulate
from tests.support.command_line import commands
from tests.support.new_state import new_state
from tests.support.seeded import ALPHA
from tests.support.strategies import NOW

HOSTILE = "\x1b[2J\x07\r\x9b31m\u202eevil\nforged: 5 accepted"
ADA = ("--email", "ada@example.com")

Run = Callable[..., str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """`run(arguments…)` is all that a command prints, wherever to."""
    for name, value in {
        "LOG_URL": f"duckdb:///{tmp_path / 'log.duckdb'}",
        "STATE_URL": f"sqlite:///{tmp_path / 'state.sqlite'}",
        "KEY_FILE": str(tmp_path / "secret.key"),
        "FREE_SPACE_FLOOR_MB": "0",
        "DEMO": "0",
    }.items():
        monkeypatch.setenv(f"SANDTRAIL_{name}", value)
    new_state(tmp_path / "state.sqlite").close()
    factory, mask = logging.getLogRecordFactory(), os.umask(0o077)

    def ran(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["audit_core", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"dtn_key\n")))
        with suppress(SystemExit):
            main()
        printed = capsys.readouterr()
        return printed.out + printed.err

    yield ran
    logging.setLogRecordFactory(factory)
    os.umask(mask)


def assert_shown(printed: str) -> None:
    """No line acts on the terminal, and none was forged."""
    assert printed
    for line in printed.split("\n"):
        assert line.replace("\t", "").isprintable(), ascii(line)
        assert not line.strip(" │┃").startswith("forged"), "a line was forged"


COMMANDS = {
    "ingest": ("FILE", HOSTILE),
    "ingest, of an organization": ("--organization", HOSTILE, "FILE"),
    "ingest, over HTTP": ("--server", HOSTILE, "--token", "x", "FILE"),
    "rejections": ("--organization", HOSTILE),
    "export": ("--output", "FOLDER/" + HOSTILE, "--organization", HOSTILE),
    "export, nowhere": ("--output", "FOLDER/no/" + HOSTILE),
    "export, a query": ("--output", "-", "--query", f"({HOSTILE}"),
    "export, a time": ("--output", "-", "--from", HOSTILE),
    "export, a format": ("--output", "-", "--format", HOSTILE),
    "access-record": (f"--{HOSTILE}",),
    "copy": ("--from", HOSTILE, "--to", HOSTILE),
    "copy, of an app": ("--from", f"http://{HOSTILE}", "--to", HOSTILE),
    "demo": ("--entries", "1", "--output", "FOLDER/no/" + HOSTILE),
    "demo, a time": ("--until", HOSTILE),
    "prepare": (HOSTILE,),
    "doctor": ("--server", HOSTILE),
    "doctor, a wrong option": (f"--{HOSTILE}",),
    "backup": ("FOLDER/" + HOSTILE,),
    "backup, of an app": ("FOLDER/copy", "--from", f"http://{HOSTILE}"),
    "restore": ("FOLDER/no/" + HOSTILE,),
    "log accept-loss": ("--yes",),
    "log acknowledge": ("--organization", HOSTILE, "--reason", HOSTILE, "--yes"),
    "log rewrite": (HOSTILE,),
    "log key": (HOSTILE,),
    "alert close": ("7", "--organization", HOSTILE, "--resolution", "benign", "--comment", HOSTILE),
    "alert list": ("--organization", HOSTILE, "--text", HOSTILE),
    "alert show": ("7", "--organization", HOSTILE),
    "erasure ask": (HOSTILE, "--organization", HOSTILE, "--reason", HOSTILE, "--yes"),
    "erasure confirm": (HOSTILE, "--name", HOSTILE),
    "erasure list": ("--organization", HOSTILE, "--output", "FOLDER/no/" + HOSTILE),
    "erasure refuse": (HOSTILE, "--reason", HOSTILE),
    "erasure withdraw": (HOSTILE,),
    "organization export-limit": (HOSTILE,),
    "prove": ("--leaf", "0", "--organization", HOSTILE, "--output", "FOLDER/no/" + HOSTILE),
    "log verify": (HOSTILE,),
    "coverage": ("--output", "FOLDER/no/" + HOSTILE),
    "report": ("--organization", HOSTILE, "--output", "FOLDER/no/" + HOSTILE),
    "witness": ("--listen", HOSTILE, "--keys", HOSTILE, "--folder", HOSTILE, "--name", HOSTILE),
    "verify": ("FOLDER/no/" + HOSTILE,),
    "verify, a key": ("FOLDER", "--key", f"{HOSTILE}+0+A"),
    "verify, a checkpoint": ("FOLDER", "--checkpoint", "FOLDER/no/" + HOSTILE),
    "account add": (*ADA, "--name", HOSTILE, "--organization", "a", "--role", "admin"),
    "account add, an address": (
        *("--email", f"{HOSTILE}@b", "--name", "A", "--organization", "a", "--role", "admin"),
    ),
    "account add, an organization": (
        *("--email", "bo@example.com", "--name", "B", "--role", "admin"),
        *("--organization", f"a{HOSTILE}:{HOSTILE}"),
    ),
    "account add, a role": (*ADA, "--name", "A", "--organization", "a", "--role", HOSTILE),
    "account invite": (*ADA, "--organization", HOSTILE),
    "account invite, a role": (*ADA, "--organization", "a", "--role", HOSTILE),
    "account list": (HOSTILE,),
    "account grant": (*ADA, "--organization", HOSTILE),
    "account grant, a permission": (*ADA, "--organization", "a", "--grant", HOSTILE),
    "account withdraw": (*ADA, "--organization", HOSTILE),
    "account disable": ("--email", HOSTILE),
    "account enable": ("--email", HOSTILE),
    "account reset-password": ("--email", HOSTILE),
    "account unlock": ("--email", HOSTILE),
    "account unlock, an address": ("--address", HOSTILE),
    "account grant-operator": ("--email", HOSTILE),
    "account withdraw-operator": ("--email", HOSTILE),
    "source add": ("--organization", "a", "--name", HOSTILE, "--key-stdin"),
    "source add, an address": (
        *("--organization", "a", "--name", "b", "--key-stdin", "--url", HOSTILE),
    ),
    "source list": ("--organization", HOSTILE),
    "source status": (HOSTILE,),
    "source test": (HOSTILE,),
    "source pause": (HOSTILE,),
    "source resume": (HOSTILE,),
    "source key": (HOSTILE, "--key-stdin"),
    "source remove": (HOSTILE,),
    "source sync": (HOSTILE,),
    "source webhook add": ("--organization", f"a:{HOSTILE}", "--name", HOSTILE),
    "source webhook list": ("--organization", HOSTILE),
    "source webhook remove": (HOSTILE,),
    "mapping list": ("--organization", HOSTILE),
    "mapping test": (HOSTILE, "FILE"),
    "channel add": ("--organization", f"a:{HOSTILE}", "--kind", "webhook", "--to", HOSTILE),
    "channel add, a kind": ("--organization", "a", "--kind", HOSTILE),
    "channel add, a name": (
        *("--organization", f"a:{HOSTILE}", "--kind", "email", "--to", "a@example.org"),
        *("--name", HOSTILE),
    ),
    "channel list": ("--organization", HOSTILE),
    "channel test": (HOSTILE,),
    "channel pause": (HOSTILE,),
    "channel resume": (HOSTILE,),
    "channel remove": (HOSTILE,),
    "channel given-up": (HOSTILE,),
    "channel send-again": (HOSTILE, "--message", HOSTILE),
    "rule list": (HOSTILE,),
    "rule check": ("FILE",),
    "rule check, no file": ("FOLDER/no/" + HOSTILE,),
    "rule list, of an organization": ("--organization", HOSTILE),
    "rule add": ("FILE", "--organization", HOSTILE),
    "rule remove": (HOSTILE, "--organization", HOSTILE),
    "rule on": (HOSTILE, "--organization", HOSTILE),
    "rule off": (HOSTILE, "--organization", HOSTILE),
    "rule set": (HOSTILE, "--organization", HOSTILE, "--level", HOSTILE),
    "rule mute": (
        *("FILE", "--organization", HOSTILE, "--reason", HOSTILE, "--until", HOSTILE),
        *("--rule", HOSTILE),
    ),
    "rule unmute": (HOSTILE, "--organization", HOSTILE),
    "rule mutes": ("--organization", HOSTILE),
    "rule backtest": ("FILE", "--organization", HOSTILE),
    "watch": (HOSTILE,),
    "import-daytona-db": (f"postgresql://{HOSTILE}",),
    "token add": ("--organization", "a", "--name", HOSTILE),
    "token add, an organization": ("--organization", HOSTILE, "--name", "x"),
    "token list": ("--organization", HOSTILE),
    "token revoke": (HOSTILE,),
}


def test_every_command_is_walked() -> None:
    assert set(dict(commands())) <= {case.partition(",")[0] for case in COMMANDS}


@pytest.mark.parametrize("case", COMMANDS)
def test_arguments_and_file_names_are_shown_and_not_obeyed(
    run: Run, tmp_path: Path, case: str
) -> None:
    file, one_line = tmp_path / f"{HOSTILE}.jsonl", HOSTILE.replace("\n", "")
    (arrival,) = simulate(entries=1, seed=1, until=NOW)
    entry = json_object(arrival.entry)
    bad = {**entry, HOSTILE: HOSTILE, "createdAt": HOSTILE}
    file.write_text(f"{json.dumps(entry)}\n{json.dumps(bad, ensure_ascii=False)}\n{one_line}\n")
    if "ada@example.com" in COMMANDS[case]:
        run("account", "add", *ADA, "--name", "Ada", "--organization", ALPHA, "--role", "admin")
    given = [
        argument.replace("FILE", str(file)).replace("FOLDER", str(tmp_path))
        for argument in COMMANDS[case]
    ]
    assert_shown(run(*case.partition(",")[0].split(), *given))
    if case == "ingest":
        assert_shown(run("rejections"))
        assert_shown(run("account", "list"))


def test_an_unknown_command_is_shown(run: Run) -> None:
    assert_shown(run(HOSTILE))
    assert_shown(run("account", HOSTILE))
