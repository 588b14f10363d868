// Says so when the page is let through but its websocket is not: without one Streamlit draws
// nothing. Loaded with the page itself, since nothing else of ours can be there by then.

(() => {
  const PATIENCE_MS = 8000;
  const EVERY_MS = 1000;
  const APP = '[data-testid="stApp"]';
  const HEALTH = new URL("../_stcore/health", document.currentScript.src);
  const TEXT =
    "The live connection of this page (a websocket) is blocked, most likely by a proxy between " +
    "you and Sandtrail, so nothing can be shown. Tell whoever runs this server: the section " +
    "“Websockets” of docs/operations.md says what to set.";

  let since = Date.now();
  let notice = null;

  function connected() {
    const app = document.querySelector(APP);
    return app !== null && app.dataset.testConnectionState === "CONNECTED";
  }

  function hide() {
    notice?.remove();
    notice = null;
  }

  function show() {
    if (notice !== null) return;
    notice = document.createElement("div");
    notice.setAttribute("role", "alert");
    notice.textContent = TEXT;
    Object.assign(notice.style, {
      position: "fixed",
      zIndex: "2147483647",
      insetInline: "0",
      top: "20vh",
      width: "min(34rem, calc(100vw - 2rem))",
      boxSizing: "border-box",
      margin: "0 auto",
      padding: "1rem 1.25rem",
      border: "1px solid #b8701a",
      borderRadius: "6px",
      colorScheme: "light dark",
      background: "Canvas",
      color: "CanvasText",
      font: "15px/1.5 system-ui, sans-serif",
    });
    document.body.append(notice);
  }

  async function serverAnswers() {
    try {
      return (await fetch(HEALTH, { cache: "no-store" })).ok;
    } catch {
      return false; // Then it is away, and Streamlit says that itself.
    }
  }

  async function look() {
    // Browsers slow down tabs that nobody sees; what is not up then may still come.
    if (connected() || document.hidden) {
      since = Date.now();
      hide();
    } else if (Date.now() - since > PATIENCE_MS) {
      if (await serverAnswers()) show();
      else hide();
    }
    setTimeout(look, EVERY_MS);
  }

  look();
})();
