"""Where a text points at another place by itself: links, articles of a law, numbered sections, figures and tables, footnotes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from grainline.graph.spelling import spell
from grainline.shapes.numbering import numeral
from grainline.types import Node

Tokens = tuple[str, ...]

#: begins the names that only references use: nobody writes it
SIGN = "§"
_NUMBER = r"(?:\d{1,3}(?:[.\-–]\d{1,3})*|[IVXLC]{1,7}|[A-Z])(?![\w%])"
_NUMERAL = r"[〇零○一二三四五六七八九十百千两\d]{1,9}"
_LINK = re.compile(
    r"\[[^\[\]\n]*\]\(<?([^()\s<>]+(?:\([^()\s]*\))?)>?(?:\s+[\"'][^\"'\n]*[\"'])?\)|href\s*=\s*[\"']([^\"'\n]+)[\"']", re.I
)
_WIKI = re.compile(r"\[\[([^\[\]|#\n]{1,120})(?:#[^\[\]|\n]*)?(?:\|[^\[\]\n]*)?\]\]")
_ARTICLE = re.compile(rf"(?:《([^《》\n]{{2,40}})》)?第({_NUMERAL})条(?:之({_NUMERAL}))?")
_UNIT = re.compile(
    rf"\b(chapter|chap\.|section|sec\.|§|appendix|part|figure|fig\.|table|listing)s?\s?({_NUMBER})"
    rf"|第\s?({_NUMERAL})\s?([章节编])|([图表附录])\s?(\d{{1,3}}(?:[.\-–]\d{{1,3}})*)",
    re.I,
)
_UNITS = {"chap.": "chapter", "sec.": "section", "§": "section", "fig.": "figure", "图": "figure", "表": "table"}
_FOOTNOTE = re.compile(r"\[\^([\w-]{1,20})\](?!:)")
_DOTTED = re.compile(r"\d{1,3}(?:[.\-–]\d{1,3})+")
_HEADED = re.compile(
    rf"(?:(chapter|section|appendix|part)\s+)?({_NUMBER})(?=[\s:.、—–-]|$)|第\s?({_NUMERAL})\s?([章节编])", re.I
)
_CJK_UNITS = {"章": "chapter", "节": "section", "编": "part"}


@dataclass(frozen=True, slots=True)
class Reference:
    """`said` are the words that point. One of the others is set: the `path` of a file, a `name` that the place goes by (of whatever goes by
    `within`, else of the same file), a place in the same document behind the characters `mark`."""

    said: str
    path: str = ""
    name: Tokens = ()
    within: Tokens = ()
    mark: str = ""


def references(text: str, source: str) -> Iterator[Reference]:
    """What a text of a source points at, from left to right for each kind."""
    for found in _LINK.finditer(text) if "](" in text or "href" in text.lower() else ():
        target = unquote(found[1] or found[2]).partition("#")[0]
        if target and "://" not in target and not target.startswith(("mailto:", "/")):
            yield Reference(
                found.group(), path=posixpath.normpath(posixpath.join(posixpath.dirname(source.partition("#")[0]), target))
            )
    for found in _WIKI.finditer(text) if "[[" in text else ():
        yield Reference(found.group(), name=spell(found[1]), within=(SIGN,))
    for found in _ARTICLE.finditer(text) if "条" in text else ():
        yield Reference(found.group(), name=article(found[2], found[3]), within=spell(found[1]) if found[1] else ())
    for found in _UNIT.finditer(text):
        unit = (found[1] or _CJK_UNITS.get(found[4] or "", "") or found[5]).lower()
        yield Reference(found.group(), name=numbered(_UNITS.get(unit, unit), found[2] or found[3] or found[6]))
    for found in _FOOTNOTE.finditer(text) if "[^" in text else ():
        yield Reference(found.group(), mark=f"[^{found[1]}]:")


def path_of(target: str, source: str) -> str:
    """The source of the file that a link in a file leads to; "" for one that leads elsewhere."""
    inside = unquote(target).partition("#")[0].partition("?")[0]
    if not inside or "://" in inside or inside.startswith(("mailto:", "/")):
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source.partition("#")[0]), inside))


def article(number: str, sub: str | None = None) -> Tokens:
    """The name of an article of a law by its number: 第二百三十二条 and 第232条 are one."""
    return (SIGN, "article", str(numeral(number)), *((str(numeral(sub)),) if sub else ()))


def numbered(unit: str, number: str) -> Tokens:
    """The name of a numbered thing. A number with dots says all by itself: "section 4.2" is what has the heading "4.2 Borrowing"."""
    if unit in ("figure", "table", "listing"):
        return (SIGN, unit, *re.split(r"[.\-–]", number))
    if _DOTTED.fullmatch(number):
        return (SIGN, "section", *re.split(r"[.\-–]", number))
    plain = number if re.fullmatch(r"\d+|[A-Za-z]{1,7}", number) else str(numeral(number))
    return (SIGN, unit, plain.lower())


def reference_names(node: Node) -> Iterator[Tokens]:
    """The names by which references find a node: by the number of its heading or caption."""
    if node.kind in ("image", "table"):
        caption = _UNIT.match(str(node.meta.get("caption") or node.name))
        if caption and (unit := (caption[1] or caption[5] or "").lower()):
            yield numbered(_UNITS.get(unit, unit), caption[2] or caption[6])
        return
    found = (_ARTICLE.search if node.kind == "document" else _ARTICLE.match)(node.name)
    if found:
        yield article(found[2], found[3])
    elif found := _HEADED.match(node.name):
        unit = found[1] or _CJK_UNITS.get(found[4] or "", "")
        yield numbered((unit or "section").lower(), found[2] or found[3])
        if not unit and found[2] and found[2].isdigit():
            yield numbered("chapter", found[2])
