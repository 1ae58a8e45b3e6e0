"""Other words for a question, by rules, in English and Chinese: without what is only polite, and as the sentence that would answer it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grainline.ask.topic import ASKS_ZH, MARKS
from grainline.text import CJK_RUN, terms

_POLITE = re.compile(
    r"^(?:(?:hi|hello|please)[\s,!]*|(?:can|could|would|will) you (?:please )?(?:tell|show|explain to|find)(?: me)?\s+"
    r"|(?:please )?(?:tell|show|let) me (?:know )?(?:about )?|i (?:want|would like|need|'d like|wish) to know\s+|i'd like to know\s+"
    r"|do you know\s+|i am wondering\s+|i wonder\s+"
    r"|(?:请问|你好|您好|请|麻烦你?)[,，\s]*|(?:我|我们)?(?:想知道|想了解|想问|要查)(?:一下)?[,，]?|(?:帮我|给我|请你)(?:查询?|查找|找|介绍|看|解释)(?:一下)?"
    r"|告诉我|能否告诉我|能不能告诉我|你知道|查询(?:一下)?|介绍(?:一下)?)+",
    re.IGNORECASE,
)
_WHO_DID = re.compile(r"^who\s+(?P<verb>[a-z]+(?:ed|ote|ade|ang|ung|ew|ilt|ought|ound))\s+(?P<what>.+)$", re.IGNORECASE)
_PAST = {
    "wrote": "written",
    "made": "made",
    "sang": "sung",
    "built": "built",
    "drew": "drawn",
    "found": "found",
    "bought": "bought",
}
_WHEN = re.compile(r"^(?P<ask>when|where)\s+(?P<be>is|are|was|were)\s+(?P<what>.+)\s+(?P<done>[a-z]+)$", re.IGNORECASE)
_WHAT = re.compile(r"^(?:what|who)\s+(?P<be>is|are|was|were)\s+(?P<what>.+)$", re.IGNORECASE)
_BEFORE_ASK = re.compile(r"(?:是|在|于|为|由|有|被)$")


def plain(question: str) -> str:
    """The question without what is only polite; as it is where nothing else is left.

    >>> plain("Could you please tell me when the tower was built?"), plain("请问断路器是什么？")
    ('when the tower was built?', '断路器是什么？')
    """
    left = _POLITE.sub("", question.strip())
    return left if terms(left) else question


def phrased(question: str) -> tuple[str, ...]:
    """Other ways to say a question, as far as rules go; () where they do not.

    >>> phrased("Who wrote Dracula?"), phrased("When was the tower built?"), phrased("安贞门站是什么时候投入运营的？")
    (('Dracula was written by',), ('the tower was built in',), ('安贞门站投入运营的时间',))
    """
    bare = plain(question)
    said = MARKS.sub("", bare)
    found = _chinese(said) if CJK_RUN.search(said) else _english(said)
    return tuple(dict.fromkeys(one for one in (*([bare] if bare != question.strip() else []), *found) if terms(one)))


def _english(said: str) -> Iterator[str]:
    if match := _WHO_DID.match(said):
        verb = match["verb"].lower()
        yield f"{match['what']} was {_PAST.get(verb, verb)} by"
    elif match := _WHEN.match(said):
        yield f"{match['what']} {match['be']} {match['done']} {'in' if match['ask'].lower() == 'when' else 'at'}"
    elif match := _WHAT.match(said):
        yield f"{match['what']} {match['be']}"


#: what is asked for, by the words that ask
_ASKED_ZH = (
    (re.compile("什么时候|何时|哪一?年|几[年月]"), "时间"),
    (re.compile("什么地方|哪里|哪儿|何地|何处"), "地点"),
    (re.compile("为什么|为何"), "原因"),
    (re.compile("怎么样|怎么|怎样|如何"), "方法"),
)


def _chinese(said: str) -> Iterator[str]:
    asks = ASKS_ZH.search(said)
    if not asks:
        return
    before, behind = _BEFORE_ASK.sub("", said[: asks.start()]), said[asks.end() :]
    what = next((name for pattern, name in _ASKED_ZH if pattern.match(asks.group())), "")
    rest = re.sub("的$", "", behind)
    yield f"{before}{rest}{'的' if what and rest else ''}{what}"
