"""README's promises: its commands and its Python run and print what it shows; its figures are those of results/."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)
TIMES = re.compile(r"\d+(\.\d+)? ms")


def blocks(kind: str) -> list[str]:
    return [body for name, body in BLOCK.findall(README) if name == kind]


def plain(output: str) -> str:
    return TIMES.sub("N ms", output).strip()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working directory with the repository's docs in it."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


def test_commands_print_what_is_shown(place: Path) -> None:
    script = "from grainline.cli import run; run()"
    shown = re.split(r"^\$ ", blocks("console")[0], flags=re.M)[1:]
    assert len(shown) == 2
    for entry in shown:
        command, _, expected = entry.partition("\n")
        words = re.findall(r'"[^"]*"|\S+', command)
        assert words[0] == "grainline"
        done = subprocess.run(
            [sys.executable, "-c", script, *(word.strip('"') for word in words[1:])],
            cwd=place,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        assert plain(done.stdout) == plain(expected)


def test_python_prints_what_is_shown(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, expected = blocks("python")[0], blocks("text")[0]
    assert len([line for line in code.splitlines() if line.strip()]) == 8
    monkeypatch.chdir(place)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert plain(printed.getvalue()) == plain(expected)


def test_figures_are_those_of_the_results() -> None:
    for name in ("retrieval.md", "lexical.md"):
        for row in (ROOT / "results" / name).read_text(encoding="utf-8").splitlines():
            if row.startswith("|"):
                assert row in README, f"README lacks a row of results/{name}: {row}"
