"""The portions of a Chinese judgment or ruling, told by fixed phrases at the beginning of sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grainline.shapes.marks import Mark, inked, marks, one_of

NAMES = {
    "head": "首部",
    "proceedings": "诉讼经过",
    "charge": "公诉机关指控",
    "claim": "原告诉称",
    "defence": "被告辩称",
    "facts": "经审理查明",
    "evidence": "证据",
    "reasoning": "本院认为",
    "judgment": "判决如下",
    "closing": "尾部",
}
#: no portion comes behind one that stands later here; evidence may follow on any
ORDER = {"proceedings": 0, "charge": 1, "claim": 1, "defence": 2, "facts": 3}
#: the share of a text that may stand before the first mark, and behind 判决如下: a text that only quotes a case has more
OUTSIDE = 0.6

_BEGIN = (
    r"(?:(?<=[。；！？\n])|\A)[ \t\u3000]*(?:#{1,6}[ \t]*|\*\*)?(?:[一二三四五六七八九十]、|[（(][一二三四五六七八九十][)）])?"
)
_CLAIMANT = r"(?:原告|上诉人|申请(?:执行)?人|再审申请人)"
_DEFENDANT = r"(?:被告|被上诉人|被申请人|辩护人)"
_MARKS = one_of(
    {
        "proceedings": [r"[^。；\n]{0,90}?(?:提起公诉|提起诉讼|一案，本院|一案[^。\n]{0,30}(?:受理|立案))"],
        "charge": [r"(?:公诉机关|[^。，；\n]{0,20}检察院)[^。，；\n]{0,12}指控"],
        "claim": [
            _CLAIMANT + r"[^。；\n]{0,40}?(?:诉称|起诉称|提出诉讼请求|申请再审称)",
            _CLAIMANT + r"[^。；\n]{0,40}?(?:上诉请求|诉讼请求[:：])",
        ],
        "defence": [_DEFENDANT + r"[^。；\n]{0,60}?(?:辩称|辩护称|答辩称|辩解称|辩护意见|无异议)"],
        "facts": [
            r"经(?:本院|依法|公开|开庭|法庭|二审|再审)*(?:审理|审查)?查明",
            r"(?:本院)?经(?:开庭|公开|依法)*审理后?(?:查明|认定)",
            r"[另又再]?查明[，：,:]",
            r"本院(?:审理|经审理|审查|二审)?查明",
            r"本院(?:经审理)?认定(?:如下)?(?:案件)?事实",
        ],
        "evidence": [r"(?:认定)?(?:上述|以上|前述)[^。；\n]{0,12}事实[^。；\n]{0,80}?(?:证据|证实|证明|佐证|为证)"],
        "reasoning": [r"(?:综上[^。\n]{0,12}，)?本院(?:经审查|经审理|审查|综合)?后?认为(?=[，：,:])"],
    },
    before=_BEGIN,
)
_ORDER = re.compile(r"(?P<kind>判决|裁定|决定)如下(?=\s*[：:])")
_CLOSING = one_of(
    {
        "closing": [
            r"如不服本",
            r"如对本(?:判决|裁定)",
            r"本(?:判决|裁定)(?:为终审|自|送达)",
            r"(?:代理)?审\s*判\s*[长员]",
            r"人\s*民\s*陪\s*审\s*员",
            r"书\s*记\s*员",
        ]
    },
    before=_BEGIN,
)
_BASIS = re.compile(r"(?:\A|(?<=[，：；、。\s故此]))(?:依照|依据|根据|按照)")
#: characters before the first 依照 of a sentence that are no reasons yet: 综上所述，据此，
SHORT = 12
#: what the head of a case has: what the paper is, its number, its parties
_HEAD = (
    re.compile(r"(?:判\s*决|裁\s*定|决\s*定)\s*书"),
    re.compile(r"[（(〔\[]\s*(?:19|20)\d\d\s*[)）〕\]][^\s，。；]{1,20}号"),
    re.compile(
        r"(?:^|(?<=[。\n]))[ \t\u3000]*(?:公诉机关|(?:原审)?被告人?|罪犯|原告|被?上诉人|(?:再审)?申请人|申请执行人)[^，。\n]"
    ),
)


def portions(text: str) -> list[Mark]:
    """The marks of the portions in order; none if the text is no single case: a head or closing, what was charged, claimed or found,
    the reasoning and the judgment, in this order."""
    orders = list(_ORDER.finditer(text))
    if not orders:
        return []
    order = orders[-1]
    found = list(marks(_MARKS, text, NAMES))
    told = [mark.start for mark in found if mark.role in ("charge", "claim", "facts")]
    reasons = [mark for mark in found if mark.role == "reasoning" and told and told[0] < mark.start < order.start()]
    # a text that tells facts behind a judgment is a collection of cases
    if not reasons or told[-1] > order.end():
        return []
    reason = reasons[0]
    closing = list(marks(_CLOSING, text, NAMES, order.end()))[:1]
    signs = sum(bool(sign.search(text, 0, told[0])) for sign in _HEAD) + len(closing)
    before = _in_order([mark for mark in found if mark.start < reason.start and mark.role != "reasoning"])
    outside = max(before[0].start, len(text) - order.end())
    if not signs or outside > OUTSIDE * len(text):
        return []
    judgment = Mark(_beginning(text, reason.start, order), "judgment", f"{order['kind']}如下")
    return [*before, reason, judgment, *closing]


def _in_order(found: Sequence[Mark]) -> list[Mark]:
    """The marks but those that go back to an earlier portion, or on with the same."""
    kept: list[Mark] = []
    reached = 0
    for mark in found:
        rank = ORDER.get(mark.role, reached)
        if rank >= reached and (not kept or kept[-1].role != mark.role):
            kept.append(mark)
            reached = rank
    return kept


def _beginning(text: str, reason: int, order: re.Match[str]) -> int:
    """Where the judgment begins: with the sentence that says 判决如下, or with its last 依照 where the sentence begins with reasons."""
    start = inked(text, max(text.rfind(stop, 0, order.start()) for stop in "。；\n") + 1)
    bases = [match.end() for match in _BASIS.finditer(text, max(start, reason), order.start())]
    if bases and bases[0] - start > SHORT:
        return bases[-1] - len("依照")
    return order.start() if start <= reason else start
