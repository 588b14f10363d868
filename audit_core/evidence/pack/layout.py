"""What a pack is made of: names, versions and limits, as docs/pack.md tells them to strangers."""

from __future__ import annotations

import re

FORMAT = "sandtrail-pack"
VERSION = 1
EXTENSION = "zip"
MEDIA_TYPE = "application/zip"

README = "README.txt"
ENTRIES = "entries.jsonl"
LEAVES = "leaves.jsonl"
PROOF = "proof.json"
CHECKPOINT = "checkpoint.txt"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
ANCHORS = "anchors/"

SIGNED = (README, ENTRIES, LEAVES, PROOF, CHECKPOINT)
"""What every pack holds besides the manifest, which names them with their checksums."""
ANCHOR_NAME = re.compile(r"anchors/[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

STATEMENT = "sandtrail pack 1"
"""The first line of what is signed; the second is the SHA-256 of the manifest in base64."""

MAX_FILES = 64
MAX_DIRECTORY_BYTES = 1 << 20
"""Of the ZIP's directory."""
MAX_SMALL_BYTES = 2_000_000
"""Of every file but entries and leaves, unpacked."""
MAX_LINE_BYTES = 8_000_000
"""Of a line of entries and leaves."""
MAX_RATIO = 200
"""How many bytes one packed byte may become: what grows more is a bomb."""
MAX_DEPTH = 200
"""How deep JSON may be nested."""

CLOCK_TOLERANCE_S = 300
"""By how much the clocks of one installation's machines may differ."""
