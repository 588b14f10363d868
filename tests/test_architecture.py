"""The rules of docs/architecture.md that can be read off the code and are no import rules (those
stand in pyproject.toml). Each names every place that breaks it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "audit_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
PAGE_SCRIPTS = [
    path for path in PAGES if path.parent.parent == ROOT / "pages" and path.parent.name != "parts"
]
MIGRATIONS = ROOT / "audit_core" / "state" / "migrations"
ENGINES = ROOT / "audit_core" / "log" / "engines"
CACHED = ROOT / "pages" / "parts" / "shell" / "cached.py"
BOUNDARY = ROOT / "pages" / "parts" / "shell" / "error_boundary.py"
PRODUCT = [ROOT / "app.py", *CORE, *PAGES]
WITH_STATE = tuple(
    ROOT / "audit_core" / name
    for name in (
        *("state", "identity", "workspace", "notify"),
        *("sources/source.py", "sources/webhooks/endpoint.py"),
    )
)

ROUTES = ROOT / "audit_core" / "web" / "routes"
FOR_OPERATORS = (ROUTES / "operator.py", ROUTES / "reading" / "daytona.py")
"""What reads all organizations there takes a proof, or a token, that only operators can make."""

MAX_LINES = 400
MAX_LINES_OF_A_FUNCTION = 50
MAX_MODULES = 17
"""Of a folder: what does not fit on a screen is more than one question."""

Found = list[tuple[str, object]]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def called(tree: ast.AST) -> list[str]:
    """The dotted names of everything that is called anywhere in the tree."""
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def imported(tree: ast.AST) -> Iterator[str]:
    """The dotted names of everything that is imported anywhere in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def last(names: Iterable[str]) -> set[str]:
    """The last part of each dotted name."""
    return {name.rpartition(".")[2] for name in names if "." in name}


def test_the_folders_looked_at_are_there() -> None:
    assert len(PAGE_SCRIPTS) >= 2
    assert all(
        path.exists()
        for path in (MIGRATIONS, ENGINES, CACHED, BOUNDARY, *WITH_STATE, *FOR_OPERATORS)
    )


def test_only_the_command_line_sees_all_organizations() -> None:
    found: Found = []
    for path in PRODUCT:
        if path.is_relative_to(ROOT / "audit_core" / "cli") or path.name == "__main__.py":
            continue
        if path in FOR_OPERATORS:
            continue  # who asks there has proved to be the operator of this machine
        if path == ROOT / "audit_core" / "sources" / "deployment.py":
            continue  # only the operator sets a source up that reads a whole deployment
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and node.attr == "everything":
                found.append((named(path), node.lineno))
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Scope":
                values = [keyword.value for keyword in node.keywords]
                if any(isinstance(value, ast.Constant) for value in values):
                    found.append((named(path), node.lineno))
    assert found == []


def test_only_the_store_runs_statements_on_the_log() -> None:
    runs = {"execute", "exec_driver_sql", "executemany", "scalar", "scalars", "sql"}
    # The state's modules run theirs on the state; the engines on the connection of the store.
    access_record = ROOT / "audit_core" / "evidence" / "access_log"
    exports = ROOT / "audit_core" / "evidence" / "jobs"
    schedules = ROOT / "audit_core" / "evidence" / "schedules"
    erasures = ROOT / "audit_core" / "evidence" / "erasures"
    findings = ROOT / "audit_core" / "detect" / "watching"
    rulesets = ROOT / "audit_core" / "detect" / "ruleset"
    alerts = ROOT / "audit_core" / "detect" / "alerts"
    # Another product's database, which is only read.
    daytona = ROOT / "audit_core" / "sources" / "daytona" / "database.py"
    apart = (
        *WITH_STATE,
        ENGINES,
        access_record,
        exports,
        schedules,
        erasures,
        findings,
        rulesets,
        alerts,
        daytona,
    )
    found = [
        (named(path), names)
        for path in PRODUCT
        if path != ROOT / "audit_core" / "log" / "store.py"
        and not any(path.is_relative_to(folder) for folder in apart)
        and (names := last(called(tree_of(path))) & runs)
    ]
    assert found == []


def test_only_the_engines_name_one() -> None:
    drivers = {"duckdb", "duckdb_sqlalchemy", "psycopg", "clickhouse_connect", "chdb"}
    found = [
        (named(path), roots)
        for path in CORE
        if not path.is_relative_to(ENGINES)
        and (roots := {name.split(".")[0] for name in imported(tree_of(path))} & drivers)
    ]
    assert found == []


def test_no_page_can_be_opened_past_the_sign_in() -> None:
    assert [path.name for path in (ROOT / "pages").glob("*.py")] == ["main.py"]


def test_a_page_requires_its_permission_before_it_does_anything() -> None:
    open_to_all = [named(path) for path in PAGE_SCRIPTS if not requires_first(tree_of(path))]
    assert open_to_all == []


def requires_first(tree: ast.Module) -> bool:
    """Whether the first statement that calls anything is a call of `require`, or, on a page that
    everybody has for themselves, of `require_person`."""
    for statement in tree.body:
        definition = isinstance(
            statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        )
        if definition or not called(statement):
            continue
        return (
            isinstance(statement, ast.Assign | ast.Expr)
            and isinstance(statement.value, ast.Call)
            and ast.unparse(statement.value.func).rpartition(".")[2]
            in ("require", "require_person")
        )
    return False


