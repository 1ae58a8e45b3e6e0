"""Bytes to documents. One row a format: which reader a file goes to, by its name (and by its first bytes where names lie).

Nothing is imported before a file of that kind is read.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import cast

from grainline.errors import NotFoundError
from grainline.types import Reader

#: module:class by file suffix; a reader that a program registers with `register` goes in here too
READERS: dict[str, str] = {}
#: those that have a method `read_in_place` for files that are too large to be read whole
IN_PLACE = frozenset({"grainline.readers.sqlite:Sqlite", "grainline.readers.csv:Csv"})


def register(reader: str, *suffixes: str) -> None:
    """Let files with these suffixes (".md") or whole names ("makefile") go to `reader`, given as "module:class"."""
    for suffix in suffixes:
        READERS[suffix.lower()] = reader


register("grainline.readers.markdown:Markdown", ".md", ".markdown", ".mdx", ".qmd", ".rmd")
register(
    "grainline.readers.text:Text", ".txt", ".text", ".log", "readme", "license", "copying", "authors", "changelog", "notice"
)
register("grainline.readers.rst:Rst", ".rst", ".rest")
register("grainline.readers.html:Html", ".html", ".htm", ".xhtml")
register("grainline.readers.pdf:Pdf", ".pdf")
register("grainline.readers.docx:Docx", ".docx")
register("grainline.readers.pptx:Pptx", ".pptx")
register("grainline.readers.xlsx:Xlsx", ".xlsx", ".xlsm", ".xls", ".ods")
register("grainline.readers.epub:Epub", ".epub")
register("grainline.readers.csv:Csv", ".csv", ".tsv", ".tab")
register("grainline.readers.json:Json", ".json", ".geojson")
register("grainline.readers.jsonl:Jsonl", ".jsonl", ".ndjson")
register("grainline.readers.sqlite:Sqlite", ".sqlite", ".sqlite3", ".db", ".db3")
register("grainline.readers.notebook:Notebook", ".ipynb")
register(
    "grainline.readers.code:Code",
    *(".py", ".pyi", ".rs", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts", ".go", ".java"),
    *(".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"),
)
register(
    "grainline.readers.text:Text",
    *(".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".sh", ".bash", ".sql", ".css", ".xml", ".tex", ".rb", ".php", ".cs"),
    *(".kt", ".swift", ".scala", ".lua", ".r", ".jl", ".proto", ".adoc", ".org", "makefile", "dockerfile"),
)
if find_spec("rapidocr") and find_spec("onnxruntime"):  # the extra `ocr`: without it pictures are nobody's documents
    register("grainline.readers.ocr:Image", ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def claims(name: str) -> str:
    """The "module:class" of the reader that files of this name go to; "" if no reader claims them.

    >>> claims("notes/A.MD"), claims("core.exe")
    ('grainline.readers.markdown:Markdown', '')
    """
    path = PurePosixPath(name.lower())
    return READERS.get(path.suffix) or READERS.get(path.name) or (READERS.get(path.stem, "") if path.suffix == ".in" else "")


def reader_for(name: str) -> Reader | None:
    """The reader for a file of this name; None if no reader claims it."""
    spec = claims(name)
    return load(spec) if spec else None


def load(spec: str) -> Reader:
    """Import "module:class" and make one; raises `NotFoundError` if there is no such class."""
    module, _, name = spec.partition(":")
    try:
        return cast(Reader, getattr(import_module(module), name)())
    except AttributeError:
        raise NotFoundError(f"{spec}: no such reader") from None
