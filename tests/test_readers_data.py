"""CSV, JSON, JSON Lines, notebooks and SQLite: against Python's own csv, json and sqlite3, on real files, on damaged ones."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainline.errors import LimitError, UnreadableError
from grainline.readers import load
from grainline.readers.csv import delimiter_of, header_of
from grainline.readers.notebook import OUTPUT_CHARACTERS
from grainline.types import Document, Limits, Part

READERS = {suffix: f"grainline.readers.{suffix}:{suffix.title()}" for suffix in ("csv", "json", "jsonl", "notebook", "sqlite")}


def read_all(kind: str, data: str | bytes, source: str = "", limits: Limits = Limits()) -> list[Document]:  # noqa: B008
    documents = list(load(READERS[kind]).read(data.encode() if isinstance(data, str) else data, source or f"a.{kind}", limits))
    for document in documents:
        order = [(part.start, -part.end) for part in document.parts]
        assert order == sorted(order)
        assert all(0 <= part.start < part.end <= len(document.text) for part in document.parts)
        assert not document.lines or len(document.lines) == document.text.count("\n") + 1
    return documents


def read(kind: str, data: str | bytes, source: str = "", limits: Limits = Limits()) -> Document:  # noqa: B008
    (document,) = read_all(kind, data, source, limits)
    return document


def cuts(document: Document, *kinds: str) -> list[str]:
    return [document.text[part.start : part.end] for part in document.parts if part.kind in kinds]


def table(document: Document) -> Part:
    (found,) = [part for part in document.parts if part.kind == "table"]
    return found


# CSV

CITIES = "city,people,note\nBerlin,3645000,capital\n北京,21540000,首都\n"


def test_csv_is_the_source_with_its_rows() -> None:
    document = read("csv", CITIES, "data/big_cities.csv")
    assert document.text == CITIES and document.lines == () and document.title == "big cities"
    assert table(document).meta == {"columns": ["city", "people", "note"], "delimiter": ","}
    assert cuts(document, "header") == ["city,people,note"]
    assert cuts(document, "row") == ["Berlin,3645000,capital", "北京,21540000,首都"]
    assert cuts(document, "table") == [CITIES.rstrip()]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_csv_in_other_encodings(encoding: str) -> None:
    text = "城市,人口\n北京,21540000\n上海,24870000\n广州,18676600\n"
    document = read("csv", text.encode(encoding))
    assert document.text == text and table(document).meta["columns"] == ["城市", "人口"]


def test_csv_rows_of_several_lines_and_of_other_lengths() -> None:
    text = 'name,words\n"Ada","first\nsecond, ""third"""\n\nAlan\nMarie,x,y\n'
    document = read("csv", text)
    assert cuts(document, "row") == ['"Ada","first\nsecond, ""third"""', "Alan", "Marie,x,y"]


def test_csv_with_a_quote_that_nothing_closes() -> None:
    document = read("csv", 'name,size\nscreen,"19 inch\nlamp,3\nowl,4\n')
    assert cuts(document, "row") == ['screen,"19 inch', "lamp,3", "owl,4"]


def test_csv_with_a_very_long_cell() -> None:
    long = "长" * 200_000
    assert len(cuts(read("csv", f'a,b\n1,"{long}"\n2,x\n'), "row")) == 2


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n2,5;3,5\n", ";"),
        ("a\tb\nx, y\tz\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ("one\ntwo\n", ","),
        ("姓名;城市\n李白;成都\n", ";"),
    ],
)
def test_csv_delimiters(sample: str, delimiter: str) -> None:
    assert delimiter_of(sample) == delimiter
    assert table(read("csv", sample)).meta["delimiter"] == delimiter


def test_csv_that_names_its_delimiter() -> None:
    document = read("csv", "sep=;\nname;n\nAda;1,5\n")
    assert cuts(document, "header", "row") == ["name;n", "Ada;1,5"]
    assert table(read("csv", "a,b\tc,d\n", "a.tsv")).meta["delimiter"] == "\t"


