"""Finding and reading files: what is meant, and everything that a folder can have in it to do harm."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grainline.errors import LimitError, NotFoundError, UnreadableError
from grainline.readers.files import Found, Skipped, find, read_bytes
from grainline.types import Limits
from trees import LIMITS, found, make, names, rules, skipped

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
posix = pytest.mark.skipif(os.name != "posix", reason="pipes, modes and byte names are POSIX")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may enter, for the tests that give up root's rights (pytest's own is closed to them)."""
    path = Path(tempfile.mkdtemp()).resolve()
    path.chmod(0o755)
    yield path
    for name in ("closed", "listed"):
        if (path / name).exists():
            (path / name).chmod(0o755)
    shutil.rmtree(path)


@contextmanager
def without_rights() -> Iterator[None]:
    """As a user whom modes bind: root may read everything, so root becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError:
        pytest.skip("root here, which modes do not bind, and it cannot become another user")
    try:
        yield
    finally:
        os.seteuid(0)


# --- order, names, roots


def test_order_is_by_name_folder_by_folder(tmp_path: Path) -> None:
    make(tmp_path, "b.md", "a.md", "a/z.md", "a/b/c.md", "B.md", "第二章/二.md", "第一章/一.txt", "a b.md")
    expected = ["B.md", "a/b/c.md", "a/z.md", "a b.md", "a.md", "b.md", "第一章/一.txt", "第二章/二.md"]
    assert names(tmp_path) == expected == sorted(expected, key=lambda name: name.split("/"))
    assert names(tmp_path, follow=True) == expected


def test_found_says_where_and_how_large(tmp_path: Path) -> None:
    make(tmp_path, **{"说明/笔记.md": "图论"})
    (item,) = found(tmp_path)
    path = tmp_path.resolve() / "说明" / "笔记.md"
    assert item == Found(path, "说明/笔记.md", 6, path.stat().st_mtime_ns)
    assert read_bytes(item, LIMITS).decode() == "图论"


def test_only_files_that_a_reader_claims(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.exe", "c.so", "README", "Makefile", "d.md~", "e", "lib.a")
    assert names(tmp_path) == ["Makefile", "README", "a.md"]


def test_hidden_files_are_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "a.md", ".b.md", ".c/d.md", ".git/description.md", ".grainline/x.md", "e/.hg/f.md", ".grainline.md")
    assert names(tmp_path) == ["a.md"]
    assert names(tmp_path, hidden=True) == [".b.md", ".c/d.md", ".grainline.md", "a.md"]


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    make(tmp_path, "a.md", ".b.md", "c.exe", "d.md")
    rules(tmp_path, "d.md")
    assert [names(tmp_path / name) for name in ("a.md", ".b.md", "d.md")] == [["a.md"], [".b.md"], ["d.md"]]
    assert skipped(tmp_path / "c.exe") == {"c.exe": "no reader knows this kind of file"}


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    for root in (tmp_path / "none", tmp_path / "a.md" / "b"):
        with pytest.raises(NotFoundError, match="no such file or folder"):
            list(find(root, limits=LIMITS))
    assert [reason.startswith(("embedded null", "lstat: embedded null")) for reason in skipped(Path("a\0b")).values()] == [True]


def test_a_relative_root_and_one_that_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "docs/a.md")
    (tmp_path / "link").symlink_to("docs")
    (tmp_path / "link.md").symlink_to("docs/a.md")
    monkeypatch.chdir(tmp_path)
    assert names(Path("docs")) == names(Path("link")) == names(Path("docs/../link/.")) == ["a.md"]
    (item,) = found(Path("link.md"))
    assert (item.relative, item.path, read_bytes(item, LIMITS)) == ("link.md", tmp_path.resolve() / "docs/a.md", b"text")


def test_nothing_in_a_folder_is_configuration(tmp_path: Path) -> None:
    make(tmp_path, "a.md", ".env", **{"grainline.toml": "hidden = true\nfollow = true\nexclude = ['a.md']\n"})
    (tmp_path / "pyproject.toml").write_text("[tool.grainline]\nhidden = true\n", encoding="utf-8")
    make(tmp_path, ".b.md")
    assert names(tmp_path) == ["a.md", "grainline.toml", "pyproject.toml"]


# --- links


def test_links_out_of_the_folder_are_skipped(tmp_path: Path) -> None:
    make(tmp_path, "secret/id.md", "docs/a.md")
    docs = tmp_path / "docs"
    (docs / "b.md").symlink_to(tmp_path / "secret" / "id.md")
    (docs / "c").symlink_to("../secret")
    (docs / "d.so").symlink_to(tmp_path / "secret" / "id.md")
    (docs / "docs2").symlink_to("../docs-other")
    make(tmp_path, "docs-other/x.md")
    outside = "a symbolic link that leads out of the folder"
    for follow in (False, True):
        assert [item.relative for item in found(docs, follow=follow)] == ["a.md"]
        assert skipped(docs, follow=follow) == {"b.md": outside, "c": outside, "docs2": outside}


def test_links_inside_bring_every_file_once(tmp_path: Path) -> None:
    make(tmp_path, "docs/a.md", "build/html/b.md", "build/c.md")
    rules(tmp_path, "build")
    (tmp_path / "docs" / "loop").symlink_to("..")
    (tmp_path / "docs" / "same.md").symlink_to("a.md")
    (tmp_path / "docs" / "latest").symlink_to("../build/html")
    (tmp_path / "docs" / "zz").symlink_to("../build")
    (tmp_path / "build" / "html" / "up").symlink_to("..")
    assert names(tmp_path) == ["docs/a.md"]
    assert names(tmp_path, follow=True) == ["docs/a.md", "docs/latest/b.md", "docs/zz/c.md"]
    assert [read_bytes(item, LIMITS) for item in found(tmp_path, follow=True)] == [b"text"] * 3


def test_a_link_does_not_bring_hidden_files(tmp_path: Path) -> None:
    make(tmp_path, ".env", ".notes/a.md", ".git/b.md")
    (tmp_path / "env.md").symlink_to(".env")
    (tmp_path / "notes").symlink_to(".notes")
    (tmp_path / "git").symlink_to(".git")
    assert names(tmp_path, follow=True) == []
    assert names(tmp_path, follow=True, hidden=True) == [".notes/a.md", "env.md"]


def test_broken_links_and_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to("nowhere")
    (tmp_path / "b.md").symlink_to("c.md")
    (tmp_path / "c.md").symlink_to("b.md")
    (tmp_path / "other").symlink_to("nowhere")
    circle = "a symbolic link where a file should be, or links in a circle"
    for follow in (False, True):
        assert skipped(tmp_path, follow=follow) == {"a.md": "a symbolic link to nothing", "b.md": circle, "c.md": circle}


# --- what is no plain readable file


@posix
def test_pipes_sockets_and_devices_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    os.mkfifo(tmp_path / "not-ours")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "b.md"))
        assert skipped(tmp_path) == {"a.md": "a named pipe, not a file", "b.md": "a socket, not a file"}
    assert skipped(tmp_path / "not-ours") == {"not-ours": "a named pipe, not a file"}
    assert skipped(Path("/dev/null")) == {"null": "a device, not a file"}


@posix
def test_what_may_not_be_read_is_named(folder: Path) -> None:
    make(folder, "a.md", "b.md", "closed/c.md", "listed/d.md", "e/f.md")
    (folder / "b.md").chmod(0)
    (folder / "closed").chmod(0)
    (folder / "listed").chmod(0o444)
    with without_rights():
        assert [item.relative for item in found(folder)] == ["a.md", "e/f.md"]
        assert skipped(folder) == dict.fromkeys(("b.md", "closed", "listed/d.md"), "permission denied")
        assert skipped(folder / "closed") == {".": "permission denied"}
        assert list(skipped(folder / "closed" / "c.md").values()) == ["permission denied"]
        with pytest.raises(UnreadableError, match=r"^permission denied$"):
            read_bytes(Found(folder / "b.md", "b.md", 4, 0), LIMITS)


def test_a_sparse_file_of_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    with (tmp_path / "b.log").open("wb") as file:
        file.truncate(2 << 30)
    assert [item.relative for item in found(tmp_path)] == ["a.md"]
    reason = "file bytes: 2,147,483,648 is over the limit of 67,108,864 (--max-file-bytes)"
    assert skipped(tmp_path) == {"b.log": reason}
    with pytest.raises(LimitError, match="2,147,483,648 is over"):
        read_bytes(Found(tmp_path / "b.log", "b.log", 1, 0), LIMITS)


def test_the_limit_is_the_last_size_that_passes(tmp_path: Path) -> None:
    make(tmp_path, **{"a.md": "12345", "b.md": "123456"})
    limits = Limits(file_bytes=5)
    items = list(find(tmp_path, limits=limits))
    assert isinstance(items[0], Found) and isinstance(items[1], Skipped)
    assert read_bytes(items[0], limits) == b"12345"
    with pytest.raises(LimitError):
        read_bytes(Found(tmp_path / "b.md", "b.md", 5, 0), limits)


@posix
def test_a_file_that_lies_about_its_size_is_bounded() -> None:
    lying = Path("/proc/self/maps")
    if not lying.exists():
        pytest.skip("no /proc here")
    assert lying.stat().st_size == 0
    with pytest.raises(LimitError):
        read_bytes(Found(lying, "maps", 0, 0), Limits(file_bytes=100))
    assert read_bytes(Found(lying, "maps", 0, 0), LIMITS)


@posix
def test_what_a_file_became_since_it_was_found(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "secret.txt", *(f"{name}.md" for name in ("gone", "pipe", "link", "folder", "socket")))
    items = {item.relative: item for item in found(tmp_path)}
    for name in ("gone", "pipe", "link", "folder", "socket"):
        (tmp_path / f"{name}.md").unlink()
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "link.md").symlink_to("secret.txt")
    (tmp_path / "folder.md").mkdir()
    reasons = {
        "gone": "gone since it was found",
        "pipe": "a named pipe, not a file",
        "link": "a symbolic link where a file should be, or links in a circle",
        "folder": "a folder, not a file",
        "socket": "no such device or address",
    }
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.md"))
        for name, reason in reasons.items():
            with pytest.raises(UnreadableError, match=f"^{reason}$"):
                read_bytes(items[f"{name}.md"], LIMITS)
    assert read_bytes(items["a.md"], LIMITS) == b"text"


def test_a_tree_that_vanishes_while_it_is_walked(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b/c.md", "b/d/e.md", "f.md", "g/h.md")
    walk = find(tmp_path, limits=LIMITS)
    assert next(walk) == found(tmp_path)[0]
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "f.md").unlink()
    assert [item.relative for item in walk] == ["g/h.md"]


# --- names


@posix
def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "ok/b.md")
    for name in (b"x\xff.md", "图论.md".encode("gbk"), b"y\xfe.exe", b"ok/\xfe.md"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("text", encoding="utf-8")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xffdir"))
    make(odd, "c.md")
    assert [item.relative for item in found(tmp_path)] == ["a.md", "ok/b.md"]
    reasons = skipped(tmp_path)
    assert set(reasons) == {"x\\xff.md", "\u037c\\xc2\\xdb.md", "ok/\\xfe.md", "\\xffdir"}
    assert set(reasons.values()) == {"its name is not valid UTF-8"}
    assert [item.relative for item in found(odd)] == ["c.md"]
    assert list(skipped(Path(os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.md")))) == ["x\\xff.md"]


def test_names_are_composed_and_paths_are_not(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "résumé/ガイド.md")
    make(tmp_path, decomposed)
    (item,) = found(tmp_path)
    assert item.relative == unicodedata.normalize("NFC", decomposed)
    assert read_bytes(item, LIMITS) == b"text"


def test_two_spellings_of_one_name(tmp_path: Path) -> None:
    composed, decomposed = "\u00e9.md", "e\u0301.md"
    make(tmp_path, **{composed: "composed"})
    make(tmp_path, **{decomposed: "decomposed"})
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("the file system composes names")
    (item,) = found(tmp_path)
    assert (item.relative, read_bytes(item, LIMITS)) == (composed, b"composed")
    assert skipped(tmp_path) == {composed: "another file here has the same name in other code points"}


@posix
def test_deep_folders_cost_no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1500):  # deeper than Python's stack, shorter than the longest path
        Path("d").mkdir()
        os.chdir("d")
    Path("a.md").write_text("text", encoding="utf-8")
    os.chdir(tmp_path)
    (item,) = found(tmp_path)
    assert item.relative == "d/" * 1500 + "a.md"
    assert read_bytes(item, LIMITS) == b"text"
    subprocess.run(["rm", "-rf", "d"], cwd=tmp_path, check=True)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared corpora are not here")
@pytest.mark.parametrize(("corpus", "least"), [("d2l-zh", 40), ("rust-book", 100), ("cn-laws", 3), ("chinook", 1)])
def test_real_folders(corpus: str, least: int) -> None:
    root = SHARED / "corpora" / corpus
    listed = names(root)
    on_disk = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert len(listed) >= least
    assert set(listed) <= on_disk
    assert {name for name in on_disk if name.endswith((".md", ".sqlite", ".txt"))} <= set(listed)
