"""The libraries that the routing set is asked of, made of a folder with `corpora` and `data`.

What a library holds is copied to a folder first, so that a document goes by the same source in every library that holds it, whatever
the folder is called, and so that data sets come without their own questions and answers. Some are cut to a moderate size, and what is no
file by nature is made one: a financial report of a table with the paragraphs around it, a case of its facts with charge and articles.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grainline.errors import NotFoundError

#: passages of a pool of passages, functions of a set of functions, reports, cases told at length; the first ones of each set
PASSAGES, FUNCTIONS, REPORTS, CASES = 900, 900, 120, 80
#: of `leval_qasper`: the later ones are there twice
PAPERS = 20
#: which documents of `netoperatorqa_zh`: reports to shareholders, white papers, news
OPERATOR = re.compile(r"(?:AF|BF|AY|AZ|BZ)\d\d\.md|BY0[12678]\.md")
_YEAR = re.compile(r"(?:19|20)\d\d(?=年)")

#: the parts that libraries consist of, each a folder with files of one origin
LIBRARIES: dict[str, tuple[str, ...]] = {
    "english": ("rust-book", "listings", "chinook", "filings", "papers", "wiki"),
    "chinese": ("d2l-zh", "cn-laws", "operator", "cases", "baike"),
    "code": ("listings", "functions"),
    "databases": ("chinook", "databases", "cases"),
    "everything": (
        "rust-book", "listings", "chinook", "filings", "papers", "wiki", "d2l-zh", "cn-laws", "operator", "cases", "baike", "functions",
        "databases",
    ),
}  # fmt: skip


def lay_out(shared: Path, names: tuple[str, ...], folder: Path) -> list[Path]:
    """Make the folders of parts in `folder`, where they are not yet; returns them, to be added to a library.

    Raises `NotFoundError` naming a file or folder that `shared` lacks.
    """
    made = []
    for name in names:
        target = folder / name
        if not target.exists():
            target.mkdir(parents=True)
            PARTS[name](shared, target)
        made.append(target)
    return made


def _there(path: Path) -> Path:
    if not path.exists():
        raise NotFoundError(f"{path} is missing; the routing set needs the shared corpora and data")
    return path


def _copy(source: str, keep: Callable[[Path], bool]) -> Callable[[Path, Path], None]:
    """A part that is the files of a folder, as they are, that `keep` takes."""

    def make(shared: Path, target: Path) -> None:
        """Lay the part out."""
        origin = _there(shared / source)
        for path in sorted(path for path in origin.rglob("*") if path.is_file() and keep(path)):
            place = target / path.relative_to(origin)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)

    return make


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with _there(path).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _records(**sets: tuple[str, int]) -> Callable[[Path, Path], None]:
    """A part of one JSONL file a set, with the first so many records of it."""

    def make(shared: Path, target: Path) -> None:
        """Lay the part out."""
        for name, (source, count) in sets.items():
            rows = [row for row, _ in zip(_rows(shared / "data" / source / "corpus.jsonl"), range(count), strict=False)]
            said = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (target / f"{name}.jsonl").write_text(said, encoding="utf-8")

    return make


def _filings(shared: Path, target: Path) -> None:
    """Pages of financial reports: a table in Markdown behind the paragraphs that belong to it."""
    rows = list(_rows(shared / "data" / "tatqa_test" / "corpus.jsonl"))
    around: dict[str, list[str]] = {}
    for row in rows:
        if row["type"] == "text":
            around.setdefault(row["table_uid"], []).append(" ".join(row["text"].split()))
    for row in [row for row in rows if row["type"] == "table"][:REPORTS]:
        said = [*around.get(row["_id"], ()), _markdown(row["rows"])]
        (target / f"{row['_id'][:8]}.md").write_text("\n\n".join(said) + "\n", encoding="utf-8")


def _markdown(rows: list[list[str]]) -> str:
    wide = max(map(len, rows))
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] + [""] * (wide - len(row)) for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * wide, *lines[1:]])


def _cases(shared: Path, target: Path) -> None:
    """What criminal cases were about, with charge and articles: a text each, and a table of all."""
    cases = list(_rows(shared / "data" / "lawbench_statute_zh" / "queries.jsonl"))
    with (target / "案件表.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["案件编号", "罪名", "罪名数", "年份", "事实字数"])
        for case in cases:
            charge = case["charge"].rstrip("。")
            year = _YEAR.search(case["text"])
            table.writerow([case["_id"], charge, charge.count(";") + 1, year.group() if year else "", len(case["text"])])
    for case in cases[:CASES]:
        articles = "、".join(case["answers"])
        said = f"{case['text']}\n\n罪名：{case['charge']}\n\n适用条文：{articles}\n"
        (target / f"{case['_id']}.txt").write_text(said, encoding="utf-8")


PARTS: dict[str, Callable[[Path, Path], None]] = {
    "rust-book": _copy("corpora/rust-book", lambda path: path.suffix == ".md"),
    "listings": _copy("corpora/rust-book/listings", lambda path: path.suffix == ".rs"),
    "d2l-zh": _copy("corpora/d2l-zh", lambda path: path.suffix == ".md" and not path.stem.endswith("_origin")),
    "cn-laws": _copy("corpora/cn-laws", lambda path: path.name != "_index.md"),
    "chinook": _copy("corpora/chinook", lambda path: path.suffix == ".sqlite"),
    "databases": _copy("data/spider_dev/database", lambda path: path.suffix == ".sqlite"),
    "operator": _copy("data/netoperatorqa_zh/docs", lambda path: OPERATOR.fullmatch(path.name) is not None),
    "wiki": _records(musique=("musique", PASSAGES), pairs=("2wikimultihopqa_hipporag101", PASSAGES)),
    "baike": _records(baike=("cmrc2018_dev", PASSAGES)),
    "papers": _records(papers=("leval_qasper", PAPERS)),
    "functions": _records(rust=("rust_doc_search", FUNCTIONS), python=("cosqa_dev", FUNCTIONS)),
    "filings": _filings,
    "cases": _cases,
}
