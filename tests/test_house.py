"""The house rules, kept by the machine: direction of imports, sizes, what an import costs, how deep a search goes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import grainline

SOURCE = Path(grainline.__file__).parent
#: lower numbers may not import higher ones; siblings of one number do not import each other
LAYERS = {
    **dict.fromkeys(("types", "errors"), 0),
    **dict.fromkeys(("text", "disk", "costs"), 1),
    **dict.fromkeys(("store", "models", "vectors"), 2),
    **dict.fromkeys(("readers", "shapes", "keys", "match", "walk"), 3),
    **dict.fromkeys(("graph", "tables"), 4),
    "agents": 5,
    "ask": 6,
    **dict.fromkeys(("ingest", "embedding", "making"), 7),
    "doctor": 8,
    "library": 9,
    **dict.fromkeys(("bench", "advise", "learn", "render"), 10),
    **dict.fromkeys(("cli", "serve"), 11),
}
FILE_LINES, FUNCTION_LINES, FRAMES = 400, 60, 8


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_go_one_way(path: Path) -> None:
    own = path.relative_to(SOURCE).with_suffix("").parts[0]
    if own in ("__init__", "testing"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "grainline" else [f"grainline.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            other = layer(name)
            if name.split(".")[0] == "grainline" and other and other != own and other in LAYERS:
                assert LAYERS[other] < LAYERS[own], f"{own} imports {other} (line {node.lineno})"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < FUNCTION_LINES, node.name


def test_import_is_light() -> None:
    code = "import sys, grainline; print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "numpy",
        "lxml",
        "docx",
        "pptx",
        "docutils",
        "tree_sitter",
        "re2",
        "click",
        "sqlglot",
        "onnxruntime",
        "torch",
        "starlette",
        "httpx",
    }
    assert not heavy & set(loaded)


def test_a_search_is_shallow(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Night\n\nThe owl hunts at night.\n", encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        library.add([tmp_path / "a.md"])
        deepest = depth = 0

        def count(frame: object, event: str, _: object) -> None:
            nonlocal depth, deepest
            ours = "grainline" in frame.f_code.co_filename and not frame.f_code.co_name.startswith("<")  # type: ignore[attr-defined]
            if ours and event == "call":
                depth += 1
                deepest = max(deepest, depth)
            elif ours and event == "return":
                depth -= 1

        sys.setprofile(count)
        try:
            evidence = library.search("owl", agent="outline")
        finally:
            sys.setprofile(None)
    assert evidence.hits
    assert deepest <= FRAMES
