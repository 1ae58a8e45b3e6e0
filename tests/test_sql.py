"""Questions to tables without a model: what is understood and computed, what is declined, and what the answer rests on."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import grainline
from grainline.agents.sql import Sql
from grainline.errors import GrainlineError, QueryError
from grainline.library import Library
from grainline.render import answer_json
from grainline.store.snapshot import Snapshot
from grainline.tables.asking import LONGEST, Asking
from grainline.tables.linking import Mention, link
from grainline.tables.names import Names
from grainline.tables.paths import Paths, Ref
from grainline.tables.query import Filter, Form, Item, NoPathError, sql_of
from grainline.tables.values import Values
from grainline.types import NO_LIMIT, Budget, Where

#: a shop whose tables do not declare how they hang together
SHOP = """
create table products(product_id integer primary key, product_name text, category text, price real, supplier_id integer);
create table suppliers(supplier_id integer primary key, company_name text, country text, rating real);
create table customers(customer_id integer primary key, full_name text, city text, gender text, birth_year integer, joined_on text);
create table sales(sale_id integer primary key, customer_id integer, product_id integer, quantity integer, sale_date text);
insert into suppliers values(1,'Nordic Wood','Sweden',4.5),(2,'Tokyo Steel','Japan',4.8),(3,'Alpine Tools','Switzerland',3.9);
insert into products values(1,'Oak Table','Furniture',349.0,1),(2,'Desk Lamp','Lighting',39.9,3),(3,'Steel Chair','Furniture',89.5,2),
 (4,'Bookshelf','Furniture',210.0,1),(5,'Floor Lamp','Lighting',79.0,3),(6,'Cotton Rug','Textiles',120.0,3);
insert into customers values(1,'Maria Lopez','Madrid','F',1985,'2020-03-14'),(2,'John Smith','London','M',1972,'2019-07-01'),
 (3,'Wei Zhang','Shanghai','M',1990,'2021-11-23'),(4,'Anna Berg','Oslo','F',1995,'2022-02-08'),
 (5,'Emma Brown','London','F',1988,'2020-12-30');
insert into sales values(1,1,1,1,'2022-01-10'),(2,2,2,3,'2022-02-14'),(3,3,3,4,'2022-02-20'),(4,1,4,1,'2022-06-05'),
 (5,5,3,2,'2023-01-03'),(6,2,5,5,'2023-03-08'),(7,5,1,1,'2023-03-21');
