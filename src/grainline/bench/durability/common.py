"""What the measurements share: results, corpora, questions and their answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from functools import partial
from itertools import chain, product, zip_longest
from pathlib import Path
from typing import Any

import grainline
from grainline.library import Library
from grainline.store.dump import dump
from grainline.types import Budget

#: files that the small corpora are made of: read without another process, so that every write is the library's own
PLAIN = (".md", ".txt")
#: questions that all agents are asked, and patterns for the one that takes patterns
QUESTIONS = (
    "What is ownership in Rust?",
    "read a file line by line",
    "盗窃公私财物如何处罚？",
    "合同 订立",
    "卷积神经网络 convolution",
)
PATTERNS = (r"/fn \w+\(/", "第[一二三]条", "`Result`")
AGENTS = ("fulltext", "outline", "parent", "window", "linked")
#: vectors are a cache, and no part of what must not be lost
NOTHING_EMBEDDED = Budget(embedded=0)
HITS = 5
PLACES = 3


@dataclass
class Result:
    """What one measurement found: its figures, a sentence that tells them, and everything that must not be, in words."""

    name: str
    figures: dict[str, Any]
    told: str
    failures: list[str] = field(default_factory=list)


def default_corpus() -> Path:
    """The corpora beside a checkout if they are there, else the checkout's own documents and sources."""
    checkout = Path(grainline.__file__).resolve().parents[2]
    shared = checkout.parent / "shared" / "corpora"
    return shared if shared.is_dir() else checkout


def small_corpus(corpus: Path, folder: Path, size: int) -> None:
    """Copy plain files of about `size` bytes in all, taken in turn from each folder at the top of `corpus`, to `folder`."""
    tops = sorted(path for path in corpus.iterdir() if path.is_dir() and not path.name.startswith("."))
    listed = [
        sorted(path for path in top.rglob("*") if path.suffix in PLAIN and path.stat().st_size < size // 5) for top in tops
    ]
    left = size
    for path in chain.from_iterable(zip_longest(*listed)):
        if path is None:
            continue
        if left <= 0:
            return
        target = folder / path.relative_to(corpus)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        left -= path.stat().st_size


def write_sample(folder: Path) -> None:
    """A handful of small files in English and Chinese."""
    folder.mkdir(parents=True)
    (folder / "guide.md").write_text(
        "# Guide\n\nOpen the valve slowly.\n\n## Safety\n\nNever open both valves at once.\n", "utf-8"
    )
    (folder / "laws.md").write_text("# 规定\n\n第一条 保护公私财产。\n\n第二条 禁止盗窃。\n", "utf-8")
    (folder / "notes.txt").write_text("Pump 7 was replaced in March. 三月更换了七号泵。\n", "utf-8")
    (folder / "plan.txt").write_text("Next year the tank is painted.\n" * 40, "utf-8")


def change_sample(folder: Path) -> None:
    """Edit, rename, delete and add among the files of `write_sample`."""
    (folder / "guide.md").write_text("# Guide\n\nOpen the valve quickly.\n\n## Safety\n\nBoth valves may be open.\n", "utf-8")
    (folder / "notes.txt").rename(folder / "moved.txt")
    (folder / "plan.txt").unlink()
    (folder / "new.md").write_text("# 新增\n\n第三条 自公布之日起施行。\n", "utf-8")


def lines_of(folder: Path) -> list[str]:
    """The dump of the library in `folder`; nothing if there is none yet. Raises what `dump` raises."""
    try:
        return list(dump(folder))
    except grainline.errors.NotFoundError:
        return []


def answers(folder: Path) -> list[str]:
    """What the library in `folder` answers to the fixed questions, as texts that can be compared; raises our errors."""
    with grainline.open(folder, create=False) as library:
        return [ask() for ask in asking(library)]


def asking(library: Library) -> Iterator[Callable[[], str]]:
    """For each of the fixed questions, what asks it and gives the answer as text."""
    for agent, question in [*product(AGENTS, QUESTIONS), *(("grep", pattern) for pattern in PATTERNS)]:
        yield partial(_searched, library, agent, question)
    for question in QUESTIONS:
        yield partial(_asked, library, question)
    yield partial(_held, library)


def _searched(library: Library, agent: str, question: str) -> str:
    hits = []
    for hit in library.search(question, k=HITS, agent=agent, budget=NOTHING_EMBEDDED).hits:
        node = hit.node
        hits.append((library.source(node.document_id), node.start, node.end, library.text(hit), round(hit.score, PLACES)))
    return json.dumps([agent, question, hits], ensure_ascii=False)


def _asked(library: Library, question: str) -> str:
    answer = library.ask(question)
    return json.dumps(
        [question, answer.text, answer.answered, [astuple(cited) for cited in answer.citations]], ensure_ascii=False
    )


def _held(library: Library) -> str:
    status = library.status(sources=True)
    return json.dumps([status[name] for name in ("documents", "files", "keys", "labels", "sources")], ensure_ascii=False)