@pytest.mark.parametrize(
    ("rows", "has_header"),
    [
        ([["name", "born"], ["Ada", "1815"]], True),
        ([["Ada", "1815"], ["Alan", "1912"]], False),
        ([["country", "2019", "2020"], ["Peru", "1.5", "2.5"]], True),
        ([["", "a", "b"], ["0", "1", "2"]], True),
        ([["yes", "no"], ["no", "no"], ["yes", "no"]], False),
        ([["A plane is taking off.", "An air plane.", "5.0"], ["Two", "Three", "4.0"]], False),
        ([["姓名", "年龄"], ["李白", "61"]], True),
        ([["一架飞机正在起飞。", "飞机"], ["二", "三"]], False),
        ([["price"], ["1.5"], ["2.5"]], True),
        ([["Ada"], ["Alan"]], False),
    ],
)
def test_csv_headers(rows: list[list[str]], has_header: bool) -> None:
    assert header_of(rows) == has_header


def test_csv_with_too_many_rows_has_the_first_ones() -> None:
    [made] = read_all("csv", "a,b\n" + "1,2\n" * 11, limits=Limits(rows=10))
    assert made.text == "a,b\n" + "1,2\n" * 8 + "1,2"
    assert made.meta == {"rows_left_out": 2, "encoding": "utf-8"}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.text("ab\"',; \n城", max_size=6), min_size=2, max_size=4), min_size=1, max_size=6))
def test_csv_rows_are_what_python_reads(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    document = read("csv", "sep=,\n" + written.getvalue())
    found = [next(csv.reader(io.StringIO(cut))) for cut in cuts(document, "header", "row")]
    assert found == rows


def test_csv_of_real_sentence_pairs(shared: Path) -> None:
    for path in sorted((shared / "data" / "pairs").glob("*-dev.csv")):
        document = read("csv", path.read_bytes(), path.name)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert [next(csv.reader(io.StringIO(cut))) for cut in cuts(document, "row")] == rows
        assert table(document).meta["columns"] == []


# JSON


def test_json_in_lines_is_the_source() -> None:
    text = '[\n  {"name": "Ada", "born": 1815},\n  {"name": "李白", "alive": false}\n]\n'
    document = read("json", text)
    assert document.text == text and document.lines == ()
    assert table(document).meta["columns"] == ["name", "born", "alive"]
    assert [json.loads(cut) for cut in cuts(document, "row")] == json.loads(text)


def test_json_on_one_line_is_laid_out() -> None:
    document = read("json", r'{"name":"\u674e\u767d","price":1.50,"none":{},"list":[1,[]]}')
    assert document.text.split("\n")[1:3] == ['  "name": "李白",', '  "price": 1.50,']
    assert set(document.lines) == {1}
    assert [part.name for part in document.parts] == ["name", "price", "none", "list"]
    assert cuts(document, "prose")[0] == '"name": "李白"'


def test_json_with_a_table_under_a_key() -> None:
    document = read("json", '{"count": 2,\n "features": [{"id": 1}, {"id": 2}],\n "empty": []}')
    assert [(part.kind, part.name) for part in document.parts if part.kind != "row"] == [
        ("prose", "count"),
        ("table", "features"),
        ("prose", "empty"),
    ]
    assert cuts(document, "row") == ['{"id": 1}', '{"id": 2}']


def test_json_of_a_configuration_with_comments() -> None:
    text = '{\n  // 编译选项 "strict"\n  "strict": true, /* all */\n  "url": "http://a//b", // last\n}\n'
    document = read("json", text, "tsconfig.json")
    assert document.text == text
    assert cuts(document, "prose") == ['"strict": true', '"url": "http://a//b"']


@pytest.mark.parametrize("text", ["3", '"词"', "[]", "{}", "[1, 2]", "null"])
def test_json_of_any_value_is_prose(text: str) -> None:
    assert cuts(read("json", text), "prose") == [read("json", text).text]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("", "line 1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("9" * 5000, "number out of bounds"),
    ],
)
def test_json_that_is_broken_says_where(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_all("json", text)


def test_json_limits() -> None:
    with pytest.raises(LimitError, match="rows"):
        read_all("json", json.dumps([{}] * 11), limits=Limits(rows=10))
    deep: Any = list(range(1000))
    for _ in range(500):
        deep = [deep]
    with pytest.raises(LimitError, match="characters"):
        read_all("json", json.dumps(deep), limits=Limits(characters=100_000))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    )
)
def test_json_keeps_its_value(value: Any) -> None:
    document = read("json", json.dumps(value))
    assert json.loads(document.text) == json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def test_json_of_real_schemas(shared: Path) -> None:
    data = (shared / "data" / "spider_dev" / "tables.json").read_bytes()
    assert [json.loads(cut) for cut in cuts(read("json", data), "row")] == json.loads(data)


