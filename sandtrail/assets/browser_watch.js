// Keys, the double click on the chart, and whether the log has moved. Served as a file from the
// own host: the content security policy allows no other script.

const BUSY = '[data-test-script-state="running"]';
const TYPED_INTO =
  'input:not([type="checkbox"]), textarea, select, canvas, [contenteditable="true"], [role="combobox"], [role="listbox"], ' +
  '[role="menu"], [role="radiogroup"], [role="tablist"], [role="slider"], [role="grid"]:not(.entry-list), ' +
  '[data-testid="stDataFrame"]';
const DIALOG = '[role="dialog"]';
const DOUBLE_MS = 450;
const NEAR_PX = 8;
const CHART = ".st-key-explore_chart .stPlotlyChart";
const QUERY = ".st-key-filter_query input";
const LIST = ".entry-list";
const KEYS = [
  ["/", "Write a query", QUERY],
  ["Esc", "Leave the query without applying it", QUERY],
  ["↑ ↓", "Walk through the list, or through the entries while one is open", LIST],
  ["J K", "The same, from anywhere on the page", LIST],
  ["Enter", "Open the entry", LIST],
  ["Esc", "Close the entry", LIST],
  ["← →", "Previous and next page", ".st-key-older button"],
  ["R", "Reload", null],
  ["?", "Show these keys", null],
];

const watches = new WeakMap();

class BrowserWatch {
  constructor(parent) {
    this.tell = () => {};
    this.parent = parent;
    this.panel = null;
    this.applied = "";
    this.asked = null;
    this.timer = null;
    this.told = null;
    this.onKey = (event) => this.key(event);
    this.onFocus = (event) => {
      if (event.target.matches?.(QUERY)) this.applied = event.target.value;
    };
    window.addEventListener("focusin", this.onFocus, true);
    this.pressed = null;
    this.onPress = (event) => this.press(event);
    this.onVisibility = () => document.hidden || this.ask();
    // Before Streamlit's own keys: its R runs the page again without asking the log anew.
    window.addEventListener("keydown", this.onKey, true);
    window.addEventListener("pointerdown", this.onPress, true);
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  update(asked, tell) {
    this.tell = tell;
    this.told = null;
    const every = asked === null ? null : asked.every_s;
    if (every !== (this.asked === null ? null : this.asked.every_s)) {
      clearInterval(this.timer);
      this.timer = every === null ? null : setInterval(() => this.ask(), every * 1000);
    }
    this.asked = asked;
  }

  async ask() {
    const asked = this.asked;
    // What was told is on its way; a page that is being drawn is not interrupted.
    if (asked === null || document.hidden || this.told !== null || document.querySelector(BUSY)) {
      return;
    }
    let head;
    try {
      const answer = await fetch(asked.path, { cache: "no-store", credentials: "same-origin" });
      head = answer.ok ? (await answer.json()).head : `refused ${answer.status}`;
      if (answer.status >= 500) return;
    } catch {
      return; // The server is away: ask again next time.
    }
    if (this.asked === asked && head !== asked.head && this.told === null) {
      this.told = head;
      this.tell("moved", head);
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : null;
    if (target?.matches(QUERY)) this.query(event, target);
    if (target?.closest(TYPED_INTO) || document.querySelector(DIALOG)) return;
    const act = {
      "/": () => focus(QUERY),
      r: () => press(".st-key-refresh button") || this.tell("moved", "by hand"),
      "?": () => this.keys(),
      ArrowLeft: () => press(".st-key-newer button"),
      ArrowRight: () => press(".st-key-older button"),
    }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  // Escape leaves the query box as it was: Streamlit applies what stands there when it is left.
  query(event, input) {
    if (event.key === "Enter") this.applied = input.value;
    if (event.key !== "Escape" || input.getAttribute("aria-expanded") === "true") return;
    // React hears of a value only if it is set past its own watch over the input.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, this.applied);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.blur();
  }

  keys() {
    if (!("popover" in HTMLElement.prototype)) return;
    this.panel?.remove();
    const terms = KEYS.filter(([, , needs]) => needs === null || document.querySelector(needs));
    const list = element("dl", {});
    for (const [key, does] of terms) {
      list.append(element("dt", { textContent: key }), element("dd", { textContent: does }));
    }
    this.panel = element("div", { className: "keys", popover: "auto", tabIndex: -1 });
    this.panel.setAttribute("role", "dialog");
    this.panel.setAttribute("aria-label", "Keys");
    this.panel.append(element("h2", { textContent: "Keys" }), list);
    this.panel.addEventListener("toggle", (event) => event.newState === "closed" && this.panel.remove());
    this.parent.append(this.panel);
    this.panel.showPopover();
    this.panel.focus();
  }

  press(event) {
    // Plotly lays a cover over the page while a button is down, so no dblclick comes from a chart.
    const chart = document.querySelector(CHART)?.getBoundingClientRect();
    const inside =
      chart !== undefined &&
      event.clientX >= chart.left &&
      event.clientX <= chart.right &&
      event.clientY >= chart.top &&
      event.clientY <= chart.bottom;
    const before = this.pressed;
    this.pressed = inside ? event : null;
    if (!inside || before === null || event.timeStamp - before.timeStamp > DOUBLE_MS) return;
    if (Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > NEAR_PX) return;
    this.pressed = null;
    this.tell("back", String(event.timeStamp));
  }

  leave() {
    clearInterval(this.timer);
    this.panel?.remove();
    window.removeEventListener("focusin", this.onFocus, true);
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("pointerdown", this.onPress, true);
    document.removeEventListener("visibilitychange", this.onVisibility);
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function focus(selector) {
  document.querySelector(selector)?.focus();
}

function press(selector) {
  const button = document.querySelector(selector);
  if (button === null || button.disabled) return false;
  button.click();
  return true;
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!watches.has(parentElement)) watches.set(parentElement, new BrowserWatch(parentElement));
  const watch = watches.get(parentElement);
  watch.update(data?.asked ?? null, setTriggerValue);
  return () => {
    watch.leave();
    watches.delete(parentElement);
  };
}
