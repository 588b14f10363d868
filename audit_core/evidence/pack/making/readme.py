"""README.txt of a pack: what an auditor reads first, who never saw the product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode


def readme_text(claims: Mapping[str, Any], sql: str = "") -> str:
    """The text, from what the manifest says, and with the filter as a statement on the log."""
    asked = _query(claims["query"], sql) if sql else ()
    return "\n".join((*_lines(claims), *asked)) + "\n"


def _query(query: Mapping[str, Any], sql: str) -> Iterator[str]:
    yield ""
    yield "The filter for whoever looks into the log itself"
    yield f"  In words:      {_inline(query['sentence'])}"
    yield f"  As an address: /explore?{urlencode(query['parameters'], doseq=True)}"
    yield "  As SQL, on the log's database. Entries that were finished or erased since are there as"
    yield "  they are now; the product compares texts with secrets taken out, this does not:"
    yield ""
    yield from (f"    {_inline(line)}" for line in sql.splitlines())


def _lines(claims: Mapping[str, Any]) -> Iterator[str]:
    query, head, counts = claims["query"], claims["head"], claims["counts"]
    yield "AUDIT LOG EXPORT WITH PROOF"
    yield ""
    yield "What this is"
    yield f"  Entries of the audit log of the organization {_inline(claims['organization'])}."
    yield f"  Asked for:   {_inline(query['sentence'])}"
    yield f"  From:        {query['since'] or 'the beginning'}"
    yield f"  Until:       {query['until'] or 'the checkpoint'} (exclusive)"
    yield f"  Made at:     {claims['made_at']} by {_inline(claims['made_by'] or 'unnamed')}"
    yield f"  Made with:   {claims['product']}"
    yield ""
    yield "How much"
    yield f"  {head['entries']:,} entries in all has the organization, {head['leaves']:,} writes."
    yield f"  {counts['entry']:,} entries are in this pack (entries.jsonl)."
    yield f"  {counts['unfinished']:,} of them had no outcome yet, {counts['late']:,} were received"
    yield f"  after the window's end, {counts['redacted']:,} hold secrets that are not shown."
    yield f"  {counts['left_out']:,} writes are shown by what they were about and left out by the"
    yield f"  filter, {counts['closed']:,} are named without being shown."
    yield f"  {counts['superseded']:,} writes were finished later, {counts['erased']:,} erased,"
    yield f"  {counts['pruned']:,} dropped by retention, {counts['absent']:,} never held."
    yield ""
    yield "Entries by day (UTC)"
    for day, number in counts["days"].items():
        yield f"  {day}  {number:,}"
    yield f"  {'sum':10}  {sum(counts['days'].values()):,}"
    yield ""
    yield from _CHECK


def _inline(text: str) -> str:
    """Text of somebody on one line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


_CHECK = """\
How to check it
  Neither a network nor the system that made it is needed:
    - python -m audit_core verify PACK.zip --key KEY
    - or open Sandtrail's verifier, a single HTML page, from your disk and choose the pack.
  Ask the organization for the public KEY and the verifier by another way than this pack: the
  operator shows it with `python -m audit_core log key`. A key that comes with the pack proves only
  that all of it was signed by the same one.

  Six verdicts are separate:
    signature     these files are what the holder of the key signed
    integrity     every entry is in the log's tree of hashes, unchanged
    completeness  no write between the first shown and the checkpoint is missing
    filter        nothing that matches was left out, nothing else was put in
    counts        the numbers above are what is here
    time          the times agree with the time of the checkpoint
  An older checkpoint of this log that you kept, or that a place outside keeps, shows that the
  log was not rolled back since: --checkpoint FILE.

Files
  entries.jsonl   the entries, one JSON object a line
  leaves.jsonl    every write of the run, opened as far as may be seen
  proof.json      hashes of all other writes, up to the checkpoint's root
  checkpoint.txt  the signed head of the log (C2SP checkpoint, RFC 6962 tree)
  manifest.json   what was asked, counts, and the checksum of every file
  manifest.sig    the signature over the manifest (C2SP signed note, Ed25519)
  anchors/        what places outside said of the checkpoint, if anything

What it cannot show
  What the platform never wrote to its audit log; and what was written before the first
  checkpoint that somebody outside keeps could have been another history.

Controls that such a pack serves
  SOC 2 CC7.2, CC6.2, PI1.4; ISO/IEC 27001 A.8.15; PCI DSS 10.2, 10.3, 10.5; NIST SP 800-53
  AU-9, AU-10, AU-12.""".splitlines()
