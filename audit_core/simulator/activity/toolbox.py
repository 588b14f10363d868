"""What is done inside sandboxes: the toolbox actions and what their metadata holds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Metadata = dict[str, Any]

COMMANDS = (
    "python -m pytest -q",
    "npm ci && npm run build",
    "pip install -r requirements.txt",
    "ls -la /workspace",
    "python train.py --epochs 3 --seed 11",
    "git status --short",
    "cat /workspace/README.md",
    "make check",
    "rg -n 'TODO' src | head -50",
    "node scripts/migrate.js",
    "ros2 launch bringup sim.launch.py",
    "uv run ruff check .",
    "du -sh /workspace/*",
    "jupyter nbconvert --execute report.ipynb",
)

_SECRET_COMMANDS = (
    "export MODEL_API_KEY=demo-{a} && python run_agent.py",
    "psql 'postgresql://app:{b}@db.internal.example/prod' -c 'select count(*) from orders'",
    "curl -H 'Authorization: Bearer demo_{a}' https://api.internal.example/v1/jobs",
    "git clone https://oauth2:{b}@git.internal.example/platform/core.git",
    "docker login registry.internal.example -u robot --password {b}",
    "DEPLOY_TOKEN={a} ./deploy.sh staging",
    "mysql -h db.internal.example -u root -p{b} shop < dump.sql",
    "daytona login --api-key=dtn_{a}",
)
"""Command lines that carry a secret: the platform writes them down whole."""

_FOLDERS = ("/workspace/src", "/workspace/data", "/home/daytona", "/tmp", "/workspace/notebooks")  # noqa: S108 - text of an entry
_NAMES = ("main.py", "config.yaml", "results.csv", "index.ts", "notes.md", "model.bin", "отчёт.txt")
_REPOSITORIES = ("platform/core", "ml/evals", "web/console", "robots/firmware")


def secret_text(random: Random, digits: int = 24) -> str:
    """Something that looks like a secret, and is none."""
    return f"{random.getrandbits(digits * 4):0{digits}x}"


def secret_command(random: Random) -> str:
    """A command line with a secret in it."""
    return random.choice(_SECRET_COMMANDS).format(
        a=secret_text(random, 32), b=secret_text(random, 12)
    )


def _pick(random: Random, things: tuple[str, ...]) -> str:
    return things[int(random.random() * len(things))]


def _path(random: Random) -> str:
    return f"{_pick(random, _FOLDERS)}/{_pick(random, _NAMES)}"


def _execute(random: Random) -> Metadata:
    command = secret_command(random) if random.random() < 0.04 else _pick(random, COMMANDS)
    return {"body": {"command": command, "cwd": "/workspace", "timeout": 300}}


def _session_execute(random: Random) -> Metadata:
    return {
        "params": {"sessionId": f"session-{int(random.random() * 40)}"},
        "body": {"command": _pick(random, COMMANDS), "runAsync": random.random() < 0.3},
    }


def _file(random: Random) -> Metadata:
    return {"query": {"path": _path(random)}}


def _move(random: Random) -> Metadata:
    return {"query": {"source": _path(random), "destination": _path(random)}}


def _mode(random: Random) -> Metadata:
    return {
        "query": {"path": _path(random), "mode": "0644", "owner": "daytona", "group": "daytona"}
    }


def _replace(random: Random) -> Metadata:
    return {"body": {"files": [_path(random)], "pattern": "v1", "newValue": "v2"}}


def _clone(random: Random) -> Metadata:
    url = f"https://git.internal.example/{_pick(random, _REPOSITORIES)}.git"
    return {
        "body": {"url": url, "path": "/workspace/src", "branch": "main", "password": "********"}
    }


def _git(random: Random) -> Metadata:
    return {"body": {"path": "/workspace/src", "branch": f"change-{int(random.random() * 900)}"}}


def _commit(random: Random) -> Metadata:
    return {
        "body": {
            "path": "/workspace/src",
            "message": _pick(random, ("Fix the parser", "Raise the limit", "wip", "更新依赖")),
            "author": "robot",
        }
    }


def _session(random: Random) -> Metadata:
    return {"body": {"sessionId": f"session-{int(random.random() * 40)}"}}


def _process(random: Random) -> Metadata:
    return {"params": {"processName": _pick(random, ("xfce4", "novnc", "x11vnc"))}}


def _nothing(random: Random) -> Metadata:
    return {}


_ROWS: tuple[tuple[str, int, Callable[[Random], Metadata]], ...] = (
    ("toolbox_execute_command", 420, _execute),
    ("toolbox_session_execute_command", 150, _session_execute),
    ("toolbox_upload_file", 90, _file),
    ("toolbox_download_file", 80, _file),
    ("toolbox_bulk_upload_files", 25, _nothing),
    ("toolbox_create_session", 40, _session),
    ("toolbox_delete_session", 25, _session),
    ("toolbox_git_clone_repository", 25, _clone),
    ("toolbox_git_pull_changes", 20, _git),
    ("toolbox_git_add_files", 18, _git),
    ("toolbox_git_commit_changes", 18, _commit),
    ("toolbox_git_push_changes", 14, _git),
    ("toolbox_git_checkout_branch", 10, _git),
    ("toolbox_git_create_branch", 8, _git),
    ("toolbox_git_delete_branch", 3, _git),
    ("toolbox_create_folder", 14, _file),
    ("toolbox_delete_file", 14, _file),
    ("toolbox_move_file", 9, _move),
    ("toolbox_set_file_permissions", 5, _mode),
    ("toolbox_replace_in_files", 16, _replace),
    ("toolbox_computer_use_start", 4, _nothing),
    ("toolbox_computer_use_stop", 3, _nothing),
    ("toolbox_computer_use_restart_process", 2, _process),
)

_ACTIONS = tuple(row[0] for row in _ROWS)
_METADATA_OF = {row[0]: row[2] for row in _ROWS}
_WEIGHTS: list[int] = []
for _row in _ROWS:
    _WEIGHTS.append(_row[1] + (_WEIGHTS[-1] if _WEIGHTS else 0))


def toolbox_action(random: Random) -> str:
    """An action by how common it is."""
    return random.choices(_ACTIONS, cum_weights=_WEIGHTS)[0]


def toolbox_metadata(action: str, random: Random) -> Metadata | None:
    """What the metadata of a toolbox action holds; `None` if nothing."""
    return _METADATA_OF[action](random) or None


def toolbox_duration_s(action: str, random: Random) -> float:
    """How long such a request takes: commands may run for minutes."""
    chance = random.random()
    if action in ("toolbox_execute_command", "toolbox_git_clone_repository"):
        return 0.2 + 90 * chance**8
    return 0.05 + 0.8 * chance
