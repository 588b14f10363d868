// The list of entries: one line each, walked through by keys and opened by Enter or a click. Log
// text is set by `textContent` and as a title only. Served as a file from the own host: the content
// security policy allows no other script.

const DRAWER = '[role="dialog"]';
const LISTED_IN_DRAWER = ".st-key-entry_drawer";
const TYPED_INTO =
  'input:not([type="checkbox"]), textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"]';
const KEYS_OF_ITS_OWN = `${TYPED_INTO}, canvas, [role="radiogroup"], [role="tablist"], [role="menu"], [data-testid="stDataFrame"]`;
const AGES_MS = 10_000;
const UNDERWAY_MS = 1_500;
// How long a drawer may take to leave, and then to give the focus back to where it was opened.
const LEAVING_MS = 5_000;
const RETURNING_MS = 600;
const STEPS = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, J: 1, K: -1 };
const WIDTHS = {
  new: "max-content",
  age: "max-content",
  time: "max-content",
  received: "max-content",
  outcome: "max-content",
  status: "max-content",
  message: "minmax(clamp(8rem, 45cqw - 17rem, 34rem), 1fr)",
  metadata: "minmax(14rem, 1fr)",
  user: "fit-content(14rem)",
  target: "fit-content(13.5rem)",
  target_id: "fit-content(11rem)",
  actor_id: "fit-content(11rem)",
  id: "fit-content(11rem)",
};
const NOTHING = "minmax(5rem, 1fr)";
const OTHER_WIDTH = "fit-content(17rem)";
const FITS = 8;

const lists = new WeakMap();

