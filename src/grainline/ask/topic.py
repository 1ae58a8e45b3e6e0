"""What a question is about, and a follow-up that leaves it unsaid put into words that stand alone, by rules, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grainline.text import CJK, CJK_ASKING, CJK_RUN, question_terms

#: what ends with a full stop and no sentence with it: initials, and what stands before a name
_SHORT = (
    r"(?:(?:[A-ZÀ-ÖØ-Þ]\.)+|(?:Mrs?|Ms|Mme|Dr|Prof|St|Ste|Mt|Ft|Gen|Col|Maj|Capt|Lt|Sgt|Rev|Gov|Sen|Jr|Sr)\.(?=\s+[A-ZÀ-ÖØ-Þ]))"
)
_WORD = rf"(?:{_SHORT}|[A-ZÀ-ÖØ-Þ0-9][\w'’.&/–-]*(?<!['’]s)(?<!['’.]))"
_JOINED = r"(?:(?:,|['’]s?|:)?\s+|,?\s+(?:(?:of|the|de|la|le|du|von|van|der|&|in|for|a|an|to|at|on)\s+){1,2})"
#: quotes, titles, runs of words with capitals and what joins them, answers that are not known yet; not the word a question begins with
_NAMED = rf"\"[^\"]+\"|“[^”]+”|「[^」]+」|《[^》]+》|#\d|(?<!^)(?<![\w'’]){_WORD}(?:%s(?:{_WORD}|\([^)]*\)))*"
NAMES = re.compile(_NAMED % rf"(?:{_JOINED}|\s+and\s+(?:the\s+)?)")
#: the same, "A and B" being two
SINGLE_NAMES = re.compile(_NAMED % _JOINED)
#: words that ask in Chinese
ASKS_ZH = re.compile(
    rf"{CJK_ASKING.pattern}|谁|何时|何地|何处|几[个年月天次名条种岁家位点]|多[大长高久远]|哪|吗|呢(?=$|[?？])|(?:是|有|能|会|可|要)不(?:是|能|会|可|要)"
)
MARKS = re.compile(r"[\s?？。.!！]+$")

_LEADS = re.compile(
    r"^(?:(?:and|but|so|then|also|ok(?:ay)?|well|please)\b[\s,]*|(?:what|how) about\s+(?=(?:what|who|when|where|why|how|which)\b)"
    r"|(?:那么?|还有|而且|另外|然后|好的|请问|而)[,，\s]*)+",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^(?:what|how) about\s+(?P<en>.+)$|^(?P<zh>.{1,12})呢$", re.IGNORECASE)
_PRONOUN = re.compile(
    r"\b(?:(?P<owner>its|their|his|(?:her|this)(?=\s+[a-z]))|(?:it|they|them|he|him|she|her|(?:this|that)(?:\s+one)?(?=$|\s+(?:is|was|has|does|did|happen))"
    r"|th(?:e|o)se(?=$|\s+(?:are|were|have|do|did))))\b"
    r"|(?P<zh>(?<![其吉])(?:它|他|她)们?|这(?:个|种|些|部|位|座|家)?(?=[是有会能要需的，,]|$)|那(?:个|种|些|部|位|座|家)(?=[是有会能要需的，,]|$)|其(?=[他它余中实]?)(?![他它余中实]))",
    re.IGNORECASE,
)
_ASK = r"(?:what|who|whom|whose|when|where|why|how|which)(?:\s+(?:many|much|long|old|often|far|kind of|type of))?"
_BE = r"(?:is|are|was|were|has|have|had|does|do|did|can|could|should|will|would|must|may)"
_FRAME = re.compile(
    rf"^(?:(?:in|at|on|by|for|from|to)\s+)?(?:{_ASK}(?:\s+[a-z]+){{0,2}}?\s+)?{_BE}\s+(?:(?:i|we|you|one)\s+\w+\s+)?",
    re.IGNORECASE,
)
#: where a noun ends: at what joins or begins another part of the sentence
_BOUND = re.compile(
    r"\s+(?:in|on|at|for|from|with|by|when|where|while|if|because|and|or|that|which|who|to|be|been|being|work\w*|live[sd]?|eat|cover\w*|contain\w*|need\w*|have|has|had|mean\w*"
    r"|happen\w*|cost\w*|take\w*|use[ds]?|made|make\w*|built|born|die[ds]?|come|came|go|went|look|become|became|\w{3,}ed|require\w*|differ\w*|called)\b.*$",
    re.IGNORECASE,
)
#: "which agents", of which something is said
_WHICH = re.compile(
    r"^(?:which|what)\s+(?!(?:is|are|was|were|do|does|did|has|have|can|will|of)\b)(?P<what>\w.*)$", re.IGNORECASE
)
_DETERMINED = re.compile(r"\b(?:the|an?|my|our|your)\s+\w.*$", re.IGNORECASE)
_TAIL_ZH = re.compile(r"(?:是|为|有|在|做|叫|叫做|由|于|被|用|应该|需要|可以|能|会|要|的|达到|分别|主要|[,，])+$")
_HEAD_ZH = re.compile(r"^(?:的是|是|有|叫|能|会|可以|要|做|才|需要)+")


def topic(question: str) -> str:
    """What a question is about, as far as its form tells; "" where it does not.

    >>> topic("How does a circuit breaker work?"), topic("Who designed the Eiffel Tower?"), topic("隔离开关是什么？")
    ('a circuit breaker', 'the Eiffel Tower', '隔离开关')
    """
    plain = _LEADS.sub("", MARKS.sub("", question.strip()))
    if CJK_RUN.search(plain):
        return _topic_zh(plain)
    if match := _WHICH.match(plain):
        return _BOUND.sub("", match["what"])
    framed = _FRAME.sub("", plain, count=1)
    if framed == plain and (name := NAMES.search(plain)):
        return f"the {name.group()}" if plain[: name.start()].endswith("the ") else name.group()
    noun = framed if framed != plain else next(iter(_DETERMINED.findall(plain)), plain)
    name = NAMES.search(f" {noun}")
    bound = _BOUND.sub("", noun)
    if name and name.end() - 1 > len(bound):
        return noun[: name.end() - 1]
    return bound


def _topic_zh(plain: str) -> str:
    asks = ASKS_ZH.search(plain)
    if not asks:
        return plain
    before = _TAIL_ZH.sub("", plain[: asks.start()])
    return before or _HEAD_ZH.sub("", plain[asks.end() :])


def standalone(question: str, history: Sequence[str]) -> str:
    """A follow-up with what the questions before, the last one last, leave to be understood; a question that needs none of it as it is.

    >>> standalone("And when does it need maintenance?", ["What is a disconnector?"])
    'when does a disconnector need maintenance?'
    >>> standalone("那它什么时候需要维护？", ["隔离开关是什么？"])
    '隔离开关什么时候需要维护？'
    >>> standalone("为什么？", ["猫头鹰在晚上捕食吗？"])
    '猫头鹰在晚上捕食，为什么？'
    """
    if not history or not (asked := question.strip()):
        return question
    before = standalone(history[-1], history[:-1])
    return carried(asked, before) if _is_left_open(asked) else question


def carried(question: str, before: str) -> str:
    """The question with the topic of the one before it, in place of what points at it, or else in front or behind; as it is where that has
    none."""
    plain = _LEADS.sub("", MARKS.sub("", question)) or MARKS.sub("", question)
    mark = question[len(MARKS.sub("", question)) :].strip()
    about = _ABOUT.match(plain)
    if about and not _points(plain):
        return f"{_swapped(before, about['en'] or about['zh'])}{mark}"
    subject = _person(plain, before) or topic(before)
    if not subject:
        return question
    if _points(plain):
        return f"{_PRONOUN.sub(lambda found: _in_place(found, subject), plain, count=1)}{mark}"
    chinese = bool(CJK_RUN.search(plain))
    if not _content(plain):
        said = re.sub("吗$|呢$", "", MARKS.sub("", before))
        return f"{said}，{plain}{mark}" if chinese else f"{plain}: {said}{mark}"
    if set(question_terms(subject)) <= set(question_terms(plain)):
        return f"{plain}{mark}"
    return f"{subject}{'' if CJK_RUN.search(subject[-1]) else ' '}{plain}{mark}" if chinese else f"{plain} ({subject}){mark}"


def _in_place(found: re.Match[str], subject: str) -> str:
    if not found["owner"]:
        return subject
    return f"{subject}'" if subject.endswith("s") else f"{subject}'s"


def _person(plain: str, before: str) -> str:
    """Whom a question means that goes on with "he" or "she" after one that asks who did something."""
    did = _WHO_DID.match(MARKS.sub("", before))
    return f"the person who{did.group()[3:]}" if did and _OF_PERSONS.search(plain) else ""


_WHO_DID = re.compile(rf"^who\s+(?!{_BE}\b)[a-z]+\s.+$", re.IGNORECASE)
_OF_PERSONS = re.compile(r"\b(?:he|she|him|her|his|they|them|their)\b", re.IGNORECASE)


def _swapped(before: str, other: str) -> str:
    """The question before, asked of something else: in place of the last thing like it, or else beside it."""
    plain = MARKS.sub("", before)
    if alike := _alike(plain, other):
        return f"{plain[: alike[0]]}{other}{plain[alike[1] :]}"
    subject = topic(before)
    if subject and not re.search("的|\\b(?:of|in)\\b", subject):
        return plain.replace(subject, other, 1)
    return f"{plain}，{other}呢" if CJK_RUN.search(plain) else f"{plain}: {other}"


def _alike(before: str, other: str) -> tuple[int, int] | None:
    """The span of the last year in a question for a year, of the last numbered place for one of its kind, of the last name, with its
    article, for a name."""
    for kind in (_YEAR, *_PLACES):
        if kind.fullmatch(other):
            return next((match.span() for match in reversed(list(kind.finditer(before)))), None)
    if not NAMES.fullmatch(f" {other}", 1):
        return None
    spans = [match.span() for match in NAMES.finditer(before)]
    return (spans[-1][0] - 4 * before[: spans[-1][0]].endswith("the "), spans[-1][1]) if spans else None


_YEAR = re.compile(r"[12]\d{3}年?")
_PLACES = [
    *(
        re.compile(rf"第\s?[〇零○一二三四五六七八九十百千两\d]{{1,9}}\s?{unit}(?:之[一二三四五六七八九十\d]{{1,3}})?")
        for unit in "条章节编"
    ),
    *(
        re.compile(rf"{unit}\s+(?:\d+(?:\.\d+)*|[IVX]+)", re.IGNORECASE)
        for unit in ("article", "section", "chapter", "part", "appendix")
    ),
]


def _is_left_open(question: str) -> bool:
    """Whether a question leaves to be understood what it is about."""
    plain = MARKS.sub("", question)
    bare = _LEADS.sub("", plain)
    if _points(bare) or _ABOUT.match(bare) or not _content(bare):
        return True
    if _BARE_ZH.match(bare):
        return True
    return bare != plain and not NAMES.search(f" {bare}") and len(question_terms(bare)) <= FEW


#: a question in Chinese that begins with what it asks, and says little more
_BARE_ZH = re.compile(rf"^(?:需要|应该|可以|要|能|会|有|在)?(?!什么是|何为|谁是)(?:{ASKS_ZH.pattern}).{{0,5}}$")
#: words that say nothing of what is asked about
_EMPTY = frozenset(("not", "so", "els", "come", "often", "long", "much", "mani"))
#: terms of a question that goes on from another, at most
FEW = 4


def _points(plain: str) -> bool:
    """Whether a word points at something that the question does not name before it."""
    found = _PRONOUN.search(plain)
    if not found:
        return False
    name = NAMES.search(plain)
    return name is None or name.start() > found.start()


def _content(plain: str) -> bool:
    """Whether a question has a word that says what is asked about."""
    left = ASKS_ZH.sub(" ", plain) if CJK_RUN.search(plain) else plain
    return bool(re.search(rf"[{CJK}]{{2}}", left)) if CJK_RUN.search(plain) else bool(set(question_terms(left)) - _EMPTY)
