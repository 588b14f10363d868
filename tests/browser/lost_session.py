"""A tab whose session the server does not have any more, as after a restart or a long absence."""

from __future__ import annotations

from playwright.sync_api import BrowserContext

from tests.browser.screen import Screen

CONNECTED = """() => document.querySelector('[data-testid=stApp]')
    .dataset.testConnectionState === 'CONNECTED'"""
FORGETFUL = """
    const Socket = window.WebSocket;
    const sockets = [];
    let lost = false;
    window.WebSocket = class extends Socket {
        constructor(url, protocols) {
            // The third one names the session that the tab wants back: one that there is not.
            super(url, lost ? [...protocols.slice(0, 2), crypto.randomUUID()] : protocols);
            sockets.push(this);
        }
    };
    window.loseSession = () => { lost = true; sockets.at(-1).close(); };
"""


def prepare(context: BrowserContext) -> None:
    """Before its tabs are opened: they can lose their session."""
    context.add_init_script(FORGETFUL)


def lose_session(screen: Screen) -> None:
    """Break the connection; the tab comes back, and the server does not know its session."""
    screen.settle()
    screen.page.evaluate("loseSession()")
    screen.page.wait_for_function(f"() => !({CONNECTED})()")
    screen.page.wait_for_function(CONNECTED)
