"""The portions of an English judgment or opinion, told by headings, else by fixed phrases at the beginning of paragraphs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grainline.shapes.marks import Mark, inked, marks, one_of

NAMES = {
    "head": "Parties",
    "proceedings": "Procedural history",
    "charge": "Charge",
    "facts": "Facts",
    "evidence": "Evidence",
    "issues": "Issues",
    "reasoning": "Discussion",
    "judgment": "Judgment",
    "closing": "Closing",
}
#: portions that come before the reasoning, and those of them that a case must have one of
EARLY = frozenset({"facts", "proceedings", "charge", "evidence", "issues"})
TELLING = EARLY - {"evidence", "issues"}
#: characters that hold the caption
CAPTION = 3_000
#: the share of a text that may stand before the first mark
OUTSIDE = 0.6
#: characters from a first "for these reasons" to the last: farther off, the first one only ends an argument
ORDERS = 1_500
#: characters from the judgment's beginning in which it must say what is ordered
OUTCOME = 2_500

_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_HEADINGS = one_of(
    {
        "proceedings": [
            r"(?:factual and )?procedural (?:history|background|posture)",
            r"(?:prior|course of) proceedings",
            r"(?:the )?proceedings(?: below)?",
            r"history of the (?:case|proceedings)",
        ],
        "facts": [
            r"(?:statement of |the |relevant |undisputed |material )*facts(?: and procedural history| of the case)?",
            r"(?:factual )?background",
            r"factual and procedural background",
            r"findings of fact",
        ],
        "charge": [r"(?:the )?(?:charges?|indictment|claims?|allegations)"],
        "evidence": [r"(?:the )?evidence(?: at trial)?"],
        "issues": [r"(?:the )?(?:issues?|questions?)(?: presented| on appeal)?"],
        "reasoning": [
            r"(?:legal )?(?:discussion|analysis|reasoning)",
            r"conclusions of law",
            r"standard of review",
            r"legal standards?",
            r"reasons(?: for (?:judgment|decision))?",
        ],
        "judgment": [r"(?:conclusion|disposition|judgment|order|decision|holding|held|ruling|verdict|sentence)(?: and order)?"],
    },
    before=r"^[ \t]*(?:#{1,6}[ \t]+)?(?:\*\*|__)?(?:(?:[IVX]{1,5}|[A-Z]|\d{1,2})[.)][ \t]+)?",
    after=r"(?=[ \t]*[:.]?(?:\*\*|__)?[:.]?[ \t]*$)",
    flags=re.IGNORECASE,
)
_PHRASES = one_of(
    {
        "proceedings": [
            r"(?:The|This|Defendant|Plaintiff|Appellant|Petitioner|A grand jury|[A-Z][a-z]+)\b[^.\n]{0,160}?\b"
            r"(?:was (?:charged|indicted|arraigned|convicted)|(?:is|stands) charged|indicted|appeals (?:from|his|her|the|against)"
            r"|filed (?:a|an|this) (?:complaint|action|suit|petition|claim)|brought (?:this|an) (?:action|suit|claim))"
        ],
        "facts": [
            r"The (?:undisputed |relevant |material |following )?facts\b",
            r"(?:At trial, )?[Tt]he evidence (?:at trial )?(?:showed|established)",
            rf"(?:On|In) (?:or about )?(?:the (?:evening|night|morning) of )?(?:{_MONTH} \d|\d{{1,2}} {_MONTH})",
        ],
        "reasoning": [
            r"We (?:review|begin|turn|consider|conclude|hold|agree|address)",
            r"The (?:sole |first |only |central )?(?:question|issue)s? ",
            r"It is well (?:settled|established)",
            r"(?:The|This) [Cc]ourt (?:finds|concludes|considers|is satisfied|holds)",
            r"I (?:find|am satisfied|conclude)\b",
        ],
        "judgment": [
            r"For (?:the|these|all)[^.\n]{0,24}reasons",
            r"Accordingly,",
            r"IT IS\b",
            r"It is (?:hereby |so |therefore )*ordered",
            r"(?:THEREFORE|WHEREFORE|SO ORDERED|AFFIRMED|REVERSED|VACATED)\b",
            r"The appeal is ",
        ],
        "closing": [
            r"(?:Dated|DATED|DONE AND|BY THE COURT)\b",
            r"/s/|_{5,}",
            r"[A-Z][\w.' ]{2,40}, (?:C\.? ?)?J\.?[ \t]*$",
            r"[A-Z][\w.' ]{2,40}, (?:United States )?(?:Circuit|District|Chief|Presiding) Ju\w+[ \t]*$",
        ],
    },
    before=r"^[ \t]*(?:\d{1,3}\.[ \t]+|¶[ \t]*\d+[ \t]+)?",
)
#: what the head of a case has: its parties, its court, its docket or judge
_PARTIES = re.compile(r"\b(?:v|vs)\.?\s+[A-Z“]|\b(?:Plaintiff|Appellant|Petitioner|Claimant|PLAINTIFF|APPELLANT|PETITIONER)\b")
_HEAD = (
    _PARTIES,
    re.compile(r"\b(?:COURT|Court|TRIBUNAL|Tribunal)\b"),
    re.compile(r"\bNos?\.\s*\S*\d|\bCase\s+(?:No|Number)|\[(?:19|20)\d\d\]\s+[A-Z]|\b(?:Judge|JUDGE|Justice)|\bBefore:|, J\."),
)
_OUTCOME = re.compile(
    r"\bordered\b|\b(?:affirm|revers|vacat|remand|dismiss)(?:ed|e|es|s)?\b|\bis sentenced\b|\bsentenced? .{0,40}\bto\b"
    r"|\bjudgment (?:is|shall be|for)\b|\b(?:granted|denied)\b|\bguilty\b|\bappeal (?:is )?allowed\b",
    re.IGNORECASE,
)


def has_caption(text: str) -> bool:
    """Whether parties, a court, and a docket or judge are named at the beginning; cheap."""
    head = text[:CAPTION]
    return "ourt" in head.lower() and all(sign.search(head) for sign in _HEAD)


def portions(text: str) -> list[Mark]:
    """The marks of the portions in order; none if the text is no case: a caption, facts or proceedings, the reasoning, and a judgment
    that orders something, in this order."""
    if not has_caption(text):
        return []
    found = {mark.start: mark for mark in marks(_PHRASES, text, NAMES)}
    for match in _HEADINGS.finditer(text):
        role = match.lastgroup or ""
        start = inked(text, match.start())
        found[start] = Mark(start, role, match[role], match.end())
    ordered = _ordered([found[start] for start in sorted(found)])
    judgment = next((mark.start for mark in ordered if mark.role == "judgment"), 0)
    told = ordered and ordered[0].start <= OUTSIDE * len(text) and _OUTCOME.search(text, judgment, judgment + OUTCOME)
    return ordered if told else []


def _ordered(found: Sequence[Mark]) -> list[Mark]:
    """Facts or proceedings, then the reasoning, then the judgment, then what closes it; none if one of these is missing.

    Headings tell more than phrases, so a phrase counts only for a role that no heading has.
    """
    headed = {mark.role for mark in found if mark.head}
    found = [mark for mark in found if mark.head or mark.role not in headed]
    early = [mark.start for mark in found if mark.role in TELLING]
    reasons = [mark for mark in found if mark.role == "reasoning" and early and mark.start > early[0]]
    orders = [mark for mark in found if mark.role == "judgment" and reasons and mark.start > reasons[0].start]
    if not orders:
        return []
    order = orders[-1] if orders[-1].head else next(mark for mark in orders if orders[-1].start - mark.start < ORDERS)
    before: list[Mark] = []
    for mark in found:
        if mark.role in EARLY and mark.start < reasons[0].start and all(mark.role != other.role for other in before):
            before.append(mark)
    further = [mark for mark in reasons[1:] if mark.head and mark.start < order.start]
    closing = [mark for mark in found if mark.role == "closing" and mark.start > order.start][:1]
    return [*before, reasons[0], *further, order, *closing]
