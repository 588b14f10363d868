// What the page shows of a verified pack. Text of the pack is set as text, never as markup.
(function () {
  "use strict";

  const QUESTIONS = {
    signature: "Are these files what the holder of the key signed?",
    integrity: "Is every entry in the log's tree, unchanged?",
    completeness: "Is no write missing up to the checkpoint?",
    filter: "Was nothing left out that matches, and nothing else put in?",
    counts: "Are the numbers in the pack those of its files?",
    time: "Do the times agree with the checkpoint?",
  };
  const WORDS = {
    holds: ["Holds", "good"], unconfirmed: ["Key not confirmed", "doubt"],
    partly: ["Holds as far as shown", "doubt"], unknown: ["Cannot be told", "doubt"],
    fails: ["Fails", "bad"],
  };
  const result = document.getElementById("result");
  const inputs = ["pack", "key", "checkpoint"].map((id) => document.getElementById(id));
  let asked = 0;
  let dropped = null;

  function element(name, text = "", className = "") {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = className;
    return made;
  }

  function summary(kind, title, text) {
    const made = element("div", "", `summary ${kind}`);
    made.append(element("h2", title), element("p", text));
    return made;
  }

  function show(...parts) {
    result.replaceChildren(...parts);
    result.hidden = false;
  }

  function about(subject, key) {
    const rows = {
      Organization: subject.organization, "Asked for": subject.sentence,
      From: subject.since ?? "the beginning", Until: subject.until ?? "the checkpoint",
      Entries: `${subject.entries.toLocaleString("en-US")} of a log of ${subject.head.toLocaleString("en-US")} writes`,
      Made: `${subject.madeAt}${subject.madeBy ? ` by ${subject.madeBy}` : ""}`,
      "Signed by": key,
    };
    const list = document.createElement("dl");
    for (const [name, text] of Object.entries(rows)) list.append(element("dt", name), element("dd", text));
    return list;
  }

  function verdict(part, { state, findings, notes, more }) {
    const [word, kind] = WORDS[state];
    const made = element("div", "", `verdict ${kind}`);
    made.dataset.part = part;
    made.dataset.state = state;
    const header = document.createElement("header");
    header.append(element("h3", part[0].toUpperCase() + part.slice(1)), element("span", word, "state"));
    made.append(header, element("p", QUESTIONS[part], "note"));
    const list = document.createElement("ul");
    for (const { sentence } of findings) list.append(element("li", sentence));
    if (more) list.append(element("li", `And ${more.toLocaleString("en-US")} more.`));
    if (list.children.length) made.append(list);
    for (const note of notes) made.append(element("p", note));
    return made;
  }

  function report(found) {
    if (found.refused) {
      show(summary("bad", "This cannot be verified", found.refused.sentence));
      return;
    }
    const states = Object.values(found.verdicts).map(({ state }) => state);
    const head = !found.holds
      ? summary("bad", "The pack does not hold", "What speaks against it stands below.")
      : states.every((state) => state === "holds")
        ? summary("good", "The pack holds", "All six verdicts hold.")
        : summary("doubt", "Nothing speaks against the pack", "Some verdicts hold only as far as is shown below.");
    show(head, about(found.subject, found.key),
      ...Object.entries(found.verdicts).map(([part, one]) => verdict(part, one)));
  }

  async function verify() {
    const [packs, key, checkpoints] = inputs;
    const pack = dropped ?? packs.files[0];
    if (!pack) return;
    const mine = ++asked;
    show(summary("", "Verifying…", `${pack.name}, ${pack.size.toLocaleString("en-US")} bytes. Large packs take a while.`));
    // Two frames, so that the sentence is painted before the work begins.
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    try {
      const bytes = new Uint8Array(await pack.arrayBuffer());
      const checkpoint = checkpoints.files[0] ? await checkpoints.files[0].text() : null;
      const found = await globalThis.verifyPack(bytes, { key: key.value.trim() || null, checkpoint });
      if (mine === asked) report(found);
    } catch (error) {
      if (mine === asked) show(summary("bad", "This page could not look at the file", String(error)));
    }
  }

  for (const input of inputs) input.addEventListener("change", () => {
    if (input.id === "pack") dropped = null;
    verify();
  });
  document.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    verify();
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      document.body.classList.toggle("dragging", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) {
        dropped = event.dataTransfer.files[0];
        verify();
      }
    });
  }
})();
