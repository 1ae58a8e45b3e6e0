"""What the nodes of a document are called: titles, headings, symbols, file names, aliases, acronyms, defined terms, article numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from grainline.graph.references import reference_names
from grainline.graph.spelling import LONGEST, spell
from grainline.text import CACHED_WORDS, CJK, CJK_FUNCTION, CJK_RUN, STOPWORDS
from grainline.types import Document, Node, Shaped

#: the kind of key that holds the names of a node
NAMED = "named"
#: nodes with names of their own
BEARERS = frozenset({"document", "section", "class", "function", "table", "image"})
#: letters that a name has at least, in English and in Chinese
LETTERS, CHARACTERS = 3, 2
#: characters of a passage in which it may introduce names
INTRODUCED = 4_000

Tokens = tuple[str, ...]

_BRACKETED = re.compile(r"\s*[(（\[【]([^()（）\[\]【】]{1,60})[)）\]】]")
_NUMBERED = re.compile(
    r"(?:第\s?[〇零○一二三四五六七八九十百千两\d]{1,9}\s?(?:分编|部分|[编篇卷章回节条])(?:之[一二三四五六七八九十\d]{1,3})?"
    r"|(?:part|chapter|section|appendix|lesson|unit)\s+(?:\d{1,3}(?:\.\d{1,3})*|[IVXLC]{1,7}|[A-Z])(?![\w'’-])"
    r"|(?:\d{1,3}[.．])*\d{1,3}[.．]?(?![\d%\w])|[一二三四五六七八九十]{1,4}、|[（(][一二三四五六七八九十\d]{1,3}[)）])[\s:：.、—–-]*",
    re.IGNORECASE,
)
_TITLED = re.compile(r"《([^《》]{2,40})》")
_CAPITALISED = r"[A-Z][\w'’&-]*(?:[ \t](?:of[ \t]|the[ \t])*[A-Z][\w'’&-]*){0,4}"
_QUOTED = r"[\"“‘'*_`「『《]{1,3}"
_ENGLISH_ALIAS = re.compile(
    rf"\b(?:(?:also|better|formerly|previously|otherwise|commonly) (?:called|known as|referred to as|named)|abbreviated(?: as| to)?"
    rf"|nicknamed|or simply|hereinafter|short for)[ \t]+(?:the[ \t]+)?(?:{_QUOTED}([^\"”’'*_`]{{2,60}}?)[\"”’'*_`]{{1,3}}"
    rf"|({_CAPITALISED}))"
)
_ENGLISH_TERM = re.compile(
    r"(?:\bthe terms?[ \t]+)?[\"“]([^\"“”\n]{2,60})[\"”][ \t]+(?:means?|refers to|is defined as)\b"
    r"|\*{1,2}([^*\n]{2,60})\*{1,2}[ \t]+(?:means|refers to|is defined as|is (?:a|an|the)\b|are\b)"
)
_CHINESE_ALIAS = re.compile(
    rf"(?:以下|下)?(?:简称|又称|也称|亦称|俗称|统称|旧称|原名|别名|全称|又名|也叫|又叫|称之?为|缩写)[为是作]?[“\"「『《*]{{0,2}}"
    rf"([{CJK}A-Za-z][{CJK}\w·-]{{1,14}}?)(?=[”\"」』》*，。；、,;）)（(\s]|$)"
)
_CHINESE_TERM = re.compile(rf"(?:所称|所谓)的?[“\"「]?([{CJK}\w]{{2,14}}?)[”\"」]?[,，]?(?:是指|系指|，指|包括)")
_BOTH = re.compile(rf"\*{{1,2}}([{CJK}]{{2,12}})\*{{1,2}}[（(]([A-Za-z][\w .,-]{{1,50}})[)）]")
#: what introduces names, with what every text has in it that does
_SIGNED = (
    (
        _ENGLISH_ALIAS,
        (
            " called",
            "known as",
            "referred to as",
            " named",
            "abbreviated",
            "nicknamed",
            "or simply",
            "hereinafter",
            "short for",
        ),
    ),
    (_ENGLISH_TERM, ("means", " mean ", "refers to", "is defined as", "** is", "* is", "** are", "* are")),
    (_BOTH, ("*（", "*(")),
    (_CHINESE_ALIAS, ("称", "名", "叫", "缩写")),
    (_CHINESE_TERM, ("所称", "所谓")),
)
_ACRONYM = re.compile(r"[(（]([A-Z][A-Za-z&-]{0,8}[A-Z])s?[)）]")
_DATE = re.compile(r"[\d年月日号第期季度]+")
_INITIAL = re.compile(r"[^\W\d_][\w'’]*")


def names(document: Document, shaped: Shaped) -> Iterator[tuple[int, set[Tokens]]]:
    """The place of each node that has names or introduces some, with these, spelled. What a whole document goes by, nothing inside it
    goes by a second time."""
    whole: set[Tokens] = set()
    for place, node in enumerate(shaped.nodes):
        called: Iterable[str] = ()
        if node.kind == "document":
            called = (*_variants(document.title), *_file_names(document.source))
        elif node.kind in BEARERS and node.name:
            called = _variants(node.name)
        elif node.kind == "passage":
            called = introduced(document.text[node.start : min(node.end, node.start + INTRODUCED)])
        spelled = {tokens for name in called if is_telling(tokens := spell(name))}
        if node.kind in BEARERS:
            spelled.update(reference_names(node))
        spelled -= whole
        if node.kind == "document":
            whole = spelled
        if spelled:
            yield place, spelled


def own_name(document: Document, node: Node) -> str:
    """What a person calls the thing that a passage is about: the heading nearest above it, or the document's title."""
    path = node.meta.get("path") or ()
    return str(path[-1]) if path and not document.meta.get("path") else document.title


