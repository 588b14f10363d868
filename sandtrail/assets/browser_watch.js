// Keys, drags and double clicks on charts, and whether the log has moved. Served as a file from the
// own host: the content security policy allows no other script.

const BUSY = '[data-test-script-state="running"]';
const TYPED_INTO =
  'input:not([type="checkbox"]), textarea, select, canvas, [contenteditable="true"], [role="combobox"], [role="listbox"], ' +
  '[role="menu"], [role="radiogroup"], [role="tablist"], [role="slider"], [role="grid"]:not(.entry-list), ' +
  '[data-testid="stDataFrame"]';
const DIALOG = '[role="dialog"]';
const DRAGGED_CHART = '[class*="st-key-drag_"]';
const NAMED_CHART = /^st-key-(?:drag|chart)_(.+)$/;
const DOUBLE_MS = 450;
const NEAR_PX = 8;
const CHART = ".st-key-explore_chart .stPlotlyChart";
const QUERY = ".st-key-filter_query input";
const LIST = ".entry-list";
const TO_PAGE = '[data-testid="stSidebarNavLink"], [data-testid="stPageLink-NavLink"]';
const OPEN_MENU = '[data-testid="stPopoverBody"]';
const SENT_MS = 150;
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
    this.pressed = null;
    this.legends = new WeakSet();
    this.onClick = (event) => this.follow(event);
    this.left = false;
    this.onPress = (event) => {
      this.left = document.activeElement?.matches(TYPED_INTO) || document.querySelector(OPEN_MENU) !== null;
      this.press(event);
      this.drag(event);
      this.legend(event);
    };
    this.onVisibility = () => document.hidden || this.ask();
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  // To keys and to the pointer: once on a page, however many ask.
  listen() {
    // Before Streamlit's own keys: its R runs the page again without asking the log anew.
    window.addEventListener("keydown", this.onKey, true);
    window.addEventListener("pointerdown", this.onPress, true);
    window.addEventListener("click", this.onClick, true);
    window.addEventListener("focusin", this.onFocus, true);
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

  // A menu that is open, and a field that was written in, tell the server so when a click lands
  // elsewhere. Sent after the click's own message that would keep the page: a link waits for it.
  follow(event) {
    const link = event.target instanceof Element ? event.target.closest(TO_PAGE) : null;
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (link === null || !plain || !event.isTrusted || !this.left) return;
    this.left = false;
    event.preventDefault();
    event.stopImmediatePropagation();
    document.body.click();
    setTimeout(() => link.click(), SENT_MS);
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

  // From one place of a chart's time axis to another. Plotly's own drags would take the clicks on bars
  // away: Streamlit lets a chart have either.
  drag(start) {
    const chart = start.target.closest?.(DRAGGED_CHART);
    const area = chart?.querySelector(".nsewdrag")?.getBoundingClientRect();
    if (!area || start.button !== 0 || start.pointerType === "touch" || start.clientY > area.bottom) return;
    if (start.clientY < area.top || start.clientX < area.left || start.clientX > area.right) return;
    const mark = element("div", { className: "dragged" });
    const dragging = new AbortController();
    const on = (kind, act) => window.addEventListener(kind, act, { capture: true, signal: dragging.signal });
    const within = (x) => Math.min(Math.max(x, area.left), area.right);
    const end = () => {
      dragging.abort();
      mark.remove();
    };
    on("pointermove", (event) => {
      if (!mark.isConnected && Math.abs(event.clientX - start.clientX) <= NEAR_PX) return;
      const [left, right] = [start.clientX, within(event.clientX)].sort((one, other) => one - other);
      Object.assign(mark.style, {
        left: `${left}px`,
        width: `${right - left}px`,
        top: `${area.top}px`,
        height: `${area.height}px`,
      });
      this.parent.append(mark);
    });
    on("pointerup", (event) => {
      const dragged = mark.isConnected;
      end();
      if (!dragged) return;
      const range = chart.querySelector(".js-plotly-plot").layout.xaxis.range.map(milliseconds);
      const place = (x) => range[0] + ((range[1] - range[0]) * (within(x) - area.left)) / area.width;
      const edges = [start.clientX, event.clientX].map((x) => wall(place(x)));
      const name = [...chart.classList].find((item) => item.startsWith("st-key-drag_"));
      this.tell("drag", { chart: name.slice("st-key-drag_".length), edges });
    });
    on("pointercancel", end);
    on("keydown", (event) => event.key === "Escape" && end());
  }

  // A name of the legend hides what it names, by Plotly alone: the page keeps it for the charts to come.
  legend(event) {
    const plot = event.target.closest?.(".legend")?.closest(".js-plotly-plot");
    const holder = plot?.closest('[class*="st-key-drag_"], [class*="st-key-chart_"]');
    if (!holder || this.legends.has(plot)) return;
    this.legends.add(plot);
    const chart = [...holder.classList].map((item) => item.match(NAMED_CHART)?.[1]).find(Boolean);
    plot.on("plotly_restyle", () => {
      const hidden = plot.data.filter((trace) => trace.visible === "legendonly");
      this.tell("legend", { chart, hidden: hidden.map((trace) => trace.meta ?? trace.legendgroup) });
    });
  }

  leave() {
    clearInterval(this.timer);
    this.panel?.remove();
    window.removeEventListener("focusin", this.onFocus, true);
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("pointerdown", this.onPress, true);
    window.removeEventListener("click", this.onClick, true);
    document.removeEventListener("visibilitychange", this.onVisibility);
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

// The times of a chart are what clocks show, without a zone.
function milliseconds(wall) {
  return Date.parse(`${String(wall).replace(" ", "T").replace(/(T.*)?$/, (time) => time || "T00:00")}Z`);
}

function wall(milliseconds) {
  return new Date(milliseconds).toISOString().slice(0, -1);
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
  if (!watches.has(parentElement)) {
    watches.set(parentElement, new BrowserWatch(parentElement));
    if (data?.listens) watches.get(parentElement).listen();
  }
  const watch = watches.get(parentElement);
  watch.update(data?.asked ?? null, setTriggerValue);
  return () => {
    watch.leave();
    watches.delete(parentElement);
  };
}
