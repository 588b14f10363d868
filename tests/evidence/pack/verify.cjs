// Verifies packs by the page's own script. Reads { pack, key, checkpoint } as lines of JSON from the
// input, writes what was found of each as a line.
"use strict";
const { readFileSync } = require("node:fs");
const { inflateRawSync } = require("node:zlib");
const path = require("node:path");

const folder = process.argv[2];
for (const name of ["libraries.js", "verify.js"]) require(path.join(folder, name));

const inflate = (packed, size) => inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });

(async () => {
  for (const line of readFileSync(0, "utf-8").split("\n").filter(Boolean)) {
    const { pack, key, checkpoint } = JSON.parse(line);
    const found = await globalThis.verifyPack(new Uint8Array(readFileSync(pack)), { key, checkpoint, inflate });
    process.stdout.write(`${JSON.stringify(found)}\n`);
  }
})();
