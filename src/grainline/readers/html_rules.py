"""What the elements of HTML mean for the text of a page, one element at a time: names, what is left out, words, tables."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from grainline.readers.build import flow

if TYPE_CHECKING:
    from lxml.etree import _Element

HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "details",
        "dialog",
        "div",
        "dl",
        "fieldset",
        "figcaption",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "legend",
        "main",
        "nav",
        "p",
        "section",
        "summary",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
    }
)
#: elements whose content is not text of the page
DROPPED = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "head",
        "iframe",
        "object",
        "embed",
        "svg",
        "canvas",
        "audio",
        "video",
        "map",
        "select",
        "button",
        "input",
        "textarea",
        "datalist",
        "rt",
        "rp",
        "title",
    }
)
ASIDE_ROLES = frozenset(
    {
        "navigation",
        "contentinfo",
        "search",
        "menu",
        "menubar",
        "dialog",
        "alertdialog",
    }
)
#: class names and ids of what stands around the text; whole names, since "nav" is also in "navy" and "unavoidable"
ASIDE_NAMES = re.compile(
    r"(?:main-?|site-?|page-?)?(?:nav|navbar|navigation|footer|sidebar)|sphinxsidebar|breadcrumbs?|pagination|pager|toc"
    r"|table-of-contents|skip-?link|headerlink|linenos|linenodiv|related|cookie-?(?:banner|notice|consent)|advertisement"
    r"|mw-editsection|noprint|sr-only|visually-hidden|screen-reader-text"
)
ANCHORS = frozenset(("#", "¶", "§", "🔗"))
_LANGUAGE = re.compile(r"(?:^|\s)(?:lang(?:uage)?|highlight(?:-source)?|brush:?)[-: ]\s*([\w+#]+)")
_CONTROLS = dict.fromkeys((*range(9), 11, *range(14, 32), 127))
LAST_LINE = 65_535  #: where libxml2 stops counting source lines
CARRIED = 200  #: characters of a cell that is said again in the rows that it spans
REPEATED = 100_000

_SCHEME = re.compile(r"[a-zA-Z][\w+.-]*:")


def tag_of(element: _Element) -> str:
    """The local name of an element in lower case; "" for an entity."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def line_of(element: _Element) -> int:
    """The source line where the start tag of an element ends; 0 if unknown."""
    line = element.sourceline
    return line if isinstance(line, int) and line < LAST_LINE else 0


def clean(text: str | None) -> str:
    """Text without control characters other than white space.

    >>> clean("a\\x01b\\tc")
    'ab\\tc'
    """
    return text.translate(_CONTROLS) if text else ""


def is_left_out(element: _Element, whole: bool) -> bool:
    """Whether an element is no text of the page, or, unless the `whole` page is wanted, stands around its text."""
    tag = tag_of(element)
    if tag in DROPPED or element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if "display:none" in (element.get("style") or "").replace(" ", "") or _is_anchor(element, tag):
        return True
    return not whole and _is_aside(element, tag)


def _is_anchor(element: _Element, tag: str) -> bool:
    """Whether an element is the mark beside a heading that links to itself."""
    return tag == "a" and len(element) == 0 and (element.text or "").strip() in ANCHORS and element.get("href") is not None


def _is_aside(element: _Element, tag: str) -> bool:
    if tag == "nav" or element.get("role") in ASIDE_ROLES:
        return True
    if tag in ("header", "footer"):
        inside = any(tag_of(above) in ("main", "article", "section") for above in element.iterancestors())
        return not inside and (tag == "footer" or not any(tag_of(below) == "h1" for below in element.iter()))
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return tag not in ("body", "main", "article") and any(ASIDE_NAMES.fullmatch(name) for name in names.lower().split())


def raw_text(element: _Element, whole: bool) -> str:
    """The text in an element with its white space as it is, and the alternative texts of pictures."""
    return "".join(_pieces(element, whole))