# JSON Lines


def test_a_beir_corpus_is_a_document_a_line() -> None:
    lines = [
        {"_id": "a/1", "title": "Owls", "text": " Two\nlines "},
        {"_id": 2, "title": "", "text": "条文", "path": "第一编 总则 > 第一章 目的", "article": 3, "rows": [1], "none": None},
    ]
    first, second = read_all(
        "jsonl", "\n".join(json.dumps(line) for line in lines[:1]) + "\n\n" + json.dumps(lines[1]), "x/corpus.jsonl"
    )
    assert (first.source, first.title, first.text, first.lines) == ("x/corpus.jsonl#a/1", "Owls", " Two\nlines ", (1, 1))
    assert first.meta == {"_id": "a/1"}
    assert (second.source, second.title, second.text, second.lines) == ("x/corpus.jsonl#2", "corpus", "条文", (3,))
    assert second.meta == {"_id": "2", "path": ["第一编 总则", "第一章 目的"], "fields": {"article": 3}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            '{"_id": "a", "text": "x"}\n\n{"_id": "b", "text": "y"}\n{"_id": "a", "text": "z"}',
            r"line 4: .*'a'.* line 1 already",
        ),
        ('{"_id": "a", "text": "x"}\n{"_id": "b", "text":', "line 2: broken JSON"),
        ('{"_id": "a", "text": "x"}\n{"_id": "b"}', 'line 2: no "_id" or no "text"'),
        ('{"_id": "a", "text": 3}', "line 1: .* strings"),
        ('{"a": ' + "[" * 100_000, "line 1: .*deeply"),
    ],
)
def test_jsonl_that_is_broken_names_the_line(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read_all("jsonl", text)


def test_other_jsonl_is_one_table() -> None:
    text = '{"level": "info", "say": "hi"}\n\n  {"level": "warn", "code": 3}\n[1]\n'
    document = read("jsonl", text, "events.jsonl")
    assert document.text == text and document.lines == ()
    assert table(document).meta["columns"] == ["level", "say", "code"]
    assert cuts(document, "row") == ['{"level": "info", "say": "hi"}', '{"level": "warn", "code": 3}', "[1]"]


def test_jsonl_limits_and_emptiness() -> None:
    with pytest.raises(LimitError, match="documents"):
        read_all("jsonl", '{"_id": "a", "text": "x"}\n{"_id": "b", "text": "x"}', limits=Limits(documents=1))
    with pytest.raises(LimitError, match="rows"):
        read_all("jsonl", "{}\n{}\n", limits=Limits(rows=1))
    assert read("jsonl", "\n \n").parts == ()


def test_half_letters_do_not_break_a_corpus() -> None:
    (document,) = read_all("jsonl", r'{"_id": "\ud83d", "title": "\udc00", "text": "\ud83d\ude00 \ud83d!"}')
    assert document.text == "😀 \ufffd!" and document.source.endswith("#\ufffd")


def test_real_corpora_keep_every_text(shared: Path) -> None:
    for path in sorted((shared / "data").glob("*/corpus.jsonl")):
        data = path.read_bytes()
        started = time.process_time()
        documents = list(load(READERS["jsonl"]).read(data, "corpus.jsonl", Limits()))
        seconds = time.process_time() - started
        records = [json.loads(line) for line in data.decode().split("\n") if line]
        assert [document.text for document in documents] == [record["text"] for record in records]
        assert [document.meta["_id"] for document in documents] == [record["_id"] for record in records]
        assert [document.lines[0] for document in documents] == list(range(1, len(records) + 1))
        code = sum("code" in document.meta for document in documents)  # is parsed
        assert seconds < 1.0 + len(records) * 60e-6 + code * 400e-6, path  # not quadratic in anything


# notebooks


def notebook(cells: list[dict[str, Any]]) -> str:
    whole = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False)


CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "metadata": {}, "source": ["# 数据 Data\n", "\n", "Some words.\n", "\n", "## Part two"]},
    {
        "cell_type": "code",
        "source": ["import numpy\n", "\n", "print('中文')"],
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": ["中文\n"]},
            {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": ["<Figure size 640x480>"]}},
            {"output_type": "execute_result", "data": {"text/plain": "array([1, 2])"}},
        ],
    },
    {"cell_type": "raw", "source": "as it is"},
]


def test_notebook_cells_and_outputs() -> None:
    text = notebook(CELLS)
    document = read("notebook", text, "a.ipynb")
    assert document.title == "数据 Data"
    assert [(part.name, part.level) for part in document.parts if part.kind == "heading"] == [("数据 Data", 1), ("Part two", 2)]
    assert cuts(document, "code") == ["import numpy\n\nprint('中文')"]
    assert [part.meta for part in document.parts if part.kind == "code"] == [{"language": "python"}]
    assert cuts(document, "prose") == ["Some words.", "中文", "array([1, 2])", "as it is"]
    assert "Figure" not in document.text
    source = text.split("\n")
    for line, number in zip(document.text.split("\n"), document.lines, strict=True):
        assert line in source[number - 1]


def test_notebook_output_is_clipped_and_cleaned() -> None:
    log = "".join(f"step {number}\n" for number in range(1000))
    printed = ["\u001b[31mred\u001b[0m\n", "10%\r", "99%\r", "done\n", log]
    cell = {"cell_type": "code", "source": "train()", "outputs": [{"output_type": "stream", "text": printed}]}
    document = read("notebook", notebook([cell]))
    (part,) = [part for part in document.parts if part.kind == "prose"]
    words = document.text[part.start : part.end]
    assert len(words) <= OUTPUT_CHARACTERS and words.startswith("red\n") and "\x1b" not in words
    assert part.meta["characters_left_out"] > 5000


def test_notebook_of_format_3() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Old heading"]},
        {"cell_type": "code", "language": "python", "input": ["1 + 1"], "outputs": [{"output_type": "pyout", "text": ["2"]}]},
        {
            "cell_type": "code",
            "input": "plot()",
            "outputs": [{"output_type": "display_data", "png": "aGk=", "text": ["<Figure>"]}],
        },
    ]
    document = read("notebook", json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3, "metadata": {}}))
    assert next((part.kind, part.name, part.level) for part in document.parts) == ("heading", "Old heading", 2)
    assert document.text == "Old heading\n\n1 + 1\n\n2\n\nplot()"
    assert document.parts[1].meta == {"language": "python"}


@pytest.mark.parametrize("text", ["{}", "[]", '{"cells": 3}', '"cells"', '{"cells": [', "3"])
def test_what_is_no_notebook(text: str) -> None:
    with pytest.raises(UnreadableError, match=r"not a notebook|broken JSON"):
        read_all("notebook", text)


