"""The query language with days in UTC, for tests that are about something else than zones."""

from functools import partial

from audit_core.query.language import describe as describing
from audit_core.query.language import parser, printer
from audit_core.query.time.windows import UTC_NAME

parse = partial(parser.parse, zone=UTC_NAME)
to_text = partial(printer.to_text, zone=UTC_NAME)
conjoin = partial(printer.conjoin, zone=UTC_NAME)
describe = partial(describing.describe, zone=UTC_NAME)
