"""Rules that take a question apart, in English and Chinese, without a model.

Two questions in one are asked each ("What is X and when was it built?"), two things compared are asked for each ("Which is older, A or
B?"), and what is only described is asked for first ("the director of the film that ..."): its answer stands as "#1" in what follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grainline.ask.topic import ASKS_ZH, MARKS, NAMES, SINGLE_NAMES, carried
from grainline.text import CJK, CJK_RUN, terms

#: sub-questions of one question, at most
MOST = 4
#: the answer to a sub-question, by its number
ANSWER = re.compile(r"#(\d)")

#: names, quotes and answers stand as one character each while a question is read
_HELD, _FIRST = "[\ue000-\uf8ff]", 0xE000

_ASKS = r"(?:what|who|whom|whose|when|where|why|how|which)"
_ASKING = re.compile(rf"\b{_ASKS}\b|^\W*(?:is|are|was|were|do|does|did|has|have|can|could|should|will)\b", re.IGNORECASE)
_AND = re.compile(rf",?\s+(?:and|but)\s+(?=(?:(?:in|at|on|by|for|from|to|with)\s+)?{_ASKS}\b)", re.IGNORECASE)
_SENTENCES = re.compile(r"[?？;；]+\s*")
#: what only says when or under what an event is asked for
_WHEN_ZH = re.compile(r"(?:下|时|后|前|中|里|来|间)$")
_CLAUSES = re.compile(r"[,，]\s*(?:而且|并且|以及|同时|那么?|又|并)?")
_EACH = re.compile(
    r"(?P<before>(?:.*[,，])?)(?P<a>[^,，和与及、]{1,20})(?:和|与|以及|及|、)(?P<b>[^,，和与及、]{1,20})(?P<behind>(?:[,，][^,，]{1,30})?)分别(?P<rest>.+)"
)

_OR = re.compile(r"^(?P<ask>.+?)\s*[,:]\s*(?:the\s+)?(?P<a>[^,]+?),?\s+or\s+(?P<b>[^,]+)$", re.IGNORECASE)
_BOTH = re.compile(rf"(?P<a>{_HELD}),?\s+(?:and|or|versus|vs\.?)\s+(?:the\s+)?(?P<b>{_HELD})")
_COMPARES = re.compile(
    r"\b(?:both|same|first|earlier|later|older|younger|longer|shorter|taller|larger|bigger|smaller|higher|lower|faster|better|more|less|common"
    r"|compared?|differ\w*|or|versus|vs)\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"\b(?:differences?|similarit(?:y|ies)|comparison|distinction)\s+(?:\w+\s+)?between\s+(?P<a>.+?)\s+and\s+(?P<b>.+)"
    r"|\bcompare\s+(?P<a2>.+?)\s+(?:and|with|to)\s+(?P<b2>.+)"
    r"|\bhow\s+(?:does|do|is|are)\s+(?P<a3>.+?)\s+(?:compared?\s+(?:to|with)|different from|differ from)\s+(?P<b3>.+)",
    re.IGNORECASE,
)
_AND_ZH = r"\s?(?:和|与|跟|以及|及|[,，]?还是|或者?|、)\s?"
_THING = r"[^,，和与跟及、]{1,24}?"
_COMPARED_ZH = (
    re.compile(rf"^(?:请?(?:比较|对比))(?:一下)?(?P<a>{_THING}){_AND_ZH}(?P<b>{_THING})(?:的(?P<rest>.+))?$"),
    re.compile(
        rf"^(?P<a>{_THING}){_AND_ZH}(?P<b>{_THING})(?:之间)?(?:的|有(?:什么|哪些|何)?)(?:主要)?(?:区别|不同|差异|差别|异同|相同点|联系)"
    ),
    re.compile(
        rf"^(?P<a>{_THING}){_AND_ZH}(?P<b>{_THING})[,，]?\s?(?P<rest>(?:相比|比起来|之间|两者)?[,，]?(?:哪|谁)[^,，]{{0,6}}(?:更|较|先|早|晚).*)"
    ),
    re.compile(rf"^(?P<ask>(?:哪|谁).{{0,16}}?(?:更|较|先|早|晚).{{0,8}}?)[,，:：]\s*(?P<a>{_THING}){_AND_ZH}(?P<b>{_THING})$"),
)

_LINK = r"(?:of|by|for|from|into|in|on|at|to|with|and|near)"
_WHO = r"(?:who|whom|that|which|where|whose|when)"
_BE = r"(?:is|was|are|were|be|been|has|had|have|did|does|do|can|could|may|will|would)"
#: a word of small letters that begins no clause
_WORD = rf"(?!{_WHO}\b|{_BE}\b)[a-z][\w-]*\s+"
_NAMED = rf"(?:the\s+)?(?:{_WORD}){{0,3}}?{_HELD}(?:\s+{_LINK}\s+(?:the\s+)?(?:[a-z]+\s+){{0,2}}?{_HELD})*"
#: what is said of somebody, with what it leaves hanging: "is licensed to", "can be found"
_VERB = (
    rf"(?:(?:\s+(?:(?:can|could|may|will|would|has|had|have)\s+be(?:en)?|{_BE}|plays?)(?:\s+(?:an?|the|[a-z]+ed to be))?)?"
    rf"\s+(?:t(?:ook|akes) place|(?!{_BE}\b|{_LINK}\b)[a-z]+)"
    rf"(?:\s+(?:{_LINK}|after|about|under|over|against|as)\b(?!\s+(?:the\s+)?{_HELD}))?"
    rf"|\s+(?:is|was|are|were)(?:\s*$|\s+{_LINK}\b(?!\s+(?:the\s+)?{_HELD})))"
)
_RELATIVE = rf"(?:(?:in|to|of|from|at|on|with|for|by)\s+)?{_WHO}"
#: heads that stand for no thing of their own: "the end of", "the role of"
_PLACELESS = r"(?:end|beginning|start|time|name|names|role|number|rest|top|middle|cause|reason|date|day|work|works|word)\b"
_DESCRIBED = re.compile(
    rf"\b(?:the|The)\s+(?:(?!of\b|most\b|\w+est\b|{_PLACELESS})(?!{_WHO}\b|{_BE}\b)[a-z][\w-]*\s+){{1,4}}?(?:"
    rf"(?:of|for|by|behind|in|from)\s+{_NAMED}"
    rf"|{_RELATIVE}\s+(?:the\s+)?{_HELD}(?:\s+[a-z]+)?\s+[a-z]+ed\s+(?:the\s+)?{_HELD}"
    rf"|{_RELATIVE}\s+the\s+(?:{_WORD}){{1,2}}{_HELD}(?:\s+[a-z]+)?\s+[a-z]+s\b"
    rf"|{_RELATIVE}\s+(?:the\s+(?:(?:{_WORD}){{1,4}}?{_LINK}\s+|(?:{_WORD}){{1,3}})?)?{_HELD}(?:\s+(?![a-z]+(?:ed|s)\b)[a-z]+(?=\s+(?:is|was|are|were)\b))?{_VERB}"
    rf"|{_RELATIVE}\s+(?:[a-z][\w-]*\s+){{1,6}}?{_NAMED}"
    rf"|(?:the\s+)?{_HELD}{_VERB}(?=\s*$)"
    rf"|[a-z]+(?:ing|ed)\s+(?:[a-z]+\s+){{0,3}}?{_NAMED}"
    rf")"
)
_NAME_OF = re.compile(r"\bthe names? of\b", re.IGNORECASE)
#: before what only says when something was
_THEN = re.compile(r"\b(?:after|before|during|since|until)\s+$", re.IGNORECASE)
#: what stands before a description with which a question ends: nothing behind it is waited for
_WAITS = re.compile(
    r"\b(?:did|does|do)\b|^(?:when|where|how|why)\b|^(?:what|which)\s+(?:[a-z]+\s+)+(?:is|are)\b"
    rf"|^(?:in\s+)?(?:what|which)\s+(?:[a-z]+\s+)+(?:was|were)\b|\b{_WHO}\s+$|^\s*$",
    re.IGNORECASE,
)
#: before what is asked for itself, unless something hangs at the end: "What is the county where A lies named after"
_IS = re.compile(r"^(?:who|what)\s+(?:is|was|are|were)\s+$", re.IGNORECASE)
_HANGS = re.compile(rf"\b(?:{_LINK}|after|about|as)$")
_TAIL = re.compile(rf"\s+(?!{_LINK}\b|{_WHO}\b|{_BE}\b|or\b|but\b|than\b)[a-z](?:(?!{_HELD}).)*$")
_OWNED = re.compile(
    rf"(?:the\s+)?{_HELD}(?:['’]s|['’])\s+(?:(?:first|second|third|last|main|only|former|current|original|[a-z]+(?:est|-[a-z]+))\s+)?(?!is\b|was\b)[a-z][\w-]*"
    rf"(?:\s+of\s+[a-z]+\b(?!\s+{_HELD}))?"
)
_ROLE = (
    r"(?:作者|原著者|导演|编剧|主演|主角|演员|扮演者|主唱|歌手|演唱者|作曲家?|作词|设计师|设计者|发明者|发明人|创始人|创办人|创立者|建造者|父亲|母亲|妻子|丈夫|儿子|女儿"
    r"|哥哥|弟弟|姐姐|妹妹|兄长|祖父|祖母|爷爷|奶奶|外公|外婆|叔叔|舅舅|岳父|孙子|孙女|老板|母校"
    r"|老师|学生|队长|教练|首都|省会|首府|总部|母公司|总裁|董事长|校长|市长|总统|主席|所在地|出生地|家乡|故乡|前身|出版社|制作人|制作公司)"
)
_OWNED_ZH = re.compile(
    rf"^(?:{_HELD}(?=[的{CJK}])|[^,，]{{2,24}}?(?=的))的?(?:第[一二三四五六七八九十\d]+[任位代个])?{_ROLE}(?![员官和与、及兼等大])(?=[{CJK}])"
)
_MADE_ZH = re.compile(
    r"(?:执导|导演|拍摄|创作|主演|出演|饰演|演唱|撰写|写|发明|发现|建造|设计|创办|创立|创建|成立|收购|获得)了?(?![者师人家])(?:[\ue000-\uf8ff]|[^的,，]{2,24})的"
    rf"(?:那?[个位家]|{_ROLE}|[{CJK}]{{0,4}}(?:人|公司|国家|城市|大学|学校|机构|组织|作家|画家|音乐家|科学家))"
)
_PLACED_ZH = re.compile(
    rf"^(?:{_HELD}|[^,，]{{2,24}}?)(?:所在|位于|所属|隶属|出生|毕业|就读|去世|逝世|任职|任教|供职|效力|居住|定居|创办|创立|流经)的?(?:那?[个座家所条])?"
    r"(?:国家|省份|省|州|郡|县|市|区|城市|地区|村|镇|大学|学院|学校|公司|集团|机构|医院|球队|俱乐部|乐队|组织|政党|河流|湖泊|朝代)"
    rf"(?![长和与、及民])(?=[{CJK}])"
)
#: what only asks who, what or where something is
_SETTLED_ZH = re.compile(r"^第.{1,2}[位个]|可能|是|谁|叫|名字|什么|地方|地区|哪[个位里些]?|设[在立于]|位于|在|的|呀|呢")


#: what is left of a question whose verb, or the noun that it asks for, was taken for a part of the description: "What trade did #1",
#: "What is #1 title"
_UNASKED = re.compile(
    r"\b(?:do|does|did)\s+\ue000\W*$"
    r"|^(?:what|who)\s+(?:is|are|was|were)\s+\ue000\s+(?!\w+(?:ed|en|wn|rn|lt|de|ght)\b)[a-z]+\W*$"
    rf"|^how\s+(?:much|many)\s+(?:is|are|was|were)\s+\ue000\s+(?!{_LINK}\b|(?:as|during|after|before|worth|\w+ed|sold|paid)\b)[a-z]",
    re.IGNORECASE,
)


def decomposed(question: str) -> tuple[str, ...]:
    """What to ask instead of a question, in order; "#1" stands for the answer to the first. () where no rule takes it apart.

    >>> decomposed("Who is the father of the director of The Circus Cyclone?")
    ('the director of The Circus Cyclone', 'Who is the father of #1?')
    >>> decomposed("Which is older, Oxford or Bologna?")
    ('Which is older: Oxford?', 'Which is older: Bologna?')
    >>> decomposed("断路器和隔离开关的区别是什么？")
    ('断路器', '隔离开关')
    >>> decomposed("How do owls hunt?"), decomposed("What is Ada Moren's job title?"), decomposed("What trade did the actor Moren follow?")
    ((), (), ())
    """
    plain = MARKS.sub("", re.sub(_HELD, " ", question).strip())
    for rule in (_joined, _compared, _nested):
        parts = tuple(dict.fromkeys(part for part in rule(plain) if terms(part)))
        if len(parts) > 1:
            return parts[:MOST]
    return ()


def is_twofold(question: str) -> bool:
    """Whether a question asks several things, none of which needs the answer to another.

    >>> is_twofold("What is a disconnector and when was it built?"), is_twofold("Who is the father of the director of The Circus Cyclone?")
    (True, False)
    """
    parts = decomposed(question)
    return bool(parts) and not any(ANSWER.search(part) for part in parts)


def _joined(question: str) -> Iterator[str]:
    """Two questions or more in one; what only the first names is named in the others, too."""
    pieces = [piece for piece in _SENTENCES.split(question) if piece]
    chinese = bool(CJK_RUN.search(question))
    if chinese:
        pieces = _asking([clause for piece in pieces for clause in (_CLAUSES.split(piece) if len(pieces) == 1 else [piece])])
        if len(pieces) == 1 and (each := _EACH.fullmatch(question)) and not ASKS_ZH.search(f"{each['a']}{each['b']}"):
            yield from _each(each)
            return
    else:
        pieces = [one for piece in pieces for one in _AND.split(piece) if one]
        pieces = pieces if all(map(_ASKING.search, pieces)) else []
    if len(pieces) > 1:
        mark = "？" if chinese else "?"
        yield f"{pieces[0]}{mark}"
        yield from (carried(f"{piece}{mark}", pieces[0]) for piece in pieces[1:])


def _each(found: re.Match[str]) -> Iterator[str]:
    """What is asked of two things each ("A和B分别是多少"), asked of one at a time; "2019年和2020年收入" are incomes of two years."""
    first, second, behind = found["a"], found["b"], found["behind"]
    split = second.find(first[-1]) + 1
    if not behind and 0 < split < len(second):
        second, behind = second[:split], second[split:]
    yield from (f"{found['before']}{one}{behind}{found['rest']}？" for one in (first, second))


def _asking(clauses: list[str]) -> list[str]:
    """Clauses of which each asks; what only leads in stays with what follows."""
    made: list[str] = []
    lead = ""
    for clause in clauses:
        if ASKS_ZH.search(clause) and not _WHEN_ZH.search(clause):
            made.append(lead + clause)
            lead = ""
        else:
            lead += f"{clause}，"
    if lead and made:
        made[-1] += f"，{lead.rstrip('，')}"
    return made


def _compared(question: str) -> Iterator[str]:
    """The things that are compared, each with what is asked of both."""
    if found := _DIFFERENCE.search(question):
        yield from (side for side in found.groups() if side)
        return
    if CJK_RUN.search(question):
        yield from _compared_zh(question)
        return
    held, names = _hold(question, SINGLE_NAMES)
    if not _COMPARES.search(question):
        return
    if match := _OR.match(held):
        yield from (_give(f"{match['ask']}: {match[side]}?", names) for side in "ab")
    elif match := _BOTH.search(held):
        asked = re.sub(r"\bboth\s+", "", held[: match.start()]), re.sub(r"\bboth\s+", "", held[match.end() :])
        yield from (_give(f"{match[side].join(asked)}?", names) for side in "ab")


def _compared_zh(question: str) -> Iterator[str]:
    for pattern in _COMPARED_ZH:
        if match := pattern.search(question):
            groups = match.groupdict()
            asked = groups.get("rest") or groups.get("ask") or ""
            yield from (f"{groups[side].strip()}{asked}" for side in "ab")
            return


def _nested(question: str) -> Iterator[str]:
    """What is only described, the innermost first, and then what is asked of it."""
    held, names = _hold(question)
    chinese = bool(CJK_RUN.search(question))
    for number in range(1, MOST):
        match = _described_zh(held) if chinese else _described(held)
        if match is None:
            break
        start, end = match
        rest = f"{held[:start]}\ue000{held[end:]}"
        if not _asks_more(rest) or _UNASKED.search(rest):
            break
        yield _give(held[start:end], names)
        names = [f"#{number}", *names]
        held = "".join("\ue000" if place == start else _next(char) for place, char in _placed(held, start, end))
    if len(names) and names[0].startswith("#"):
        yield _give(held, names) + ("？" if chinese else "?")


def _placed(held: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    yield from ((place, held[place]) for place in range(len(held)) if not start < place < end)


def _next(char: str) -> str:
    """A held name's character, once a name more stands before all others."""
    return chr(ord(char) + 1) if re.match(_HELD, char) else char


