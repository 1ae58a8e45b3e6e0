"""Captions: lines such as "Figure 3: Owls by year", "Table 2", "图 3-1 前面板", "表 2 各城市人口", and the part that each one names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grainline.types import Part

LONGEST = 300  #: characters of a caption; what is longer is a paragraph that begins like one
LONGEST_LOOSE = 120  #: the same where only a blank parts the number from the words
LINE = 2_000  #: characters of a line before and behind a part; on a longer one nothing stands alone
_CAPTION = re.compile(
    r"(?P<what>fig(?:ure|\.)?|chart|diagram|photo|附图|图表|图|圖|table|tab\.|附表|表格|表)\s{0,3}"
    r"(?P<number>[A-Z]?\d{1,4}(?:\s?[-–—.．·‑]\s?\d{1,3}){0,3}(?![\d%])|[一二三四五六七八九十]{1,3}(?!\w))"
    r"(?P<gap>\s{0,3}[:：.．、|–—]\s{0,3}|\s{1,3}|(?=[\u3400-\u9fff“《（(])|\Z)(?P<words>.*)",
    re.I | re.S,
)
_TABLES = ("table", "tab.", "附表", "表格", "表")
#: how a sentence goes on that only speaks of a figure or table
_SPOKEN = re.compile(
    r"(?:shows?|shown|is|are|was|were|illustrates?|depicts?|presents?|gives?|lists?|plots?|displays?|compares?|summari[sz]es|reports?"
    r"|contains?|provides?|demonstrates?|and|or|in|of|on|for|to|from|below|above|can|has|have|we|that|which|also)\b"
    r"|所示|中(?:的|给出|显示|所)|给出|展示|显示|是|为|描述|说明|列出|列举|可以|可知|可见|里|的|与|和|及|或|反映|表明|对比|总结|汇总了|介绍",
    re.I,
)
#: a line with what Markdown and HTML put around a caption
_BARE = re.compile(r"[\s*_>]*(?:<[^<>]{1,200}>\s*)*[*_]*(?P<said>.*?)[*_\s]*(?:</[^<>]{1,40}>\s*)*\s*", re.S)
#: ": words" under or over a table, in Pandoc and in the books made with d2lbook
_COLON = re.compile(r"(?:Table:|:(?!\w+:))[ \t]*(?P<said>\S.*?)\s*", re.I)
_ANCHOR = re.compile(r"^:label:`([^`\n]{1,80})`|\{#([\w:.-]{1,80})[^}\n]{0,200}\}", re.M)
_DASHES = str.maketrans("–—‑．·", "---..")
#: a paragraph that says that a picture follows
_POINTER = re.compile(
    r"[下如见]图|(?:figure|picture|image|diagram|screenshot|photo|chart)s?\s+(?:below|that follows)|following\s+(?:\w+\s+)?"
    r"(?:figure|picture|image|diagram|screenshot|photo|chart)|as\s+(?:shown|pictured)\s*(?:below|:)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Caption:
    """What a caption says of itself: `kind` is image or table, `number` "3-1"."""

    kind: str
    number: str


def read_caption(line: str) -> Caption | None:
    """The caption that a line is; None for any other line, also for a sentence that only begins by naming a figure.

    >>> read_caption("图 3-1 前面板"), read_caption("Table 2: Owls"), read_caption("Figure 3 shows owls"), read_caption("图3-1所示")
    (Caption(kind='image', number='3-1'), Caption(kind='table', number='2'), None, None)
    """
    found = _CAPTION.fullmatch(line.strip()) if len(line) <= LONGEST else None
    if found is None:
        return None
    gap, words = found["gap"].strip(), found["words"]
    if not gap and (_SPOKEN.match(words) or len(line) > LONGEST_LOOSE or (words and words[0] in ",;，；。)）]")):
        return None
    number = re.sub(r"\s", "", found["number"]).translate(_DASHES)
    return Caption("table" if found["what"].lower() in _TABLES else "image", number)


def points_below(text: str) -> bool:
    """Whether a paragraph ends by saying that a picture follows: "如下图所示：", "as shown below:"."""
    return bool(_POINTER.search(text[-80:]))


def labelled(text: str, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, in reading order, with what the lines beside tables and images say of them.

    A table without a name gets its caption for a name. An image without one gets its caption as its span and name, any other its
    caption in `meta["caption"]`. `meta["number"]` is the number in the caption, `meta["anchor"]` what the source calls the part.
    """
    spans = [(part.start, part.end) for part in parts if part.kind == "table"]
    taken: set[int] = set()
    done = [_labelled(text, part, taken, spans) if part.kind in ("table", "image") else part for part in parts]
    return tuple(sorted(done, key=lambda part: (part.start, -part.end, part.kind != "page")))


def _labelled(text: str, part: Part, taken: set[int], tables: Sequence[tuple[int, int]]) -> Part:
    meta = dict(part.meta)
    if (own := read_caption(part.name)) and own.kind == part.kind:
        return replace(part, meta={**meta, "number": own.number})
    first = max(text.rfind("\n", max(0, part.start - LINE), part.start) + 1, part.start - LINE, 0)
    last = text.find("\n", part.end, part.end + LINE)
    last = min(len(text), part.end + LINE) if last < 0 else last
    if last - part.end >= LINE or part.start - first >= LINE or (part.kind == "image" and not _alone(text, part, first, last)):
        return part
    for start, end, caption in _beside(text, part, first, last):
        if start in taken or any(one <= start < other for one, other in tables):
            continue
        taken.add(start)
        said = text[start:end]
        meta |= {"number": caption.number} if caption.number else {}
        if part.kind == "table":
            part = replace(part, name=part.name or said)
        elif part.name:
            meta["caption"] = said
        else:
            part = replace(part, start=start, end=end, name=said)
        break
    anchor = _ANCHOR.search(text, first, min(len(text), last + 200))
    if anchor and "\n\n" not in text[last : anchor.start()]:
        meta["anchor"] = anchor.group(1) or anchor.group(2)
    return replace(part, meta=meta) if meta != part.meta else part


def _alone(text: str, part: Part, first: int, last: int) -> bool:
    """Whether nothing but an image stands on its line."""
    line = text[first:last].strip()
    return (
        line.startswith(("![", "<", "[!")) or line == text[part.start : part.end].strip() or "\n" in text[part.start : part.end]
    )


def _beside(text: str, part: Part, first: int, last: int) -> Iterator[tuple[int, int, Caption]]:
    """The captions on the next lines with words above and below: above first for a table, below first for an image."""
    above, below = _line(text, first - 1, -1), _line(text, last + 1, 1)
    for start, end in (above, below) if part.kind == "table" else (below, above):
        bare = _BARE.fullmatch(text, start, end) if end - start <= LONGEST else None
        if bare and (caption := read_caption(bare["said"])) and caption.kind == part.kind:
            yield bare.start("said"), bare.end("said"), caption
        elif part.kind == "table" and end - start <= LONGEST and (colon := _COLON.fullmatch(text, start, end)):
            yield colon.start("said"), colon.end("said"), Caption("table", "")


def _line(text: str, place: int, step: int) -> tuple[int, int]:
    """The span of the first line with words from `place` on, downwards or up, behind at most two empty ones."""
    for _ in range(3):
        if not 0 <= place < len(text):
            break
        start = max(text.rfind("\n", max(0, place - LINE), place) + 1, place - LINE, 0) if step < 0 else place
        end = text.find("\n", start, start + LINE)
        end = min(len(text), start + LINE) if end < 0 else end
        if text[start:end].strip():
            return start, end
        place = start - 1 if step < 0 else end + 1
    return 0, 0
