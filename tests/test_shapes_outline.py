"""Outlines: sections of hand-made texts and of real files, in English and Chinese."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from grainline.shapes import shape
from grainline.shapes.numbering import numeral
from grainline.types import Document, Part
from shape_checks import SHARED, check_shape, markdown, named, outline, passages, plain, read, shared


def test_headings_nest_by_level_and_keep_their_first_passage() -> None:
    document = markdown("intro\n\n# A\n\n## B\n\nIn B.\n\n### C\n\nIn C.\n\n## D\n\nIn D.\n\n# E\n")
    assert outline(shape(document)) == ["A", "  B", "    C", "  D", "E"]
    assert passages(document) == ["intro", "## B\n\nIn B.", "### C\n\nIn C.", "## D\n\nIn D."]
    node = named(shape(document), "C")
    assert node.meta == {"path": ["A", "B"], "heading": [node.start, node.start + 5]}


def test_a_text_of_headings_alone_can_still_be_found() -> None:
    assert passages(markdown("# Only\n\n## Headings\n")) == ["# Only", "## Headings"]


BOOK = """A TALE OF NOTHING

by Nobody

CONTENTS

 CHAPTER I. The Beginning
 CHAPTER II. The Middle
 CHAPTER III. The End

Preface for the reader.

PART ONE

CHAPTER I.

The Beginning

It was a dark night, and the road was long. Of that night
Chapter 4 says nothing, nor does
Chapter 5 of this book.

CHAPTER II. The Middle.

It went on. It had three things:

1. Apples

2. Pears

3. Plums

And so on.

PART TWO

CHAPTER III.

The End

It ended.
"""
PAPER = """A Study

1 Introduction

Things are all around us. See
1 below.

1.1 Background

Old. The list is:

1. One thing is here.
2. Another is there.

1.2 Motivation

New.

2. Methods

2.1 What is a model?

A model.

3 Results

12 Apples

were counted.

Appendix A

More.
"""
MANUAL = "Widget\n======\n\nHow to.\n\nInstalling\n----------\n\nPut it down.\n\nRunning\n-------\n\nPress it.\n"
LAW = """中华人民共和国样例法

目　录

第一章　总则
第二章　监督
　第一节　机构
　第二节　职责
第三章　附则

第一章　总则

第一条　为了规范样例，制定本法。
第二条　本法所称样例，是指下列物品：
（一）甲；
（二）乙。
第三条的规定不适用于样例。

第二章　监督
第一节　机构
第三条　主管部门负责监督，依照
第一条、第二条执行。
第三条之一　地方部门协助。
第二节　职责
第四条　主管部门应当履行职责。

第三章　附则
第五条　本法自公布之日起施行。
"""
REPORT = """关于样例的报告

一、基本情况
进展顺利。主要做了：
1.修路。
2.架桥。

二、主要做法

（一）加强领导
成立小组。

（二）统一思想，提高认识
开展学习。要点：一、快；二、准。

1. 学习内容

内容很多。

2. 学习方法

方法很好。

三、下一步打算
（一）继续努力；
（二）不断提高。
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            BOOK,
            "A TALE OF NOTHING|CONTENTS|PART ONE|"
            "  CHAPTER I. The Beginning|  CHAPTER II. The Middle.|PART TWO|  CHAPTER III. The End",
        ),
        (PAPER, "1 Introduction|  1.1 Background|  1.2 Motivation|2. Methods|  2.1 What is a model?|3 Results|Appendix A"),
        (MANUAL, "Widget|  Installing|  Running"),
        ("NAME\n\nls - list\n\nSEE ALSO\n\ndir(1)\n", "NAME|SEE ALSO"),
        (
            LAW,
            "第一章　总则|  第一条|  第二条|第二章　监督|"
            "  第一节　机构|    第三条|    第三条之一|  第二节　职责|    第四条|第三章　附则|  第五条",
        ),
        (
            REPORT,
            "一、基本情况|二、主要做法|"
            "  （一）加强领导|  （二）统一思想，提高认识|    1. 学习内容|    2. 学习方法|三、下一步打算",
        ),
        ("服务合同\n\n第一条 内容\n1、咨询。\n\n第二条 【责任】 违约方应当赔偿。\n", "第一条 内容|第二条 责任"),
        (
            "第一回　甄士隐梦幻识通灵\n\n此开卷第一回也。\n\n第二回　贾夫人仙逝\n\n却说封肃。\n",
            "第一回　甄士隐梦幻识通灵|第二回　贾夫人仙逝",
        ),
    ],
)
def test_headings_that_no_reader_saw(text: str, expected: str) -> None:
    assert outline(shape(plain(text, Part("prose", 0, len(text))))) == expected.split("|")


