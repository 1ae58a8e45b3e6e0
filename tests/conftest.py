"""What tests share: a small library in both languages, and where the real data lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import grainline
from grainline.library import Library

OWNERSHIP = """# Ownership

Ownership is a set of rules that govern how a program manages memory. Each value has one owner.

## Moves

Assigning a value to another variable moves it. After the move the first variable is no longer valid.

```rust
let a = String::from("owl");
let b = a; // moved
```

## Borrowing

A reference borrows a value without owning it. At any time there is either one mutable reference or many shared ones.

| kind | how many |
|---|---|
| mutable | one |
| shared | many |
"""
STATUTE = """# 动物园管理办法

## 第一章 总则

第一条 为了保护动物，制定本办法。

第二条 本办法适用于所有动物园。

## 第二章 罚则

第三条 投喂猫头鹰的，处五百元以下罚款；情节严重的，禁止入园一年。

第四条 盗窃动物的，移送公安机关处理。
"""
STORY = """The lamp went out at nine. Nobody moved. Then the owl called twice from the barn.
Marta opened the door and counted seventeen hares in the field. She closed it again. The night was quiet after that.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of real kinds of files in both languages."""
    root = tmp_path / "docs"
    (root / "law").mkdir(parents=True)
    (root / "ownership.md").write_text(OWNERSHIP, encoding="utf-8")
    (root / "law" / "动物园.md").write_text(STATUTE, encoding="utf-8")
    (root / "story.txt").write_text(STORY, encoding="utf-8")
    (root / "owl.py").write_text(
        'def hoot_twice(times: int) -> str:\n    """Return the call of an owl."""\n    return "hoo" * times\n', encoding="utf-8"
    )
    return root


@pytest.fixture
def library(tmp_path: Path, folder: Path) -> Iterator[Library]:
    """That folder in a library."""
    with grainline.open(tmp_path / "library") as opened:
        opened.add([folder])
        yield opened


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that need it are skipped where there is none."""
    place = Path(__file__).resolve().parents[1].parent / "shared"
    if not (place / "data").is_dir():
        pytest.skip("no real data on this machine (../shared)")
    return place
