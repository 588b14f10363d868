"""The reference pages list what there is: all of it, and nothing else."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Route

from audit_core.domain.access import Permission
from audit_core.query.entry_filter import EntryFilter
from audit_core.runtime.settings import Settings
from audit_core.web.app_routes import Unknown, routes
from audit_core.web.errors import STATUS_OF, ErrorCode
from audit_core.web.openapi.operation import ApiRoute
from audit_core.web.routes.page import page_routes
from audit_core.web.security.exposure import EXPOSURES, Exposure
from tests.docs.documents import ROOT, document, headings

SETTINGS = re.findall(r"^\| `SANDTRAIL_([A-Z_]+)` \| (.+?) \|", document("docs/settings.md"), re.M)
PER_PROCESS = {"upload_folder", "exports_dir"}
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


def never() -> None:
    raise AssertionError("no request is made here")


def described() -> list[ApiRoute]:
    """The routes that say something of themselves."""
    return [route for route in routes(never) if isinstance(route, ApiRoute)]  # type: ignore[arg-type]


def test_the_http_reference_lists_every_route_once() -> None:
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


def section_of(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of the same level or above."""
    level = heading.split()[0]
    after = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{len(level)}}} ", after, maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize("route", described(), ids=lambda route: route.operation.id)
def test_the_http_reference_tells_what_the_route_says_of_itself(route: ApiRoute) -> None:
    text, operation = document("docs/http.md"), route.operation
    heading = f"`{operation.method} {route.path}`"
    chapter = section_of(text, f"## {operation.section}")
    told = section_of(chapter, f"### {heading}")
    around = told + chapter.split("\n### ", 1)[0]
    names = {parameter.name for parameter in operation.parameters if not parameter.in_path}
    elsewhere = {"before", "after"} if "same for the access record" in told else set()
    elsewhere |= (
        {"format", "for", "as_of", "organization"} if "as for the export" in told else set()
    )
    elsewhere |= names if "Parameters and answer of the first" in told else set()
    elsewhere |= set(EntryFilter.params()) if "| the filter | as for" in told else set()
    assert {name for name in names - elsewhere if f"`{name}`" not in told} == set()
    if operation.permission is not None and not elsewhere:
        assert f"`{operation.permission}`" in around
    if not operation.callers:
        assert "By anyone" in around
    statuses = {int(status) for status in re.findall(r"(?m)^\| (\d{3}) \|", told)}
    declared = {STATUS_OF[code] for code in operation.every_error} | operation.answers.keys()
    assert statuses - declared == set()


def test_the_http_reference_lists_every_code_of_an_error_with_its_status() -> None:
    errors = section_of(document("docs/http.md"), "## Errors")
    listed = re.findall(r"(?m)^\| (\d{3}) \| `(\w+)` \|", errors)
    assert listed == [(str(STATUS_OF[code]), code.value) for code in ErrorCode]
