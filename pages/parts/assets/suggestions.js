// The list below the query box: shows what a route of ours suggests, and puts in what is taken.
// Served as a file from the own host: the content security policy allows no other script.

const PAUSE_MS = 120;
const MARGIN_PX = 8;
const NARROW_PX = 480;
const WIDE_PX = 640;
const LOW_PX = 120;
const HIGH_PX = 340;
const MOVES_CURSOR = ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"];

const lists = new WeakMap();

class SuggestionList {
  constructor(parent) {
    this.path = "";
    this.params = {};
    this.box = "";
    this.input = null;
    this.found = [];
    this.chosen = -1;
    // Whether something was typed since these were found: taking one would undo it.
    this.stale = false;
    this.timer = null;
    this.finding = null;
    this.asking = null;
    this.putting = false;
    this.refused = false;
    this.list = element("ul", { id: "query-suggestions", role: "listbox" });
    this.list.setAttribute("aria-label", "Suggestions");
    this.hint = element("p", { id: "query-suggestions-hint" });
    this.panel = element("div", { className: "suggestions", popover: "manual" });
    this.panel.append(this.list, this.hint);
    parent.append(this.panel);
    // A press must not take the focus away from the input: that would apply the query.
    this.panel.addEventListener("mousedown", (event) => event.preventDefault());
    this.panel.addEventListener("click", (event) => {
      const line = event.target.closest("li");
      if (line !== null) this.take([...this.list.children].indexOf(line));
    });
    const on = (kind, act) => [kind, act.bind(this)];
    this.listeners = [
      on("input", this.typed),
      on("keydown", this.key),
      on("focusin", this.entered),
      on("focusout", this.close),
      on("pointerdown", this.pressed),
      on("scroll", this.place),
      on("resize", this.place),
    ];
    // On the window, and not on the input: Streamlit may draw that anew, and has keys of its own.
    for (const [kind, act] of this.listeners) window.addEventListener(kind, act, true);
  }

  update({ path, params, box }) {
    this.path = path;
    this.params = params;
    this.box = box;
    this.find();
  }

  // Streamlit loads the code of an input when it first draws one, maybe later than this.
  find() {
    clearTimeout(this.finding);
    const input = document.querySelector(`${this.box} input`);
    if (input !== null) this.prepare(input);
    else this.finding = setTimeout(() => this.find(), PAUSE_MS);
  }

  mine(event) {
    return event.target instanceof HTMLInputElement && event.target.closest(this.box) !== null;
  }

  get open() {
    return this.panel.matches(":popover-open");
  }

