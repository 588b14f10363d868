// Verifies a pack of Sandtrail (docs/pack.md). Shares no code with the product: a second opinion.
//
// verifyPack(bytes, options) gives a promise of { holds, key, verdicts, subject } or of
// { holds: false, refused: { code, sentence } }. Options: key (text), checkpoint (text of a signed
// note), inflate (function of packed bytes and the size they should have, giving bytes or a promise).
// It needs globalThis.sandtrailLibraries (libraries.js): sha256 and ed25519Verify.
(function (root) {
  "use strict";

  const { sha256, ed25519Verify } = root.sandtrailLibraries;

  const LIMITS = {
    files: 64, small: 2000000, line: 8000000, ratio: 200, depth: 200, parts: 5000, pattern: 2000,
    findings: 20, toleranceMicros: 300000000n, maxTime: 253402300799999999n,
  };
  const STREAMED = ["entries.jsonl", "leaves.jsonl"];
  const REQUIRED = [
    "README.txt", "entries.jsonl", "leaves.jsonl", "proof.json", "checkpoint.txt", "manifest.json",
    "manifest.sig",
  ];
  const ANCHOR = /^anchors\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
  const PLAIN = [
    "organization_id", "organization_revision", "organization_seq", "id", "created_at",
    "received_at", "action", "target_type", "target_id", "status_code", "source",
  ];
  const NUMBERS = new Set([
    "organization_revision", "organization_seq", "created_at", "received_at", "status_code",
  ]);
  const MAY_BE_NONE = new Set(["target_type", "target_id", "status_code", "source"]);
  const WHO = [
    "actor_id", "actor_email", "actor_api_key_prefix", "actor_api_key_suffix", "ip_address",
    "user_agent",
  ];
  const SAID = ["error_message", "metadata"];
  const ENTRY = {
    id: "id", actorId: "actor_id", actorEmail: "actor_email",
    actorApiKeyPrefix: "actor_api_key_prefix", actorApiKeySuffix: "actor_api_key_suffix",
    organizationId: "organization_id", action: "action", targetType: "target_type",
    targetId: "target_id", statusCode: "status_code", errorMessage: "error_message",
    ipAddress: "ip_address", userAgent: "user_agent", source: "source", metadata: "metadata",
    createdAt: "created_at",
  };
  const KINDS = ["entry", "left_out", "closed", "superseded", "erased", "pruned", "absent"];
  const LOOSE = new Set(["closed", "erased", "pruned", "absent"]);
  const PARTS = ["signature", "integrity", "completeness", "filter", "counts", "time"];
  const ORGANIZATION = 0, REVISION = 1, SEQ = 2, CREATED = 4, RECEIVED = 5, STATUS = 9;
  const DAY = 86400000000n;

  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  class Refused extends Error {
    constructor(code, sentence) {
      super(sentence);
      this.code = code;
    }
  }
  class Wrong extends Error {}

  // Bytes ---------------------------------------------------------------------------------------

  function concat(...parts) {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let place = 0;
    for (const part of parts) {
      whole.set(part, place);
      place += part.length;
    }
    return whole;
  }

  function same(one, other) {
    return one.length === other.length && one.every((byte, place) => byte === other[place]);
  }

  const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

  function hexOf(bytes) {
    let text = "";
    for (const byte of bytes) text += HEX[byte];
    return text;
  }

  function bytesOfHash(text) {
    if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(text)) {
      throw new Wrong("a hash is not 64 hexadecimal digits");
    }
    const bytes = new Uint8Array(32);
    for (let place = 0; place < 32; place++) bytes[place] = parseInt(text.substr(place * 2, 2), 16);
    return bytes;
  }

  function base64Of(bytes) {
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  }

  function bytesOfBase64(text) {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4) throw new Wrong("it is not base64");
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    if (base64Of(bytes) !== text) throw new Wrong("it is not base64 in its canonical spelling");
    return bytes;
  }

  // The ZIP ---------------------------------------------------------------------------------------

  const CRC = Uint32Array.from({ length: 256 }, (_, number) => {
    for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
    return number >>> 0;
  });

  function crcOf(bytes) {
    let crc = 0xffffffff;
    for (let place = 0; place < bytes.length; place++) {
      crc = CRC[(crc ^ bytes[place]) & 255] ^ (crc >>> 8);
    }
    return (crc ^ 0xffffffff) >>> 0;
  }

  function noZip() {
    return new Refused("pack.zip", "The file is no ZIP, or it is cut off or damaged.");
  }

  function membersOf(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let end = bytes.length - 22;
    const lowest = Math.max(0, end - 65535);
    while (end >= lowest && view.getUint32(end, true) !== 0x06054b50) end--;
    if (end < lowest || end < 0) throw noZip();
    const number = view.getUint16(end + 10, true);
    const size = view.getUint32(end + 12, true);
    let place = view.getUint32(end + 16, true);
    if (number === 0xffff || size === 0xffffffff || place === 0xffffffff) {
      throw new Refused("pack.zip", "The pack is larger than this page can look at.");
    }
    if (place + size > end) throw noZip();
    const members = new Map();
    for (let count = 0; count < number; count++) {
      if (place + 46 > end || view.getUint32(place, true) !== 0x02014b50) throw noZip();
      const nameLength = view.getUint16(place + 28, true);
      const member = {
        flags: view.getUint16(place + 8, true), method: view.getUint16(place + 10, true),
        crc: view.getUint32(place + 16, true), packed: view.getUint32(place + 20, true),
        size: view.getUint32(place + 24, true), local: view.getUint32(place + 42, true),
        rawName: bytes.subarray(place + 46, place + 46 + nameLength),
      };
      take(members, new TextDecoder().decode(member.rawName), member);
      place += 46 + nameLength + view.getUint16(place + 30, true) + view.getUint16(place + 32, true);
    }
    const missing = REQUIRED.filter((name) => !members.has(name));
    if (missing.length) throw new Refused("pack.missing", `The pack lacks ${missing.join(", ")}.`);
    return members;
  }

  function take(members, name, member) {
    if (members.has(name)) throw new Refused("pack.twice", `The pack holds ${name} twice.`);
    if (members.size === LIMITS.files) {
      throw new Refused("pack.files", `The pack holds more than ${LIMITS.files} files.`);
    }
    if (!REQUIRED.includes(name) && !ANCHOR.test(name)) {
      throw new Refused("pack.stranger", `The pack holds ${name}, which is no part of one.`);
    }
    if (member.flags & 1 || (member.method !== 0 && member.method !== 8)) {
      throw new Refused("pack.method", `${name} is encrypted, or packed in an unknown way.`);
    }
    if (!STREAMED.includes(name) && member.size > LIMITS.small) {
      throw new Refused("pack.large", `${name} has more than ${LIMITS.small} bytes.`);
    }
    if (member.size > LIMITS.ratio * Math.max(member.packed, 1000)) {
      throw new Refused("pack.bomb", `${name} grows to a multiple that no pack has.`);
    }
    members.set(name, member);
  }

  async function contentOf(bytes, name, member, inflate) {
    const damaged = new Refused("pack.damaged", `${name} in the pack is damaged.`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { local } = member;
    if (local + 30 > bytes.length || view.getUint32(local, true) !== 0x04034b50) throw damaged;
    const nameLength = view.getUint16(local + 26, true);
    if (!same(bytes.subarray(local + 30, local + 30 + nameLength), member.rawName)) throw damaged;
    const start = local + 30 + nameLength + view.getUint16(local + 28, true);
    if (start + member.packed > bytes.length) throw damaged;
    const packed = bytes.subarray(start, start + member.packed);
    let content;
    try {
      content = member.method === 0 ? packed : await inflate(packed, member.size);
    } catch {
      throw damaged;
    }
    if (content.length !== member.size || crcOf(content) !== member.crc) throw damaged;
    return content;
  }

  async function inflateInBrowser(packed, size) {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const reader = stream.getReader();
    const content = new Uint8Array(size);
    let filled = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length > size) throw new Error("longer than it says");
      content.set(value, filled);
      filled += value.length;
    }
    if (filled !== size) throw new Error("shorter than it says");
    return content;
  }

  function* linesOf(bytes, name) {
    let start = 0;
    while (start < bytes.length) {
      const end = bytes.indexOf(10, start);
      if (end < 0) throw new Refused("pack.line", `${name} ends within a line.`);
      if (end - start > LIMITS.line) {
        throw new Refused("pack.line", `${name} has a line that is too long.`);
      }
      yield bytes.subarray(start, end);
      start = end + 1;
    }
  }

  // JSON: no name twice, numbers as they are written ------------------------------------------------

  class Num {
    constructor(text) {
      this.text = text;
    }
  }

  const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
  const PLAIN_TEXT = /[^"\\\u0000-\u001f]*/y;
  const SPACE = /[ \t\n\r]*/y;
  const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

  function strictJson(source) {
    let text;
    try {
      text = typeof source === "string" ? source : decoder.decode(source);
    } catch {
      throw new Wrong("it is not UTF-8");
    }
    let place = 0;

    function wrong() {
      return new Wrong(`it is no JSON at character ${place}`);
    }
    function matched(expression) {
      expression.lastIndex = place;
      const found = expression.exec(text);
      if (!found) throw wrong();
      place += found[0].length;
      return found[0];
    }
    function word(letters, value) {
      if (!text.startsWith(letters, place)) throw wrong();
      place += letters.length;
      return value;
    }
    function string() {
      place++;
      let value = matched(PLAIN_TEXT);
      while (text[place] !== '"') {
        if (text[place] !== "\\") throw wrong();
        const letter = text[place + 1];
        if (letter === "u") {
          const digits = text.substr(place + 2, 4);
          if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw wrong();
          value += String.fromCharCode(parseInt(digits, 16));
          place += 6;
        } else {
          if (!Object.hasOwn(ESCAPES, letter ?? "")) throw wrong();
          value += ESCAPES[letter];
          place += 2;
        }
        value += matched(PLAIN_TEXT);
      }
      place++;
      return value;
    }
    function members(close, one) {
      place++;
      matched(SPACE);
      if (text[place] === close) {
        place++;
        return;
      }
      for (;;) {
        one();
        matched(SPACE);
        if (text[place] === close) {
          place++;
          return;
        }
        if (text[place] !== ",") throw wrong();
        place++;
        matched(SPACE);
      }
    }
    function value(depth) {
      if (depth > LIMITS.depth) throw new Wrong(`it is nested deeper than ${LIMITS.depth} levels`);
      const first = text[place];
      if (first === "{") {
        const found = new Map();
        members("}", () => {
          if (text[place] !== '"') throw wrong();
          const name = string();
          matched(SPACE);
          if (text[place] !== ":") throw wrong();
          place++;
          matched(SPACE);
          if (found.has(name)) throw new Wrong("an object holds a name twice");
          found.set(name, value(depth + 1));
        });
        return found;
      }
      if (first === "[") {
        const found = [];
        members("]", () => found.push(value(depth + 1)));
        return found;
      }
      if (first === '"') return string();
      if (first === "t") return word("true", true);
      if (first === "f") return word("false", false);
      if (first === "n") return word("null", null);
      return new Num(matched(NUMBER));
    }
    matched(SPACE);
    const found = value(1);
    matched(SPACE);
    if (place < text.length) throw wrong();
    return found;
  }

  function equal(one, other) {
    if (one instanceof Num) return other instanceof Num && one.text === other.text;
    if (one instanceof Map) {
      return other instanceof Map && one.size === other.size
        && [...one].every(([name, value]) => other.has(name) && equal(value, other.get(name)));
    }
    if (Array.isArray(one)) {
      return Array.isArray(other) && one.length === other.length
        && one.every((value, place) => equal(value, other[place]));
    }
    return one === other;
  }

  function isMap(value, names) {
    return value instanceof Map && value.size === names.length && names.every((name) => value.has(name));
  }

  function get(map, ...path) {
    for (const name of path) {
      if (!(map instanceof Map) || !map.has(name)) throw new Wrong(`it lacks ${name}`);
      map = map.get(name);
    }
    return map;
  }

  function textOf(value) {
    if (typeof value !== "string" || /\p{Surrogate}/u.test(value)) throw new Wrong("a text is missing");
    return value;
  }

  function hasHalf(value) {
    if (typeof value === "string") return /\p{Surrogate}/u.test(value);
    if (value instanceof Map) value = [...value].flat();
    return Array.isArray(value) && value.some(hasHalf);
  }

  function wholeOf(value) {
    if (!(value instanceof Num) || !/^(0|[1-9][0-9]{0,15})$/.test(value.text)
      || Number(value.text) > Number.MAX_SAFE_INTEGER) {
      throw new Wrong("it is not a whole number that this page can count to");
    }
    return Number(value.text);
  }

  function instantOf(value) {
    const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(textOf(value));
    const millis = found ? Date.parse(found[1] + found[3]) : NaN;
    if (Number.isNaN(millis)) throw new Wrong("a time is none");
    return BigInt(millis) * 1000n + BigInt((found[2] ?? "").padEnd(6, "0"));
  }

  function instantText(micros) {
    const second = micros / 1000000n;
    const text = new Date(Number(second) * 1000).toISOString().slice(0, 19);
    const rest = micros % 1000000n;
    return rest ? `${text}.${String(rest).padStart(6, "0")}Z` : `${text}Z`;
  }

  // Hashes ------------------------------------------------------------------------------------------

  const NONE = Uint8Array.of(0x4e, 0, 0, 0, 0);

  function canonical(values) {
    const parts = [];
    for (const value of values) {
      if (value === null) {
        parts.push(NONE);
        continue;
      }
      const text = encoder.encode(value);
      const head = new Uint8Array(5);
      head[0] = 0x56;
      new DataView(head.buffer).setUint32(1, text.length);
      parts.push(head, text);
    }
    return concat(...parts);
  }

  function nodeHash(left, right) {
    return sha256(concat(Uint8Array.of(1), left, right));
  }

  // Leaves from a start on, as the hashes of the largest aligned subtrees within them.
  class CompactRange {
    constructor(start) {
      this.start = start;
      this.stop = start;
      this.nodes = [];
    }

    append(hash) {
      let level = 0;
      let index = this.stop;
      while (index % 2 === 1 && this.nodes.length && this.nodes[this.nodes.length - 1].level === level) {
        hash = nodeHash(this.nodes.pop().hash, hash);
        level++;
        index = (index - 1) / 2;
      }
      this.nodes.push({ level, hash });
      this.stop++;
    }

    rootIn(size, left, right) {
      if (!(this.start < this.stop && this.stop <= size)) {
        throw new Wrong(`Leaves ${this.start} to ${this.stop} are no run in a tree of ${size} leaves.`);
      }
      const inside = new Map();
      let begin = this.start;
      for (const { level, hash } of this.nodes) {
        inside.set(`${begin}-${begin + 2 ** level}`, hash);
        begin += 2 ** level;
      }
      const spans = [];
      outside(0, size, this.start, this.stop, spans);
      const before = spans.filter(([, end]) => end <= this.start).length;
      if (before !== left.length || spans.length - before !== right.length) {
        throw new Wrong(`The proof of the run has ${left.length} + ${right.length} hashes where its `
          + `numbers ask for ${before} + ${spans.length - before}.`);
      }
      spans.forEach(([from, to], place) => inside.set(`${from}-${to}`, [...left, ...right][place]));
      const hashOf = (from, to) => {
        const known = inside.get(`${from}-${to}`);
        if (known) return known;
        const middle = from + split(to - from);
        return nodeHash(hashOf(from, middle), hashOf(middle, to));
      };
      return hashOf(0, size);
    }
  }

  function split(width) {
    let half = 1;
    while (half * 2 < width) half *= 2;
    return half;
  }

  function outside(begin, end, start, stop, found) {
    if (start <= begin && end <= stop) return;
    if (end <= start || stop <= begin) {
      found.push([begin, end]);
      return;
    }
    const middle = begin + split(end - begin);
    outside(begin, middle, start, stop, found);
    outside(middle, end, start, stop, found);
  }

  // Signed notes and checkpoints --------------------------------------------------------------------

  function keyOf(text) {
    const [name, hash, ...rest] = text.trim().split("+");
    const encoded = rest.join("+");
    if (!name || /[\s+]/.test(name) || hash === undefined) {
      throw new Wrong("The key is not of the form name+hash+base64.");
    }
    let bytes;
    try {
      bytes = bytesOfBase64(encoded);
    } catch {
      throw new Wrong("The key is not of the form name+hash+base64.");
    }
    const id = sha256(concat(encoder.encode(`${name}\n`), bytes)).subarray(0, 4);
    if (bytes.length !== 33 || bytes[0] !== 1) throw new Wrong(`The key of ${name} is not an Ed25519 key.`);
    if (hexOf(id) !== hash) throw new Wrong(`The key of ${name} does not have the hash that its text names: a typo.`);
    return { name, id, publicKey: bytes.subarray(1), text: text.trim() };
  }

  function noteOf(bytes) {
    let text;
    try {
      text = typeof bytes === "string" ? bytes : decoder.decode(bytes);
    } catch {
      throw new Wrong("The note is not UTF-8.");
    }
    const gap = text.lastIndexOf("\n\n");
    if (gap < 0 || !text.endsWith("\n") || gap + 2 >= text.length) {
      throw new Wrong("The note has no signatures below an empty line.");
    }
    const signed = text.slice(0, gap + 1);
    if (/[\u0000-\u0009\u000b-\u001f]/.test(signed)) throw new Wrong("The note holds control characters.");
    const lines = text.slice(gap + 2, -1).split("\n");
    if (lines.length > 100) throw new Wrong("The note has more than 100 signatures.");
    const signatures = lines.map((line) => {
      const found = /^— ([^\s+]+) (\S+)$/.exec(line);
      const decoded = found ? bytesOfBase64(found[2]) : new Uint8Array();
      if (decoded.length <= 4) throw new Wrong("A signature of the note is not of the form “— name base64”.");
      return { name: found[1], id: decoded.subarray(0, 4), signature: decoded.subarray(4) };
    });
    return { text: signed, signatures };
  }

  // True, false where the key has not signed; throws where its signature does not hold.
  function signedBy(note, key) {
    for (const { name, id, signature } of note.signatures) {
      if (name !== key.name || !same(id, key.id)) continue;
      let holds = false;
      try {
        holds = signature.length === 64
          && ed25519Verify(signature, encoder.encode(note.text), key.publicKey);
      } catch {
        holds = false;
      }
      if (!holds) throw new Wrong(`The signature of ${key.name} does not fit the text.`);
      return true;
    }
    return false;
  }

  function checkpointOf(text) {
    const lines = text.slice(0, -1).split("\n");
    if (lines.length < 3 || lines.some((line) => line === "")) {
      throw new Wrong("A checkpoint has three lines or more, none of them empty.");
    }
    if (!/^(0|[1-9][0-9]{0,15})$/.test(lines[1]) || Number(lines[1]) > Number.MAX_SAFE_INTEGER) {
      throw new Wrong("The second line of a checkpoint is not the number of its leaves.");
    }
    const hash = bytesOfBase64(lines[2]);
    if (hash.length !== 32) throw new Wrong("The root in a checkpoint does not have 32 bytes.");
    let signedAt = null;
    if (lines.length > 3 && lines[3].startsWith("time ")) {
      const time = lines[3].slice(5);
      if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time)) throw new Wrong("The time in a checkpoint is none.");
      signedAt = instantOf(time);
    }
    return { origin: lines[0], size: Number(lines[1]), root: hash, signedAt };
  }

  function originOf(key, organization) {
    const fingerprint = hexOf(sha256(key.publicKey)).slice(0, 16);
    const quoted = encodeURIComponent(organization).replace(
      /[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
    return `sandtrail/${fingerprint}/${quoted}`;
  }

  // The filter --------------------------------------------------------------------------------------

  // A function of a leaf's plain fields: true, false, or null where they cannot tell.
  function testOf(condition, left = { parts: LIMITS.parts }) {
    if (--left.parts < 0) throw new Wrong(`it has more than ${LIMITS.parts} parts`);
    if (isMap(condition, ["all"]) && Array.isArray(condition.get("all"))) {
      return joined(condition.get("all").map((part) => testOf(part, left)), false);
    }
    if (isMap(condition, ["any"]) && Array.isArray(condition.get("any"))) {
      return joined(condition.get("any").map((part) => testOf(part, left)), true);
    }
    if (isMap(condition, ["not"])) {
      const part = testOf(condition.get("not"), left);
      return (plain) => {
        const met = part(plain);
        return met === null ? null : !met;
      };
    }
    if (isMap(condition, ["unknown"]) && typeof condition.get("unknown") === "string") return () => null;
    const name = condition instanceof Map ? condition.get("field") : undefined;
    if (!PLAIN.includes(name)) throw new Wrong("a part of it is none that this version knows");
    return compared(PLAIN.indexOf(name), name, condition);
  }

  function joined(tests, decisive) {
    return (plain) => {
      let met = !decisive;
      for (const test of tests) {
        const found = test(plain);
        if (found === decisive) return decisive;
        if (found === null) met = null;
      }
      return met;
    };
  }

  function compared(place, name, condition) {
    if (isMap(condition, ["field", "exists"]) && condition.get("exists") === true) {
      return (plain) => plain[place] !== null;
    }
    if (isMap(condition, ["field", "in"]) && Array.isArray(condition.get("in"))
      && condition.get("in").every((text) => typeof text === "string")) {
      const values = new Set(condition.get("in"));
      return (plain) => plain[place] !== null && values.has(plain[place]);
    }
    if (isMap(condition, ["field", "like"]) && Array.isArray(condition.get("like"))) {
      const fits = patternOf(condition.get("like"));
      return (plain) => plain[place] !== null && fits([...plain[place]]);
    }
    const names = [...(condition.keys())].filter((key) => key !== "field");
    if (names.length && names.every((key) => key === "from" || key === "to") && NUMBERS.has(name)) {
      const [low, high] = ["from", "to"].map((key) => boundOf(condition.get(key)));
      return (plain) => {
        if (plain[place] === null) return false;
        const number = BigInt(plain[place]);
        return (low === null || low <= number) && (high === null || number <= high);
      };
    }
    throw new Wrong(`a comparison of ${name} is none that this version knows`);
  }

  // Whether all characters of a text fit, trying no part twice: a regular expression of somebody
  // else could go on for years.
  function patternOf(pieces) {
    const parts = [[]];
    for (const piece of pieces) {
      if (typeof piece === "string") parts[parts.length - 1].push(...piece.slice(0, 2 * LIMITS.pattern + 2));
      else if (!(piece instanceof Num) || !["0", "1"].includes(piece.text)) {
        throw new Wrong("a pattern holds texts, 0 and 1 only");
      } else if (piece.text === "1") parts[parts.length - 1].push(null);
      else parts.push([]);
    }
    if (parts.reduce((sum, part) => sum + part.length, parts.length - 1) > LIMITS.pattern) {
      throw new Wrong(`a pattern has more than ${LIMITS.pattern} characters`);
    }
    const [first, ...middle] = parts;
    const fitsAt = (part, text, place) => part.every(
      (character, at) => character === null || character === text[place + at],
    );
    if (!middle.length) return (text) => text.length === first.length && fitsAt(first, text, 0);
    const last = middle.pop();
    return (text) => {
      let place = first.length;
      const end = text.length - last.length;
      if (place > end || !fitsAt(first, text, 0) || !fitsAt(last, text, end)) return false;
      for (const part of middle) {
        while (place + part.length <= end && !fitsAt(part, text, place)) place++;
        if (place + part.length > end) return false;
        place += part.length;
      }
      return true;
    };
  }

  function boundOf(text) {
    if (text === undefined || text === null) return null;
    if (typeof text !== "string" || !/^(0|-?[1-9][0-9]{0,17})$/.test(text)) {
      throw new Wrong("a bound is not a whole number");
    }
    return BigInt(text);
  }

  function unknownParts(condition) {
    if (condition.has("unknown")) return [condition.get("unknown")];
    const parts = [...(condition.get("all") ?? []), ...(condition.get("any") ?? [])];
    if (condition.has("not")) parts.push(condition.get("not"));
    return parts.flatMap(unknownParts);
  }

  // The manifest ------------------------------------------------------------------------------------

  function claimsOf(bytes) {
    try {
      const value = strictJson(bytes);
      if (get(value, "format") !== "sandtrail-pack") throw new Wrong("it is of another format");
      if (wholeOf(get(value, "version")) !== 1) throw new Wrong("it is of another version; this knows 1");
      if (hasHalf(value)) throw new Wrong("a text holds half of a character");
      const condition = get(value, "query", "condition");
      const since = get(value, "query", "since");
      const until = get(value, "query", "until");
      return {
        organization: textOf(get(value, "organization")),
        key: keyOf(textOf(get(value, "key"))),
        madeAt: instantOf(get(value, "made_at")),
        since: since === null ? null : instantOf(since),
        until: until === null ? null : instantOf(until),
        meets: testOf(condition),
        unknown: unknownParts(condition),
        leaves: wholeOf(get(value, "head", "leaves")),
        entriesInAll: wholeOf(get(value, "head", "entries")),
        start: wholeOf(get(value, "run", "start")),
        counts: new Map([...KINDS, "redacted", "unfinished", "late"].map(
          (name) => [name, wholeOf(get(value, "counts", name))],
        )),
        days: new Map([...get(value, "counts", "days")].map(([day, number]) => [day, wholeOf(number)])),
        files: new Map([...get(value, "files")].map(
          ([name, file]) => [name, { size: wholeOf(get(file, "bytes")), sha256: textOf(get(file, "sha256")) }],
        )),
        sentence: String(value.get("query").get("sentence") ?? ""),
        madeBy: value.get("made_by") ?? null,
        product: String(value.get("product") ?? ""),
      };
    } catch (error) {
      if (error instanceof Wrong || error instanceof TypeError) {
        throw new Refused("pack.manifest", `The manifest cannot be read: ${error.message}.`);
      }
      throw error;
    }
  }

  function proofOf(bytes) {
    const value = strictJson(bytes);
    if (!isMap(value, ["start", "stop", "size", "left", "right"])) {
      throw new Wrong("it has not exactly the members start, stop, size, left and right");
    }
    const hashes = (side) => {
      if (!Array.isArray(value.get(side))) throw new Wrong(`${side} is no list`);
      return value.get(side).map(bytesOfHash);
    };
    return {
      start: wholeOf(value.get("start")), stop: wholeOf(value.get("stop")),
      size: wholeOf(value.get("size")), left: hashes("left"), right: hashes("right"),
    };
  }

  // Leaves and entries --------------------------------------------------------------------------------

  function textsOf(value, number) {
    if (!Array.isArray(value) || value.length !== number
      || !value.every((text) => text === null || typeof text === "string")) {
      throw new Wrong(`a list does not have ${number} texts or nulls`);
    }
    if (value.some((text) => text !== null && /\p{Surrogate}/u.test(text))) {
      throw new Wrong("a value holds half of a character");
    }
    return value;
  }

  function blockOf(value, names) {
    if (isMap(value, ["commitment"])) {
      return { values: null, commitment: bytesOfHash(value.get("commitment")) };
    }
    if (!isMap(value, ["salt", "values"])) throw new Wrong("a block is neither opened nor closed");
    const values = textsOf(value.get("values"), names.length);
    return { values, commitment: sha256(concat(bytesOfHash(value.get("salt")), canonical(values))) };
  }

  function leafOf(line) {
    const value = strictJson(line);
    const kind = value instanceof Map ? value.get("kind") : undefined;
    if (!KINDS.includes(kind)) throw new Wrong("its kind is none that this version knows");
    if (kind !== "entry" && kind !== "left_out") {
      const names = kind === "closed" ? ["kind", "hash", "created_at"] : ["kind", "hash"];
      if (!isMap(value, names)) throw new Wrong("it has other members than its kind asks for");
      if (kind === "closed" && !/^(0|-?[1-9][0-9]{0,17})$/.test(textOf(value.get("created_at")))) {
        throw new Wrong("created_at is no whole number");
      }
      return { kind, hash: bytesOfHash(value.get("hash")), plain: null };
    }
    if (!isMap(value, ["kind", "plain", "who", "said"])) {
      throw new Wrong("it has not exactly the members kind, plain, who and said");
    }
    const plain = textsOf(value.get("plain"), PLAIN.length);
    PLAIN.forEach((name, place) => {
      const text = plain[place];
      if (text === null && !MAY_BE_NONE.has(name)) throw new Wrong("a field that every leaf has is missing");
      if (text !== null && NUMBERS.has(name) && !/^(0|-?[1-9][0-9]{0,17})$/.test(text)) {
        throw new Wrong("a number is none");
      }
    });
    for (const place of [CREATED, RECEIVED]) {
      const time = BigInt(plain[place]);
      if (time < 0n || time > LIMITS.maxTime) throw new Wrong("a time lies outside the calendar");
    }
    const who = blockOf(value.get("who"), WHO);
    const said = blockOf(value.get("said"), SAID);
    const data = concat(Uint8Array.of(0, 1), canonical(plain), who.commitment, said.commitment);
    return { kind, plain, who, said, hash: sha256(data) };
  }

  // The first field in which an entry's line does not say what its leaf says; null if none.
  function differenceOf(line, leaf) {
    const entry = strictJson(line);
    if (!isMap(entry, Object.keys(ENTRY))) {
      throw new Wrong("it does not have exactly the 16 fields of an entry");
    }
    const shown = new Map(PLAIN.map((name, place) => [name, leaf.plain[place]]));
    for (const [block, names] of [[leaf.who, WHO], [leaf.said, SAID]]) {
      if (block.values) names.forEach((name, place) => shown.set(name, block.values[place]));
    }
    for (const [jsonName, name] of Object.entries(ENTRY)) {
      if (shown.has(name) && !says(name, entry.get(jsonName), shown.get(name))) return jsonName;
    }
    return null;
  }

  function says(name, value, text) {
    if (text === null || (name === "organization_id" && text === "")) return value === null;
    if (name === "status_code") return value instanceof Num && value.text === text;
    if (name === "created_at") return value === instantText(BigInt(text));
    if (name !== "metadata") return value === text;
    try {
      return equal(value, strictJson(text));
    } catch (error) {
      if (error instanceof Wrong) return false;
      throw error;
    }
  }

  // Verdicts ------------------------------------------------------------------------------------------

  class Verdict {
    constructor() {
      this.state = "holds";
      this.findings = [];
      this.notes = [];
      this.more = 0;
    }

    fail(code, sentence) {
      this.state = "fails";
      if (this.findings.length < LIMITS.findings) this.findings.push({ code, sentence });
      else this.more++;
    }

    soften(state, note) {
      this.notes.push(note);
      if (this.state !== "fails") this.state = state;
    }
  }

  function unlessWrong(action, failed) {
    try {
      return action();
    } catch (error) {
      if (error instanceof Wrong) return failed(error);
      throw error;
    }
  }

  const counted = (number) => number.toLocaleString("en-US");

  // Entries are numbered without a gap and each is shown once, so one that is hidden is missed.
  class Numbers {
    constructor(completeness, counts, start) {
      this.completeness = completeness;
      this.counts = counts;
      this.base = start === 0 ? 0 : null;
      this.low = 0;
      this.high = 0;
      this.shown = new Set();
      this.newer = 0;
      this.loose = 0;
    }

    opened(number, leaf) {
      if (this.base === null) this.base = this.low = this.high = number - 1;
      if (number > this.high + 1) {
        this.completeness.fail("completeness.gap", `Before leaf ${leaf}, an entry is missing: ${this.high + 1}.`);
        this.low = this.high = number;
      }
      this.low = Math.max(this.low, number);
      this.high = Math.max(this.high, number);
      if (this.shown.has(number)) {
        this.counts.fail("counts.twice", `Leaf ${leaf} shows entry ${number} once more.`);
      } else if (number > this.base) {
        this.newer++;
      }
      this.shown.add(number);
    }

    closed(kind) {
      this.base ??= 0;
      this.high++;
      if (LOOSE.has(kind)) this.loose++;
    }

    finish(entriesInAll) {
      if (entriesInAll < this.low || entriesInAll > this.high) {
        this.completeness.fail("completeness.entries",
          `The log is said to have ${counted(entriesInAll)} entries; the leaves show ${counted(this.low)}.`);
        return;
      }
      const missing = entriesInAll - (this.base ?? 0) - this.newer;
      if (missing > this.loose && this.completeness.state !== "fails") {
        this.completeness.fail("completeness.hidden",
          `${counted(missing - this.loose)} entries are shown by no leaf, though none is closed.`);
      }
    }
  }

  function checkSignature(verdict, files, claims, given) {
    try {
      const note = noteOf(files.get("manifest.sig"));
      const signed = `sandtrail pack 1\n${base64Of(sha256(files.get("manifest.json")))}\n`;
      if (!signedBy(note, claims.key)) {
        verdict.fail("signature.unsigned", "The key that the pack names has not signed it.");
      } else if (note.text !== signed) {
        verdict.fail("signature.manifest", "Another manifest was signed than this one.");
      }
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      verdict.fail("signature.forged", "The signature does not hold.");
    }
    for (const name of [...files.keys()].sort()) {
      if (name === "manifest.json" || name === "manifest.sig") continue;
      const signed = claims.files.get(name);
      if (!signed) {
        verdict.fail("signature.stranger", `${name} was not signed with the pack.`);
      } else if (signed.size !== files.get(name).length || signed.sha256 !== hexOf(sha256(files.get(name)))) {
        verdict.fail("signature.file", `${name} is not the file that was signed.`);
      }
    }
    for (const name of claims.files.keys()) {
      if (!files.has(name)) {
        verdict.fail("signature.missing", `${name} was signed with the pack and is missing.`);
      }
    }
    if (!given) {
      verdict.soften("unconfirmed", `Signed by ${claims.key.name}, which you have not confirmed: ask for the key by another way than this pack.`);
    } else if (given.text !== claims.key.text) {
      verdict.fail("signature.key", `The pack is signed by ${claims.key.name}, not by the key you gave.`);
    }
  }

  function readCheckpoint(verdict, files, claims) {
    const note = unlessWrong(() => noteOf(files.get("checkpoint.txt")), () => null);
    const head = note && unlessWrong(() => checkpointOf(note.text), () => null);
    if (!head) {
      verdict.fail("integrity.checkpoint_unreadable", "The checkpoint cannot be read.");
      return null;
    }
    if (!unlessWrong(() => signedBy(note, claims.key), () => false)) {
      verdict.fail("integrity.checkpoint", "The checkpoint is not signed by the pack's key.");
    }
    if (head.origin !== originOf(claims.key, claims.organization)) {
      verdict.fail("integrity.origin", "The checkpoint is of another organization's log.");
    }
    if (head.size !== claims.leaves) {
      verdict.fail("integrity.head", "The checkpoint is not the one that the manifest names.");
    }
    return head;
  }

  function readGiven(verdict, claims, text) {
    if (!text) return null;
    const given = unlessWrong(() => {
      const note = noteOf(text);
      return signedBy(note, claims.key) ? checkpointOf(note.text) : null;
    }, () => null);
    if (!given) {
      verdict.fail("completeness.given", "The checkpoint that you gave is not signed by the pack's key.");
      return null;
    }
    if (given.origin !== originOf(claims.key, claims.organization)) {
      verdict.fail("completeness.given_origin", "The checkpoint you gave is of another log.");
      return null;
    }
    return given;
  }

  function walk(verdicts, files, claims, head, given) {
    const { integrity, completeness } = verdicts;
    const proof = unlessWrong(() => proofOf(files.get("proof.json")), (error) => {
      integrity.fail("integrity.proof_unreadable", `The proof cannot be read: ${error.message}.`);
      return { start: claims.start, stop: claims.leaves, size: claims.leaves, left: [], right: [] };
    });
    const run = {
      leaves: new CompactRange(proof.start), kinds: new Map(), days: new Map(),
      others: new Map([["redacted", 0], ["unfinished", 0], ["late", 0]]), newest: 0n, border: null,
      earlierRoot: null, numbers: new Numbers(completeness, verdicts.counts, proof.start),
      entries: linesOf(files.get("entries.jsonl"), "entries.jsonl"),
    };
    for (const line of linesOf(files.get("leaves.jsonl"), "leaves.jsonl")) {
      const number = run.leaves.stop;
      const leaf = unlessWrong(() => leafOf(line), (error) => {
        integrity.fail("integrity.leaf_unreadable", `Leaf ${number}: ${error.message}.`);
        return null;
      });
      if (!leaf) return null;
      run.kinds.set(leaf.kind, (run.kinds.get(leaf.kind) ?? 0) + 1);
      run.leaves.append(leaf.hash);
      if (leaf.plain) lookAt(verdicts, claims, run, leaf, number);
      else run.numbers.closed(leaf.kind);
      if (given && run.leaves.stop === given.size) {
        run.earlierRoot = unlessWrong(() => run.leaves.rootIn(given.size, proof.left, []), () => null);
      }
    }
    if (!run.entries.next().done) {
      integrity.fail("integrity.entry_extra", "There are more entries than leaves of them.");
    }
    if (run.leaves.stop !== proof.stop || proof.stop !== proof.size || proof.start !== claims.start) {
      completeness.fail("completeness.length",
        `The run has ${counted(run.leaves.stop - proof.start)} leaves from ${counted(proof.start)} on; it should go up to ${counted(proof.size)}.`);
    }
    if (head && proof.size !== head.size) {
      completeness.fail("completeness.head",
        `The run goes up to ${counted(proof.size)} leaves; the checkpoint counts ${counted(head.size)}.`);
    }
    if (head) {
      unlessWrong(() => {
        if (!same(run.leaves.rootIn(head.size, proof.left, proof.right), head.root)) {
          integrity.fail("integrity.root", "The leaves do not lead to the root that was signed.");
        }
      }, (error) => integrity.fail("integrity.proof", error.message));
    }
    return run;
  }

  function lookAt(verdicts, claims, run, leaf, number) {
    const { integrity, filter } = verdicts;
    const { plain } = leaf;
    if (number === run.leaves.start) run.border = leaf;
    if (plain[ORGANIZATION] !== claims.organization) {
      integrity.fail("integrity.organization", `Leaf ${number} belongs to another organization.`);
    }
    if (plain[REVISION] !== String(number + 1)) {
      integrity.fail("integrity.number", `Leaf ${number} says it is number ${plain[REVISION]}.`);
    }
    run.numbers.opened(Number(plain[SEQ]), number);
    const received = BigInt(plain[RECEIVED]);
    if (received > run.newest) run.newest = received;
    const met = claims.meets(plain);
    if (leaf.kind === "left_out") {
      if (met !== false) filter.fail("filter.left_out", `Leaf ${number} was left out, but may match.`);
      return;
    }
    if (met === false) filter.fail("filter.put_in", `Leaf ${number} is an entry that does not match.`);
    const day = instantText((BigInt(plain[CREATED]) / DAY) * DAY).slice(0, 10);
    run.days.set(day, (run.days.get(day) ?? 0) + 1);
    const add = (name, is) => run.others.set(name, run.others.get(name) + (is ? 1 : 0));
    add("redacted", leaf.said.values === null);
    add("unfinished", plain[STATUS] === null);
    add("late", claims.until !== null && received >= claims.until);
    const line = run.entries.next();
    if (line.done) {
      integrity.fail("integrity.entry_missing", `Leaf ${number} has no entry.`);
      return;
    }
    unlessWrong(() => {
      const name = differenceOf(line.value, leaf);
      if (name !== null) {
        integrity.fail("integrity.entry", `The entry of leaf ${number} says another ${name} than its leaf.`);
      }
    }, (error) => integrity.fail("integrity.entry_unreadable", `The entry of leaf ${number} cannot be read: ${error.message}.`));
  }

  function checkRun(verdicts, claims, run) {
    const { completeness, filter, counts } = verdicts;
    run.numbers.finish(claims.entriesInAll);
    if (run.leaves.start > 0) {
      const received = run.border && BigInt(run.border.plain[RECEIVED]);
      if (claims.since === null || received === null || received >= claims.since) {
        completeness.fail("completeness.start", "Entries of the window may stand before the run: its first leaf was not received before the window began.");
      }
    }
    const of = (kind) => run.kinds.get(kind) ?? 0;
    if (of("superseded")) completeness.notes.push(`${counted(of("superseded"))} leaves hold earlier versions of entries.`);
    const gone = of("erased") + of("pruned") + of("absent");
    if (gone) completeness.notes.push(`${counted(gone)} leaves cannot be opened any more: erased, dropped by retention, or absent.`);
    const asked = claims.unknown.join("; ");
    if (of("closed") && !claims.unknown.length) {
      filter.fail("filter.closed", `${counted(of("closed"))} leaves are closed, though what the filter asks stands in them openly.`);
    } else if (of("closed")) {
      filter.soften("partly", `${counted(of("closed"))} leaves are closed: whether they meet “${asked}” can be told only where they are opened one by one, on request (prove --leaf).`);
    } else if (claims.unknown.length) {
      filter.notes.push(`That the entries meet “${asked}” is the log's word.`);
    }
    for (const [name, claimed] of claims.counts) {
      const found = of(name) + (run.others.get(name) ?? 0);
      if (found !== claimed) counts.fail("counts.differ", `The manifest counts ${counted(claimed)} of ${name}; there are ${counted(found)}.`);
    }
    if (run.days.size !== claims.days.size || [...run.days].some(([day, number]) => claims.days.get(day) !== number)) {
      counts.fail("counts.days", "The manifest's counts by day are not those of the entries.");
    }
  }

  function checkTime(verdict, claims, head, newest) {
    if (head.signedAt === null) {
      verdict.fail("time.unsigned", "The checkpoint does not say when it was signed.");
      return;
    }
    if (newest > head.signedAt + LIMITS.toleranceMicros) {
      verdict.fail("time.received", `A leaf was received at ${instantText(newest)}, after the checkpoint that counts it.`);
    }
    if (claims.madeAt < head.signedAt - LIMITS.toleranceMicros) {
      verdict.fail("time.made", "The pack says it was made before its checkpoint was signed.");
    }
    const at = instantText(head.signedAt);
    if (claims.until !== null && claims.until > head.signedAt) {
      verdict.soften("partly", `The window goes on after the checkpoint, signed at ${at}.`);
    } else {
      verdict.notes.push(`Complete up to the checkpoint, signed at ${at}.`);
    }
  }

  function checkGiven(verdict, head, given, run) {
    if (!given) return;
    const earlier = given.size === head.size ? head.root : run && run.earlierRoot;
    if (given.size > head.size) {
      if (head.signedAt !== null && given.signedAt !== null && given.signedAt <= head.signedAt) {
        verdict.fail("completeness.rolled_back", `The log had ${counted(given.size)} leaves when you got the checkpoint, and ${counted(head.size)} later: an older log was put back.`);
      } else {
        verdict.soften("partly", "The checkpoint that you gave is newer than the pack: not compared.");
      }
    } else if (!earlier) {
      verdict.soften("partly", "The checkpoint that you gave lies before the run: not compared.");
    } else if (!same(earlier, given.root)) {
      verdict.fail("completeness.rewritten", `The first ${counted(given.size)} leaves are not those of the checkpoint that you gave.`);
    }
  }

  async function verified(bytes, { key, checkpoint, inflate }) {
    const given = key ? keyOf(key) : null;
    const files = new Map();
    for (const [name, member] of membersOf(bytes)) {
      files.set(name, await contentOf(bytes, name, member, inflate ?? inflateInBrowser));
    }
    const claims = claimsOf(files.get("manifest.json"));
    const verdicts = Object.fromEntries(PARTS.map((part) => [part, new Verdict()]));
    checkSignature(verdicts.signature, files, claims, given);
    const head = readCheckpoint(verdicts.integrity, files, claims);
    const kept = readGiven(verdicts.completeness, claims, checkpoint);
    const run = walk(verdicts, files, claims, head, kept);
    if (run) checkRun(verdicts, claims, run);
    if (head) {
      checkTime(verdicts.time, claims, head, run ? run.newest : 0n);
      checkGiven(verdicts.completeness, head, kept, run);
    }
    const anchors = [...claims.files.keys()].filter((name) => name.startsWith("anchors/"));
    if (anchors.length) {
      verdicts.time.notes.push(`${anchors.join(", ")}: what places outside said, not checked here; sandtrail verify does.`);
    }
    if (!run || !head || verdicts.integrity.state === "fails") {
      for (const part of PARTS.slice(2)) {
        if (verdicts[part].state !== "fails") {
          verdicts[part].soften("unknown", "It cannot be told while integrity fails.");
        }
      }
    }
    return {
      holds: PARTS.every((part) => verdicts[part].state !== "fails"),
      key: claims.key.text,
      verdicts,
      subject: {
        organization: claims.organization, sentence: claims.sentence, madeBy: claims.madeBy,
        madeAt: instantText(claims.madeAt), product: claims.product,
        entries: claims.counts.get("entry"), head: claims.leaves,
        since: claims.since === null ? null : instantText(claims.since),
        until: claims.until === null ? null : instantText(claims.until),
      },
    };
  }

  root.verifyPack = async function verifyPack(bytes, options = {}) {
    try {
      return await verified(bytes, options);
    } catch (error) {
      if (error instanceof Refused) {
        return { holds: false, refused: { code: error.code, sentence: error.message } };
      }
      if (error instanceof Wrong) {
        return { holds: false, refused: { code: "key", sentence: error.message } };
      }
      throw error;
    }
  };
})(globalThis);
