"""Grainline: retrieval-augmented generation that follows the natural structure of data.

import grainline
library = grainline.open("my-library")
library.add(["docs"])
print(library.ask("What is ownership?").text)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grainline.library import Library
    from grainline.types import LLM, Embedder

__version__ = "0.1.0"


def open(
    folder: str | Path | None = None,
    *,
    create: bool = True,
    embedder: str | Embedder | None = None,
    llm: str | LLM | None = None,
) -> Library:
    """Open the library in `folder`, else in `$GRAINLINE_LIBRARY`, else in `.grainline`; an empty one is made unless `create` is off.

    `embedder` is an encoder or the spec of one (see `grainline models`); else `$GRAINLINE_EMBEDDER`, else the one that the library was
    embedded with, else "e5". It is loaded when an agent first asks it.
    `llm` is a language model or the spec of one ("gguf:FILE", "openai:MODEL", "https://HOST/v1#MODEL"); else `$GRAINLINE_LLM`, else none is
    asked.
    Raises `NotFoundError` where there is none and none shall be made, `DamagedError` where the file is no sound library.
    """
    from grainline.library import open_library

    return open_library(folder, create=create, embedder=embedder, llm=llm)
