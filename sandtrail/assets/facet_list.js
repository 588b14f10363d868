// The values of one facet: a check box for each, how often it occurs, and two ways to ask for it
// alone. Log text is set by `textContent` and as a title only. Served as a file from the own host:
// the content security policy allows no other script.

const lists = new WeakMap();

class FacetList {
  constructor(parent) {
    this.tell = () => {};
    this.drawn = "";
    this.list = element("ul", { className: "facet-list" });
    parent.append(this.list);
    this.list.addEventListener("change", (event) => {
      this.tell("toggled", { value: this.value(event.target), on: event.target.checked });
    });
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button !== null) this.tell(button.dataset.does, { value: this.value(button) });
    });
  }

  value(inside) {
    return this.values[[...this.list.children].indexOf(inside.closest("li"))].value;
  }

  update({ label, values }, tell) {
    this.tell = tell;
    const drawn = JSON.stringify([label, values]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const [value, place] = focused ? [this.value(focused), place_of(focused)] : [null, 0];
    this.values = values;
    this.list.setAttribute("aria-label", label);
    this.list.replaceChildren(...values.map(line));
    if (focused === null) return;
    const again = values.findIndex((item) => item.value === value);
    if (again >= 0) controls(this.list.children[again])[place]?.focus();
  }

  leave() {
    this.list.remove();
  }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

function controls(line) {
  return [...line.querySelectorAll("input, button")];
}

function place_of(control) {
  return controls(control.closest("li")).indexOf(control);
}

function button(does, name, label, icon) {
  const found = element("button", { type: "button", className: does, title: label });
  found.dataset.does = does;
  found.setAttribute("aria-label", `${label}: ${name}`);
  if (icon) found.dataset.icon = icon;
  else found.textContent = "only";
  return found;
}

function line({ text, count, checked }) {
  const found = element("li", {});
  const label = element("label", { title: text });
  if (checked !== null) label.append(element("input", { type: "checkbox", checked }));
  label.append(element("span", { className: "value", textContent: text }));
  found.append(
    label,
    button("only", text, "Keep only the entries with this value"),
    button("excluded", text, "Exclude the entries with this value", "filter_alt_off"),
    element("span", { className: "count", textContent: count.toLocaleString("en") })
  );
  return found;
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!lists.has(parentElement)) lists.set(parentElement, new FacetList(parentElement));
  const list = lists.get(parentElement);
  list.update(data, setTriggerValue);
  return () => {
    list.leave();
    lists.delete(parentElement);
  };
}