def variants_of(name: str) -> set[Tokens]:
    """The ways to spell a title or heading: whole, without its number, without what stands in brackets, and what stands there."""
    return {tokens for way in _variants(name) if is_telling(tokens := spell(way))}


def introduced(text: str) -> Iterator[str]:
    """The names that a text introduces: aliases, acronyms behind their long form, defined terms."""
    for pattern, signs in _SIGNED:
        if any(sign in text for sign in signs):
            for found in pattern.finditer(text):
                yield from (group for group in found.groups() if group)
    for found in _ACRONYM.finditer(text):
        if long := _long_form(text, found.start(), found[1]):
            yield from (found[1], long)


@lru_cache(maxsize=CACHED_WORDS)
def is_telling(tokens: Tokens) -> bool:
    """Whether a row of tokens can be a name: long enough, and not of common words and digits alone."""
    if not tokens or len(tokens) > LONGEST:
        return False
    said = "".join(tokens)
    if _DATE.fullmatch(said):
        return False
    if CJK_RUN.fullmatch(said):
        return len(said) >= CHARACTERS and not (len(said) == CHARACTERS and set(said) & CJK_FUNCTION)
    return len(said) >= LETTERS and any(not token.isdigit() and token not in STOPWORDS for token in tokens)


def _variants(name: str) -> Iterator[str]:
    yield name
    plain = _NUMBERED.sub("", name, count=1) if _NUMBERED.match(name) else name
    if plain != name:
        yield plain
    for title in _TITLED.finditer(plain):
        yield title[1]
    if bracket := _BRACKETED.search(plain):
        yield _BRACKETED.sub("", plain)
        yield bracket[1]
    place, comma, _ = plain.partition(", ")
    if comma:
        yield place
    if "::" in plain or ("." in plain and " " not in plain):
        yield re.split(r"::|\.", plain)[-1]


def _file_names(source: str) -> Iterator[str]:
    """The name of a file with its ending: "parser.py"; what a corpus calls its records is no file name."""
    if "#" not in source:
        yield source.rpartition("/")[2]


def _long_form(text: str, end: int, acronym: str) -> str:
    """The words before an acronym in brackets whose initials it is; "" if they are not."""
    letters = [letter.lower() for letter in acronym if letter.isalpha()]
    words = list(_INITIAL.finditer(text, max(0, end - 120), end))[-len(letters) - 3 :]
    at = len(words)
    for letter in reversed(letters):
        at -= 1
        while at >= 0 and words[at].group()[0].lower() != letter:
            if words[at].group().lower() not in STOPWORDS:
                return ""
            at -= 1
        if at < 0:
            return ""
    return text[words[at].start() : end].strip()
