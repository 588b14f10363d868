"""The errors that a person may see: what happened, with the value, and what to do next.

No message or hint holds SQL, a credential, or text of a database driver. The original
exception, if any, is the ``__cause__``.
"""

from __future__ import annotations


class AuditError(Exception):
    """Something a person can act on.

    `message` says what happened, with the value; `hint` says what to do next. Both are
    plain text, each one or more whole sentences.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint


class SettingsError(AuditError):
    """A setting cannot be read or does not fit."""


class LogLockedError(AuditError):
    """Another process holds the log."""


class StoreUnavailableError(AuditError):
    """A database (the log or the state) cannot be opened, read or written."""


class StorageFullError(StoreUnavailableError):
    """Too little free space is left to accept entries; nothing was accepted."""


class LogBehindError(StoreUnavailableError):
    """The log has lost entries that were acknowledged; nothing is accepted until told."""

    code = "log_behind"
    """What programs that send entries can tell it by."""


class SchemaTooNewError(AuditError):
    """A database was written by a newer version of this program."""


class QueryTimeoutError(AuditError):
    """A read took longer than the time limit and was stopped."""


class QueryCancelledError(AuditError):
    """A read was stopped because nobody waits for its answer any more, or the app stops."""


class BusyError(AuditError):
    """Too much is under way at once; `retry_after_s` says when to ask again, in seconds, and `own`
    whether who asks, or their organization, has too much under way."""

    def __init__(self, message: str, hint: str, *, retry_after_s: int, own: bool = False) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s
        self.own = own


class FilterError(AuditError):
    """A filter cannot be understood.

    `problems` holds one sentence for each part that is wrong; never empty.
    """

    def __init__(
        self,
        problems: tuple[str, ...],
        hint: str = "Correct the address of the page, or reset the filters.",
    ) -> None:
        super().__init__(" ".join(problems), hint)
        self.problems = problems


class SourceError(AuditError):
    """A file or stream as a whole cannot be read (a single bad record is a `Rejection`)."""


class SourceTooLargeError(SourceError):
    """A source holds more than is accepted at once, or grows like a decompression bomb."""


class SourceTypeError(SourceError):
    """A source is of a type, compression or character encoding that is not read."""


class MappingError(SourceError):
    """A mapping file cannot be used as it is; the message names the file and the line."""


class RuleError(AuditError):
    """A rule cannot be used as it is; the message names the file and the line."""


class AccountError(AuditError):
    """An account, membership or token cannot be added or changed as asked."""


class ExportError(AuditError):
    """An export cannot be made, changed or handed out as asked."""


class ViewError(AuditError):
    """A saved view cannot be found, saved, changed or deleted as asked."""


class AlertError(AuditError):
    """An alert cannot be found, or changed as asked."""