@pytest.mark.parametrize(
    "cell", [3, {}, {"cell_type": 4, "source": 5}, {"cell_type": "code", "source": [[1], None], "outputs": {"a": 1}}]
)
def test_notebook_with_odd_cells(cell: Any) -> None:
    assert read("notebook", notebook([cell, *CELLS])).title == "数据 Data"


# SQLite


def database(script: str, rows: dict[str, list[tuple[Any, ...]]] | None = None) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.executescript(script)
    for name, values in (rows or {}).items():
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(values[0]))})", values)
    connection.commit()
    data = connection.serialize()
    connection.close()
    return data


MUSIC = """
CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, Name TEXT);
CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, Title NVARCHAR(160), ArtistId INTEGER REFERENCES Artist, Cover BLOB, Price REAL);
CREATE TABLE "曲目 list" (Disc INT, Track INT, "歌 名" TEXT, PRIMARY KEY (Disc, Track));
CREATE VIEW Everything AS SELECT * FROM Artist, Album;
CREATE VIRTUAL TABLE search USING fts5(words);
INSERT INTO search VALUES ('hidden words');
CREATE INDEX by_title ON Album (Title);
"""
MUSIC_ROWS: dict[str, list[tuple[Any, ...]]] = {
    "Artist": [(1, "AC/DC"), (2, "崔健")],
    "Album": [(1, "For Those\nAbout", 1, b"12345", 9.5), (2, "新长征路上的摇滚", 2, None, None)],
    '"曲目 list"': [(1, 1, "一无所有"), (1, 2, "假行僧")],
}


def test_sqlite_is_a_document_a_table() -> None:
    artist, album, tracks = read_all("sqlite", database(MUSIC, MUSIC_ROWS), "db/music.sqlite")
    assert [document.source for document in (artist, album)] == ["db/music.sqlite#Artist", "db/music.sqlite#Album"]
    assert album.title == "Album"
    assert album.text.split("\n") == [
        "table Album (AlbumId INTEGER, Title NVARCHAR(160), ArtistId INTEGER -> Artist.ArtistId, Cover BLOB, Price REAL)",
        "",
        "AlbumId | Title | ArtistId | Cover | Price",
        "1 | For Those About | 1 | <blob 5 bytes> | 9.5",
        "2 | 新长征路上的摇滚 | 2 |  | ",
    ]
    assert album.meta["primary_key"] == ["AlbumId"] and album.meta["foreign_keys"] == {"ArtistId": "Artist.ArtistId"}
    assert album.meta["columns"][1] == {"name": "Title", "type": "NVARCHAR(160)", "key": 0, "refers": ""}
    assert [part.kind for part in album.parts] == ["prose", "table", "header", "row", "row"]
    assert table(album).meta == {"columns": ["AlbumId", "Title", "ArtistId", "Cover", "Price"]}
    assert tracks.source == "db/music.sqlite#曲目 list" and tracks.meta["primary_key"] == ["Disc", "Track"]
    assert cuts(tracks, "header", "row") == ["Disc | Track | 歌 名", "1 | 1 | 一无所有", "1 | 2 | 假行僧"]


def test_sqlite_executes_nothing_of_the_file() -> None:
    script = """
    CREATE TABLE a (x INT, bomb TEXT AS (hex(zeroblob(40000000))) VIRTUAL, kept INT AS (x + 1) STORED);
    INSERT INTO a VALUES (1);
    CREATE VIEW endless AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r;
    """
    (document,) = read_all("sqlite", database(script))
    assert cuts(document, "header", "row") == ["x | kept", "1 | 2"]


def test_sqlite_with_a_write_ahead_log_mark_and_old_text() -> None:
    data = bytearray(database("CREATE TABLE a (x TEXT); INSERT INTO a VALUES (CAST(x'B1B1BEA9' AS TEXT))"))
    data[18:20] = b"\2\2"
    (document,) = read_all("sqlite", bytes(data))
    assert cuts(document, "row") == ["北京"]


