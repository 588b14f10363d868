"""The libraries of the verifier page are what npm publishes, to the byte."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from audit_core.evidence.pack import verifier_page
from tests.clients.official import REQUIRED, TYPESCRIPT

PUBLISHED = TYPESCRIPT / "node_modules" / "@noble"
LIBRARIES = Path(verifier_page.__file__).parent / "browser" / "libraries.js"
ED25519 = "@noble/ed25519"
MODULES = {
    "@noble/hashes/crypto": "hashes/crypto.js",
    "./utils.js": "hashes/utils.js",
    "./_u64.js": "hashes/_u64.js",
    "./_md.js": "hashes/_md.js",
    "./sha2.js": "hashes/sha2.js",
    ED25519: "ed25519/index.js",
}
"""The modules by the names under which they ask for each other, each after what it asks for."""

BEGIN = """\
// @noble/hashes {hashes} and @noble/ed25519 {ed25519}, as they are published, in one classic \
script.
globalThis.sandtrailLibraries = (function () {{
  const modules = {{}}, loaded = {{}};
  function require(name) {{
    if (!(name in loaded)) {{
      const module = (loaded[name] = {{}});
      modules[name](module, require);
    }}
    return loaded[name];
  }}
"""
END = """\
const { sha256, sha512 } = require("./sha2.js");
const ed25519 = require("@noble/ed25519");
ed25519.hashes.sha512 = sha512;
return {
  sha256,
  // By RFC 8032, as OpenSSL and Go do.
  ed25519Verify: (signature, message, key) => ed25519.verify(signature, message, key, \
{ zip215: false }),
};
})();
"""


def published(path: str) -> str:
    return (PUBLISHED / path).read_text(encoding="utf-8")


def licence(package: str) -> str:
    lines = published(f"{package}/LICENSE").strip().splitlines()
    return "".join(("/*\n", *(f" * {line}".rstrip() + "\n" for line in lines), " */\n"))


def module(name: str) -> str:
    code = re.sub(r"//# sourceMappingURL=.*\n?\Z", "", published(MODULES[name]))
    arguments = "exports, require"
    if name == ED25519:
        # The only one that is a module of ECMAScript, which a page from disk may not load.
        exported = "Object.assign(exports, { \\1 });"
        code, arguments = re.sub(r"(?m)^export \{ (.+?),? \};$", exported, code), "exports"
    return f'modules["{name}"] = function ({arguments}) {{\n{code}}};\n'


def built() -> str:
    """The file, from what npm has installed."""
    versions = {
        package: json.loads(published(f"{package}/package.json"))["version"]
        for package in ("hashes", "ed25519")
    }
    hashes = "".join(module(name) for name in MODULES if name != ED25519)
    parts = licence("hashes"), hashes, licence("ed25519"), module(ED25519)
    return "".join((BEGIN.format(**versions), *parts, END))


def test_the_libraries_of_the_verifier_page_are_those_that_npm_publishes() -> None:
    if not PUBLISHED.is_dir():
        assert not os.environ.get(REQUIRED), "`npm ci` in tests/clients/typescript"
        pytest.skip("`npm ci` in tests/clients/typescript brings what this is compared with")
    assert LIBRARIES.read_text(encoding="utf-8") == built()
