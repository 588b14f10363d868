"""An entry as a plain sentence: who did what to what, and what came of it."""

from __future__ import annotations

import json

from audit_core.domain.entries import FAILURES, TOOLBOX_PREFIX, AuditEntry, Outcome

MAX_CHARACTERS = 200
"""How much of a name, a target or a message the sentence quotes."""

_NOT_ALLOWED = (401, 403)

_PHRASES: dict[str, tuple[str, str]] = {
    "login": ("sign in", "signed in"),
    "auto_stop": ("automatically stop", "automatically stopped"),
    "auto_archive": ("automatically archive", "automatically archived"),
    "auto_delete": ("automatically delete", "automatically deleted"),
    "spot_evict": ("evict", "evicted"),
    "ttl_expire": ("end the lifetime of", "ended the lifetime of"),
    "fork": ("fork", "forked"),
    "snapshot": ("take a snapshot of", "took a snapshot of"),
    "read": ("read", "read"),
    "set_default": ("make the default", "made the default"),
    "toolbox_replace_in_files": ("replace text in files on", "replaced text in files on"),
    "toolbox_computer_use_start": ("start computer use on", "started computer use on"),
    "toolbox_computer_use_stop": ("stop computer use on", "stopped computer use on"),
    "toolbox_computer_use_restart_process": (
        "restart a process of computer use on",
        "restarted a process of computer use on",
    ),
}
"""Actions whose name is not what a person would say: to do it, and done."""

_ALONE = frozenset({"login", "register"})
"""Actions that say all without their target: it is who does them."""

_SILENT = frozenset({"git", "bulk", "session"})
"""First words of actions that only say by which way."""

_WITH_D = """
    activate archive change clone create deactivate decline delete disable enable execute
    initialize invite move pause regenerate remove rename replace resize resume revoke rotate toggle
    update
"""
_WITH_ED = """
    accept add attach detach download link pull push recover register restart restore start suspend
    unlink unsuspend upload
"""
_PAST: dict[str, str] = {
    **{verb: f"{verb}d" for verb in _WITH_D.split()},
    **{verb: f"{verb}ed" for verb in _WITH_ED.split()},
    "checkout": "checked out",
    "commit": "committed",
    "get": "got",
    "leave": "left",
    "send": "sent",
    "set": "set",
    "stop": "stopped",
}
"""The past of the verbs that actions begin with; an action with another verb is quoted."""

_ONE = frozenset(("backup", "branch", "command", "file", "folder", "message", "repository"))
"""Things of which there are several: one of them is meant."""

_THE = frozenset(("change", "regenerate", "replace", "rotate", "set", "toggle", "update"))
"""What these are done to is there once."""

_SPELLED = {"ssh": "SSH", "api": "API", "sso": "SSO", "otel": "OTel", "ttl": "TTL", "url": "URL"}


def sentence(entry: AuditEntry) -> str:
    """The entry in one line without a full stop; never empty.

    Any action works. It quotes the entry: redact that first, for whom it must be redacted.
    """
    infinitive, past = _deed(entry)
    who = _quoted(entry.actor)
    if entry.api_key is not None:
        who += f", by API key {_quoted(entry.api_key)},"
    outcome = entry.outcome
    if outcome is Outcome.SUCCESS:
        return f"{who} {past}"
    if outcome in FAILURES:
        refused = entry.status_code in _NOT_ALLOWED
        verb = "was not allowed to" if refused else "failed to"
        return f"{who} {verb} {infinitive}: {_reason(entry)}"
    if outcome is Outcome.IN_FLIGHT:
        return f"{who} asked to {infinitive} and has no answer yet"
    if outcome is Outcome.UNANSWERED:
        return f"{who} asked to {infinitive} and never got an answer"
    return f"{who} asked to {infinitive} and was answered with status {entry.status_code}"


def _deed(entry: AuditEntry) -> tuple[str, str]:
    """To do it, and done, each with the target."""
    target = "" if entry.action in _ALONE else _target(entry)
    infinitive, past = _phrase(entry.action, entry.target_type)
    if not target:
        return infinitive.removesuffix(" on"), past.removesuffix(" on")
    return f"{infinitive} {target}", f"{past} {target}"


def _phrase(action: str, target_type: str | None) -> tuple[str, str]:
    """To do it, and done, each so that a target can follow."""
    if action in _PHRASES:
        return _PHRASES[action]
    words = action.removeprefix(TOOLBOX_PREFIX).split("_")
    if words[0] in _SILENT and len(words) > 1:
        words = words[1:]
    verb, rest = words[0], words[1:]
    if verb not in _PAST:
        named = f"“{_quoted(action)}” on"
        return f"do {named}", f"did {named}"
    if not rest or "_".join(rest) == target_type:
        return verb.replace("checkout", "check out"), _PAST[verb]
    thing = " ".join(_SPELLED.get(word, word) for word in rest)
    if rest[-1] in _ONE:
        thing = f"a {thing}"
    elif verb in _THE:
        thing = f"the {thing}"
    return f"{verb.replace('checkout', 'check out')} {thing} on", f"{_PAST[verb]} {thing} on"


def _target(entry: AuditEntry) -> str:
    """The kind and the id or name of the target, as far as they are known."""
    kind = _quoted((entry.target_type or "").replace("_", " "))
    name, known = _given_name(entry), entry.target_id
    if known and name and name != known:
        which = f"{_quoted(name)} ({_quoted(known)})"
    else:
        which = _quoted(known or name)
    if which:
        return f"{kind} {which}".strip()
    if not kind:
        return ""
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _given_name(entry: AuditEntry) -> str:
    """The name that the request gives to what it makes; empty without one."""
    if entry.metadata is None or entry.action != "create":
        return ""
    try:
        body = json.loads(entry.metadata).get("body")
    except (ValueError, RecursionError):
        return ""
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) else ""


def _reason(entry: AuditEntry) -> str:
    message = " ".join((entry.error_message or "").split())
    if not message:
        return f"status {entry.status_code}"
    said, colon, rest = message.partition(": ")
    repeats = said.lower() == f"{entry.target_type} failed to {entry.action}".lower()
    # "Sandbox failed to start: …" says again what the sentence says.
    return _quoted(rest if colon and rest and repeats else message)


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[:MAX_CHARACTERS]}…"
