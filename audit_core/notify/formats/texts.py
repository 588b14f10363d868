"""What people read of a message, whatever channel it goes to: sentences without markup. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from audit_core.domain.terminal_text import printable
from audit_core.notify.content import Alerts, Content, Message
from audit_core.notify.notice import Notice, NoticeKind

MAX_SENTENCE = 500
"""Characters of a sentence, of a reason and of a value that are told."""
MAX_SHOWN = 10
"""How many notices are told one by one; of more there is a count."""
MAX_GROUP = 6
"""How many values of a group are told."""

_KINDS = {
    NoticeKind.RAISED: "New",
    NoticeKind.GROWN: "Goes on",
    NoticeKind.WITHDRAWN: "Withdrawn",
    NoticeKind.RAISED_AGAIN: "Raised again",
    NoticeKind.ACKNOWLEDGED: "Acknowledged",
    NoticeKind.CLOSED: "Closed",
}


@dataclass(frozen=True, slots=True)
class Link:
    """An address of the app, which is a line of its own: never text of the log."""

    url: str


Line = str | Link


def cut(text: str, longest: int = MAX_SENTENCE) -> str:
    """The text on one line, with what would be obeyed written out, at most so long."""
    plain = printable(text[: longest + 1])
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def subject(content: Content) -> str:
    """One line without text of the log."""
    if not isinstance(content, Alerts):
        return "Test message" if content.level.rank == 0 else "A channel does not deliver"
    notices = content.notices
    if len(notices) == 1:
        (one,) = notices
        title = cut(one.rule_title, 120)
        return f"{one.level.value.capitalize()}: {title} (alert {one.number}, {kind(one).lower()})"
    alerts = len({notice.alert_id for notice in notices})
    noun = "alert" if alerts == 1 else "alerts"
    return f"{alerts:,} {noun}, highest level {content.level.value}"


def kind(notice: Notice) -> str:
    """What happened to the alert, for people."""
    return _KINDS[notice.kind]


def heading(notice: Notice) -> str:
    """The line above a notice."""
    title = cut(notice.rule_title, 120)
    return f"{notice.level.value.capitalize()} · {kind(notice)} · Alert {notice.number}: {title}"


def details(notice: Notice) -> list[str]:
    """The lines below the heading: what happened, the values of the group that the sentence does
    not name, how often, why."""
    lines = [cut(notice.sentence)]
    lines += [
        f"{cut(name, 60)}: {cut(value, 200)}"
        for name, value in islice(notice.group.items(), MAX_GROUP)
        if value not in notice.sentence
    ]
    if notice.count:
        times = "once" if notice.count == 1 else f"{notice.count:,} times"
        first, last = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (notice.first_at, notice.last_at))
        span = f"{first} UTC" if first == last else f"{first} to {last} UTC"
        lines.append(f"Found {times}, {span}")
    if notice.reason:
        lines.append(f"Reason: {cut(notice.reason)}")
    return lines


def link(notice: Notice, public_url: str) -> str | None:
    """Where the alert is to be seen; `None` where it is not known how people reach the app."""
    return f"{public_url}{notice.path}" if public_url else None


def shown(notices: Sequence[Notice]) -> tuple[Sequence[Notice], int]:
    """Those that are told one by one, the highest levels first, and how many more there are. Of
    an alert that is told of several times only the last."""
    last = {notice.alert_id: notice for notice in notices}
    ordered = sorted(last.values(), key=lambda notice: -notice.level.rank)
    return ordered[:MAX_SHOWN], max(0, len(ordered) - MAX_SHOWN)


def more(number: int) -> str:
    """What is said in place of those that are not told one by one."""
    return f"and {number:,} more {'alert' if number == 1 else 'alerts'}."


def paragraphs(message: Message, public_url: str) -> list[list[Line]]:
    """The whole message as paragraphs of lines."""
    content = message.content
    if not isinstance(content, Alerts):
        return [[cut(content.sentence, 2 * MAX_SENTENCE)]]
    ones, left = shown(content.notices)
    found: list[list[Line]] = []
    for one in ones:
        address = link(one, public_url)
        found.append([heading(one), *details(one), *([Link(address)] if address else [])])
    if left:
        found.append([more(left)])
    if len(content.notices) > 1:
        found.insert(0, [f"{subject(content)}."])
    return found
