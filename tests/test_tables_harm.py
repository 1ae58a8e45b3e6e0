"""Tables under attack: hostile statements, cells, names and files; a question can do nothing but read what its asker may see."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import grainline
import grainline.doctor as doctor
import grainline.ingest as ingest
from grainline.errors import QueryError
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import Catalog
from grainline.tables.engine import Engine
from grainline.tables.values import Values
from grainline.types import Limits
from test_tables import PEOPLE, database, opened, run, write


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table in a text and one in an SQLite file that holds more than its tables."""
    folder = tmp_path_factory.mktemp("hostile") / "docs"
    write(folder, "people.csv", PEOPLE)
    database(
        folder / "shop.db",
        "create table pay (id integer primary key, name text, n int, big text);"
        "insert into pay values (1, 'Eve', 3, 'x'), (2, 'Bob', 4, 'y');"
        "create table many (n int);"
        "with recursive c(n) as (select 1 union all select n + 1 from c where n < 2000) insert into many select n from c;"
        "create view peek as select * from pay;"
        "create trigger t after insert on pay begin delete from pay; end;",
    )
    return folder


@pytest.fixture(scope="module")
def snapshot(place: Path) -> Iterator[Snapshot]:
    with opened(place) as made:
        yield made


def state(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder and beside it."""
    return {
        str(path.relative_to(folder.parent)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.parent.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


HOSTILE = [
    "ATTACH 'evil.db' AS evil",
    "attach database '/etc/passwd' as p; select * from people",
    "DETACH f0",
    "PRAGMA writable_schema = ON",
    "pragma database_list",
    "VACUUM INTO 'stolen.db'",
    "VACUUM",
    "select * from people; drop table people",
    "select 1; select 2",
    "select * from people;;-- \n;delete from pay",
    "/* select */ delete from pay",
    "-- select\ndelete from pay",
    "DROP TABLE people",
    "create table evil (a)",
    "CREATE TEMP TABLE evil AS SELECT * FROM people",
    "create temp view v as select 1",
    "insert into pay (name) values ('x') returning *",
    "update pay set n = 0 returning n",
    "delete from pay returning *",
    "replace into pay values (1, 'x', 1, '')",
    "with gone as (delete from pay returning *) select * from gone",
    "with gone as (update pay set n = 0 returning n) select * from gone",
    "select * from (insert into pay values (9, 'x', 1, '') returning *)",
    "select * into evil from people",
    "EXPLAIN SELECT * FROM people",
    "explain query plan select * from people",
    "BEGIN",
    "select load_extension('evil.so')",
    "select readfile('/etc/passwd')",
    "select writefile('evil', 'x')",
    "select edit('x')",
    "select fts3_tokenizer('simple')",
    "select fts3_tokenizer('simple', x'4141414141414141')",
    "select sqlite_version()",
    "select sqlite_compileoption_get(1)",
    "select * from sqlite_master",
    "select * from sqlite_schema",
    "select sql from f0.sqlite_master",
    "select * from sqlite_temp_master",
    "select count(*) from main.sqlite_master",
    "select * from pragma_table_info('pay')",
    "select * from pragma_database_list",
    "select * from people where name in (select name from pragma_function_list)",
    "select * from json_each('[1,2]')",
    "select * from generate_series(1, 10)",
    "select * from dbstat",
    "select * from peek",
    "select name from people where name in peek",
    "select name from people where exists (select 1 from peek)",
    "select * from people natural join sqlite_master",
    "select name from people union select sql from sqlite_master",
    "select (select sql from sqlite_master limit 1)",
    'select * from "sqlite_master"',
    "select * from [sqlite_master]",
    "select * from `sqlite_master`",
    "select * from main . people",
    "select * from people as p join f0.pay",
    "with recursive c(n) as (select 1 union all select n + 1 from c) select count(*) from c",
    "with c(n) as (select 1 union all select n + 1 from c) select count(*) from c",
    "with a as (select * from b), b as (select * from a) select * from a",
    "select randomblob(1000000000)",
    "select zeroblob(1000000000)",
    "select hex(randomblob(100000000))",
    "select printf('%1000000000d', 1)",
    "select format('%*d', 1000000000, 1)",
    "select quote(zeroblob(100000000))",
    "select char(65, 66)",
    "select replace(replace(replace('aaaaaaaaaa','a','aaaaaaaaaaaaaaaaaaaa'),'a','" + "a" * 500 + "'),"
    "'a','" + "a" * 500 + "')",
    "select group_concat(x) from (select replace(hex(a.n), '1', '1111111111111111') x from many a, many b)",
    "select group_concat(a.n || b.n) from many a, many b, many c",
    "select count(*) from many a, many b, many c, many d",
    "select max(a.n * b.n) from many a, many b, many c",
    "select a.n from many a, many b, many c order by a.n + b.n * c.n desc",
    "select count(*) from (select distinct a.n || b.n || c.n from many a, many b, many c)",
    "select " + "(" * 200 + "1" + ")" * 200,
    "select " + "1+" * 5000 + "1",
    "select 1" + " union select 1" * 500,
    "select '" + "a" * 50_000 + "'",
    "select name from people where name like '" + "%a" * 2000 + "'",
    "select name\0 from people",
    "select '\ud800'",
    "select * from people where name = ?",
    "select * from people where name = :name",
    "select trim(big, '" + "b" * 300 + "') from pay",
    "select * from nothing",
    "select nothing from people",
    'select "nothing" from people',
    "select * from people limit -1 offset (select count(*) from sqlite_master)",
    "select last_insert_rowid()",
    "select changes() + total_changes()",
    "select * from people where name match 'x'",
    "select * from people where name regexp '(a+)+$'",
    "values (1), (2)",
    "select",
    "",
    ";",
    "(((",
    "{{select 1}}",
]  # fmt: skip


@pytest.mark.parametrize("sql", HOSTILE, ids=lambda sql: sql[:40].encode("ascii", "replace").decode())
def test_hostile_statements_are_refused_or_stopped(place: Path, snapshot: Snapshot, sql: str) -> None:
    before = state(place)
    start = time.monotonic()
    with Engine(snapshot, Catalog.of(snapshot)) as engine:
        with pytest.raises(QueryError) as caught:
            engine.run(sql, milliseconds=150)
        assert 5 < len(str(caught.value)) < 700
        with suppress(QueryError):
            assert all(row is None for _, row in engine.sources(sql, 3, milliseconds=150))
    assert time.monotonic() - start < 3
    assert state(place) == before
    assert run(snapshot, "select count(*), sum(n) from pay").rows == ((2, 7),)
    assert run(snapshot, "select count(*) from people").rows == ((3,),)


def test_rows_and_sizes_are_bounded(snapshot: Snapshot) -> None:
    with Engine(snapshot, Catalog.of(snapshot)) as engine:
        cut = engine.run("select a.n from many a, many b", rows=10)
        assert len(cut.rows) == 10 and cut.truncated
        assert not engine.run("select n from many limit 10", rows=10).truncated
        large = "select replace(replace(a.n || '1111111111', '1', '11111111111111111111'), '1', '1111111111') x from many a"
        result = engine.run(large, rows=100_000)
        assert result.truncated and sum(len(row[0]) for row in result.rows) < 5_000_000


def test_large_values_of_others_do_not_stop_a_plain_question(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    script = "create table files (name text, body blob); insert into files values ('a', zeroblob(2000000)), ('b', x'00'), ('c', null);"
    database(folder / "files.db", script)
    with opened(folder) as snapshot:
        assert run(snapshot, "select name from files where length(body) > 1 order by name").rows == (("a",),)
        assert run(snapshot, "select count(*) from files where body is not null").rows == ((2,),)
        assert len(run(snapshot, "select body from files where name = 'a'").rows[0][0]) == 2_000_000


NAMES = [
    "semi;colon", 'quote"d', "apo'strophe", "back`tick", "br[ack]et", "new\nline", "two  blanks", "a\"; DROP TABLE pay; --", "/* c */",
    "select", "sqlite master", "中文 列", "a.b", "%s", "{x}", "-- x", "é", "1st", "''", "``", "😀",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_in_files_are_answered(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    plain = name.replace("`", "``")
    file = folder / f"{name.replace('/', '_').replace(chr(10), ' ')} x.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"create table `{plain}` (`{plain}` text, n int)")
        connection.executemany(f"insert into `{plain}` values (?, ?)", [(name, 1), ('"; drop table x; --', 2)])
        connection.commit()
    write(
        folder, "cells.csv", f'"{name.replace(chr(34), chr(34) * 2)}",n\n"{name.replace(chr(34), chr(34) * 2)}!",1\nother,2\n'
    )
    before = state(folder)
    with opened(folder) as snapshot:
        catalog = Catalog.of(snapshot)
        assert len(catalog.tables) == (1 if "\n" in name else 2)  # what has two lines names no column of a CSV file
        for table in catalog.tables:
            own = "`" + table.columns[0].sql.replace("`", "``") + "`"
            source = "`" + table.sql.replace("`", "``") + "`"
            sql = f"select {own}, n from {source} where n = 1"
            result = run(snapshot, sql)
            assert [row[1] for row in result.rows] == [1]
            assert result.used == (table,)
            with Engine(snapshot, catalog) as engine:
                [(found, row)] = engine.sources(sql, 3)
            assert found == table
            document_id, start, end = catalog.span(found, row)
            assert snapshot.document(document_id).text[start:end].rpartition("|")[2].rpartition(",")[2].strip() == "1"
        assert Values.of(snapshot, catalog).find("drop table x")
    assert {key: digest for key, digest in state(folder).items() if key in before} == before


def test_columns_of_a_file_without_a_name(tmp_path: Path) -> None:
    database(tmp_path / "docs" / "x.db", "create table t (\"\" text, n int); insert into t values ('a', 1), ('b', 2)")
    with opened(tmp_path / "docs") as snapshot:
        assert [column.sql for column in Catalog.of(snapshot).tables[0].columns] == ["column_1", "n"]
        assert run(snapshot, "select column_1 from t where n = 2").rows == (("b",),)


def test_a_file_that_goes_or_changes(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    path = database(folder / "a.db", "create table t (n int, w text); insert into t values (1, 'a'), (2, null), (3, 'c')")
    other = database(folder / "b.db", "create table u (w text, x text); insert into u values ('a | b', 'c')")
    with opened(folder) as snapshot:
        wanted = ((1, "a"), (2, None), (3, "c"))
        assert run(snapshot, "select * from t").rows == wanted
        os.utime(path, ns=(0, 0))
        assert run(snapshot, "select * from t").rows == wanted  # touched, but the same
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("update t set n = 9")
            connection.commit()
        assert run(snapshot, "select * from t").rows == wanted  # as the library knows it, from its text
        catalog = Catalog.of(snapshot)
        with Engine(snapshot, catalog) as engine:
            [(table, row)] = engine.sources("select w from t where n = 3", 3)
        assert catalog.span(table, row)[1:] != catalog.span(table, None)[1:]
        path.unlink()
        assert run(snapshot, "select sum(n) from t").rows == ((6,),)
        assert run(snapshot, "select w from u").rows == (("a | b",),)
        other.unlink()
        with pytest.raises(QueryError, match=r"gone .* `grainline add` again"):
            run(snapshot, "select * from u")  # its text does not tell its cells apart
        other.mkdir()
        with pytest.raises(QueryError, match="add"):
            run(snapshot, "select * from u")


def test_a_file_with_a_write_ahead_log_is_read_as_it_was_added(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    path = database(folder / "w.db", "pragma journal_mode=wal; create table t (n int); insert into t values (1), (2);")
    with opened(folder) as snapshot:
        before = state(folder)
        assert run(snapshot, "select sum(n) from t").rows == ((3,),)
        assert {name: digest for name, digest in state(folder).items() if "library" not in name} == {
            name: digest for name, digest in before.items() if "library" not in name
        }
        assert sorted(file.name for file in folder.iterdir()) == [path.name]


def test_more_files_than_can_be_attached(tmp_path: Path) -> None:
    for number in range(11):
        database(
            tmp_path / "docs" / f"{number:02}.db", f"create table t{number} (n int); insert into t{number} values ({number})"
        )
    with opened(tmp_path / "docs") as snapshot:
        nine = " union all ".join(f"select n from t{number}" for number in range(9))
        assert run(snapshot, f"select sum(n) from ({nine})").rows == ((36,),)
        with pytest.raises(QueryError, match="more than 9"):
            run(snapshot, f"{nine} union all select n from t9")
        assert run(snapshot, "select n from t10").rows == ((10,),)


def test_a_large_file_is_registered_and_asked_in_place(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    script = (
        "create table t (n integer primary key, w text); with recursive c(n) as (select 1 union all select n + 1 from c where n < 30000) "
        "insert into t select n, 'word ' || (n % 700) from c; create table small (a text); insert into small values ('x');"
    )
    path = database(folder / "big.db", script)
    limits = Limits(file_bytes=path.stat().st_size // 2)
    with opened(folder, limits=limits) as snapshot:
        catalog = Catalog.of(snapshot)
        table = catalog.table("t")
        document = catalog.document(table)
        assert (table.rows, document.meta["rows_left_out"]) == (30_000, 28_000)
        assert len(document.text) < 50_000
        assert run(snapshot, "select count(*), max(n) from t").rows == ((30_000, 30_000),)
        with Engine(snapshot, catalog) as engine:
            assert engine.sources("select w from t where n = 20", 3) == [(table, 19)]
            assert engine.sources("select w from t where n = 20000", 3) == [(table, None)]
        assert [cell.value for cell in Values.of(snapshot, catalog).find("word 699")] == ["word 699"]
        path.write_bytes(path.read_bytes()[:-4096])
        with pytest.raises(QueryError, match="changed"):
            run(snapshot, "select count(*) from t")
        path.unlink()
        with pytest.raises(QueryError, match="gone"):
            run(snapshot, "select count(*) from t")
        assert run(snapshot, "select a from small").rows == (("x",),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_large_text_file_is_put_in_order_when_it_is_asked(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    path = folder / "large.csv"
    rows = "".join(f'{at},"城市, {at % 7}",{at}.5%\r\n' for at in range(30_000))
    path.write_bytes(f"id,city,share\r\n{rows}".encode(encoding))
    kept = tmp_path / "docs-library" / "tables"
    for limits in (Limits(file_bytes=100_000), Limits(rows=5_000)):
        with opened(folder, limits=limits) as snapshot:
            catalog = Catalog.of(snapshot)
            [table] = catalog.tables
            assert (table.rows, [column.kind for column in table.columns]) == (30_000, ["integer", "text", "real"])
            assert len(catalog.document(table).text) < 60_000
            assert Values.of(snapshot, catalog).find("城市 3")
            assert not kept.exists()
            with Engine(snapshot, catalog) as engine:
                assert engine.run("select count(*), max(id), sum(share) from large").rows == ((30_000, 29_999, 450_000_000.0),)
                assert engine.run("select city from large where id = 29999").rows == (("城市, 4",),)
                assert engine.sources("select city from large where id = 29999") == [(table, None)]
                [(_, row)] = engine.sources("select city from large where id = 12")
            document_id, start, end = catalog.span(table, row)
            assert snapshot.document(document_id).text[start:end] == '12,"城市, 5",12.5%'
            assert len(list(kept.iterdir())) == 1
        with grainline.open(tmp_path / "docs-library") as library:
            assert library.remove(["docs"]) == 1
        assert not kept.exists()
    with opened(folder, limits=limits) as snapshot:
        run(snapshot, "select count(*) from large")
    assert doctor.examine(tmp_path / "docs-library").found == []
    path.write_bytes(path.read_bytes() + "1,x,1%".encode(encoding))
    with opened(folder, limits=limits) as snapshot:
        assert not kept.exists()  # it was of the file as it was
        assert run(snapshot, "select count(*) from large").rows == ((30_001,),)
        path.unlink()
        with pytest.raises(QueryError, match="gone"):
            run(snapshot, "select count(*) from large")


def test_adding_a_large_file_again_and_a_damaged_one(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    path = database(folder / "big.db", "create table t (n int); insert into t values (1);")
    options = ingest.Options(limits=Limits(file_bytes=1000))
    with grainline.open(tmp_path / "library") as library:
        assert library.add([folder], options).added == 1
        assert library.add([folder], options).unchanged == 1
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("insert into t values (2)")
            connection.commit()
        assert library.add([folder], options).changed == 1
        with library.snapshot() as snapshot:
            assert run(snapshot, "select sum(n) from t").rows == ((3,),)
        path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
        assert "damaged" in library.add([folder], options).failed[0][1]
        path.write_bytes(b"no database" * 500)
        assert "not an SQLite database" in library.add([folder], options).failed[0][1]
        write(folder, "big.md", "a,b\n" * 1000)
        assert any("file bytes" in reason for _, reason in library.add([folder], options).failed)


def test_damage_in_a_file_is_an_error_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    path = database(
        folder / "x.db", "create table t (n int, w text); begin;" + "insert into t values (1, 'abc');" * 900 + "commit;"
    )
    with opened(folder) as snapshot:
        damaged = bytearray(path.read_bytes())
        damaged[4096:] = os.urandom(len(damaged) - 4096)
        info = path.stat()
        path.write_bytes(damaged)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))  # who does this means it
        with pytest.raises(QueryError):
            run(snapshot, "select sum(n), min(w) from t")
    shutil.rmtree(folder)
