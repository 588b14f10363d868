// Sends the one form of the page, with what stands behind the # of its address: that part never
// reaches a server, a log or a referrer, and leaves the history here.
const form = document.forms[0];
const values = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
for (const field of form.querySelectorAll("input:not([value])")) {
  field.value = values.get(field.name) ?? "";
}
const code = form.elements.namedItem("code");
if (code !== null && code.value === "") {
  location.replace("../../"); // The root of the app: somebody came back to this page: its code is spent.
} else {
  form.submit();
}
