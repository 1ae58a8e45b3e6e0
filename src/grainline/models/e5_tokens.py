"""The tokenizer of the bundled encoder: the most probable way to put a text together from pieces (a unigram model, as SentencePiece's).

A library for it takes most of a second to load 250,000 pieces; a dictionary takes a tenth. Words come again and again, so
their pieces are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grainline.models.e5_weights import Pieces
from grainline.models.rows import cut

PIECES, SCORES, SETTINGS = "pieces.txt", "scores.npy", "tokenizer.json"
BLANK = "▁"  #: stands for the blank before a word, and is part of its first piece
CONTROL_SCORE = -100.0  #: so that "<s>" in a text is read as characters
UNKNOWN_PENALTY = 10.0  #: below the least probable piece
CACHED_WORDS = 100_000
CACHED_LETTERS = 40  #: of a word; longer ones hardly come again
_BLANKS = re.compile(" {2,}")
_WORD = re.compile(f"{BLANK}[^{BLANK}]*")


class Tokenizer:
    """Texts to tokens, at most `max_tokens` with the two that begin and end each text."""

    def __init__(self, folder: Path, max_tokens: int) -> None:
        """Reads what `save` wrote."""
        settings = json.loads((folder / SETTINGS).read_text("utf-8"))
        pieces = (folder / PIECES).read_text("utf-8").split("\n")
        self._scores: list[float] = np.load(folder / SCORES).tolist()
        self._tokens = dict(zip(pieces, range(len(pieces)), strict=True))
        self._longest: dict[str, int] = settings["longest"]
        self._characters = {int(point): text for point, text in settings["normal"].items()}
        self._begin, self._end, self._unknown = settings["begin"], settings["end"], settings["unknown"]
        self._unknown_score = min(self._scores) - UNKNOWN_PENALTY
        self._max_tokens = max_tokens
        self._words: dict[str, list[int]] = {}

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text; what is beyond the last that fits is cut."""
        text = _BLANKS.sub(" ", cut(text, self._max_tokens).translate(self._characters)).replace(" ", BLANK)
        if text and not text.startswith(BLANK):
            text = BLANK + text
        tokens = [self._begin]
        for word in _WORD.findall(text):
            tokens += self._words.get(word) or self._split(word)
            if len(tokens) >= self._max_tokens:
                break
        return [*tokens[: self._max_tokens - 1], self._end]

    def _split(self, word: str) -> list[int]:
        """The most probable pieces of a word (Viterbi): the best way to each place in it is found from the left."""
        size = len(word)
        best = [0.0] + [-np.inf] * size
        last: list[tuple[int, int]] = [(0, 0)] * (size + 1)  # the piece that ends here: where it begins, its token
        tokens, scores = self._tokens, self._scores
        for start in range(size):
            here, alone = best[start], False
            for end in range(start + 1, min(size, start + self._longest.get(word[start : start + 2], 1)) + 1):
                token = tokens.get(word[start:end])
                if token is not None:
                    alone = alone or end == start + 1
                    if here + scores[token] > best[end]:
                        best[end], last[end] = here + scores[token], (start, token)
            if not alone and here + self._unknown_score > best[start + 1]:
                best[start + 1], last[start + 1] = here + self._unknown_score, (start, self._unknown)
        found: list[int] = []
        while size:
            size, token = last[size]
            if not (token == self._unknown and found and found[-1] == token):  # unknown neighbours are one
                found.append(token)
        found.reverse()
        if len(word) <= CACHED_LETTERS:
            if len(self._words) >= CACHED_WORDS:
                self._words.clear()
            self._words[word] = found
        return found


def save(pieces: Pieces, folder: Path) -> None:
    """Write what `Tokenizer` reads."""
    scores = np.array(pieces.scores, np.float64)
    scores[[pieces.begin, pieces.pad, pieces.end, len(scores) - 1]] = CONTROL_SCORE
    np.save(folder / SCORES, scores)
    (folder / PIECES).write_text("\n".join(pieces.pieces), "utf-8", newline="\n")
    settings = {
        "begin": pieces.begin,
        "end": pieces.end,
        "unknown": pieces.unknown,
        "normal": {str(point): text for point, text in pieces.normal.items()},
        "longest": longest_pieces(pieces.pieces),
    }
    (folder / SETTINGS).write_text(json.dumps(settings), "utf-8")


def longest_pieces(pieces: Sequence[str]) -> dict[str, int]:
    """The length of the longest piece that begins with each two characters.

    >>> longest_pieces(["owl", "ow", "猫"])
    {'ow': 3}
    """
    longest: dict[str, int] = {}
    for piece in pieces:
        if len(piece) > 1:
            longest[piece[:2]] = max(len(piece), longest.get(piece[:2], 0))
    return longest
