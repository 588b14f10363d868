// Sets the theme for every page of the app in this browser, where Streamlit looks for it: apart for each
// path, under a name with the version of its own format. Goes on to a page of the app only.
const said = new URLSearchParams(location.hash.slice(1));
const root = location.pathname.replace(/api\/session\/theme$/, "");
const names = (said.get("pages") ?? "").split(",").filter((name) => /^[a-z_]*$/.test(name));
const theme = said.get("theme");
if (["System", "Light", "Dark"].includes(theme)) {
  for (const name of names) {
    localStorage.setItem(`stActiveTheme-${root}${name}-v2`, JSON.stringify(theme));
  }
}
location.replace(root + (names.includes(said.get("next")) ? said.get("next") : ""));
