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
_NAMED = rf"(?:the\s+)?(?:[a-z][\w-]*\s+){{0,3}}?{_HELD}(?:\s+{_LINK}\s+(?:the\s+)?(?:[a-z]+\s+){{0,2}}?{_HELD})*"
_VERB = (
    r"(?:\s+(?:is|was|are|were|has|had|did|does|plays?)(?:\s+(?:an?|the))?)?\s+(?:t(?:ook|akes) place|[a-z]+)"
    rf"(?:\s+{_LINK}\b(?!\s+{_HELD}))?"
)
_RELATIVE = r"(?:(?:in|to|of|from|at|on|with|for|by)\s+)?(?:who|whom|that|which|where|whose|when)"
_DESCRIBED = re.compile(
    rf"\b(?:the|The|an?)\s+(?:(?!of\b|most\b|\w+est\b)[a-z][\w-]*\s+){{1,4}}?(?:"
    rf"(?:of|for|by|behind|in|from)\s+{_NAMED}"
    rf"|{_RELATIVE}\s+(?:the\s+)?{_HELD}{_VERB}"
    rf"|{_RELATIVE}\s+(?:[a-z][\w-]*\s+){{1,6}}?{_NAMED}"
    rf"|(?:the\s+)?{_HELD}\s+(?:is|was|were)\s+[a-z]+$"
    rf"|[a-z]+(?:ing|ed)\s+(?:[a-z]+\s+){{0,3}}?{_NAMED}"
    rf")"
)
_OWNED = re.compile(
    rf"(?:the\s+)?{_HELD}(?:['’]s|['’])\s+(?:(?:first|second|third|last|[a-z]+(?:est|-[a-z]+))\s+)?(?!is\b|was\b)[a-z][\w-]*"
)
_ROLE = (
    r"(?:作者|导演|编剧|主演|主角|演员|扮演者|主唱|歌手|演唱者|作曲家?|作词|设计师|设计者|发明者|发明人|创始人|创办人|创立者|建造者|父亲|母亲|妻子|丈夫|儿子|女儿"
    r"|老师|学生|队长|教练|首都|省会|首府|总部|母公司|总裁|董事长|校长|市长|总统|主席|所在地|出生地|家乡|故乡|前身|出版社|制作人|制作公司)"
)
_OWNED_ZH = re.compile(
    rf"^(?:{_HELD}|[^,，]{{2,24}}?)的(?:第[一二三四五六七八九十\d]+[任位代个])?{_ROLE}(?![员官和与、及兼等大])(?=[{CJK}])"
)
_MADE_ZH = re.compile(
    r"(?:执导|导演|拍摄|创作|主演|出演|饰演|演唱|撰写|写|发明|发现|建造|设计|创办|创立|创建|成立|收购|获得)了?(?![者师人家])(?:[\ue000-\uf8ff]|[^的,，]{2,24})的"
    rf"(?:那?[个位家]|{_ROLE}|[{CJK}]{{0,4}}(?:人|公司|国家|城市|大学|学校|机构|组织|作家|画家|音乐家|科学家))"
)
#: what only asks who, what or where something is
_SETTLED_ZH = re.compile(r"^第.{1,2}[位个]|可能|是|谁|叫|名字|什么|地方|地区|哪[个位里些]?|设[在立于]|位于|在|的|呀|呢")


def decomposed(question: str) -> tuple[str, ...]:
    """What to ask instead of a question, in order; "#1" stands for the answer to the first. () where no rule takes it apart.

    >>> decomposed("Who is the father of the director of The Circus Cyclone?")
    ('the director of The Circus Cyclone', 'Who is the father of #1?')
    >>> decomposed("Which is older, Oxford or Bologna?")
    ('Which is older: Oxford?', 'Which is older: Bologna?')
    >>> decomposed("断路器和隔离开关的区别是什么？")
    ('断路器', '隔离开关')
    >>> decomposed("How do owls hunt?")
    ()
    """
    plain = MARKS.sub("", re.sub(_HELD, " ", question).strip())
    for rule in (_joined, _compared, _nested):
        parts = tuple(dict.fromkeys(part for part in rule(plain) if terms(part)))
        if len(parts) > 1:
            return parts[:MOST]
    return ()


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
        if not _asks_more(rest):
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
    found = []
    for start in [match.start() for match in re.finditer(r"\b(?:the|The|an?)\s", held)]:
        if match := _DESCRIBED.match(held, start):
            found.append(match.span())
    return found[-1] if found else None


def _described_zh(held: str) -> tuple[int, int] | None:
    found = _MADE_ZH.search(held) or _OWNED_ZH.match(held)
    return found.span() if found and not ASKS_ZH.search(found.group()) else None


def _asks_more(rest: str) -> bool:
    """Whether anything is asked beyond who or what is described."""
    if CJK_RUN.search(rest):
        return bool(CJK_RUN.search(_SETTLED_ZH.sub("", re.sub(_HELD, "", rest))))
    return bool(terms(re.sub(_HELD, " ", rest)))


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
