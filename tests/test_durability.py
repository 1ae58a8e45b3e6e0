"""Nothing is lost, nothing is wrong: short versions of `python -m grainline.bench.durability`, and the doctor case by case."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import grainline
from grainline import cli
from grainline.bench.durability import crash, flips, kill, readers
from grainline.bench.durability.common import answers, default_corpus, lines_of, small_corpus, write_sample
from grainline.bench.durability.injected import is_available
from grainline.bench.durability.space import used_bytes
from grainline.doctor import examine
from grainline.errors import BusyError, DamagedError, NotFoundError
from grainline.ingest import Options
from grainline.store import manifest as manifests
from grainline.store.database import FILE_NAME, MENDED_NAME, connect
from grainline.store.seal import check
from grainline.store.writer import Writer

PAGE = 4096
needs_strace = pytest.mark.skipif(not is_available(), reason="there is no strace that may follow a process here")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.fixture
def library(work: Path) -> Path:
    """A library of a few files in both languages, some with labels, in `work`/"library"; its sources are in `work`/"docs"."""
    write_sample(work / "docs")
    (work / "docs" / "c.jsonl").write_text(
        "".join(
            json.dumps({"_id": str(n), "text": f"Entry {n} about valves. 第{n}项。"}, ensure_ascii=False) + "\n"
            for n in range(9)
        ),
        encoding="utf-8",
    )
    with grainline.open(work / "library") as opened:
        opened.add([work / "docs"], Options(labels=("plant",)))
    return work / "library"


def damage(library: Path, change: Callable[[bytearray], object]) -> None:
    data = bytearray((library / FILE_NAME).read_bytes())
    change(data)
    (library / FILE_NAME).write_bytes(data)


def flip(place: int) -> Callable[[bytearray], object]:
    return lambda data: data.__setitem__(place, data[place] ^ 0xFF)


def flip_text(text: str) -> Callable[[bytearray], object]:
    return lambda data: flip(data.index(text.encode("utf-8")))(data)


def cut(length: int) -> Callable[[bytearray], object]:
    return lambda data: data.__delitem__(slice(length, None))


def check_mended(library: Path, before: list[str], found: str) -> None:
    """The doctor says what is wrong, mends all of it, and finds nothing the next time."""
    report = examine(library)
    assert report.sound
    assert any(found in what for what in report.found), report
    assert lines_of(library) == before, report
    again = examine(library)
    assert (again.found, again.done, again.sound) == ([], [], True)


# --- the doctor, case by case ---


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (flip(3), "head"),
        (flip(16), "head"),
        (flip(59), "head"),
        (flip(63), "head"),
        (flip(69), "head"),
        (flip(26), "counters"),
        (flip(31), "its head says"),
        (flip_text("CREATE TABLE blocks"), "damaged"),
        (flip_text("保护公私财产"), "laws.md is damaged"),
        (flip_text("Open the valve slowly"), "guide.md is damaged"),
        (flip_text("Entry 7"), "c.jsonl#7"),
        (flip(PAGE), "malformed"),
        (cut(-100), "cut short"),
        (cut(-3 * PAGE), "pages"),
    ],
)
def test_doctor_mends(library: Path, change: Callable[[bytearray], object], found: str) -> None:
    before = lines_of(library)
    damage(library, change)
    check_mended(library, before, found)


def test_labels_go_with_the_records_of_files(library: Path) -> None:
    before = [line.replace('[\\"plant\\"]', "[]").replace('"plant"', "") for line in lines_of(library)]
    damage(library, cut(3 * PAGE))
    check_mended(library, before, "records of files are lost, and their labels with them")


def test_labels_and_other_documents_survive_a_damaged_one(library: Path) -> None:
    damage(library, flip_text("Entry 7"))
    report = examine(library)
    assert "docs/c.jsonl was read again from" in " ".join(report.done)
    with grainline.open(library) as opened:
        assert opened.status()["labels"] == ["plant"]


def test_what_cannot_be_had_back_is_named(library: Path, work: Path) -> None:
    before = lines_of(library)
    damage(library, flip_text("Entry 7"))
    shutil.move(work / "docs", work / "away")
    report = examine(library)
    assert report.sound
    assert any("docs/c.jsonl cannot be read again" in what and "1 of its documents are lost" in what for what in report.found)
    with grainline.open(library) as opened:
        sources = opened.status(sources=True)["sources"]
    assert "docs/c.jsonl#6" in sources
    assert "docs/c.jsonl#7" not in sources
    assert examine(library).found == []
    shutil.move(work / "away", work / "docs")
    with grainline.open(library) as opened:
        assert opened.add([work / "docs"]).changed == 1
    assert lines_of(library) == before


def test_an_index_that_says_something_else_is_rebuilt(library: Path) -> None:
    before = lines_of(library)
    connection = connect(library, write=True)
    held = manifests.read(connection)
    number = held.segments[0].arrays["count"].first
    data = bytearray(connection.execute("SELECT data FROM blocks WHERE number=?", (number,)).fetchone()[0])
    data[0] += 1
    connection.execute("UPDATE blocks SET data=?, seal=? WHERE number=?", (bytes(data), check(number, bytes(data)), number))
    connection.close()
    check_mended(library, before, "the index does not say what is in docs/")


def test_a_missing_document_and_a_wrong_count_are_found(library: Path) -> None:
    before = lines_of(library)
    connection = connect(library, write=True)
    connection.execute("DELETE FROM documents WHERE source='docs/guide.md'")
    connection.close()
    with pytest.raises(DamagedError, match="grainline doctor"):
        answers(library)
    check_mended(library, before, "documents")


def test_a_file_of_another_kind_is_left_alone(work: Path) -> None:
    other = sqlite3.connect(":memory:")
    other.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    for data in (b"not a database at all\n" * 20, other.serialize()):
        folder = work / "other"
        folder.mkdir(exist_ok=True)
        (folder / FILE_NAME).write_bytes(data)
        report = examine(folder)
        assert not report.sound
        assert "not a Grainline library" in report.found[-1]
        assert (folder / FILE_NAME).read_bytes() == data


def test_another_format_is_named_and_left_alone(library: Path) -> None:
    connection = connect(library, write=True)
    connection.execute("BEGIN IMMEDIATE")
    manifests.write(connection, manifests.read(connection).replaced(format=9))
    connection.execute("PRAGMA user_version=9")
    connection.execute("COMMIT")
    connection.close()
    before = (library / FILE_NAME).read_bytes()
    report = examine(library)
    assert not report.sound
    assert "has format 9" in report.found[-1]
    assert (library / FILE_NAME).read_bytes() == before


def test_an_empty_file_becomes_an_empty_library(library: Path, work: Path) -> None:
    before = lines_of(library)
    damage(library, cut(0))
    report = examine(library)
    assert report.sound
    assert "add them again" in " ".join(report.found)
    assert examine(library).found == []
    with grainline.open(library) as opened:
        opened.add([work / "docs"], Options(labels=("plant",)))
    assert lines_of(library) == before


def test_doctor_of_nothing(work: Path) -> None:
    with pytest.raises(NotFoundError, match="no library"):
        examine(work)


def test_leftovers_go_and_strangers_stay(library: Path) -> None:
    before = lines_of(library)
    for name in (f"{FILE_NAME}.new", f"{FILE_NAME}.new-journal", f"{FILE_NAME}-journal", "notes.txt"):
        (library / name).write_bytes(b"something")
    (library / f"{FILE_NAME}.mending").mkdir()
    report = examine(library)
    assert report.sound
    assert len(report.done) == 3
    assert [path.name for path in library.iterdir() if path.name not in (FILE_NAME, "lock")] == ["notes.txt"]
    assert examine(library).found == ["notes.txt is no part of a library; it was left alone"]
    assert lines_of(library) == before


def test_a_repair_that_was_cut_short_is_finished(library: Path) -> None:
    before = lines_of(library)
    shutil.copy(library / FILE_NAME, library / MENDED_NAME)
    damage(library, flip_text("Entry 7"))
    with pytest.raises(DamagedError, match="cut short"):
        grainline.open(library)
    check_mended(library, before, "cut short")
    assert (library / f"{FILE_NAME}.damaged-1").exists()


def test_a_log_without_its_file_is_not_forgotten(library: Path, work: Path) -> None:
    before = lines_of(library)
    (work / "docs" / "guide.md").write_text("# New\n\nAll is new.\n", encoding="utf-8")
    copy = work / "copy"
    with Writer(library) as writer:
        writer.put_root("more", str(work))
        writer.commit()
        shutil.copytree(library, copy)
    (copy / FILE_NAME).unlink()
    with pytest.raises(DamagedError, match="its log is there"):
        grainline.open(copy)
    assert examine(copy).sound
    assert lines_of(library) == before


def test_doctor_waits_for_nobody(library: Path) -> None:
    with Writer(library), pytest.raises(BusyError):
        examine(library)


# --- reading what is damaged ---


@pytest.mark.parametrize(
    "change", [flip(3), flip(PAGE), flip_text("CREATE TABLE files"), flip_text("保护公私财产"), cut(0), cut(9 * PAGE)]
)
def test_commands_over_a_damaged_library_name_the_doctor(
    library: Path, work: Path, change: Callable[[bytearray], object]
) -> None:
    damage(library, change)
    (work / "docs" / "laws.md").write_text("# 新\n", encoding="utf-8")
    ended = []
    for command in (
        ["search", "公私财产"],
        ["ask", "公私财产"],
        ["search", "/财/", "--agent", "grep"],
        ["status"],
        ["add", str(work / "docs")],
    ):
        result = CliRunner().invoke(cli.main, [*command, "--library", str(library)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        if result.exit_code:
            assert result.exit_code == 1
            assert "grainline doctor" in result.output
        ended.append(result.exit_code)
    assert ended[:3] == [1, 1, 1]
    mended = CliRunner().invoke(cli.main, ["doctor", "--json", "--library", str(library)])
    assert mended.exit_code == 0
    assert json.loads(mended.output)["sound"]


def test_bytes_in_use_are_told_from_the_rest(library: Path) -> None:
    used = used_bytes(library / FILE_NAME)
    data = (library / FILE_NAME).read_bytes()
    assert len(used) == len(data)
    assert used[data.index("保护公私财产".encode())]
    assert 0.2 < sum(used) / len(used) < 0.9


# --- short versions of the measurements ---


def test_flips(work: Path) -> None:
    result = flips.run_flips(default_corpus(), work, rounds=20, size=15_000)
    assert result.failures == []
    assert result.figures["flips"]["detected"] >= 6


@needs_strace
def test_crashes(work: Path) -> None:
    result = crash.run_crash(work, every=17)
    assert result.failures == []
    assert result.told == f"{result.figures['points']} crash points, 0 lost, 0 torn"
    assert result.figures["points"] >= 18


@needs_strace
def test_full_disks(work: Path) -> None:
    result = crash.run_full(work, every=61)
    assert result.failures == []
    assert result.figures["points"] >= 10


def test_kills(work: Path) -> None:
    small_corpus(default_corpus(), work / "corpus", 400_000)
    result = kill.run_kill(work / "corpus", work, rounds=2)
    assert result.failures == []
    assert result.figures["kills"] == 2


def test_readers_beside_a_writer(work: Path) -> None:
    result = readers.run_readers(default_corpus(), work, seconds=2, size=50_000)
    assert [what for what in result.failures if "of the reads" not in what] == []
    assert result.figures["reads_busy"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kill", "crash", "flips", "full", "readers"])
def test_whole_measurement(name: str) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "grainline.bench.durability", name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
