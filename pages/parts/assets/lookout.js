// Keys, the double click on the chart, and whether the log has moved. Served as a file from the
// own host: the content security policy allows no other script.

const BUSY = '[data-test-script-state="running"]';
const TYPED_INTO =
  'input, textarea, select, canvas, [contenteditable="true"], [role="combobox"], [role="listbox"], ' +
  '[role="menu"], [role="radiogroup"], [role="tablist"], [role="slider"], [role="grid"], ' +
  '[data-testid="stDataFrame"]';
const DIALOG = '[role="dialog"]';
const CHART = ".st-key-explore_chart .stPlotlyChart";

const lookouts = new WeakMap();

class Lookout {
  constructor() {
    this.tell = () => {};
    this.asked = null;
    this.timer = null;
    this.told = null;
    this.onKey = (event) => this.key(event);
    this.onDoubleClick = (event) => this.doubleClick(event);
    this.onVisibility = () => document.hidden || this.ask();
    // Before Streamlit's own keys: its R runs the page again without asking the log anew.
    window.addEventListener("keydown", this.onKey, true);
    window.addEventListener("dblclick", this.onDoubleClick, true);
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
    if (target?.closest(TYPED_INTO) || document.querySelector(DIALOG)) return;
    const act = {
      "/": () => focus(".st-key-filter_query input"),
      r: () => press(".st-key-refresh button") || this.tell("moved", "by hand"),
      ArrowLeft: () => press(".st-key-newer button"),
      ArrowRight: () => press(".st-key-older button"),
    }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  doubleClick(event) {
    // The target may be what Plotly lays over the page while a button is down.
    const chart = document.querySelector(CHART)?.getBoundingClientRect();
    if (chart === undefined) return;
    const inside =
      event.clientX >= chart.left &&
      event.clientX <= chart.right &&
      event.clientY >= chart.top &&
      event.clientY <= chart.bottom;
    if (inside) this.tell("back", String(event.timeStamp));
  }

  leave() {
    clearInterval(this.timer);
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("dblclick", this.onDoubleClick, true);
    document.removeEventListener("visibilitychange", this.onVisibility);
  }
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
  if (!lookouts.has(parentElement)) lookouts.set(parentElement, new Lookout());
  const lookout = lookouts.get(parentElement);
  lookout.update(data?.asked ?? null, setTriggerValue);
  return () => {
    lookout.leave();
    lookouts.delete(parentElement);
  };
}
