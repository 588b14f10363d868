"""The rules of docs/architecture.md that can be read off the code."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "audit_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
PAGE_SCRIPTS = [
    path for path in PAGES if path.parent.parent == ROOT / "pages" and path.parent.name != "parts"
]
MIGRATIONS = ROOT / "audit_core" / "state" / "migrations"
DIALECTS = ROOT / "audit_core" / "log" / "dialects"
PRODUCT = [ROOT / "app.py", *CORE, *PAGES]

WORDS = (
    "terminal_text",
    "errors",
    "faults",
    "entries",
    "secret_shapes",
    "redaction",
    "templates",
    "sentences",
    "particulars",
    "rejections",
    "access",
    "settings",
    "version",
)

MAY_IMPORT = {
    **{word: set(WORDS[:place]) for place, word in enumerate(WORDS)},
    "keys": {*WORDS},
    "answer_cache": set(),
    "log": {*WORDS},
    "query": {*WORDS, "log"},
    "places": {*WORDS, "log", "query"},
    "answers": {*WORDS, "log", "query"},
    "reader": {*WORDS, "log", "query", "places", "answers"},
    "known_values": {*WORDS, "log", "query", "places", "answers", "reader"},
    "tallies": {*WORDS, "log", "query", "places", "answers", "reader"},
    "people": {*WORDS, "log", "query", "places", "answers", "reader"},
    "sources": {*WORDS, "log", "query"},
    "starts": {*WORDS, "log", "query", "reader", "state"},
    "transfer": {*WORDS, "log", "query"},
    "export": {*WORDS, "log", "query", "reader"},
    "state": {*WORDS},
    "marks": {*WORDS, "log", "state"},
    "doctor": {*WORDS, "keys", "log", "query", "state", "product", "readiness"},
    "backup": {*WORDS, "log", "query", "state", "transfer"},
    "access_log": {*WORDS, "query", "state", "export"},
    "uploads": {*WORDS},
    "product": {*WORDS, "keys", "log", "state", "marks", "uploads"},
    "readiness": {*WORDS, "log", "state", "product"},
    "demo": {*WORDS, "log"},
}
"""What is to the left of each part of audit_core. The shells api, command and __main__ see all
that stands here; only __main__ sees the other two."""

SHELLS = {
    "api": {*MAY_IMPORT},
    "command": {*MAY_IMPORT, "api"},
    "__main__": {*MAY_IMPORT, "command"},
}


def named(path):
    return str(path.relative_to(ROOT))


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(tree):
    """The dotted names of everything that is imported anywhere in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree):
    """The dotted names of everything that is called anywhere in the tree."""
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def part_of(path):
    return path.relative_to(ROOT / "audit_core").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", CORE, ids=named)
def test_the_core_knows_nothing_of_its_front_end(path):
    roots = {name.split(".")[0] for name in imported(tree_of(path))}
    assert not roots & {"streamlit", "pages", "app", "tests"}


@pytest.mark.parametrize("path", CORE, ids=named)
def test_imports_point_to_the_left(path):
    part = part_of(path)
    if part == "__init__":
        return
    parts = {
        name.split(".")[1]
        for name in imported(tree_of(path))
        if name.startswith("audit_core.") and name.count(".") >= 1
    }
    assert parts <= {part} | {**MAY_IMPORT, **SHELLS}[part]


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_only_the_command_line_sees_all_organizations(path):
    if path.is_relative_to(ROOT / "audit_core" / "command") or path.name == "__main__.py":
        return
    if path == ROOT / "audit_core" / "api" / "operator.py":
        return  # who asks there has proved to be the operator of this machine
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr != "everything"
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Scope":
            values = [keyword.value for keyword in node.keywords]
            assert not any(isinstance(value, ast.Constant) for value in values)


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_only_the_store_runs_statements_on_the_log(path):
    runs = {"execute", "exec_driver_sql", "executemany", "scalar", "scalars", "sql"}
    if path.is_relative_to(ROOT / "audit_core" / "state") or path.is_relative_to(DIALECTS):
        return
    if path == ROOT / "audit_core" / "log" / "store.py":
        return
    assert not {name.rpartition(".")[2] for name in called(tree_of(path)) if "." in name} & runs


@pytest.mark.parametrize("path", CORE, ids=named)
def test_only_dialects_names_the_engine_of_the_log(path):
    if not path.is_relative_to(DIALECTS):
        roots = {name.split(".")[0] for name in imported(tree_of(path))}
        assert not roots & {"duckdb", "duckdb_sqlalchemy", "psycopg", "clickhouse_connect", "chdb"}


