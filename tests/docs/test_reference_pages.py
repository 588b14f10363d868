"""The reference pages list what there is: all of it, and nothing else."""

from __future__ import annotations

import re

from starlette.routing import Route

from audit_core.domain.access import Permission
from audit_core.runtime.settings import Settings
from audit_core.web.app_routes import Unknown, routes
from audit_core.web.routes.page import page_routes
from audit_core.web.security.exposure import EXPOSURES, Exposure
from tests.docs.documents import ROOT, document, headings

SETTINGS = re.findall(r"^\| `SANDTRAIL_([A-Z_]+)` \| (.+?) \|", document("docs/settings.md"), re.M)
PER_PROCESS = {"upload_folder"}
"""Settings whose default is worked out from another one, and told in words."""


def test_the_page_of_settings_lists_every_setting_once() -> None:
    assert sorted(name.lower() for name, _ in SETTINGS) == sorted(Settings.model_fields)


def test_the_page_of_settings_tells_the_defaults() -> None:
    told = {name.lower(): text.strip("`") for name, text in SETTINGS}
    meant = {name: as_written(field.default) for name, field in Settings.model_fields.items()}
    assert {name: told[name] for name in meant if told[name] not in meant[name]} == {
        name: "beside the key" for name in PER_PROCESS
    }


def as_written(default: object) -> tuple[str, ...]:
    """The ways to write a default."""
    if default is None or default == () or default == "":
        return ("unset", "none", "empty")
    if isinstance(default, bool):
        return (str(int(default)),)
    return (f"{default:g}" if isinstance(default, float) else str(default),)


def test_the_http_reference_lists_every_route_once() -> None:
    def never() -> None:
        raise AssertionError("no request is made here")

    served = [
        f"`{method} {route.path}`"
        for route in (*page_routes(ROOT / "no.js", ROOT / "no.svg"), *routes(never))  # type: ignore[arg-type]
        if isinstance(route, Route) and not isinstance(route.endpoint, Unknown)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    told = [text for text in headings(document("docs/http.md")) if text.startswith("`")]
    assert sorted(told) == sorted(served)


def test_the_http_reference_tells_every_permission_that_a_route_requires() -> None:
    text = document("docs/http.md")
    required = {
        permission
        for path in (ROOT / "audit_core/web/routes").glob("*.py")
        for permission in re.findall(r"Permission\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    assert {name for name in required if f"`{Permission[name].value}`" not in text} == set()


def test_the_security_policy_names_every_route_of_streamlit_that_is_closed() -> None:
    closed = {path for path, who in EXPOSURES.items() if who is Exposure.CLOSED}
    assert {path for path in closed if f"`{path}`" not in document("SECURITY.md")} == set()
