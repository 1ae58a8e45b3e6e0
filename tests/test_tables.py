"""Tables as a source: what is known of them, SQL that can only read, and the values that words of a question stand for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import xlsxwriter

import grainline
import grainline.ingest as ingest
from grainline.errors import NotFoundError, QueryError
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import Catalog
from grainline.tables.engine import Engine, Result
from grainline.tables.infer import kind_of
from grainline.tables.schema import Table
from grainline.tables.values import Values
from grainline.types import EVERYWHERE, Limits, Where

PEOPLE = "name,age,city\nAda,36,London\nAlan,41,Wilmslow\nGrace,85,Arlington\n"


@contextmanager
def opened(folder: Path, *, limits: Limits | None = None) -> Iterator[Snapshot]:
    """A snapshot of a library of all files in a folder."""
    with grainline.open(folder.parent / f"{folder.name}-library") as library:
        options = ingest.Options(limits=limits or Limits())
        assert not library.add([folder], options).failed
        with library.snapshot() as snapshot:
            yield snapshot


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def database(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def run(snapshot: Snapshot, sql: str, where: Where = EVERYWHERE, milliseconds: float = 5000) -> Result:
    with Engine(snapshot, Catalog.of(snapshot, where)) as engine:
        return engine.run(sql, milliseconds=milliseconds)


def columns(table: Table) -> list[tuple[str, str, str]]:
    return [(column.sql, column.kind, column.unit) for column in table.columns]


def table_of(text: str, tmp_path: Path) -> Table:
    write(tmp_path / "docs", "data.csv", text)
    with opened(tmp_path / "docs") as snapshot:
        return Catalog.of(snapshot).tables[0]


# --- what a column holds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cells", "kind", "unit"),
    [
        ("n", ["1,234", "56", "—"], "integer", ""),
        ("n", ["1.5", "2", "N/A"], "real", ""),
        ("share", ["12.5%", "3%", "null"], "real", "%"),
        ("价格", ["3,000元", "450元"], "integer", "元"),
        ("收入", ["2.1亿", "3000万"], "integer", ""),
        ("收入", ["2.1亿元", "3000万元"], "integer", "元"),
        ("price", ["$1,200", "$950.50"], "real", "$"),
        ("price", ["￥12", "¥13"], "integer", "¥"),
        ("Price (USD)", ["12", "13.5"], "real", "USD"),
        ("金额（万元）", ["12", "1,300"], "integer", "万元"),
        ("distance", ["5 km", "12 km"], "integer", "km"),
        ("distance", ["5 km", "300 m"], "text", ""),
        ("title", ["3 Idiots", "12 Monkeys"], "text", ""),
        ("code", ["007", "012", "114"], "text", ""),
        ("phone", ["13800138000", "13900139000"], "text", ""),
        ("身份证", ["110101199003074518", "11010119900307123X"], "text", ""),
        ("account", ["62220212345678901", "62220212345678902"], "text", ""),
        ("when", ["2024-01-05", "2024-02-29"], "date", ""),
        ("日期", ["2024年1月5日", "2024年12月31日"], "date", ""),
        ("日期", ["2024/1/5", "无"], "date", ""),
        ("when", ["Jan 5, 2024", "6 March 2023"], "date", ""),
        ("when", ["2024-01-05 10:20:30"], "date", ""),
        ("when", ["2024-13-45", "2024-01-05"], "text", ""),
        ("mixed", ["1", "two", "3"], "text", ""),
        ("empty", ["", "-", "N/A"], "text", ""),
        ("year", ["2019", "2020"], "integer", ""),
        ("loss", ["(3,200)", "1,000"], "integer", ""),
    ],
)
def test_kinds_and_units(name: str, cells: list[str], kind: str, unit: str) -> None:
    assert kind_of(name, cells) == (kind, unit)


def test_values_are_what_cells_say(tmp_path: Path) -> None:
    write(
        tmp_path / "docs",
        "sales.csv",
        '城市,金额（元）,日期,占比,电话\n北京,"1,234",2024年1月5日,12.5%,010-1\n上海,—,2024/2/6,无,007\n',
    )
    with opened(tmp_path / "docs") as snapshot:
        assert columns(Catalog.of(snapshot).tables[0])[:4] == [
            ("城市", "text", ""), ("金额_元", "integer", "元"), ("日期", "date", ""), ("占比", "real", "%"),
        ]  # fmt: skip
        assert run(snapshot, "select * from sales").rows == (
            ("北京", 1234, "2024-01-05", 12.5, "010-1"),
            ("上海", None, "2024-02-06", None, "007"),
        )
        assert run(snapshot, "select 城市 from sales where 金额_元 > 1000").rows == (("北京",),)


def test_names_are_distinct_and_plain(tmp_path: Path) -> None:
    made = table_of('First Name,,A,a,2019,Order,"x; DROP"\nAda,1,2,3,4,5,6\nAlan,1,2,3,4,5,6\n', tmp_path)
    assert [column.sql for column in made.columns] == ["first_name", "column_2", "a", "a_2", "_2019", "order_", "x_drop"]
    assert [column.name for column in made.columns][:2] == ["First Name", ""]


def test_five_hundred_columns(tmp_path: Path) -> None:
    header = ",".join(f"c{at}" for at in range(500))
    write(
        tmp_path / "docs",
        "wide.csv",
        header + "\n" + "\n".join(",".join(str(row * at) for at in range(500)) for row in range(20)),
    )
    with opened(tmp_path / "docs") as snapshot:
        assert len(Catalog.of(snapshot).tables[0].columns) == 500
        assert run(snapshot, "select sum(c499) from wide").rows == ((499 * 190,),)
        assert len(run(snapshot, "select * from wide").columns) == 500


def test_ragged_rows_keep_their_place(tmp_path: Path) -> None:
    write(tmp_path / "docs", "r.csv", "a,b\n1,2,3\n4\n5,6\n")
    with opened(tmp_path / "docs") as snapshot:
        assert run(snapshot, "select * from r").rows == ((1, 2, 3), (4, None, None), (5, 6, None))


# --- where tables come from --------------------------------------------------------------------------------------------------------


def workbook(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in {
            "客户": [["客户编号", "名称"], [1, "甲"], [2, "乙"]],
            "Sheet2": [["fruit", "count"], ["pear", 3], ["plum", 4]],
        }.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """One table of every kind of source."""
    folder = tmp_path_factory.mktemp("mixed") / "docs"
    write(folder, "people.csv", PEOPLE)
    write(folder, "tabs.tsv", "word\tcount\nowl\t3\nhare\t17\n")
    write(folder, "items.json", json.dumps([{"item": "pen", "price": 1.5, "tags": ["a", "b"]}, {"item": "ink", "new": True}]))
    write(folder, "logs.jsonl", '{"level": "warn", "n": 3}\n{"level": "info", "n": 5}\n')
    write(
        folder,
        "notes.md",
        "# Prices\n\n| fruit | price |\n|---|---|\n| pear | $1.20 |\n| a \\| b | $3 |\n\n"
        "## 城市\n\n| 城市 | 人口 |\n|-|-|\n| 北京 | 2,154万 |\n",
    )
    write(folder, "page.html", "<h1>Rivers</h1><table><caption>Long rivers</caption><tr><th>river</th><th>km</th></tr>"
          "<tr><td>Nile</td><td>6650</td></tr><tr><td>长江</td><td>6300</td></tr></table>")  # fmt: skip
    database(folder / "shop.db", "create table orders (id integer primary key, customer_id int, total real);"
             "insert into orders values (1, 7, 9.5), (2, 8, 1), (3, 7, 2);"
             "create table customers (id integer primary key, name text); insert into customers values (7, 'Eve'), (8, 'Bob')")  # fmt: skip
    workbook(folder / "book.xlsx")
    with opened(folder) as snapshot:
        yield snapshot


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select name from people where age > 40 order by age", (("Alan",), ("Grace",))),
        ("select sum(count) from tabs", ((20,),)),
        ("select item, price, tags, new from items", (("pen", 1.5, "a, b", None), ("ink", None, None, "true"))),
        ("select max(n) from logs", ((5,),)),
        ("select fruit, price from prices", (("pear", 1.2), ("a | b", 3))),
        ("select 人口 from 城市 where 城市 = '北京'", ((21540000,),)),
        ("select river from long_rivers order by km", (("长江",), ("Nile",))),
        ("select name, sum(total) from orders o join customers c on c.id = customer_id group by 1 order by 2", (("Bob", 1), ("Eve", 11.5))),
        ("select 名称 from 客户 where 客户编号 = 2", (("乙",),)),
        ("select count from book where fruit = 'plum'", ((4,),)),
        ("select p.name, w.word from people p join tabs w on w.count < p.age / 10 order by 1, 2", (("Alan", "owl"), ("Grace", "owl"))),
        ("select name from people union select name from customers order by 1", (("Ada",), ("Alan",), ("Bob",), ("Eve",), ("Grace",))),
        ("with old as (select * from people where age > 40) select count(*) from old", ((2,),)),
        ("SELECT count(*) FROM `People` -- all of them\n;", ((3,),)),
        ('select "name" from "people" where name = "Ada"', (("Ada",),)),
        ("select people.age, orders.total from people, orders where people.name = 'Ada' and orders.id = 1", ((36, 9.5),)),
    ],
)  # fmt: skip
def test_every_source_answers(mixed: Snapshot, sql: str, rows: tuple[tuple[object, ...], ...]) -> None:
    assert run(mixed, sql).rows == rows


def test_a_row_s_span_cuts_its_text(mixed: Snapshot) -> None:
    catalog = Catalog.of(mixed)
    for table in catalog.tables:
        for row in range(table.rows):
            document_id, start, end = catalog.span(table, row)
            document = mixed.document(document_id)
            assert document.source == table.source
            assert "\n" not in document.text[start:end] or document.text[start] == "{"
            assert any((part.kind, part.start, part.end) == ("row", start, end) for part in document.parts)
        beyond = catalog.span(table, table.rows)
        assert beyond == catalog.span(table, None)


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("select name from people order by age desc limit 1", ["Grace,85,Arlington"]),
        ("select distinct city from people where age < 50", ["Ada,36,London", "Alan,41,Wilmslow"]),
        ("select count(*) from people where age > 40", ["Alan,41,Wilmslow", "Grace,85,Arlington"]),
        ("select max(age) from people", ["Grace,85,Arlington"]),
        ("select fruit from prices where price > 2", ["| a \\| b | $3 |"]),
        ("select total from orders where id = 2", ["2 | 8 | 1.0"]),
        ("select customer_id, sum(total) s from orders group by 1 order by s desc limit 1", ["1 | 7 | 9.5", "3 | 7 | 2.0"]),
        ("select name from customers where id in (select customer_id from orders where total > 5)", ["7 | Eve"]),
        ("select o.total, c.name from orders o join customers c on c.id = o.customer_id where o.id = 1", ["1 | 7 | 9.5", "7 | Eve"]),
        ("select name from people union select name from customers", ["name,age,city", "id | name"]),
        ("select count(*) from tabs, people, orders", ["word\tcount", "name,age,city", "id | customer_id | total"]),
    ],
)  # fmt: skip
def test_what_a_result_rests_on(mixed: Snapshot, sql: str, wanted: list[str]) -> None:
    catalog = Catalog.of(mixed)
    with Engine(mixed, catalog) as engine:
        spans = [catalog.span(table, row) for table, row in engine.sources(sql, 5)]
    assert [mixed.document(document_id).text[start:end] for document_id, start, end in spans] == wanted


def test_references_are_those_declared_or_shown_by_values(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    write(folder, "customers.csv", "id,name\n1,Eve\n2,Bob\n3,Ann\n")
    write(folder, "orders.csv", "order_id,customer_id,total\n1,1,5\n2,1,7\n3,2,9\n")
    write(folder, "visits.csv", "visit,customer_id\n1,90\n2,91\n")
    write(folder, "客户.csv", "客户编号,名称\n11,甲\n12,乙\n")
    write(folder, "订单.csv", "订单编号,客户编号\n1,11\n2,11\n3,12\n")
    database(
        folder / "x.db",
        "create table a (id integer primary key, b_id int references b(key)); create table b (key integer primary key)",
    )
    with opened(folder) as snapshot:
        tables = Catalog.of(snapshot).tables
        refers = {(table.sql, column.sql): column.refers for table in tables for column in table.columns if column.refers}
    assert refers == {
        ("orders", "customer_id"): ("customers", "id"),
        ("订单", "客户编号"): ("客户", "客户编号"),
        ("a", "b_id"): ("b", "key"),
    }


def test_names_clash_in_order_of_source(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        database(tmp_path / "docs" / f"{name}.db", f"create table Singer (name text); insert into Singer values ('{name}')")
    with opened(tmp_path / "docs") as snapshot:
        catalog = Catalog.of(snapshot)
        assert [(table.sql, table.source.rpartition("/")[2]) for table in catalog.tables] == [
            ("Singer", "a.db#Singer"), ("Singer_2", "b.db#Singer"), ("Singer_3", "c.db#Singer"),
        ]  # fmt: skip
        assert run(snapshot, "select a.name, b.name from singer a, SINGER_2 b").rows == (("a", "b"),)
        assert run(snapshot, "select singer_3.name from singer_3").rows == (("c",),)


# --- what is hidden stays hidden ---------------------------------------------------------------------------------------------------


def test_hidden_tables_cannot_be_named_or_felt(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    write(folder, "open/people.csv", PEOPLE)
    write(folder, "secret/people.csv", "name,salary\nZelda,99\nYann,98\n")
    database(folder / "secret" / "s.db", "create table pay (name text, n int); insert into pay values ('Xenia', 1)")
    write(tmp_path / "alone" / "docs", "open/people.csv", PEOPLE)
    where = Where(sources=("docs/open",))
    with opened(folder) as snapshot, opened(tmp_path / "alone") as other:
        run(snapshot, "select * from people_2, pay")  # what others asked for is in memory now
        catalog = Catalog.of(snapshot, where)
        assert [(table.sql, table.name, table.columns, table.rows) for table in catalog.tables] == [
            (table.sql, table.name, table.columns, table.rows) for table in Catalog.of(other).tables
        ]
        values = Values.of(snapshot, catalog)
        assert values.find("Zelda") == values.find("Xenia") == values.longest("What does Zelda earn, and Xenia?") == []
        assert len(Values.of(snapshot, Catalog.of(snapshot)).longest("Zelda and Xenia")) == 2
        number = Catalog.of(snapshot).found(Catalog.of(snapshot).table("people_2")).number
        for name in ("people_2", "pay", f"t{number}_0", f"main.t{number}_0", "f0.pay"):
            with pytest.raises(QueryError):
                run(snapshot, f"select * from {name}", where)
            with pytest.raises(QueryError):
                run(snapshot, f"select name from people where name in {name}", where)
        with pytest.raises(NotFoundError):
            catalog.found(Catalog.of(snapshot).table("pay"))


# --- values ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Values]:
    folder = tmp_path_factory.mktemp("values") / "docs"
    write(
        folder,
        "airports.csv",
        "name,city,gender\nCharles de Gaulle,Paris,M\nSão Paulo–Guarulhos,SÃO PAULO,F\nJohn F. Kennedy,New York,M\n"
        "New York Harbor,New York City,F\n",
    )
    write(folder, "歌手.csv", "姓名,性别,城市\n王菲,女,北京市\n周杰伦,男,台北\n陈奕迅,男,香港特别行政区\n")
    database(folder / "x.db", "create table tags (tag text); insert into tags values ('TV Shows'), ('Cities'), ('it''s')")
    with opened(folder) as snapshot:
        yield Values.of(snapshot, Catalog.of(snapshot))


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("paris", [("city", "Paris", True)]),
        ("Sao Paulo", [("city", "SÃO PAULO", True), ("name", "São Paulo–Guarulhos", False)]),
        ("TV show", [("tag", "TV Shows", True)]),
        ("city", [("tag", "Cities", True), ("city", "New York City", False)]),
        ("de gaulle's", [("name", "Charles de Gaulle", False)]),
        ("ＰＡＲＩＳ", [("city", "Paris", True)]),
        ("周杰伦", [("姓名", "周杰伦", True)]),
        ("香港", [("城市", "香港特别行政区", False)]),
        ("the", []),
        ("", []),
        ("'; drop table x; --", []),
    ],
)
def test_cells_are_found_by_their_words(values: Values, phrase: str, found: list[tuple[str, str, bool]]) -> None:
    assert [(cell.column.sql, cell.value, cell.exact) for cell in values.find(phrase)] == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How many airports are in New York City or Paris?", ["New York City", "Paris"]),
        ("Flights from charles de gaulle to São Paulo", ["charles de gaulle", "São Paulo"]),
        ("女歌手有几个在台北？", ["台北", "女"]),
        ("What is the parisian way?", []),
        ("", []),
    ],
)
def test_the_longest_values_of_a_question(values: Values, question: str, found: list[str]) -> None:
    places = values.longest(question)
    assert [question[start:end] for start, end, _ in places] == found
    assert all(cells for _, _, cells in places)


def test_more_values_than_are_kept_are_looked_up(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    rows = "\n".join(f"{at},person {at:05}" for at in range(20_500))
    write(folder, "many.csv", f"n,who\n{rows}\n")
    with opened(folder) as snapshot:
        values = Values.of(snapshot, Catalog.of(snapshot))
        assert [cell.value for cell in values.find("person 00007")] == ["person 00007"]
        assert [cell.value for cell in values.find("Person 20499")] == ["person 20499"]
        assert values.find("person 20500") == []


# --- many, and real ----------------------------------------------------------------------------------------------------------------


def test_many_small_tables(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    for number in range(300):
        write(folder, f"{number:03}.md", f"# Part {number}\n\n| id | name |\n|---|---|\n| 1 | a{number} |\n| 2 | b |\n")
    with opened(folder) as snapshot:
        catalog = Catalog.of(snapshot)
        assert len(catalog.tables) == len({table.sql for table in catalog.tables}) == 300
        assert run(snapshot, "select name from part_299 where id = 1").rows == (("a299",),)
        assert [cell.table.sql for cell in Values.of(snapshot, catalog).find("a42")] == ["part_42"]


def test_real_databases_answer_in_place_what_sqlite_answers(tmp_path: Path, shared: Path) -> None:
    folder = shared / "data" / "spider_dev"
    with grainline.open(tmp_path / "library") as library:
        library.add([folder / "database"])
        with library.snapshot() as snapshot:
            for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()[::8]:
                query = json.loads(line)
                where = Where(sources=(f"database/{query['db_id']}",))
                with closing(sqlite3.connect(folder / "database" / query["db_id"] / f"{query['db_id']}.sqlite")) as plain:
                    wanted = plain.execute(query["sql"]).fetchall()
                assert sorted(run(snapshot, query["sql"], where).rows, key=repr) == sorted(wanted, key=repr), query["sql"]
                with Engine(snapshot, Catalog.of(snapshot, where)) as engine:
                    assert engine.sources(query["sql"], 5)
