"""`sandtrail rule …`: rules over the log, checked, and tried over the past."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from audit_core.cli.parts.origins import opened_log
from audit_core.cli.parts.terminal import say
from audit_core.cli.parts.window_options import window_between
from audit_core.detect.backtest import DEFAULT_DAYS, Backtest, backtest
from audit_core.detect.rules.catalog import FOLDER, rule_files
from audit_core.detect.rules.examples import examples_path, read_examples
from audit_core.detect.rules.reading import read_rule_file
from audit_core.detect.rules.rule import LogSource, Rule
from audit_core.detect.trying import try_examples
from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, RuleError
from audit_core.domain.terminal_text import printable
from audit_core.log.store import utc_now
from audit_core.query.time.windows import UTC_NAME
from audit_core.runtime.settings import read_settings

rule_app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

SOME_WRONG = 1
SAMPLES = 3
"""How many alerts of a rule are shown."""

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Files of rules, or folders of them; left out: the rules that come with the product.",
        show_default=False,
    ),
]


@rule_app.command("check")
def check_rules(paths: Paths = None) -> None:
    """Read rules, and try each on the examples beside it.

    Exits with 0 when all is right, 1 when a rule cannot be read or an example comes out wrong.
    """
    wrong = False
    for path in files_of(paths):
        try:
            rule = read_rule_file(path)
            problems = _wrong_examples(rule, path)
        except RuleError as error:
            problems = [f"{error.message} {error.hint}"]
        for problem in problems:
            say(printable(problem), err=True)
        wrong = wrong or bool(problems)
        say(printable(f"{path.name}: {'wrong' if problems else 'right'}"))
    if wrong:
        raise typer.Exit(SOME_WRONG)


@rule_app.command("backtest")
def backtest_rules(
    organization: Annotated[str, typer.Option(help="In whose log, by id.")],
    paths: Paths = None,
    since: Annotated[
        str | None,
        typer.Option("--from", help=f"From this time on; {DEFAULT_DAYS} days back without it."),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until before this time.")] = None,
) -> None:
    """Say which alerts rules would have raised over the past, had they been on.

    Exits with 0, or with 1 when a rule could not be tried.
    """
    settings, now = read_settings(), utc_now()
    asked = window_between(since, until, UTC_NAME).time_range(now)
    end = asked.until or now
    begin = asked.since or end - timedelta(days=DEFAULT_DAYS)
    scope = Scope(organization_id=organization)
    failed = False
    with closing(opened_log(settings.log_url, settings)) as log:
        for path in files_of(paths):
            try:
                rule = read_rule_file(path)
                if rule.source is not LogSource.ENTRIES:
                    say(f"{printable(rule.title)}: looks beside the log: not tried.", err=True)
                    continue
                found = backtest(log, rule, scope, since=begin, until=end, now=now)
            except AuditError as error:
                failed = True
                say(printable(f"{path.name}: {error.message} {error.hint}"), err=True)
                continue
            _show(rule, found)
    if failed:
        raise typer.Exit(SOME_WRONG)


def files_of(paths: list[Path] | None) -> list[Path]:
    """The files that are named, and those of the folders."""
    return [
        file
        for path in paths or [FOLDER]
        for file in (rule_files(path) if path.is_dir() else [path])
    ]


def _wrong_examples(rule: Rule, path: Path) -> list[str]:
    file = examples_path(path)
    if not file.exists():
        return []
    try:
        examples = read_examples(file.read_text(), file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{file.name} cannot be read.", "Save it as UTF-8.") from error
    return [
        f"{file.name}, line {one.example.line}: {one.example.what}: the rule "
        f"{'finds something' if one.found else 'finds nothing'}."
        for one in try_examples(rule, examples)
        if not one.right
    ]


def _show(rule: Rule, found: Backtest) -> None:
    more = ", and more than are looked at" if found.more else ""
    say(printable(f"{rule.title}: {len(found.alerts):,} alerts{more}"))
    for monday, count in found.weeks.items():
        say(f"  week of {monday.isoformat()}: {count:,}")
    names = [group.name for group in rule.groups]
    for alert in found.alerts[-SAMPLES:]:
        who = ", ".join(f"{name} {value}" for name, value in zip(names, alert.group, strict=True))
        say(printable(f"  {alert.first:%Y-%m-%d %H:%M:%S} UTC  {who}  ({alert.count:,} entries)"))
