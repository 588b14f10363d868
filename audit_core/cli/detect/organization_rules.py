"""`sandtrail rule …` of an organization: its own rules, what is on, and what is muted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from audit_core.cli.detect.rules import rule_app as rule_app
from audit_core.cli.parts.opened_state import ACTOR, reading, writing
from audit_core.cli.parts.organization_option import named_organization
from audit_core.cli.parts.terminal import say, utc_minute
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.reading import MAX_FILTER_CHARACTERS, read_rule_file
from audit_core.detect.rules.rule import Rule
from audit_core.detect.ruleset.mutes import lift_mute, set_mute
from audit_core.detect.ruleset.own_rules import remove_own_rule, save_own_rule
from audit_core.detect.ruleset.ruleset import OrganizationRule, read_ruleset
from audit_core.detect.ruleset.settings import set_rule_level, set_rule_threshold, switch_rule
from audit_core.domain.alerts.level import Level
from audit_core.domain.errors import RuleError
from audit_core.domain.terminal_text import printable
from audit_core.identity.administration import Administrator
from audit_core.log.store import utc_now
from audit_core.query.time.windows import parse_instant

DEFAULT = "default"
"""What takes back what was set."""

Organization = Annotated[str, typer.Option(help="Of which organization, by id.")]
Names = Annotated[list[str], typer.Argument(metavar="RULE...", help="Ids or titles of rules.")]
Name = Annotated[str, typer.Argument(metavar="RULE", help="The id or the title of the rule.")]


@rule_app.command("list")
def list_rules(
    organization: Annotated[
        str | None,
        typer.Option(help="All that this organization has, and whether each is on."),
    ] = None,
) -> None:
    """List the rules that come with the product, or those of an organization."""
    if organization is None:
        for rule in sorted(shipped_rules(), key=lambda rule: rule.title):
            say(printable(_described(rule)))
        return
    with reading() as connection:
        own = read_ruleset(connection, organization)
    for one in own.rules:
        words = "on " if one.enabled else "off"
        more = f"  {one.rule.id}, its own" if one.own else f"  {one.rule.id}"
        say(printable(f"{words} {_described(one.settled)}{more}"))
    for broken in own.unreadable:
        what = "rule" if broken.is_rule else "mute"
        say(printable(f"The {what} {broken.id} cannot be read: {broken.error.message}"), err=True)


@rule_app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="A rule in YAML.")],
    organization: Organization,
    off: Annotated[bool, typer.Option("--off", help="Leave it off.")] = False,
) -> None:
    """Add a rule to an organization, or change the one that it has with the same id.

    It is on from now on, unless it was off before or is informational.
    """
    text = read_rule_file(file).text
    with writing() as connection:
        known = named_organization(connection, organization)
        rule = save_own_rule(
            connection,
            _operator(),
            organization_id=known.id,
            text=text,
            enabled=False if off else None,
        )
        kept = _named(connection, known.id, rule.id)
    known.announce()
    say(printable(f"{rule.title} is {'on' if kept.enabled else 'off'}: {rule.id}"))


@rule_app.command("remove")
def remove(rule: Name, organization: Organization) -> None:
    """Remove a rule that the organization added; its alerts stay."""
    with writing() as connection:
        found = read_ruleset(connection, organization).named(rule)
        # One that cannot be read any more has its id alone.
        rule_id = found[0].rule.id if len(found) == 1 else rule
        remove_own_rule(connection, _operator(), organization_id=organization, rule_id=rule_id)
    say(printable(f"{rule} is removed."))


@rule_app.command("on")
def switch_on(rules: Names, organization: Organization) -> None:
    """Switch rules on: they look at what arrives from now on."""
    _switch(rules, organization, enabled=True)


@rule_app.command("off")
def switch_off(rules: Names, organization: Organization) -> None:
    """Switch rules off: what they found stays."""
    _switch(rules, organization, enabled=False)


@rule_app.command("set")
def set_rule(
    rule: Name,
    organization: Organization,
    level: Annotated[
        str | None,
        typer.Option(help=f"How urgent: {', '.join(Level)}; {DEFAULT}: as the rule says."),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(help=f"From which number on; {DEFAULT}: as the rule says."),
    ] = None,
) -> None:
    """Set the level or the threshold of a rule."""
    if level is not None and level not in (*Level, DEFAULT):
        raise RuleError(f"{level!r} is no level.", f"Give one of {', '.join((*Level, DEFAULT))}.")
    if threshold is not None and threshold != DEFAULT and not threshold.isdecimal():
        raise RuleError(f"{threshold!r} is no threshold.", f"Give a number, or {DEFAULT}.")
    with writing() as connection:
        known = named_organization(connection, organization)
        one = {"organization_id": known.id, "rule_id": _named(connection, known.id, rule).rule.id}
        if level is not None:
            meant = None if level == DEFAULT else Level(level)
            set_rule_level(connection, _operator(), **one, level=meant)
        if threshold is not None:
            number = None if threshold == DEFAULT else int(threshold)
            set_rule_threshold(connection, _operator(), **one, threshold=number)
        kept = _named(connection, known.id, one["rule_id"])
    known.announce()
    say(printable(_described(kept.settled)))


@rule_app.command("mute")
def mute(
    file: Annotated[Path, typer.Argument(help="A Sigma filter in YAML: what is left out.")],
    organization: Organization,
    reason: Annotated[str, typer.Option(help="Why. It stands in the access record.")],
    until: Annotated[str, typer.Option(help="For entries made before this time.")],
    since: Annotated[
        str | None, typer.Option("--from", help="For entries made from this time on; else now.")
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="For one rule, by id or title; else for all.")
    ] = None,
) -> None:
    """Leave out what a filter names, for a while: of one rule, or of all."""
    text = _filter_text(file)
    begins, ends = _instant(since), _instant(until)
    if ends is None:
        raise RuleError("The mute has no end.", "Give --until, such as 2026-12-24T18:00:00Z.")
    with writing() as connection:
        known = named_organization(connection, organization)
        rule_id = None if rule is None else _named(connection, known.id, rule).rule.id
        kept = set_mute(
            connection,
            _operator(),
            organization_id=known.id,
            filter=text,
            reason=reason,
            begins_at=begins,
            ends_at=ends,
            rule_id=rule_id,
        )
    known.announce()
    say(printable(f"Muted until {utc_minute(kept.ends_at)}: {kept.id}"))


@rule_app.command("unmute")
def unmute(
    mute_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as in `rule mutes`.")],
    organization: Organization,
) -> None:
    """End a mute now."""
    with writing() as connection:
        lift_mute(connection, _operator(), organization_id=organization, mute_id=mute_id)
    say("The mute has ended.")


@rule_app.command("mutes")
def list_mutes(organization: Organization) -> None:
    """List the mutes of an organization that have not ended."""
    now = utc_now()
    with reading() as connection:
        own = read_ruleset(connection, organization)
    lasting = [one for one in own.mutes if one.lasts(now)]
    for one in lasting:
        rule = None if one.rule_id is None else own.find(one.rule_id)
        title = "all rules" if one.rule_id is None else rule.rule.title if rule else one.rule_id
        say(
            printable(
                f"{one.id}  {title}, {utc_minute(one.begins_at)} to {utc_minute(one.ends_at)}, "
                f"by {one.set_by}: {one.reason}"
            )
        )
    if not lasting:
        say("Nothing is muted.")


def _switch(rules: list[str], organization: str, *, enabled: bool) -> None:
    with writing() as connection:
        known = named_organization(connection, organization)
        chosen = [_named(connection, known.id, one).rule for one in rules]
        for rule in chosen:
            switch_rule(
                connection,
                _operator(),
                organization_id=known.id,
                rule_id=rule.id,
                enabled=enabled,
            )
    known.announce()
    for rule in chosen:
        say(printable(f"{rule.title} is {'on' if enabled else 'off'}."))


def _named(connection: Connection, organization_id: str, name: str) -> OrganizationRule:
    found = read_ruleset(connection, organization_id).named(name)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(one.rule.id for one in found)
        raise RuleError(f"{len(found)} rules have the title {name!r}.", f"Name its id: {ids}.")
    raise RuleError(
        f"There is no rule {name[:80]!r} here.",
        "Name its id or its title, as in `sandtrail rule list --organization`.",
    )


def _described(rule: Rule) -> str:
    return f"{rule.level.value:<13} {rule.title} ({', '.join(rule.techniques)})"


def _operator() -> Administrator:
    return Administrator(actor=ACTOR, account_id=None, address=None, now=utc_now())


def _filter_text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(4 * MAX_FILTER_CHARACTERS + 1).decode()
    except OSError as error:
        raise RuleError(
            f"The filter {file} cannot be opened: {error.strerror}.",
            "Check its name and whether you may read it.",
        ) from error
    except UnicodeDecodeError as error:
        raise RuleError(f"The filter {file} is not UTF-8.", "Save it as UTF-8.") from error


def _instant(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise RuleError(
            f"{text!r} is no time: {error}.", "Write such as 2026-12-24T18:00:00Z."
        ) from error