class EntryList {
  constructor(parent) {
    this.tell = () => {};
    this.drawn = "";
    this.rows = [];
    this.marked = null;
    this.underway = null;
    this.ahead = 0;
    this.acted = 0;
    this.table = element("table", { className: "entry-list" });
    this.table.setAttribute("role", "grid");
    this.frame = element("div", { className: "entry-list-frame" });
    this.frame.append(this.table);
    parent.append(this.frame);
    this.table.addEventListener("click", (event) => this.click(event));
    this.table.addEventListener("copy", (event) => copy(event));
    this.table.addEventListener("focusin", (event) => this.focused(event));
    // Before Streamlit's own keys, and before those of the drawer.
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey, true);
    this.onPress = () => (this.acted = performance.now());
    window.addEventListener("pointerdown", this.onPress, true);
    this.timer = setInterval(() => this.tick(), AGES_MS);
  }

  update(data, tell) {
    this.tell = tell;
    this.ahead = data.now - Date.now();
    const shown = JSON.stringify([data.label, data.columns, data.rows, data.height]);
    if (shown !== this.drawn) this.draw(data);
    this.drawn = shown;
    const underway = this.underway !== null && performance.now() - this.underway < UNDERWAY_MS;
    // What was opened a moment ago is on its way: an earlier run says nothing about it.
    if (!underway || data.open === this.marked) {
      this.underway = null;
      this.mark(data.open, this.marked !== null && data.open === null);
    } else this.mark(this.marked, false);
    this.tick();
  }

  draw(data) {
    const focused = this.table.contains(document.activeElement)
      ? document.activeElement.closest("tr")?.dataset.id
      : undefined;
    this.rows = data.rows;
    this.table.setAttribute("aria-label", data.label);
    this.table.style.setProperty("--columns", data.columns.map(width, data.rows).join(" "));
    this.table.style.setProperty("--line", `${data.height}px`);
    const head = line("columnheader", data.columns.map(heading));
    const lines = data.rows.map((row) => this.line(row, data.columns));
    this.table.replaceChildren(group("thead", [head]), group("tbody", lines));
    if (lines.length > 0) lines[0].tabIndex = 0;
    if (focused !== undefined) this.focus(this.row(focused) ?? lines[0]);
  }

  line(row, columns) {
    const cells = row.cells.map((found, number) => cell(found, columns[number]));
    const drawn = line("gridcell", cells);
    drawn.dataset.id = row.id;
    drawn.tabIndex = -1;
    return drawn;
  }

  row(id) {
    return [...this.table.tBodies[0].rows].find((row) => row.dataset.id === id);
  }

  focus(row) {
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  focused(event) {
    const row = event.target.closest("tbody tr");
    if (row === null) return;
    for (const other of this.table.tBodies[0].rows) other.tabIndex = other === row ? 0 : -1;
  }

  mark(id, closed) {
    const before = this.marked;
    this.marked = id;
    for (const row of this.table.tBodies[0]?.rows ?? []) {
      row.setAttribute("aria-selected", String(row.dataset.id === id));
    }
    if (closed) this.resume(before, performance.now());
  }

  // Back to the line that was read, once its drawer is gone. The drawer leaves the focus to nobody
  // or gives it to the line it was opened by, sooner or later: both are no choice of the person.
  // Who went elsewhere meanwhile stays there.
  resume(id, closed, gone = null) {
    setTimeout(() => {
      const now = performance.now();
      if (this.marked !== null || this.acted > closed) return;
      if (document.querySelector(DRAWER) !== null) {
        if (now < closed + LEAVING_MS) this.resume(id, closed);
        return;
      }
      const focused = document.activeElement;
      if (focused !== document.body && !this.table.contains(focused)) return;
      if (focused !== this.row(id)) this.focus(this.row(id));
      gone ??= now;
      if (now < gone + RETURNING_MS) this.resume(id, closed, gone);
    }, 60);
  }

  // How long ago an entry was goes on while the page stands still.
  tick() {
    for (const cell of this.table.querySelectorAll("[data-instant]")) {
      const text = ago(Number(cell.dataset.instant), Date.now() + this.ahead);
      if (cell.textContent !== text) cell.textContent = text;
    }
  }

  click(event) {
    const row = event.target.closest("tbody tr");
    // Who selects text wants to copy it.
    if (row === null || !document.getSelection().isCollapsed) return;
    this.focus(row);
    this.open(row);
  }

  open(row) {
    const { id, at } = this.rows[row.sectionRowIndex];
    this.mark(id, false);
    this.underway = performance.now();
    row.scrollIntoView({ block: "nearest" });
    this.tell("open", { id, at });
  }

  key(event) {
    this.acted = performance.now();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : document.body;
    const done = document.querySelector(DRAWER) === null ? this.walk(event, target) : this.turn(event, target);
    if (!done) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  // Through the list: a key moves, and only Enter opens.
  walk(event, target) {
    const row = target.closest("tbody tr");
    const inside = row !== null && this.table.contains(row);
    const step = STEPS[event.key];
    const rows = [...this.table.tBodies[0].rows];
    if (inside && (event.key === "Enter" || event.key === " ")) this.open(row);
    else if (inside && event.key === "Home") this.focus(rows[0]);
    else if (inside && event.key === "End") this.focus(rows.at(-1));
    else if (inside && step !== undefined) this.focus(rows[row.sectionRowIndex + step]);
    else if (!inside && step !== undefined && !event.key.startsWith("Arrow") && !target.closest(KEYS_OF_ITS_OWN)) {
      this.focus(rows.find((other) => other.tabIndex === 0) ?? rows[0]);
    } else return false;
    return true;
  }

  // With an entry open: to the next or the one before, without closing it.
  turn(event, target) {
    if (event.key === "Escape") this.underway = null;
    const step = STEPS[event.key];
    const own = event.key.startsWith("Arrow") ? KEYS_OF_ITS_OWN : TYPED_INTO;
    if (step === undefined || document.querySelector(LISTED_IN_DRAWER) === null || target.closest(own)) return false;
    const row = this.marked === null ? undefined : this.row(this.marked);
    const next = row && this.table.tBodies[0].rows[row.sectionRowIndex + step];
    if (next) {
      this.focused({ target: next });
      this.open(next);
    }
    return row !== undefined;
  }

  leave() {
    clearInterval(this.timer);
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("pointerdown", this.onPress, true);
    this.frame.remove();
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

// Lines as lines and cells as cells: what is shortened for the eye is a box of its own, and a browser
// would break the text there.
function copy(event) {
  const selection = document.getSelection();
  if (selection.isCollapsed) return;
  const chosen = selection.getRangeAt(0).cloneContents();
  const texts = (within) => [...within.querySelectorAll("th, td")].map((cell) => cell.textContent);
  const lines = [...chosen.querySelectorAll("tr")].map((row) => texts(row).join("\t"));
  const text = lines.length > 0 ? lines.join("\n") : texts(chosen).join("\t") || chosen.textContent;
  event.clipboardData.setData("text/plain", text);
  event.preventDefault();
}

function width({ name }, number, columns) {
  // Of a column that says nothing on this page, the others have the room.
  if (name === "message" && this.every((row) => row.cells[number].text === "")) return NOTHING;
  const fills = number === columns.length - 1 && !columns.some((column) => /1fr/.test(WIDTHS[column.name] ?? ""));
  return fills ? "minmax(8rem, 1fr)" : (WIDTHS[name] ?? OTHER_WIDTH);
}

function group(name, lines) {
  const found = element(name, {});
  found.setAttribute("role", "rowgroup");
  found.append(...lines);
  return found;
}

function line(role, cells) {
  const found = element("tr", {});
  found.setAttribute("role", "row");
  for (const item of cells) item.setAttribute("role", role);
  found.append(...cells);
  return found;
}

function heading({ name, label }) {
  const found = element("th", { scope: "col", className: `column-${name}` });
  found.append(element("span", { textContent: label, className: name === "new" ? "unseen" : "" }));
  return found;
}

function cell({ text, whole, tail, after, outcome, instant }, { name }) {
  const found = element("td", { className: `column-${name}` });
  if (whole !== undefined || text.length > FITS) found.title = whole ?? text;
  if (text === "") found.classList.add("empty");
  if (outcome !== undefined) found.dataset.outcome = outcome;
  if (instant !== undefined) found.dataset.instant = instant;
  if (tail !== undefined) {
    // The text stays whole, for screen readers and the clipboard: only the eye misses the middle.
    found.classList.add("shortened");
    found.setAttribute("aria-label", text);
    found.append(element("span", { className: "start", textContent: text.slice(0, -tail) }));
    found.append(element("span", { textContent: text.slice(-tail) }));
  } else if (after !== undefined) {
    found.append(text, element("span", { className: "after", textContent: ` – ${after}` }));
  } else if (outcome !== undefined || name === "new") {
    found.append(element("span", { className: "chip", textContent: text }));
  } else found.textContent = text;
  return found;
}

function ago(instant, now) {
  const seconds = (now - instant) / 1000;
  const size = Math.abs(seconds);
  const [length, unit] = [[86400, "d"], [3600, "h"], [60, "m"]].find(([length]) => size >= length) ?? [1, "s"];
  if (size < 1) return "now";
  const text = `${Math.floor(size / length)}${unit}`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!lists.has(parentElement)) lists.set(parentElement, new EntryList(parentElement));
  const list = lists.get(parentElement);
  list.update(data, setTriggerValue);
  return () => {
    list.leave();
    lists.delete(parentElement);
  };
}
