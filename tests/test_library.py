"""Adding, changing, renaming, removing; limits and bad files; one writer."""

from __future__ import annotations

from pathlib import Path

import pytest

import grainline
from grainline.errors import BusyError, DamagedError, NotFoundError, UsageError
from grainline.ingest import Options
from grainline.library import Library
from grainline.store.writer import Writer
from grainline.types import Limits, Where


def sources(library: Library) -> list[str]:
    return list(library.status(sources=True)["sources"])


def test_a_folder_goes_in_whole(library: Library) -> None:
    assert sources(library) == ["docs/law/动物园.md", "docs/owl.py", "docs/ownership.md", "docs/story.txt"]


def test_adding_again_changes_nothing(library: Library, folder: Path) -> None:
    before = library.status()
    summary = library.add([folder])
    assert (summary.unchanged, summary.added, summary.changed, summary.removed) == (4, 0, 0, 0)
    assert {**library.status(), "disk_bytes": 0, "changes": 0} == {**before, "disk_bytes": 0, "changes": 0}
    assert library.status()["changes"] == before["changes"]


def test_changed_renamed_and_vanished_files(library: Library, folder: Path) -> None:
    (folder / "story.txt").write_text("A heron stood in the pond.", encoding="utf-8")
    (folder / "ownership.md").rename(folder / "moved.md")
    (folder / "owl.py").unlink()
    summary = library.add([folder])
    assert (summary.changed, summary.renamed, summary.removed, summary.unchanged) == (1, 1, 1, 1)
    assert sources(library) == ["docs/law/动物园.md", "docs/moved.md", "docs/story.txt"]
    assert [library.source(hit.node.document_id) for hit in library.search("heron", agent="fulltext").hits] == [
        "docs/story.txt"
    ]
    assert library.search("seventeen hares", agent="fulltext").hits == ()
    assert library.search("mutable reference", agent="fulltext").hits


def test_remove_by_folder_file_and_document(library: Library) -> None:
    assert library.remove(["docs/law"]) == 1
    assert library.remove(["docs/story.txt", "docs/owl.py"]) == 2
    with pytest.raises(NotFoundError, match="story"):
        library.remove(["docs/ownership.md", "docs/story.txt"])
    assert sources(library) == ["docs/ownership.md"]
    assert library.search("猫头鹰", agent="fulltext").hits == ()


def test_removing_everything_leaves_no_row(library: Library) -> None:
    library.remove(["docs"])
    with library.snapshot() as snapshot:
        assert snapshot.manifest.segments == ()
    with Writer(library.folder) as writer:
        for table in ("documents", "files", "blocks"):
            assert writer.execute(f"SELECT count(*) FROM {table}") == [(0,)]


def test_labels_and_sources_bound_what_is_seen(tmp_path: Path, folder: Path) -> None:
    with grainline.open(tmp_path / "labelled") as library:
        library.add([folder / "law"], Options(labels=("law",)))
        library.add([folder / "story.txt"], Options(labels=("tale", "public")))
        assert library.search("猫头鹰", agent="fulltext", where=Where(labels=("law",))).hits
        assert not library.search("猫头鹰", agent="fulltext", where=Where(labels=("tale",))).hits
        assert library.search("owl", agent="fulltext", where=Where(labels=("public", "nothing"))).hits
        assert not library.search("owl", agent="fulltext", where=Where(sources=("law",))).hits
        library.add([folder / "story.txt"], Options(labels=("secret",)))
        assert not library.search("owl", agent="fulltext", where=Where(labels=("public",))).hits
        assert library.search("owl", agent="fulltext", where=Where(labels=("secret",))).hits


def test_a_bad_file_is_named_and_the_rest_goes_in(tmp_path: Path, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing of the kind")
    (folder / "nul.txt").write_bytes(b"abc\0def\0\0\0\0\xff\xfe")
    (folder / "large.txt").write_text("x" * 5000, encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        summary = library.add([folder], Options(limits=Limits(file_bytes=4000)))
        assert sorted(source for source, _ in summary.failed) == ["docs/broken.pdf", "docs/large.txt", "docs/nul.txt"]
        assert "--max-file-bytes" in dict(summary.failed)["docs/large.txt"]
        assert summary.added == 4


def test_a_file_that_turns_bad_keeps_what_was_read(library: Library, folder: Path) -> None:
    (folder / "story.txt").write_bytes(b"\0\0\0\0\xff")
    summary = library.add([folder])
    assert [source for source, _ in summary.failed] == ["docs/story.txt"]
    assert library.search("hares", agent="fulltext").hits


def test_two_roots_of_one_name_stay_apart(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "docs").mkdir(parents=True)
        (tmp_path / place / "docs" / "a.txt").write_text(f"text of {place}", encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        library.add([tmp_path / "one" / "docs"])
        library.add([tmp_path / "two" / "docs"])
        assert sources(library) == ["docs-2/a.txt", "docs/a.txt"]
        library.add([tmp_path / "two" / "docs" / "a.txt"])
        assert sources(library) == ["docs-2/a.txt", "docs/a.txt"]


def test_a_folder_around_one_that_is_there_adds_nothing_twice(tmp_path: Path, folder: Path) -> None:
    with grainline.open(tmp_path / "library") as library:
        library.add([folder / "law"])
        assert library.add([folder]).unchanged == 1
        assert sources(library) == ["docs/owl.py", "docs/ownership.md", "docs/story.txt", "law/动物园.md"]
        (folder / "law" / "动物园.md").unlink()
        assert library.add([folder]).removed == 1
        assert sources(library) == ["docs/owl.py", "docs/ownership.md", "docs/story.txt"]


def test_a_second_writer_is_refused(library: Library, folder: Path) -> None:
    with Writer(library.folder), pytest.raises(BusyError):
        library.add([folder])
    assert library.add([folder]).unchanged == 4


def test_readers_see_one_state(library: Library, folder: Path) -> None:
    with library.snapshot() as snapshot:
        (folder / "story.txt").unlink()
        library.add([folder])
        assert len(snapshot.sources()) == 4
    assert len(sources(library)) == 3


def test_usage_errors(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        library.search("  ")
    with pytest.raises(UsageError):
        library.search("owl", k=0)
    with pytest.raises(UsageError):
        library.add([])
    with pytest.raises(NotFoundError, match="no agent"):
        library.search("owl", agent="nobody")
    with pytest.raises(NotFoundError):
        library.add([tmp_path / "nowhere"])
    with pytest.raises(NotFoundError):
        grainline.open(tmp_path / "nowhere", create=False)


def test_a_file_that_is_no_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "library.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DamagedError, match="doctor"):
        grainline.open(tmp_path)