  prepare(input) {
    this.input = input;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.list.id);
    input.setAttribute("aria-describedby", this.hint.id);
    input.setAttribute("aria-expanded", String(this.open && this.found.length > 0));
  }

  entered(event) {
    if (this.mine(event)) this.prepare(event.target);
  }

  pressed(event) {
    if (!this.panel.contains(event.target)) this.close();
  }

  typed(event) {
    if (this.putting || !this.mine(event)) return;
    this.prepare(event.target);
    this.wait();
    this.choose(-1);
    this.stale = true;
    if (this.input.value === "" || event.isComposing) this.close();
    else this.timer = setTimeout(() => this.ask(), PAUSE_MS);
  }

  key(event) {
    if (!this.mine(event) || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const takes = event.key === "Enter" || event.key === "Tab";
    if (step !== undefined && this.open && this.found.length > 0) this.step(step);
    else if (event.key === "ArrowDown" && !this.open) this.ask();
    else if (takes && this.open && this.chosen >= 0) this.take(this.chosen);
    else if (event.key === "Escape" && this.open) this.close();
    else {
      if (event.key === "Enter" || MOVES_CURSOR.includes(event.key)) this.close();
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  wait() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
  }

  async ask() {
    this.wait();
    const input = this.input;
    if (this.refused || input === null) return;
    this.stale = true;
    const { value, selectionStart } = input;
    const before = value.slice(0, selectionStart);
    const asked = new URLSearchParams({ ...this.params, before, after: value.slice(selectionStart) });
    const asking = new AbortController();
    this.asking = asking;
    let answer = { suggestions: [], hint: "" };
    try {
      const found = await fetch(`${this.path}?${asked}`, {
        cache: "no-store",
        credentials: "same-origin",
        signal: asking.signal,
      });
      this.refused = found.status === 401 || found.status === 403;
      if (found.ok) answer = await found.json();
    } catch {
      // The server is away, or something else was typed: nothing to suggest.
    }
    if (this.asking !== asking || document.activeElement !== input) return;
    this.show(answer);
  }

  show({ suggestions, hint }) {
    this.choose(-1);
    this.found = suggestions;
    this.stale = false;
    this.list.replaceChildren(...suggestions.map(line));
    this.list.hidden = suggestions.length === 0;
    this.hint.textContent = hint;
    this.hint.hidden = hint === "";
    this.list.scrollTop = 0;
    if (suggestions.length === 0 && hint === "") {
      this.close();
      return;
    }
    if (!this.open) this.panel.showPopover();
    this.place();
    this.input.setAttribute("aria-expanded", String(suggestions.length > 0));
  }

  close() {
    this.wait();
    this.choose(-1);
    this.found = [];
    this.hint.textContent = "";
    if (this.open) this.panel.hidePopover();
    this.input?.setAttribute("aria-expanded", "false");
  }

  step(by) {
    if (this.stale) return;
    // One more place, that of nothing chosen, lies between the last line and the first.
    const places = this.found.length + 1;
    this.choose(((this.chosen + 1 + by + places) % places) - 1);
  }

  choose(place) {
    this.list.children[this.chosen]?.setAttribute("aria-selected", "false");
    this.chosen = place;
    const line = this.list.children[place];
    line?.setAttribute("aria-selected", "true");
    line?.scrollIntoView({ block: "nearest" });
    if (line) this.input.setAttribute("aria-activedescendant", line.id);
    else this.input?.removeAttribute("aria-activedescendant");
  }

  take(place) {
    if (this.stale) return;
    const { before, after, more } = this.found[place];
    const input = this.input;
    // React hears of a value only if it is set past its own watch over the input.
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    this.putting = true;
    set.call(input, before + after);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    this.putting = false;
    input.setSelectionRange(before.length, before.length);
    if (more) this.ask();
    else this.close();
  }

  place() {
    if (!this.open || this.input === null) return;
    const frame = this.input.closest('[data-testid="stTextInputRootElement"]') ?? this.input;
    const { left, bottom, width } = frame.getBoundingClientRect();
    if (bottom < 0 || bottom > window.innerHeight) {
      this.close();
      return;
    }
    const room = document.documentElement.clientWidth - 2 * MARGIN_PX;
    const wide = Math.min(Math.max(width, NARROW_PX), WIDE_PX, room);
    const below = window.innerHeight - bottom - 2 * MARGIN_PX;
    this.panel.style.width = `${wide}px`;
    this.panel.style.maxHeight = `${Math.max(Math.min(HIGH_PX, below), LOW_PX)}px`;
    this.panel.style.left = `${Math.max(MARGIN_PX, Math.min(left, MARGIN_PX + room - wide))}px`;
    this.panel.style.top = `${bottom + 4}px`;
  }

  leave() {
    clearTimeout(this.finding);
    this.close();
    for (const [kind, act] of this.listeners) window.removeEventListener(kind, act, true);
    this.panel.remove();
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function line({ shown, note, count }, number) {
  const found = element("li", { id: `query-suggestion-${number}`, role: "option", title: note || shown });
  found.setAttribute("aria-selected", "false");
  found.append(element("span", { className: "shown", textContent: shown }));
  if (note) found.append(element("span", { className: "note", textContent: note }));
  if (count !== null) {
    found.classList.add("counted");
    found.append(element("span", { className: "count", textContent: count.toLocaleString("en") }));
  }
  return found;
}

export default function ({ data, parentElement }) {
  if (!("popover" in HTMLElement.prototype)) return; // A browser that is too old types alone.
  if (!lists.has(parentElement)) lists.set(parentElement, new SuggestionList(parentElement));
  const list = lists.get(parentElement);
  list.update(data);
  return () => {
    list.leave();
    lists.delete(parentElement);
  };
}