def _described(held: str) -> tuple[int, int] | None:
    """The span of the innermost description in an English question."""
    if owned := _OWNED.search(held):
        return owned.span()
    spans = (_described_from(held, match.start()) for match in re.finditer(r"\bthe\s", held, re.IGNORECASE))
    return next(reversed([span for span in spans if span]), None)


def _described_from(held: str, start: int) -> tuple[int, int] | None:
    """The span of the description that begins at a place. Words behind it are part of it where the question does not wait for them: "Who
    issued the Tamworth manifesto", but "When did the Tamworth factory close"."""
    found = _DESCRIBED.match(held, start)
    if found is None or (_THEN.search(held[:start]) and not re.search(rf"\b{_WHO}\b", found.group())):
        return None
    if _IS.search(held[:start]) and not _HANGS.search(held):
        return None  # what is asked for itself
    ends = _asks_more(held[:start]) and not _WAITS.search(held[:start])
    tail = _TAIL.match(held, found.end()) if ends else None
    return start, (tail or found).end()


def _described_zh(held: str) -> tuple[int, int] | None:
    """The span of the innermost description in a Chinese question: the one that ends first."""
    found = (_MADE_ZH.search(held), _OWNED_ZH.match(held), _PLACED_ZH.match(held))
    return min((one.span() for one in found if one and not ASKS_ZH.search(one.group())), key=lambda span: span[1], default=None)


def _asks_more(rest: str) -> bool:
    """Whether anything is asked beyond who or what is described."""
    if CJK_RUN.search(rest):
        return bool(CJK_RUN.search(_SETTLED_ZH.sub("", re.sub(_HELD, "", rest))))
    return bool(terms(_NAME_OF.sub(" ", re.sub(_HELD, " ", rest))))


def _hold(question: str, pattern: re.Pattern[str] = NAMES) -> tuple[str, list[str]]:
    """The question with a character for each name in it, and the names."""
    names: list[str] = []

    def hold(match: re.Match[str]) -> str:
        """A letter in place of a name, which is kept."""
        names.append(match.group())
        return chr(_FIRST + len(names) - 1)

    return pattern.sub(hold, question), names


def _give(held: str, names: list[str]) -> str:
    """What was held, with its names again."""
    return re.sub(_HELD, lambda match: names[ord(match.group()) - _FIRST], held)
