"""Ignore files: as git understands them, and harmless whatever they hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grainline.readers.files import IGNORE_BYTES
from grainline.readers.gitignore import RULES, Scope, parse
from trees import found, make, names, rules, skipped

GIT = shutil.which("git")
posix = pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX")
needs_git = pytest.mark.skipif(GIT is None, reason="git is the oracle")


def test_ignore_rules(tmp_path: Path) -> None:
    rules(
        tmp_path,
        "*.log",
        "!keep.log",
        "/build/",
        "docs/**/draft?.md",
        "  ",
        "# no.md",
        "\\#1.md",
        "临时/",
        "*.临.md",
        "café.md",
    )
    make(tmp_path, "a.log", "keep.log", "x/build/a.md", "build/a.md", "docs/draft1.md", "docs/a/b/draft2.md", "docs/draft12.md")
    make(tmp_path, "no.md", "#1.md", "临时/a.md", "x/临时/a.md", "临时.md", "x/一.临.md", "cafe\u0301.md")
    assert names(tmp_path) == ["docs/draft12.md", "keep.log", "no.md", "x/build/a.md", "临时.md"]


def test_deeper_rules_go_before_those_above(tmp_path: Path) -> None:
    rules(tmp_path, "*.md", "!sub/")
    rules(tmp_path / "sub", "!*.md", "/b.md")
    rules(tmp_path / "sub" / "deep", "*", "!a.md")
    make(tmp_path, "a.md", "sub/a.md", "sub/b.md", "sub/deep/a.md", "sub/deep/b.md", "sub/deep/c.txt")
    assert names(tmp_path) == ["sub/a.md", "sub/deep/a.md"]


def test_what_lies_in_an_ignored_folder_cannot_be_kept(tmp_path: Path) -> None:
    rules(tmp_path, "out/", "!out/a.md")
    make(tmp_path, "out/a.md", "b.md")
    assert names(tmp_path) == ["b.md"]


def test_ignore_goes_before_gitignore(tmp_path: Path) -> None:
    rules(tmp_path, "a.md", "b.md")
    rules(tmp_path, "!a.md", "c.md", name=".ignore")
    make(tmp_path, "a.md", "b.md", "c.md")
    assert names(tmp_path) == ["a.md"]


def test_rules_above_the_root_count_within_the_repository_only(tmp_path: Path) -> None:
    rules(tmp_path, "*")  # above the repository: says nothing
    repository = tmp_path / "仓库"
    rules(repository, "*.log", "/docs/secret.md", "*.txt")
    rules(repository / "docs", "!keep.txt", "/guide/x.md")
    make(
        repository,
        "docs/guide/a.log",
        "docs/guide/x.md",
        "docs/guide/y.md",
        "docs/secret.md",
        "docs/guide/keep.txt",
        "docs/b.txt",
    )
    assert names(repository / "docs" / "guide") == ["a.log", "keep.txt", "x.md", "y.md"]
    rules(repository / ".git" / "info", "y.md", name="exclude")
    assert names(repository / "docs" / "guide") == ["keep.txt"]
    assert names(repository / "docs") == ["guide/keep.txt"]
    assert names(repository) == ["docs/guide/keep.txt"]


def test_an_ignored_folder_that_a_person_names_is_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    rules(tmp_path, "build", "*.log")
    make(tmp_path, "build/docs/a.md", "build/docs/b.log")
    assert names(tmp_path) == []
    assert names(tmp_path / "build") == ["docs/a.md", "docs/b.log"]
    assert names(tmp_path / "build" / "docs") == ["a.md", "b.log"]


def test_odd_ignore_files(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.md", "c.md")
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfa.md\r\n\xff\xfe\nb.md   \r\n[\n[z-a]\n[[:no:]]\nx\\\n/\n!\n!!\n")
    assert names(tmp_path) == ["c.md"]


@posix
def test_ignore_files_that_would_hang_or_fill_the_memory(tmp_path: Path) -> None:
    for number, name in enumerate(("pipe", "large", "link", "many", "folder")):
        make(tmp_path / f"{number}{name}", "a.md")
    os.mkfifo(tmp_path / "0pipe/.gitignore")
    with (tmp_path / "1large/.gitignore").open("wb") as file:
        file.truncate(2 << 30)
    (tmp_path / "2link/.ignore").symlink_to("/etc/passwd")
    rules(tmp_path / "3many", *(f"{number}" for number in range(RULES + 1)))
    (tmp_path / "4folder/.gitignore").mkdir()
    assert [item.relative for item in found(tmp_path)] == [
        "0pipe/a.md",
        "1large/a.md",
        "2link/a.md",
        "3many/a.md",
        "4folder/a.md",
    ]
    assert skipped(tmp_path) == {
        "0pipe/.gitignore": "a named pipe, not a file; its rules are not applied",
        "1large/.gitignore": f"an ignore file of more than {IGNORE_BYTES:,} bytes; its rules are not applied",
        "2link/.ignore": "a symbolic link where a file should be, or links in a circle; its rules are not applied",
        "3many/.gitignore": f"holds more than {RULES:,} rules; its rules are not applied",
        "4folder/.gitignore": "a folder, not a file; its rules are not applied",
    }


SLOW = """
from grainline.readers.gitignore import Scope, parse
lines = ["*a" * 99 + "b", "**/" * 50 + "*a" * 50 + "b", "/".join(["**", "*a*a*a*a*b"] * 20), "?*" * 99 + "b", "[a]*" * 9 + "b"]
scope = Scope("", parse("\\n".join(lines)))
print(len(scope.rules), scope.leaves_out("/".join(["a" * 250] * 15), False))
"""


def test_rules_made_to_be_slow_are_not() -> None:
    run = subprocess.run([sys.executable, "-c", SLOW], timeout=20, capture_output=True, check=True, text=True)
    assert run.stdout == "5 False\n"


def git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    run = subprocess.run([GIT or "git", *arguments], cwd=folder, env=environment, input=given, capture_output=True, check=False)
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


PIECES = ["**", "*", "a", "b", "*a", "a*", "?", "[ab]", "[!a]", "[a-]", "[[:alpha:]]", "中*", "a.md"]
GLOBS = st.one_of(
    st.text("ab*/", min_size=1, max_size=9),
    st.text("ab/*?[]!^\\-# .:", min_size=1, max_size=8),
    st.lists(st.sampled_from(PIECES), max_size=5).map("/".join),
).filter(lambda glob: not re.search(r"[^/*]\*\*|/$", glob))
# left out: `b**/a`, where git, against its manual, takes the stars for any folders since it has cut off the literal `b` before
LINES = st.builds(
    lambda no, glob, folder: no + glob + folder, st.sampled_from(["", "", "!", "/"]), GLOBS, st.sampled_from(["", "", "/", " "])
)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aab", "-", "]", "中文", "a.md"]), min_size=1, max_size=4).map("/".join)


@needs_git
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, min_size=1, max_size=4), st.lists(PATHS, min_size=1, max_size=12, unique=True))
def test_rules_match_as_git_matches(tmp_path: Path, lines: list[str], paths: list[str]) -> None:
    if any("?" in line or "[" in line for line in lines):  # git counts bytes there, we count characters
        paths = [path for path in paths if path.isascii()] or ["a"]
    if not (tmp_path / ".git").exists():
        git(tmp_path, "init", "-q")
    rules(tmp_path, *lines)
    said = git(tmp_path, "check-ignore", "--no-index", "-z", "--stdin", given="\0".join(paths).encode() + b"\0")
    scope = Scope("", parse((tmp_path / ".gitignore").read_text(encoding="utf-8")))

    def ignored(path: str) -> bool:
        above = path.split("/")[:-1]
        folders = ["/".join(above[: depth + 1]) for depth in range(len(above))]
        return any(scope.leaves_out(each, True) for each in folders) or scope.leaves_out(path, False)

    assert [path for path in paths if ignored(path)] == [path for path in said.decode().split("\0") if path]


@needs_git
@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["", "a/", "a/b/"]), st.lists(LINES, max_size=3), max_size=4),
    st.lists(st.tuples(PATHS.filter(str.isascii), st.sampled_from(["x", "a", "ba"])), min_size=1, max_size=10),
    st.sampled_from(["", "a", "a/b"]),
)
def test_finds_what_git_would_add(ignore: dict[str, list[str]], paths: list[tuple[str, str]], start: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve()
        git(top, "init", "-q")
        for path, stem in paths:
            make(top, *([f"{path}/{stem}.txt"] if not (top / path).is_file() and "a.md" not in path else []))
        for below, lines in ignore.items():
            rules(top / below, *lines)
        root = top / start
        root.mkdir(parents=True, exist_ok=True)
        listed = git(top, "ls-files", "--others", "--exclude-standard", "-z", "--", ".").decode().split("\0")
        wanted = sorted(path for path in listed if path.endswith(".txt") and path.startswith(f"{start}/" if start else ""))
        if any(
            git(top, "check-ignore", "--no-index", "/".join(start.split("/")[: n + 1]))
            for n in range(start.count("/") + 1)
            if start
        ):
            return  # git adds nothing there; a person who names the folder wants it
        assert sorted(f"{start}/{each}" if start else each for each in names(root)) == wanted