@pytest.mark.parametrize(
    "text",
    [
        "第三条规定了罚金。\n第五条的规定也是。\n",
        "Shopping:\n\n1. Milk\n2. Eggs\n3. Bread\n\nThat is all.\n",
        "He was born in 1900.\n\n1. He left\n\nThen he came back, as it says in\nPart 2 of the book.\n",
        "一、买菜；\n二、做饭；\n三、洗碗。\n\n就这些。\n",
        "STOP\n\nThis is one shout in a text.\n",
        "在\n第三章 我们会说到它。\n",
    ],
)
def test_lists_and_mentions_are_no_headings(text: str) -> None:
    assert outline(shape(plain(text))) == []


def test_no_headings_inside_code_or_tables() -> None:
    text = "第一章 甲\n\n正文。\n\n```\n第二章 乙\n\n代码。\n```\n\n| 第三章 丙 |\n|---|\n| 文 |\n\n第二章 丁\n\n正文。\n"
    assert outline(shape(markdown(text))) == ["第一章 甲", "第二章 丁"]


def test_one_level_of_mixed_numbers_is_ordered_by_style() -> None:
    marked = "## 前言|## 一、甲|## （一）乙|## 1. 丙|## 案例：丁|## （二）戊|## 二、己|## 3 种方法|## 附录"
    document = markdown("# 报告\n\n" + "".join(f"{line}\n\n正文。\n\n" for line in marked.split("|")))
    expected = ["报告", "  前言", "  一、甲", "    （一）乙", "      1. 丙", "        案例：丁", "    （二）戊", "  二、己"]
    assert outline(shape(document))[:8] == expected


def test_articles_of_a_quoted_law_are_not_sections() -> None:
    text = "第一条 增加一节，内容如下：\n\n第七节 委员会\n\n第一百二十三条 委员会是机关。\n\n第二条 本法施行。\n"
    assert outline(shape(plain(text))) == ["第一条", "第二条"]


# --- real files ---


def statute(folder: str) -> Iterator[Document]:
    for path in sorted((SHARED / "corpora/cn-laws" / folder).glob("*.md")):
        yield read(path)


@shared
def test_the_criminal_law_article_by_article() -> None:
    document = read(SHARED / "corpora/cn-laws/刑法/刑法.md")
    found = {}
    for node in shape(document).nodes:
        if node.kind == "section" and node.name.startswith("第") and "条" in node.name:
            text = document.text[node.meta["heading"][1] : node.end]
            found[node.name] = ("".join(text.split()), " > ".join(node.meta["path"][1:]))
    with (SHARED / "data/lawbench_statute_zh/corpus.jsonl").open() as lines:
        gold = [json.loads(line) for line in lines]
    assert len(gold) > 450
    wrong = [row["title"] for row in gold if found.get(row["title"][2:], ("", ""))[1] != row["path"]]
    assert wrong == ["刑法第四百五十二条"]  # it stands in 附则, which that data set has lost
    differs = [row["title"] for row in gold if not found[row["title"][2:]][0].startswith("".join(row["text"].split())[:40])]
    assert differs == []


@shared
def test_the_civil_code_has_all_its_articles() -> None:
    numbers = []
    for document in statute("民法典"):
        shaped = shape(document)
        names = [node.name for node in shaped.nodes if node.kind == "section" and node.name.endswith("条")]
        numbers += [numeral(name[1:-1]) for name in names]
    assert sorted(numbers) == list(range(1, 1261))


@shared
def test_amendments_quote_articles_but_have_few() -> None:
    document = read(SHARED / "corpora/cn-laws/刑法/刑法修正案（八）.md")
    assert outline(shape(document)) == ["中华人民共和国刑法修正案（八）"]
    document = read(SHARED / "corpora/cn-laws/宪法/宪法修正案（2018年）.md")
    assert [name.strip() for name in outline(shape(document))][-1] == "第五十二条"


@shared
def test_a_converted_report_gets_its_tree_back() -> None:
    shaped = shape(read(SHARED / "data/netoperatorqa_zh/docs/BZ01.md"))
    path = named(shaped, "1. 无量纲化").meta["path"]
    assert [name[:3] for name in path[1:]] == ["二、工", "(三)"[:3]]
    assert named(shaped, "4. 算力基础设施规模持续壮大,整体跨越式提升实现全球领先").meta["path"][-1].startswith("(一)基础能力")


@shared
@pytest.mark.parametrize("folder", ["corpora/rust-book/src", "corpora/d2l-zh/chapter_linear-networks"])
def test_books_keep_the_headings_of_their_markup(folder: str) -> None:
    for path in sorted((SHARED / folder).glob("*.md"))[:12]:
        document = read(path)
        shaped = shape(document)
        check_shape(document, shaped)
        marked = [part.name for part in document.parts if part.kind == "heading"]
        assert [name.strip() for name in outline(shaped)] == marked