def _pieces(element: _Element, whole: bool) -> Iterator[str]:
    yield clean(element.text)
    for child in element:
        tag = tag_of(child)
        if not tag:
            yield html.unescape(child.text or "")
        elif tag == "br":
            yield "\n"
        elif tag == "img":
            yield f" {clean(child.get('alt'))} "
        elif not is_left_out(child, whole):
            yield from _pieces(child, whole)
            yield " " if tag in BLOCKS or tag in ("li", "dt", "dd") else ""
        yield clean(child.tail)


def code_language(pre: _Element) -> str:
    """The language that the classes of a <pre>, what is in it or what is around it name; "" if none does.

    Classes are those that highlighters use: language-rust, lang-rust, highlight-rust, brush: rust.
    """
    around = pre.getparent()
    for element in (pre, *pre, *([around] if around is not None else [])):
        if found := _LANGUAGE.search(element.get("class") or ""):
            return found.group(1)
    return ""


def tex(math: _Element) -> str:
    """The TeX of a formula, where the page has it along with its MathML; else ""."""
    notes = [below.text for below in math.iter() if tag_of(below) == "annotation" and "tex" in (below.get("encoding") or "")]
    return flow(clean(math.get("alttext") or (notes[0] if notes else "")))


def source_of(picture: _Element) -> dict[str, str]:
    """Where a picture comes from, unless it is in the page itself."""
    source = picture.get("src") or ""
    return {"src": source} if source and not source.startswith("data:") else {}


def arranges(table: _Element) -> bool:
    """Whether a table only arranges the page: it says so, holds other blocks, or has but one row or column."""
    below = {tag_of(each) for child in table for each in child.iter()}
    rows = table_rows(table)
    if table.get("role") in ("presentation", "none") or below & {"table", "pre", *HEADINGS}:
        return True
    return len(rows) < 2 or max(len(_cells(row)) for row in rows) < 2


def table_rows(table: _Element) -> list[_Element]:
    """The rows of a table, without those of tables in it."""
    rows: list[_Element] = []
    for child in table:
        inside = child if tag_of(child) in ("thead", "tbody", "tfoot") else [child]
        rows += [row for row in inside if tag_of(row) == "tr"]
    return rows


def _cells(row: _Element) -> list[_Element]:
    return [cell for cell in row if tag_of(cell) in ("td", "th")]


def header_rows(rows: list[_Element]) -> int:
    """How many rows at the top are headers: those of the thead, else one of th alone, else one in a table without any th."""
    above = [row.getparent() for row in rows]
    if count := sum(1 for each in above if each is not None and tag_of(each) == "thead"):
        return min(count, len(rows) - 1)
    kinds = {tag_of(cell) for cell in _cells(rows[0])}
    return int(kinds == {"th"} or not any(tag_of(cell) == "th" for row in rows for cell in _cells(row)))


def table_words(rows: list[_Element], whole: bool) -> list[list[str]]:
    """The words of each cell; those of a short cell stand again in each further row that it spans.

    What is said again may come to `REPEATED` characters more than what the table says once; from there on nothing is.
    """
    carried: dict[int, tuple[int, str]] = {}  # column: in how many more rows, which words
    table: list[list[str]] = []
    left = REPEATED
    for row in rows:
        line: list[str] = []
        for cell in (*_cells(row), None):
            while len(line) in carried:
                line.append(_take(carried, len(line)))
                left -= len(line[-1]) + len(" | ")
            if cell is None:
                break
            words = flow(raw_text(cell, whole))
            left += len(words)
            span = cell.get("rowspan") or "1"
            if len(words) <= CARRIED and span.isdecimal() and (more := int(span[:6]) - 1) > 0:
                carried[len(line)] = more, words
            line.append(words)
        if left < 0:
            carried.clear()
        table.append(line)
    return table


def _take(carried: dict[int, tuple[int, str]], column: int) -> str:
    more, words = carried.pop(column)
    if more > 1:
        carried[column] = more - 1, words
    return words


def leads_on(element: _Element) -> bool:
    """Whether an anchor leads to another file beside this one."""
    target = (element.get("href") or "").strip()
    return bool(target) and len(target) < 500 and not target.startswith(("#", "/")) and not _SCHEME.match(target)
