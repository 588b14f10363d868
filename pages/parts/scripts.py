"""The scripts of our own that the browser runs, served as files from our own host."""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

_PACKAGE = "sandtrail"


def declared(name: str) -> str:
    """Tell Streamlit where the script of this component lies; gives the component's full name.

    It looks for scripts that are files in installed packages only, and this is none. A script
    within the page would be forbidden by the content security policy.
    """
    key = f"{_PACKAGE}.{name}"
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(key) is None:
        component = ComponentConfig(name=name, asset_dir="assets")
        manifest = ComponentManifest(name=_PACKAGE, version="1", components=[component])
        manager.register_from_manifest(manifest, Path(__file__).parent)
    return key
