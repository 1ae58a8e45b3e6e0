"""How near what was answered comes to the gold answers: the official measures of SQuAD and MuSiQue for English, of CMRC 2018 for Chinese.

A text is cut into its pieces first: in English words without articles and punctuation, in Chinese single characters, and words of other
scripts, without punctuation. English F1 counts the words that both have; that of CMRC 2018 the longest run that stands in both.

Other than the official script for CMRC 2018, which leaves that to NLTK, words of other scripts are runs of letters and digits here.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

from grainline.text import CJK_RUN

#: a mark of a citation as answers have it: [1]
MARK = re.compile(r"\s*\[\d+\]")
#: what CMRC 2018 leaves out
_LEFT_OUT = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_PIECE = re.compile(r"[\u4e00-\u9fa5]|[^\W\u4e00-\u9fa5]+|[^\w\s]")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

Pieces = Sequence[str]


def pieces(text: str, chinese: bool) -> list[str]:
    """The pieces of a text that are compared.

    >>> pieces("The owl's 2 nests, by night.", chinese=False), pieces("《战国无双3》和 ω-Force。", chinese=True)
    (['owls', '2', 'nests', 'by', 'night'], ['战', '国', '无', '双', '3', '和', 'ωforce'])
    """
    if chinese:
        return _PIECE.findall(text.lower().translate(_LEFT_OUT))
    return _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def without_marks(text: str) -> str:
    """An answer as it is compared: without the marks of its citations.

    >>> without_marks("Owls hunt at night [1][2]. 猫头鹰 [3]。")
    'Owls hunt at night. 猫头鹰。'
    """
    return MARK.sub("", text).strip()


def f1(said: str, golds: Sequence[str], chinese: bool) -> float:
    """The best F1 of what was said with one of the gold answers.

    >>> round(f1("It was in Paris, France", ["Paris", "the city of Paris"], chinese=False), 3)
    0.333
    >>> round(f1("开发者是光荣公司", ["光荣"], chinese=True), 3)
    0.4
    """
    common = _longest_run if chinese else _shared
    return _best(said, golds, chinese, lambda own, gold: _f1(common(own, gold), own, gold))


def exact(said: str, golds: Sequence[str], chinese: bool) -> float:
    """1 if what was said is one of the gold answers, else 0."""
    return _best(said, golds, chinese, lambda own, gold: float(own == gold))


def contains(said: str, golds: Sequence[str], chinese: bool) -> float:
    """1 if one of the gold answers stands in what was said, piece by piece, else 0.

    >>> contains("Nobody noted it", ["no"], chinese=False), contains("Owls: no.", ["no"], chinese=False)
    (0.0, 1.0)
    """
    return _best(said, golds, chinese, lambda own, gold: float(bool(gold) and _longest_run(own, gold) == len(gold)))


def is_chinese(question: str) -> bool:
    """Whether a question is one for the measures of CMRC 2018."""
    return bool(CJK_RUN.search(question))


def _best(said: str, golds: Sequence[str], chinese: bool, measure: Callable[[Pieces, Pieces], float]) -> float:
    own = pieces(said, chinese)
    return max((measure(own, pieces(gold, chinese)) for gold in golds), default=0.0)


def _f1(common: int, own: Pieces, gold: Pieces) -> float:
    """The harmonic mean of the shares that `common` pieces are of both; of two empty texts 1."""
    return 2 * common / (len(own) + len(gold)) if own or gold else 1.0


def _shared(own: Pieces, gold: Pieces) -> int:
    return (Counter(own) & Counter(gold)).total()


def _longest_run(own: Pieces, gold: Pieces) -> int:
    """The length of the longest run of pieces that stands in both."""
    longest = 0
    before = [0] * (len(gold) + 1)
    for piece in own:
        ends = [0] + [before[place] + 1 if piece == other else 0 for place, other in enumerate(gold)]
        longest = max(longest, *ends)
        before = ends
    return longest
