"""The picture of the app in the browser's tab.

Carried in the page itself: Streamlit would fetch an icon's name from another server.
"""

from base64 import b64encode

_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#2f5d8a"/>'
    '<g fill="#fff"><circle cx="9" cy="23" r="3"/><circle cx="15" cy="16" r="2.5"/>'
    '<circle cx="21.5" cy="11.5" r="2"/><circle cx="25.5" cy="6.5" r="1.5"/></g></svg>'
)
ICON = "data:image/svg+xml;base64," + b64encode(_DRAWN.encode()).decode()
"""A trail of dots, as a data URL."""
