"""One analyser for index and question: sentences, terms and their counts, in English and Chinese.

Other languages that put blanks between words are split and folded like English, but stemmed as English only; Thai, Lao and Khmer
are not segmented.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import chain

#: Han with its extensions, kana, bopomofo and hangul syllables: scripts searched by overlapping pairs of characters
CJK = "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U000323af"
CJK_RUN = re.compile(f"[{CJK}]+")
#: a run of CJK, a number with its separators, or a word with the apostrophes inside it
_TOKEN = re.compile(rf"[{CJK}]+|\d+(?:[.,]\d+)+(?![^\W{CJK}])|[^\W{CJK}]+(?:['’][^\W\d_{CJK}]+)*")
_ASCII_TOKEN = re.compile(r"\d+(?:[.,]\d+)+(?!\w)|\w+(?:'[A-Za-z]+)*", re.ASCII)
_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_POSSESSIVE = re.compile(r"['’]s?$")
#: words so common that they only cost time; kept short, since in code and names almost any word can matter
STOPWORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it its me my of "
    "on or our she should so than that the their them then there these they this those to us was we were what when where which who "
    "whom whose why will with would you your".split()
)
#: Chinese characters that mostly carry grammar; a pair with one of them in it (的财, 在网) says little about a question's subject
CJK_FUNCTION = frozenset("的了在是和与及或等而之其将被由把也就都并吗呢")
#: words that ask and name nothing, left out of a question wherever they stand
CJK_ASKING = re.compile(
    "什么时候|什么|为什么|怎么样|怎么|如何|哪些|哪个|哪里|哪儿|哪年|是否|多少|为何|怎样|请问|有没有|能否|可否"
)
CACHED_WORDS = 200_000


def terms(text: str) -> list[str]:
    """The terms of `text` in order: NFKC, lower case, English stems, identifiers whole and in pieces, pairs of CJK characters.

    >>> terms("The parsers of HTTPServer")
    ['parser', 'httpserver', 'http', 'server']
    >>> terms("盗窃公私财物")
    ['盗窃', '窃公', '公私', '私财', '财物']
    """
    if text.isascii():
        tokens = _ASCII_TOKEN.findall(text)
    else:
        tokens = _TOKEN.findall(text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text))
    return list(chain.from_iterable(map(_TERMS.__getitem__, tokens)))


def question_terms(question: str) -> list[str]:
    """The terms of a question: as `terms`, without asking words and pairs with a function character, unless nothing else is left.

    The index keeps those pairs, so that a question made of nothing else (目的, 自由) still finds its answer.

    >>> question_terms("什么是盗窃的目的")
    ['盗窃']
    >>> question_terms("目的")
    ['目的']
    """
    if question.isascii():
        return terms(question)
    found = terms(CJK_ASKING.sub(" ", question))
    telling = [term for term in found if len(term) != 2 or CJK_FUNCTION.isdisjoint(term)]
    # a single character left between others is what an asking word was cut from; the index has it in pairs only
    telling = [term for term in telling if len(term) > 1 or not CJK_RUN.match(term)] or telling
    return telling or found or terms(question)


class _Terms(dict[str, tuple[str, ...]]):
    """The terms of each token met so far; runs of CJK, which hardly repeat, are not kept."""

    def __missing__(self, token: str) -> tuple[str, ...]:
        if CJK_RUN.match(token):
            return tuple([token[i : i + 2] for i in range(len(token) - 1)]) if len(token) > 1 else (token,)
        if len(self) >= CACHED_WORDS:
            self.clear()
        made = self[token] = _word_terms(token)
        return made


_TERMS = _Terms()


def _word_terms(word: str) -> tuple[str, ...]:
    if word[0].isdigit() and ("," in word or "." in word):
        return (word.replace(",", ""),)
    word = _POSSESSIVE.sub("", word).strip("_")
    whole = fold(word)
    if not whole or whole in STOPWORDS:
        return ()
    pieces = [] if word.isalpha() and word[1:].islower() else [fold(piece) for piece in _PIECES.findall(word)]
    if len(pieces) < 2:
        return (stem(whole),)
    return (whole, *(stem(piece) for piece in pieces if piece not in STOPWORDS))


def fold(word: str) -> str:
    """Lower case, and without the accents of Latin letters: "Müller" meets "muller"."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c)) or word.casefold()


