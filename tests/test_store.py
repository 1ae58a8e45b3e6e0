"""The store: whatever the order of changes, a library is what its files are; and nothing is done twice or by two at once."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grainline
from grainline import readers
from grainline.doctor import examine
from grainline.errors import BusyError, DamagedError, NotFoundError
from grainline.ingest import Options, Summary
from grainline.readers.build import decode, document
from grainline.store import database, log
from grainline.store.dump import digest, dump
from grainline.store.pages import Pages
from grainline.store.writer import Writer
from grainline.types import Document, Limits

NAMES = ("a.md", "b.md", "notes.txt", "sub/c.md", "sub/a.md", "数据.md", "t.csv")
TEXTS = (
    "# a\n\nThe pump runs.\n",
    "# Pumps\n\nThe pump stands still.\n\n## Valves\n\nOpen the valve.\n",
    "# 规定\n\n第一条 保护财产。\n\n第二条 禁止盗窃。\n",
    "no heading here, only a sentence about a valve.\n",
    "x,y\n1,2\n",
    "",
)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(TEXTS)),
        st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just("")),
        st.tuples(st.just("add"), st.sampled_from(("a file at a time", "at once")), st.just("")),
        st.tuples(st.just("remove"), st.sampled_from(NAMES), st.just("")),
    ),
    max_size=14,
)


def add(library: Path, *paths: Path, options: Options | None = None) -> Summary:
    with grainline.open(library) as opened:
        return opened.add(paths, options)


def fresh(folder: Path, *paths: Path) -> list[str]:
    add(folder, *paths)
    return list(dump(folder))


def apply(change: tuple[str, str, str], root: Path, library: Path) -> None:
    what, name, other = change
    path = root / name
    if what == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(other, encoding="utf-8")
    elif what == "delete":
        path.unlink(missing_ok=True)
    elif what == "rename" and path.exists() and path.suffix == (root / other).suffix:
        (root / other).parent.mkdir(parents=True, exist_ok=True)
        path.rename(root / other)
    elif what == "add":
        add(library, root, options=Options(commit_characters=1 if name == "a file at a time" else 1_000_000))
    elif what == "remove" and (library / database.FILE_NAME).exists():
        with grainline.open(library) as opened:
            try:
                opened.remove([f"docs/{name}"])
            except NotFoundError:
                return


@settings(max_examples=40, deadline=None)
@given(CHANGES)
def test_library_is_what_its_files_are(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, str, str]]) -> None:
    place = tmp_path_factory.mktemp("sequence")
    root, library = place / "docs", place / "library"
    root.mkdir()
    for change in changes:
        apply(change, root, library)
    add(library, root)
    assert list(dump(library)) == fresh(place / "fresh", root)
    shutil.rmtree(place)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TEXTS), min_size=1), st.integers(1, 200))
def test_add_then_remove_gives_the_library_before(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str], characters: int
) -> None:
    place = tmp_path_factory.mktemp("removal")
    first, second, library = place / "docs", place / "more", place / "library"
    for root, texts in ((first, dict(zip(NAMES, TEXTS, strict=False))), (second, files)):
        for name, text in texts.items():
            apply(("write", name, text), root, library)
    add(library, first)
    before = list(dump(library))
    add(library, second, options=Options(commit_characters=characters))
    assert list(dump(library)) != before
    with grainline.open(library) as opened:
        opened.remove(["more"])
    assert list(dump(library)) == before
    with Writer(library) as writer:
        assert list(writer.roots()) == ["docs"]
    shutil.rmtree(place)


def test_two_copies_in_different_places_give_the_same_library(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, other)
    first = fresh(tmp_path / "one", folder)
    assert first
    assert fresh(tmp_path / "two", other) == first
    assert str(tmp_path) not in "".join(first)


def test_library_can_be_copied(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "one", folder)
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    assert digest(tmp_path / "copy") == digest(tmp_path / "one")


class Counting:
    """A reader of files that counts how often it is called."""

    calls: list[str] = []  # noqa: RUF012

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        self.calls.append(source)
        yield document(source, "counted", decode(data), limits)


@pytest.fixture
def counting() -> Iterator[list[str]]:
    readers.register(f"{__name__}:Counting", ".counted")
    Counting.calls.clear()
    yield Counting.calls
    del readers.READERS[".counted"]


def test_unchanged_files_are_not_read_again(tmp_path: Path, counting: list[str]) -> None:
    root = tmp_path / "docs"
    root.mkdir()
    for number in range(4):
        (root / f"{number}.counted").write_text(f"text {number}", encoding="utf-8")
    add(tmp_path / "library", root)
    assert len(counting) == 4
    before = (tmp_path / "library" / database.FILE_NAME).read_bytes()
    assert add(tmp_path / "library", root).unchanged == 4
    assert len(counting) == 4
    assert (tmp_path / "library" / database.FILE_NAME).read_bytes() == before
    (root / "1.counted").write_text("changed", encoding="utf-8")
    (root / "2.counted").rename(root / "moved.counted")
    (root / "3.counted").touch()
    summary = add(tmp_path / "library", root)
    assert (summary.changed, summary.renamed, summary.unchanged) == (1, 1, 2)
    assert counting[4:] == ["docs/1.counted"]


def test_changed_files_keep_their_labels(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "library", folder, options=Options(labels=("b", "a")))
    (folder / "ownership.md").write_text("# Owners\n\nAll is new.\n", encoding="utf-8")
    add(tmp_path / "library", folder)
    with grainline.open(tmp_path / "library") as library, library.snapshot() as snapshot:
        assert {labels for _, _, labels in snapshot.sources().values()} == {("a", "b")}


def test_sources_named_twice_are_removed_once(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "library", folder)
    with grainline.open(tmp_path / "library") as library:
        whole = library.status()["documents"]
        assert library.remove(["docs", "docs/ownership.md", "docs"]) == whole
    assert list(dump(tmp_path / "library")) == []


def test_one_document_of_a_file_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"_id": "1", "text": "one"}\n{"_id": "2", "text": "two"}\n', encoding="utf-8")
    library = tmp_path / "library"
    add(library, tmp_path / "c.jsonl")
    with grainline.open(library) as opened:
        assert opened.remove(["c.jsonl#1"]) == 1
        assert opened.status(sources=True)["sources"] == ["c.jsonl#2"]
    assert examine(library).found == []
    with grainline.open(library) as opened:
        assert opened.remove(["c.jsonl"]) == 1


def test_two_files_with_documents_of_one_name(tmp_path: Path) -> None:
    root, library = tmp_path / "docs", tmp_path / "library"
    root.mkdir()
    (root / "c.jsonl").write_text('{"_id": "1.md", "text": "one"}\n', encoding="utf-8")
    (root / "c.jsonl#1.md").write_text("another\n", encoding="utf-8")
    summary = add(library, root)
    assert summary.failed == [("docs/c.jsonl#1.md", "a document of docs/c.jsonl goes by docs/c.jsonl#1.md already")]
    assert add(library, root).failed == summary.failed
    (root / "c.jsonl").unlink()
    add(library, root)
    assert add(library, root).failed == []
    assert list(dump(library)) == fresh(tmp_path / "fresh", root)


def test_only_one_writes_at_a_time(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "library", folder)
    with Writer(tmp_path / "library"), pytest.raises(BusyError, match="another process is writing"):
        add(tmp_path / "library", folder)
    assert add(tmp_path / "library", folder).unchanged


def _create(folder: Path, gate: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    database.create(folder)


def test_many_may_make_the_same_library_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    makers = [context.Process(target=_create, args=(tmp_path / "library", gate)) for _ in range(3)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [maker.exitcode for maker in makers] == [0, 0, 0]
    assert sorted(path.name for path in (tmp_path / "library").iterdir()) == [database.FILE_NAME, "lock"]


def test_reader_sees_one_state_while_another_is_written(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "library", folder)
    with grainline.open(tmp_path / "library") as library, library.snapshot() as snapshot:
        held = set(snapshot.sources())
        (folder / "ownership.md").unlink()
        add(tmp_path / "library", folder)
        assert {stored.number for stored in snapshot.stored()} == held
        with grainline.open(tmp_path / "library") as other, other.snapshot() as later:
            assert len(later.sources()) == len(held) - 1


def test_removed_text_is_gone_from_the_file(tmp_path: Path) -> None:
    secret = "xylophonic-secret-7781"
    root = tmp_path / "docs"
    root.mkdir()
    (root / "a.md").write_text(f"# A\n\n{secret}\n", encoding="utf-8")
    (root / "b.md").write_text("# B\n\nplain\n", encoding="utf-8")
    add(tmp_path / "library", root)
    assert secret.encode() in (tmp_path / "library" / database.FILE_NAME).read_bytes()
    with grainline.open(tmp_path / "library") as library:
        library.remove(["docs/a.md"])
    assert not [path for path in (tmp_path / "library").iterdir() if secret.encode() in path.read_bytes()]


def test_pages_hold_what_sqlite_reads(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "library", folder)
    path = tmp_path / "library" / database.FILE_NAME
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    expected = {row[0]: row[1:] for row in connection.execute("SELECT * FROM documents")}
    connection.close()
    with Pages(path) as pages:
        cells = [cell for number in range(1, pages.count + 1) for cell in pages.cells(number)]
    assert {cell.number: cell.values[1:] for cell in cells if len(cell.values) == 14} == expected


def _log(folder: Path, rows: int = 50) -> bytes:
    connection = sqlite3.connect(folder / "x", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (a)")
    for number in range(5):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?)", [(f"{number} 行" * 40,)] * rows)
        connection.execute("COMMIT")
    data = log.path_of(folder / "x").read_bytes()
    connection.close()
    return data


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_every_damaged_byte_of_a_log_is_seen(tmp_path_factory: pytest.TempPathFactory, place: float, flip: int) -> None:
    folder = tmp_path_factory.mktemp("log")
    data = bytearray(_log(folder))
    path = folder / "y"
    log.path_of(path).write_bytes(data)
    sound = log.read(path)
    assert sound.fault() == ""
    assert sound.good.all()
    assert sound.latest()[1] == max(sound.pages.tolist())
    data[int(place * len(data))] ^= flip
    log.path_of(path).write_bytes(data)
    assert log.fault(path) != ""


def test_a_log_that_ends_in_the_middle_of_a_frame_is_sound(tmp_path: Path) -> None:
    data = _log(tmp_path)
    path = tmp_path / "y"
    for length in (0, 20, 32, 40, len(data) - 1, len(data) - 4110):
        log.path_of(path).write_bytes(data[:length])
        assert log.fault(path) == ""


def test_a_damaged_log_is_not_taken_in(folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "library", folder)
    path = tmp_path / "library" / database.FILE_NAME
    shutil.copytree(tmp_path / "library", tmp_path / "copy")
    with Writer(tmp_path / "library") as writer:
        writer.put_root("more", "/nowhere")
        writer.commit()
        data = bytearray(log.path_of(path).read_bytes())
    data[5000] ^= 1
    (tmp_path / "copy" / f"{database.FILE_NAME}-wal").write_bytes(data)
    with pytest.raises(DamagedError, match="grainline doctor"):
        grainline.open(tmp_path / "copy")
