// Posts the form that a person sends, with the code that stands behind the # of the address. That part
// never reaches a server, a log or a referrer. It is taken out of the address, and kept with this entry
// of the history alone, so that the page can be loaded again until the link is used.
const code = new URLSearchParams(location.hash.slice(1)).get("code") ?? history.state?.code ?? "";
history.replaceState({ code }, "", location.pathname);

for (const form of document.forms) {
  const again = form.querySelector("[data-again]");
  const password = form.elements.namedItem("password");
  const problem = form.querySelector("[role=alert]");
  const button = form.querySelector("button");

  const compare = () => {
    again?.setCustomValidity(again.value === password.value ? "" : "The passwords differ.");
  };
  form.addEventListener("input", compare);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    try {
      const body = new URLSearchParams(new FormData(form));
      body.set("code", code);
      body.set("way", form.dataset.way);
      const answer = await fetch("accept", { method: "POST", body });
      const said = await answer.json();
      if (answer.ok) {
        history.replaceState(null, "");
        location.replace(`signed-in#${new URLSearchParams({ code: said.code, next: "/" })}`);
        return;
      }
      problem.textContent = `${said.error} ${said.hint ?? ""}`;
    } catch {
      problem.textContent = "The server did not answer. Try again in a moment.";
    }
    button.disabled = false;
  });
}