def test_sqlite_says_which_rows_it_left_out() -> None:
    data = database("CREATE TABLE a (x); CREATE TABLE b (x)", {"a": [(n,) for n in range(6)], "b": [(n,) for n in range(6)]})
    first, second = read_all("sqlite", data, limits=Limits(rows=8))
    assert (len(cuts(first, "row")), len(cuts(second, "row"))) == (6, 2)
    assert "rows_left_out" not in first.meta and second.meta["rows_left_out"] == 4
    wide = database("CREATE TABLE a (x)", {"a": [("字" * 100,)] * 50})
    (document,) = read_all("sqlite", wide, limits=Limits(characters=1000))
    assert document.meta["rows_left_out"] == 50 - len(cuts(document, "row")) > 0


def test_sqlite_that_is_damaged_says_so() -> None:
    sound = database(MUSIC, {"Artist": [(n, "name" * 40) for n in range(500)]})
    page = 4096
    for data in (b"not a database" * 100, sound[:100], sound[: len(sound) // 2], sound[:page] + b"\xaa" * (len(sound) - page)):
        with pytest.raises(UnreadableError, match="SQLite"):
            read_all("sqlite", data)
    with pytest.raises(UnreadableError, match="no tables"):
        read_all("sqlite", database("PRAGMA user_version = 3"))


def test_sqlite_of_real_databases(shared: Path) -> None:
    places = [
        shared / "corpora" / "chinook" / "Chinook_Sqlite.sqlite",
        *(shared / "data" / "spider_dev" / "database").glob("*/*.sqlite"),
    ]
    for path in places:
        data = path.read_bytes()
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        documents = read_all("sqlite", data, path.name)
        assert [document.title for document in documents] == names
        for document in documents:
            (count,) = connection.execute(f'SELECT count(*) FROM "{document.title}"').fetchone()
            assert len(cuts(document, "row")) == count
            first = connection.execute(f'SELECT * FROM "{document.title}"').fetchone()
            assert cuts(document, "row")[0].split(" | ")[0] == str(first[0])
        connection.close()


# damage

BEIR = '{"_id": "a", "title": "Owl", "text": "hoo", "path": "A > B"}\n{"_id": "b", "text": "条文\\u4e2d"}\n'
SAMPLES: dict[str, list[bytes]] = {
    "csv": [CITIES.encode(), CITIES.encode("gb18030"), b'a;"b\nc";d\n1;2;3\n'],
    "json": [b'[{"a": 1, "b": [1.5, null]}, {"a": "\\u4e2d"}]', '{\n // 说明\n "k": [{"x": 1}],\n "s": "t",\n}'.encode()],
    "jsonl": [BEIR.encode(), b'{"x": 1}\n{"x": 2, "y": [3]}\n'],
    "notebook": [notebook(CELLS).encode(), json.dumps({"worksheets": [{"cells": CELLS}], "nbformat": 3}).encode()],
    "sqlite": [database(MUSIC, MUSIC_ROWS)],
}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_mutated_files_read_or_say_why(kind: str, draw: st.DataObject) -> None:
    data = draw.draw(st.sampled_from(SAMPLES[kind]))
    for _ in range(draw.draw(st.integers(1, 4))):
        start = draw.draw(st.integers(0, len(data)))
        stop = draw.draw(st.integers(start, min(len(data), start + 30)))
        piece = draw.draw(st.binary(max_size=6) | st.sampled_from([b'"', b"[[", b"\n", b"\\ud800", "，".encode()]))
        keep = kind == "sqlite" and draw.draw(st.booleans())
        data = data[:start] + (piece[: stop - start].ljust(stop - start, b"\0") if keep else piece) + data[stop:]
    try:
        documents = read_all(kind, data)
    except UnreadableError as error:
        assert str(error)
        return
    assert read_all(kind, data) == documents