@lru_cache(maxsize=CACHED_WORDS)
def stem(word: str) -> str:
    """The English (Snowball) stem; words with anything but ASCII letters stay.

    >>> stem("relational"), stem("0x7f")
    ('relat', '0x7f')
    """
    return str(_stemmer().stemWord(word)) if word.isascii() and word.isalpha() else word


@lru_cache(maxsize=1)
def _stemmer():  # type: ignore[no-untyped-def]
    import Stemmer

    return Stemmer.Stemmer("english", 0)


_COUNTED = re.compile(rf"[{CJK}]|[^\W{CJK}]+")


def count_tokens(text: str) -> int:
    """Words and CJK characters: near what a language model counts, and cheap.

    >>> count_tokens("Two words, 四个汉字")
    6
    """
    return len(_COUNTED.findall(text))


_LETTER = re.compile(r"[^\W\d_]")


def language(text: str) -> str:
    """ "zh" where a third of the letters is Han, "en" otherwise, "" where there are none; from the first 4,000 characters.

    >>> language("今天 Rust 发布"), language("Rust is out"), language("1 + 1")
    ('zh', 'en', '')
    """
    sample = text[:4000]
    if sample.isascii():
        return "en" if _LETTER.search(sample) else ""
    han = sum(map(len, CJK_RUN.findall(sample)))
    letters = len(_LETTER.findall(sample))
    if not letters:
        return ""
    # a Chinese character says about as much as three Latin letters
    return "zh" if 3 * han > letters - han else "en"


# A sentence ends at 。！？… with the closing quotes behind it; at . ! ? before blank and a capital, digit, quote or CJK; at an empty
# line; and at a line break before a list item, heading, table row or quote mark, or behind a line that is one of these.
_END = re.compile(
    r"""(?P<cjk>[。！？!?…]++[”’」』）)】》"']*+(?=\S)|[。！？…]++[”’」』）)】》"']*+)"""
    r"""|(?P<latin>[.!?]+["'”’)\]]*)(?=\s)"""
    r"""|(?P<blank>\n[ \t]*(?:>[> \t]*)?\n\s*)"""
    r"""|(?P<line>\n(?=[ \t]*(?:[-*+•·▪|\#]|\d{1,3}[.)、]|[（(][一二三四五六七八九十\d]{1,3}[)）]|[一二三四五六七八九十]{1,3}、"""
    r"""|第[一二三四五六七八九十百千零〇\d]{1,9}[编章节条])))"""
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|cf|al|Fig|Figs|Eq|Sec|Ch|No|Nos|Vol|pp|p"
    r"|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|approx|ca|Gen|Col|Sgt|Capt|Lt|Rev|Hon|Gov|Sen|Rep)\.$"
)
_BLANK = re.compile(r"\s*")
_STARTS = re.compile(r"\s+[\"'“‘(\[*_`]*[^a-z\s]")


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Spans of the sentences of `text[start:end]` as offsets into `text`, trimmed of white space, in order, none empty.

    >>> text = "Dr. Smith left. He said: “no!” 他走了。没有回来！"
    >>> [text[a:b] for a, b in sentences(text)]
    ['Dr. Smith left.', 'He said: “no!”', '他走了。', '没有回来！']
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    begin = start
    for match in _END.finditer(text, start, end):
        if match.lastgroup == "latin" and not _ends_here(text, begin, match.end(), end):
            continue
        if match.lastgroup == "cjk" and match.group()[0] in "!?" and text[match.end()].isascii():
            continue
        begin = _take(text, begin, match.end(), spans)
    _take(text, begin, end, spans)
    return spans


def _take(text: str, begin: int, stop: int, spans: list[tuple[int, int]]) -> int:
    piece = text[begin:stop]
    left = len(piece) - len(piece.lstrip())
    right = len(piece.rstrip())
    if left < right:
        spans.append((begin + left, begin + right))
    return stop


def _ends_here(text: str, begin: int, stop: int, end: int) -> bool:
    """Whether a Latin full stop ends the sentence: not behind an abbreviation, not before a small letter."""
    following = _STARTS.match(text, stop, end)
    if following is None:
        blank = _BLANK.match(text, stop, end)
        return blank is not None and blank.end() == end
    return text[stop - 1] != "." or _ABBREVIATION.search(text, max(begin, stop - 12), stop) is None