"""
STAFF = {
    "员工.csv": "工号,姓名,性别,年龄,部门编号,职位,月薪,入职日期,城市\n1001,张伟,男,35,1,工程师,18000,2016-03-01,北京\n"
    "1002,李娜,女,29,2,销售代表,12000,2019-07-15,上海\n1003,王芳,女,41,1,架构师,32000,2012-05-20,北京\n1004,刘洋,男,26,3,会计,9000,2021-09-01,深圳\n"
    "1005,陈静,女,33,2,销售经理,22000,2017-11-11,上海\n"
    "1006,杨帆,男,38,1,工程师,20000,2018-01-08,杭州\n",
    "部门.csv": "部门编号,部门名称,负责人,预算(万元),成立年份\n"
    "1,研发部,王芳,800,2010\n2,销售部,陈静,500,2011\n3,财务部,刘洋,120,2015\n4,法务部,孙悦,90,2020\n",
    "订单.csv": "订单编号,客户,产品,数量,单价,下单日期,销售工号\n"
    "A001,华为,服务器,3,25000,2023-01-15,1002\nA002,腾讯,交换机,10,1800,2023-02-20,1005\n"
    "A003,华为,路由器,20,450,2023-03-18,1002\nA004,百度,服务器,2,26000,2024-01-09,1005\n",
}
REPORTS = {
    "report.md": "# Report\n\n## Results\n\n| | 2019 | 2018 | 2017 |\n|---|---|---|---|\n"
    "| Revenue | $12,450 | $11,200 | $9,870 |\n"
    "| Cost of sales | (7,300) | (6,900) | (6,150) |\n| Net income | 1,840 | 1,310 | (220) |\n"
    "| Earnings per share | $1.12 | $0.81 | $(0.14) |\n\n"
    "## Segments\n\n| Segment | Revenue 2019 | Revenue 2018 | Employees |\n|---|---|---|---|\n"
    "| Cloud | 6,200 | 4,900 | 310 |\n| Devices | 4,150 | 4,400 | 225 |\n",
    "年报.md": "# 年度报告\n\n| 项目 | 2023年 | 2022年 | 2021年 |\n|---|---|---|---|\n"
    "| 营业收入 | 52,300 | 47,800 | 40,150 |\n"
    "| 净利润 | 8,450 | 7,020 | 5,310 |\n"
    "| 每股收益（元） | 1.25 | 1.04 | 0.79 |\n| 毛利率 | 41.5% | 40.1% | 39.0% |\n",
}  # fmt: skip

ENGLISH: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("How many products cost more than 100?", [(3,)]),
    ("Which product is the cheapest?", [("Desk Lamp",)]),
    ("What is the average price of furniture?", [((349.0 + 89.5 + 210) / 3,)]),
    ("Which supplier has the best rating?", [("Tokyo Steel",)]),
    ("Which suppliers are from Japan?", [("Tokyo Steel",)]),
    ("How many products does Alpine Tools supply?", [(3,)]),
    ("How many customers live in London?", [(2,)]),
    ("customers who live in Oslo", [("Anna Berg",)]),
    ("Who is the youngest customer?", [("Anna Berg",)]),
    ("Which customers joined after 2020?", [("Wei Zhang",), ("Anna Berg",)]),
    ("How many sales were made in 2023?", [(3,)]),
    ("How many steel chairs were sold?", [(6,)]),
    ("What is the total quantity sold?", [(17,)]),
    ("Which product sold the most units?", [("Steel Chair",)]),
    ("Which products have never been sold?", [("Cotton Rug",)]),
    ("How many products are there in each category?", [("Furniture", 3), ("Lighting", 2), ("Textiles", 1)]),
    ("Which category has the highest average price?", [("Furniture",)]),
    ("female customers from London", [("Emma Brown",)]),
    ("What percentage of customers are female?", [(60.0,)]),
    ("How many more customers are in London than in Oslo?", [(1,)]),
    ("How many sales were there in February 2022?", [(2,)]),
    ("How many sales were there between 2022-02-01 and 2022-06-30?", [(3,)]),
    ("What is the price of the Oak Table?", [(349.0,)]),
    ("In what year was John Smith born?", [(1972,)]),
    ("When did Anna Berg join?", [("2022-02-08",)]),
    ("top 2 products by price", [("Oak Table",), ("Bookshelf",)]),
    ("Which customers are not from London?", [("Maria Lopez",), ("Wei Zhang",), ("Anna Berg",)]),
    ("names of customers in Madrid or Oslo", [("Maria Lopez",), ("Anna Berg",)]),
    ("products with a price between 70 and 100", [("Steel Chair",), ("Floor Lamp",)]),
    ("Which products have a price above the average?", [("Oak Table",), ("Bookshelf",)]),
    ("What is the difference between the highest and the lowest price?", [(309.1,)]),
    ("How many different categories are there?", [(3,)]),
    ("What is the average number of sales per customer?", [(1.75,)]),
    ("伦敦有多少顾客？", [(2,)]),
    ("最便宜的产品是什么？", [("Desk Lamp",)]),
    ("女性顾客有多少人？", [(3,)]),
    ("价格最高的两个产品", [("Oak Table",), ("Bookshelf",)]),
    ("日本的供应商叫什么？", [("Tokyo Steel",)]),
]
CHINESE: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("2018年以后入职的员工有几个？", [(2,)]),
    ("预算最多的部门是哪个？负责人是谁？", [("研发部", "王芳")]),
    ("研发部有多少员工？", [(3,)]),
    ("月薪最高的员工是谁？", [("王芳",)]),
    ("每个部门的平均月薪是多少？", [("研发部", 70000 / 3), ("销售部", 17000.0), ("财务部", 9000.0)]),
    ("北京的员工平均年龄是多少？", [(38.0,)]),
    ("张伟的职位是什么？", [("工程师",)]),
    ("李娜多大了？", [(29,)]),
    ("女员工有几名？", [(3,)]),
    ("年龄超过40岁的员工有哪些人？", [("王芳",)]),
    ("没有员工的部门是哪个？", [("法务部",)]),
    ("华为一共下了几个订单？", [(2,)]),
    ("服务器一共卖了多少台？", [(5,)]),
    ("2023年有多少订单？", [(3,)]),
    ("2023年3月有几笔订单？", [(1,)]),
    ("哪个城市的员工最多？", [("北京",)]),
    ("王芳负责哪个部门？", [("研发部",)]),
    ("成立最早的部门是哪个？", [("研发部",)]),
    ("月薪在1万到2万之间的员工有几个？", [(3,)]),
    ("最晚入职的员工是谁？", [("刘洋",)]),
    ("男员工和女员工各有多少人？", [("男", 3), ("女", 3)]),
    ("研发部比销售部多几个人？", [(1,)]),
    ("不在北京的员工有多少人？", [(4,)]),
    ("员工人数超过2人的部门有哪些？", [("研发部",)]),
    ("女员工占全部员工的比例是多少？", [(50.0,)]),
    ("陈静经手了几个订单？", [(2,)]),
    ("哪个部门的平均年龄最大？", [("研发部",)]),
    ("所有员工的月薪总和", [(113000,)]),
    ("月薪高于平均月薪的员工有哪些？", [("王芳",), ("陈静",), ("杨帆",)]),
    ("住在上海的销售代表叫什么？", [("李娜",)]),
]
CELLS: list[tuple[str, list[tuple[Any, ...]], str]] = [
    ("What was the net income in 2018?", [(1310,)], "1,310"),
    ("How much was cost of sales in 2017?", [(-6150,)], "(6,150)"),
    ("What were earnings per share in 2017?", [(-0.14,)], "$(0.14)"),
    ("What is the change in revenue from 2018 to 2019?", [(1250,)], "1250"),
    ("What was the percentage change in revenue between 2018 and 2019?", [(11.16,)], "11.16"),
    ("In which year was net income the lowest?", [(2017,)], "2017"),
    ("What is the average net income for 2018 and 2019?", [(1575.0,)], "1575"),
    ("What was the revenue of Devices in 2018?", [(4400,)], "4,400"),
    ("How many employees does the Cloud segment have?", [(310,)], "310"),
    ("2023年净利润是多少？", [(8450,)], "8,450"),
    ("2022年毛利率是多少？", [(40.1,)], "40.1%"),
    ("2023年营业收入比2022年增加了多少？", [(4500,)], "4500"),
    ("2023年净利润同比增长百分之几？", [(20.37,)], "20.37"),
    ("哪一年的净利润最高？", [(2023,)], "2023年"),
]
DECLINED = {
    "shop": [
        "What is the weight of the Oak Table?", "How many products were returned?", "Which customers complained about it?",
        "Who is the store manager?", "How many customers like football?", "How do I reset my password?", "帐篷的重量是多少？", "?", "的",
    ],
    "staff": ["王五的月薪是多少？", "员工的血型分布如何？", "公司的使命是什么？", "What does the policy say?", "退货率是多少？"],
    "reports": [
        "What was the goodwill in 2019?", "What was the net income in 2012?", "2019年净利润是多少？", "2023年的商誉是多少？",
        "董事长是谁？",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Library]]:
    """The libraries by name: `shop` (SQLite), `staff` (CSV in Chinese), `reports` (tables in Markdown)."""
    root = tmp_path_factory.mktemp("tables")
    (root / "shop").mkdir()
    with closing(sqlite3.connect(root / "shop" / "shop.sqlite")) as connection:
        connection.executescript(SHOP)
    for folder, files in (("staff", STAFF), ("reports", REPORTS)):
        (root / folder).mkdir()
        for name, text in files.items():
            (root / folder / name).write_text(text, encoding="utf-8")
    opened = {name: grainline.open(root / f"{name}-library") for name in ("shop", "staff", "reports")}
    for name, library in opened.items():
        assert not library.add([root / name]).failed
    yield opened
    for library in opened.values():
        library.close()


@pytest.fixture(scope="module")
def shop(libraries: dict[str, Library]) -> Iterator[Snapshot]:
    with libraries["shop"].snapshot() as snapshot:
        yield snapshot


def rows_of(library: Library, question: str) -> list[tuple[Any, ...]] | None:
    computed = library.search(question, agent="sql").computed
    return [tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in computed.rows] if computed else None


def rounded(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in rows)


# --- what is understood ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("question", "rows"), ENGLISH)
def test_a_shop_is_asked(libraries: dict[str, Library], question: str, rows: list[tuple[Any, ...]]) -> None:
    assert sorted(rows_of(libraries["shop"], question) or []) == rounded(rows)


@pytest.mark.parametrize(("question", "rows"), CHINESE)
def test_employees_are_asked_in_chinese(libraries: dict[str, Library], question: str, rows: list[tuple[Any, ...]]) -> None:
    assert sorted(rows_of(libraries["staff"], question) or []) == rounded(rows)


@pytest.mark.parametrize(("question", "rows", "printed"), CELLS)
def test_a_cell_is_told_as_its_row_prints_it(
    libraries: dict[str, Library], question: str, rows: list[tuple[Any, ...]], printed: str
) -> None:
    answer = libraries["reports"].ask(question, agent="sql")
    assert answer.answered
    assert answer.evidence.computed is not None
    assert list(answer.evidence.computed.rows) == rows
    assert answer.text.startswith(f"{printed} [1]")


@pytest.mark.parametrize(("name", "question"), [(name, question) for name, asked in DECLINED.items() for question in asked])
def test_what_the_tables_do_not_tell_is_declined(libraries: dict[str, Library], name: str, question: str) -> None:
    evidence = libraries[name].search(question, agent="sql")
    assert evidence.computed is None
    assert not evidence.hits


# --- what the answer rests on ------------------------------------------------------------------------------------------------------


def test_the_rows_are_cited(libraries: dict[str, Library]) -> None:
    answer = libraries["staff"].ask("月薪最高的员工是谁？", agent="sql")
    assert answer.text.startswith("王芳 [1]")
    assert [citation.quote.split(",")[1] for citation in answer.citations] == ["王芳"]
    assert answer.citations[0].line == 4
    evidence = answer.evidence
    assert [hit.via for hit in evidence.hits] == [("sql:员工", "row:3")]
    assert evidence.computed is not None
    assert evidence.computed.sql in answer.text


def test_json_holds_what_was_computed(libraries: dict[str, Library]) -> None:
    made = json.loads(json.dumps(answer_json(libraries["shop"].ask("How many customers live in London?", agent="sql"))))
    assert made["answered"]
    assert made["computed"]["rows"] == [[2]]
    assert made["computed"]["sql"].startswith("SELECT COUNT(*)")
    assert not made["computed"]["truncated"]
    assert "computed" not in answer_json(libraries["shop"].ask("How do I reset my password?", agent="sql"))


def test_what_was_understood_is_in_the_trace(libraries: dict[str, Library]) -> None:
    declined = libraries["shop"].search("What is the weight of the Oak Table?", agent="sql")
    assert any("declined" in step.detail and "weight" in step.detail for step in declined.trace)


def test_sql_is_run_as_it_is(shop: Snapshot) -> None:
    computed = Sql(shop).retrieve("select max(price) from products", 5).computed
    assert computed is not None
    assert computed.rows == ((349.0,),)
    with pytest.raises(QueryError):
        Sql(shop).retrieve("select secret from products", 5)
    with pytest.raises(QueryError):
        Sql(shop).retrieve("with x as (delete from products returning 1) select 1 from x", 5)


@pytest.mark.parametrize(
    "question",
    [
        "How many customers live in London'; DROP TABLE customers; --", "customers named \"x' OR '1'='1\"",
        "products'); ATTACH 'x' AS y; --",
        "价格超过100'); DROP TABLE products; --", "Which products contain the word \"%' UNION SELECT sql FROM sqlite_master --\"?",
    ],
)  # fmt: skip
def test_a_question_cannot_write(libraries: dict[str, Library], question: str) -> None:
    library = libraries["shop"]
    library.search(question, agent="sql")
    assert rows_of(library, "How many customers are there?") == [(5,)]
    assert rows_of(library, "How many products are there?") == [(6,)]


def test_a_library_without_tables(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The owl hunts at night.", encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        library.add([tmp_path / "a.txt"])
        evidence = library.search("How many owls hunt?", agent="sql")
    assert evidence.computed is None
    assert not evidence.hits


def test_without_time_nothing_is_run(shop: Snapshot) -> None:
    evidence = Sql(shop).retrieve("How many customers live in London?", 5, budget=Budget(milliseconds=0))
    assert evidence.computed is None
    assert Sql(shop).retrieve("How many customers live in London?", 5, budget=NO_LIMIT).computed


def test_only_what_may_be_seen_is_asked(libraries: dict[str, Library], tmp_path: Path) -> None:
    for name in ("员工.csv", "部门.csv"):
        (tmp_path / "staff").mkdir(exist_ok=True)
        (tmp_path / "staff" / name).write_text(STAFF[name], encoding="utf-8")
    with grainline.open(tmp_path / "library") as alone:
        alone.add([tmp_path / "staff"])
        some = Where(sources=("staff/员工.csv", "staff/部门.csv"))
        for question, _ in CHINESE:
            with libraries["staff"].snapshot() as whole, alone.snapshot() as part:
                seen, held = (Sql(whole).retrieve(question, 5, some), Sql(part).retrieve(question, 5))
                assert seen.computed == held.computed, question
                assert [hit.via for hit in seen.hits] == [hit.via for hit in held.hits]


def test_the_same_question_means_the_same(libraries: dict[str, Library]) -> None:
    for name, asked in (("shop", ENGLISH), ("staff", CHINESE)):
        with libraries[name].snapshot() as snapshot:
            first = [Asking(snapshot).understand(question) for question, _ in asked]
        with libraries[name].snapshot() as snapshot:
            assert [Asking(snapshot).understand(question) for question, _ in reversed(asked)][::-1] == first


# --- questions of any kind ---------------------------------------------------------------------------------------------------------

PIECES = (
    "how many which the most least more less than average total number of in 2014 between and or not per each highest lowest top 3 by "
    "order ascending percentage difference share without both who when contains starts \"a\" 'b' after since at least 20% 1,000 3.5 A "
    "多少 几个 哪个 最多 最少 平均 总共 每个 大于 之间 以前 没有 不是 和 或 的 按 前三 2014年 2023年3月 占 比例 相差 比 多几 同比 岁 以上 "
    "包含 各 products customers price London Oak 姓名 月薪 员工 净利润 ' \" ; -- ( ) % \0 \ud800 \U0001f600 İ ſ 99999999999999999999999999"
).split(" ")


@pytest.mark.parametrize("name", ["shop", "staff", "reports"])
def test_no_question_breaks_anything(libraries: dict[str, Library], name: str) -> None:
    chance = random.Random(name)
    with libraries[name].snapshot() as snapshot:
        asking = Asking(snapshot)
        for _ in range(150):
            question = chance.choice((" ", "")).join(chance.choice(PIECES) for _ in range(chance.choice((1, 3, 8, 20))))
            asked = asking.understand(question)
            assert 0 <= asked.confidence <= 1
            if asked.sql:
                try:
                    asking.engine.run(asked.sql, milliseconds=500)
                except GrainlineError as error:
                    assert str(error)


def test_a_very_long_question_takes_no_time(shop: Snapshot) -> None:
    Asking(shop).understand("How many products are there?")
    start = time.perf_counter()
    for unit in ("how many products cost more than 3 and ", "价格最高的产品", "a", "2014 ", "(("):
        asked = Asking(shop).understand((unit * 10_000)[:10_000])
        assert not asked.sql
        assert not Asking(shop).understand((unit * LONGEST)[:LONGEST]).confidence > 0.9
    assert time.perf_counter() - start < 5


# --- the parts ---------------------------------------------------------------------------------------------------------------------


def mentions(snapshot: Snapshot, question: str) -> list[Mention]:
    catalog = Asking(snapshot).catalog
    return link(question, Names(catalog.tables), Values.of(snapshot, catalog))


def test_words_are_linked(shop: Snapshot) -> None:
    found = mentions(shop, "How many customers in London bought “Oak Table” after 2020-03-05 for 1.5 thousand?")
    said = {one.text.strip(): (one.kind, one.value) for one in found}
    assert said["how many"] == ("count", None)
    assert said["customers"][0] == "table"
    assert said["London"] == ("value", "London")
    assert said["“Oak Table”"] == ("value", "Oak Table")
    assert said["2020-03-05"] == ("date", "2020-03-05")
    assert said["1.5 thousand"] == ("number", 1500.0)
    assert all(left.end <= right.start for left, right in pairwise(found))


def test_the_longest_name_counts(shop: Snapshot) -> None:
    (product,) = [one for one in mentions(shop, "the product name of each") if one.kind == "column"]
    assert product.text == "product name"
    assert {column.sql for _, column, _ in product.columns} == {"product_name"}


def test_forms_are_written_as_sql(shop: Snapshot) -> None:
    paths = Paths(Asking(shop).catalog.tables)
    name, country = Ref("products", "product_name"), Ref("suppliers", "country")
    joined = sql_of(Form(select=[Item(name)], filters=[[Filter(Item(country), "=", "O'Hara")]]), paths)
    assert "JOIN suppliers ON products.supplier_id = suppliers.supplier_id" in joined
    assert "'O''Hara'" in joined
    assert paths.leads("products", "suppliers")
    assert not paths.leads("suppliers", "products")
    count = Form(select=[Item(None, "count")], tables=["sales"])
    assert sql_of(Form([Item(None, "count")], tables=["sales"], combined=("percent", count)), paths).startswith("SELECT")
    with pytest.raises(NoPathError):
        sql_of(Form(select=[Item(name)], tables=["elsewhere"]), paths)