def test_no_page_can_be_opened_past_the_sign_in():
    assert [path.name for path in (ROOT / "pages").glob("*.py")] == ["main.py"]


def test_there_are_page_scripts_to_look_at():
    assert len(PAGE_SCRIPTS) >= 2


@pytest.mark.parametrize("path", PAGE_SCRIPTS, ids=named)
def test_a_page_requires_its_permission_before_it_does_anything(path):
    for statement in tree_of(path).body:
        definition = isinstance(
            statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
        )
        if definition or not called(statement):
            continue
        assert isinstance(statement, ast.Assign | ast.Expr)
        assert isinstance(statement.value, ast.Call)
        assert ast.unparse(statement.value.func).rpartition(".")[2] == "require"
        return
    pytest.fail("no permission is required")


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_log_text_never_becomes_html(path):
    tree = tree_of(path)
    assert not {name for name in called(tree) if name.endswith((".html", "components.v1.html"))} & {
        "st.html",
        "streamlit.html",
        "components.html",
        "st.components.v1.html",
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            assert node.arg not in ("unsafe_allow_html", "unsafe_allow_javascript")


@pytest.mark.parametrize("path", [ROOT / "app.py", *PAGES], ids=named)
def test_nothing_is_handed_out_by_an_address_alone(path):
    # Streamlit keeps what these hand out below /media, for whoever knows the address.
    media = {"download_button", "image", "audio", "video", "logo", "pdf", "pyplot", "ImageColumn"}
    assert not media & {name.rpartition(".")[2] for name in called(tree_of(path)) if "." in name}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_own_routes_are_addressed_below_the_path_that_the_operator_gave(path):
    tree = tree_of(path)

    def routes(within):
        return [x for x in ast.walk(within) if isinstance(x, ast.Name) and x.id.endswith("_PATH")]

    addressed = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "own_address"
        for name in routes(node)
    ]
    assert len(routes(tree)) == len(addressed)


@pytest.mark.parametrize("path", [ROOT / "app.py", *PAGES], ids=named)
def test_everything_cached_is_in_one_file(path):
    if path != ROOT / "pages" / "parts" / "cached.py":
        names = [node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)]
        assert not [name for name in names if name.startswith("cache_")]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_pages_ask_one_file_for_the_opened_product(path):
    # Tests give another one there. Whoever asks elsewhere opens the databases in ./data, and fails
    # while another process has them open.
    if path != ROOT / "pages" / "parts" / "cached.py":
        assert "pages.parts.shell.opened" not in imported(tree_of(path))


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_nothing_that_must_live_hangs_in_a_cache_that_a_client_can_clear(path):
    names = {node.attr for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}
    assert "cache_resource" not in names | {*imported(tree_of(path))}


def test_everything_that_reads_the_log_is_cached_by_scope_or_organization():
    for node in tree_of(ROOT / "pages" / "parts" / "cached.py").body:
        if isinstance(node, ast.FunctionDef) and any(
            "cache_data" in ast.unparse(decorator) or ast.unparse(decorator) == "_answered"
            for decorator in node.decorator_list
        ):
            arguments = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            assert "scope" in arguments, f"{node.name} answers whoever asks"
            assert not any(name.startswith("_") for name in ("scope", "head") if name in arguments)


@pytest.mark.parametrize("path", CORE, ids=named)
def test_what_is_public_says_what_it_promises(path):
    if path.is_relative_to(MIGRATIONS):
        return
    silent = [
        node.name
        for node in public_definitions(tree_of(path).body)
        if ast.get_docstring(node) is None
    ]
    assert silent == []


def public_definitions(body):
    """Functions and classes without an underscore, and the methods of classes that inherit
    nothing: others may be bound to what they override."""
    for node in body:
        if isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and not node.bases:
                yield from public_definitions(node.body)


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", CORE, ids=named)
def test_no_function_is_longer_than_50_lines(path):
    if path.is_relative_to(MIGRATIONS):
        return
    long = [
        node.name
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= 50
    ]
    assert long == []


@pytest.mark.parametrize("path", CORE, ids=named)
def test_nobody_looks_at_the_clock_but_the_roots(path):
    if part_of(path) in ("__main__", "command") or path.name == "store.py":
        return
    clocks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    assert not clocks & set(called(tree_of(path)))