def test_log_text_never_becomes_html() -> None:
    markup = {"st.html", "streamlit.html", "components.html", "st.components.v1.html"}
    unsafe = {"unsafe_allow_html", "unsafe_allow_javascript"}
    found: Found = []
    for path in PRODUCT:
        tree = tree_of(path)
        found += [
            (named(path), ast.unparse(node))
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in markup
            # The app's own style sheet, a file.
            and ast.unparse(node) != "st.html(ASSETS / 'page.css')"
        ]
        found += [
            (named(path), node.arg)
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg in unsafe
        ]
    assert found == []


def test_nothing_is_handed_out_by_an_address_alone() -> None:
    # Streamlit keeps what these hand out below /media, for whoever knows the address.
    media = {"download_button", "image", "audio", "video", "logo", "pdf", "pyplot", "ImageColumn"}
    found = [
        (named(path), names)
        for path in (ROOT / "app.py", *PAGES)
        if (names := media & last(called(tree_of(path))))
    ]
    # The logo is the same for everybody, and a data URL, which nothing is kept of.
    assert found == [("pages/main.py", {"logo"})]
    assert "st.logo(brand.LOGO, icon_image=brand.ICON, " in (ROOT / "pages/main.py").read_text()


def test_own_routes_are_addressed_below_the_path_that_the_operator_gave() -> None:
    def routes(within: ast.AST) -> list[str]:
        names = [node for node in ast.walk(within) if isinstance(node, ast.Name)]
        return [node.id for node in names if node.id.endswith("_PATH")]

    for path in PAGES:
        tree = tree_of(path)
        addressed = [
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "own_address"
            for name in routes(node)
        ]
        assert routes(tree) == addressed, named(path)


def test_errors_are_drawn_by_the_boundary() -> None:
    # A handler is for those who react to the error itself, such as by other words.
    found = [
        (named(path), node.lineno)
        for path in (ROOT / "app.py", *PAGES)
        if path != BOUNDARY
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and "error_boundary.draw" in called(node)
    ]
    assert found == []
    by_name = [
        named(path)
        for path in PAGES
        if "pages.parts.shell.error_boundary.draw" in imported(tree_of(path))
    ]
    assert by_name == []


def test_everything_cached_is_in_one_file() -> None:
    found = [
        (named(path), node.attr)
        for path in (ROOT / "app.py", *PAGES)
        if path != CACHED
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr.startswith("cache_")
    ]
    assert found == []


def test_pages_ask_one_file_for_the_opened_product() -> None:
    # Tests give another one there. Whoever asks elsewhere opens the databases in ./data, and fails
    # while another process has them open.
    found = [
        named(path)
        for path in PAGES
        if path != CACHED and "pages.parts.shell.opened" in imported(tree_of(path))
    ]
    assert found == []


def test_nothing_that_must_live_hangs_in_a_cache_that_a_client_can_clear() -> None:
    found = []
    for path in PRODUCT:
        tree = tree_of(path)
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        if "cache_resource" in names | last(imported(tree)):
            found.append(named(path))
    assert found == []


def test_everything_that_reads_the_log_is_cached_by_scope_or_organization() -> None:
    answering = [
        node
        for node in tree_of(CACHED).body
        if isinstance(node, ast.FunctionDef)
        and any("cache_data" in ast.unparse(decorator) for decorator in node.decorator_list)
    ]
    assert answering
    for node in answering:
        arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        assert "scope" in arguments, f"{node.name} answers whoever asks"


def test_what_is_public_says_what_it_promises() -> None:
    silent = [
        (named(path), node.name)
        for path in CORE
        if not path.is_relative_to(MIGRATIONS)
        for node in public_definitions(tree_of(path).body)
        if ast.get_docstring(node) is None
    ]
    assert silent == []


def public_definitions(
    body: list[ast.stmt],
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Functions and classes without an underscore, and the methods of classes that inherit
    nothing: others may be bound to what they override."""
    for node in body:
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and not node.bases:
                yield from public_definitions(node.body)


def test_no_file_and_no_function_is_too_long() -> None:
    long: Found = []
    for path in PRODUCT:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            long.append((named(path), lines))
        if path not in CORE or path.is_relative_to(MIGRATIONS):
            continue
        long += [
            (named(path), node.name)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= MAX_LINES_OF_A_FUNCTION
        ]
    assert long == []


def test_no_folder_answers_more_than_one_question() -> None:
    folders = {path.parent for path in (*CORE, *PAGES)} - {MIGRATIONS / "versions"}
    crowded = {
        named(folder): modules
        for folder in folders
        if (modules := len([*folder.glob("*.py")])) > MAX_MODULES
    }
    assert crowded == {}


def test_nobody_looks_at_the_clock_but_the_roots() -> None:
    clocks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    found = [
        (named(path), names)
        for path in CORE
        if not path.is_relative_to(ROOT / "audit_core" / "cli")
        and path.name not in ("__main__.py", "store.py")
        and (names := clocks & set(called(tree_of(path))))
    ]
    assert found == []
