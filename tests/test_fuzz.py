"""Damaged files of every kind through a whole add: read, or named with a reason, and never half in."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import document_samples as documents
import grainline
import grainline.errors
import test_readers_code as code
import test_readers_data as data
from conftest import OWNERSHIP, STATUTE, STORY
from grainline.readers.text import Text
from grainline.types import Limits

RST = "Owls\n====\n\nThey hunt at night.\n\n- one\n- two\n\n猫头鹰\n------\n\n夜里捕食。::\n\n   hoot()\n"
TABLE = "<table><tr><th>a</th></tr><tr><td>1</td></tr></table>"
HTML = f"<html><head><title>Owls 猫头鹰</title></head><body><h1>Owls</h1><p>{STORY}</p>{TABLE}</body></html>"
SAMPLES: dict[str, Callable[[], bytes]] = {
    "a.md": lambda: (OWNERSHIP + STATUTE).encode(),
    "a.txt": lambda: (STATUTE + STORY).encode("gb18030"),
    "b.txt": lambda: STATUTE.encode("utf-16"),
    "a.rst": lambda: RST.encode(),
    "a.html": lambda: HTML.encode(),
    "a.pdf": documents.manual,
    "a.docx": documents.word,
    "a.pptx": documents.slides,
    "a.xlsx": documents.sheets,
    "a.ods": documents.open_sheets,
    "a.epub": documents.book,
    "a.csv": lambda: data.CITIES.encode(),
    "a.json": lambda: b'[{"owl": 1, "name": "\xe7\x8c\xab"}, {"owl": 2.5, "name": null}]',
    "corpus.jsonl": lambda: data.BEIR.encode(),
    "a.sqlite": lambda: data.database(data.MUSIC),
    "a.ipynb": lambda: data.notebook(
        [{"cell_type": "markdown", "source": "# Owl"}, {"cell_type": "code", "source": "hoot()", "outputs": [], "metadata": {}}]
    ).encode(),
    "a.py": lambda: code.PYTHON.encode(),
    "a.rs": lambda: code.RUST.encode(),
    "a.js": lambda: code.JAVASCRIPT.encode(),
    "a.ts": lambda: code.TYPESCRIPT.encode(),
    "a.tsx": lambda: code.TSX.encode(),
    "a.go": lambda: code.GO.encode(),
    "a.java": lambda: code.JAVA.encode(),
    "a.c": lambda: code.C.encode(),
    "a.cpp": lambda: code.CPP.encode(),
}
#: pieces that mean something to parsers
NASTY = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"](",
    b"<!--",
    b"```",
    b"\n|",
    b"%%EOF",
    b"PK\x05\x06",
    b"&#0;",
    b"<![CDATA[",
    b"-" * 300,
    b"9" * 400,
    b'"',
    b"\r",
]


def damaged(sample: bytes, dice: random.Random) -> bytes:
    """The sample with one to eight random injuries."""
    made = bytearray(sample)
    for _ in range(dice.randint(1, 8)):
        place, length = dice.randrange(len(made) + 1), dice.randint(1, 64)
        kind = dice.randrange(6)
        if kind == 0 and made:
            made[min(place, len(made) - 1)] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del made[place : place + length]
        elif kind == 2:
            made[place:place] = made[place : place + length]
        elif kind == 3:
            made[place:place] = dice.choice(NASTY)
        elif kind == 4:
            made[place : place + length] = dice.randbytes(length)
        else:
            del made[place:]
    return bytes(made)


def add_damaged(folder: Path, count: int) -> tuple[int, int]:
    """Add `count` damaged files of every kind, check what is in the library; returns how many were read and how many named."""
    dice = random.Random(20261122)
    (folder / "files").mkdir()
    for name, make in SAMPLES.items():
        sample = make()
        for number in range(count):
            (folder / "files" / f"{number:03}-{name}").write_bytes(damaged(sample, dice))
    with grainline.open(folder / "library") as library:
        summary = library.add([folder / "files"])
        named = {source for source, reason in summary.failed if reason}
        assert len(named) == len(summary.failed)
        assert summary.added + len(named) == count * len(SAMPLES)
        with library.snapshot() as snapshot:
            for stored in snapshot.stored():
                document = stored.document
                assert stored.file not in named
                for part in (*document.parts, *stored.shaped.nodes):
                    assert 0 <= part.start <= part.end <= len(document.text)
        assert library.add([folder / "files"]).unchanged == summary.added
        for question in ("owl night", "猫头鹰", "stack"):
            for citation in library.ask(question).citations:
                assert citation.quote
    return summary.added, len(named)


def test_the_samples_are_sound(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for name, make in SAMPLES.items():
        (tmp_path / "files" / name).write_bytes(make())
    with grainline.open(tmp_path / "library") as library:
        summary = library.add([tmp_path / "files"])
    assert summary.failed == []
    assert summary.added == len(SAMPLES)


def test_a_few_damaged_files_of_every_kind(tmp_path: Path) -> None:
    read, named = add_damaged(tmp_path, 8)
    assert read and named


@pytest.mark.slow
def test_two_hundred_damaged_files_of_every_kind(tmp_path: Path) -> None:
    read, named = add_damaged(tmp_path, 200)
    print(f"\n{read + named} damaged files of {len(SAMPLES)} kinds: {read} read, {named} named with a reason, 0 tracebacks")
    assert read and named


def test_text_that_is_not_text() -> None:
    for number in range(300):
        noise = random.Random(number).randbytes(200)
        try:
            made = list(Text().read(noise, "a.txt", Limits()))
        except grainline.errors.UnreadableError as error:
            assert str(error)
        else:
            assert made[0].text is not None
