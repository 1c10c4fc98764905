"""The house's own rules on size and naming, read off the source."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "deephealth"
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = [p for p in FILES if p.name != "__init__.py"]


def functions(path: Path) -> list[tuple[str, int]]:
    """Names and lengths of functions, docstrings left out."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            docstring = node.body[0] if ast.get_docstring(node) else None
            lines -= (docstring.end_lineno - docstring.lineno + 1) if docstring is not None else 0
            found.append((f"{path.relative_to(PACKAGE)}:{node.name}", lines))
    return found


def test_no_file_is_above_600_lines_and_the_median_is_at_most_150():
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert [str(p) for p, n in sizes.items() if n > 600] == []
    assert statistics.median(sizes.values()) <= 150


def test_no_function_is_above_80_lines_and_the_median_is_at_most_10():
    sizes = [size for path in FILES for size in functions(path)]
    assert [name for name, lines in sizes if lines > 80] == []
    assert statistics.median(lines for _, lines in sizes) <= 10


def test_rooms_have_names_of_their_own():
    assert [p for p in FILES if p.stem in {"utils", "util", "helpers", "misc", "common"}] == []


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name != "__main__.py"], ids=lambda p: p.relative_to(PACKAGE).as_posix()
)
def test_a_module_says_what_it_offers(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module begins with a docstring"
    assert "__all__" in path.read_text(encoding="utf-8")


FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "pickle.load",
    "pickle.loads",
    "torch.load",
    "yaml.load",
    "yaml.unsafe_load",
    "os.system",
}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_unsafe_is_called(path):
    calls = [
        ast.unparse(n.func) for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)
    ]
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "torch.load":
            safe = any(k.arg == "weights_only" and getattr(k.value, "value", None) is True for k in call.keywords)
            assert safe, "torch.load only with weights_only=True"
            calls.remove("torch.load")
    assert FORBIDDEN_CALLS.isdisjoint(calls)


def test_scripts_are_thin():
    scripts = (PACKAGE.parent / "scripts").glob("*.py")
    assert [p.name for p in scripts if len(p.read_text(encoding="utf-8").splitlines()) > 30] == []
