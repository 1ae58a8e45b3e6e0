"""Texts that are source code though no file's suffix says so: records of a corpus."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grainline.errors import UnreadableError
from grainline.readers.code_languages import CPP, GO, JAVA, JAVASCRIPT, PYTHON, RUST, TSX, TYPESCRIPT, C, CodeLanguage, named
from grainline.types import Part

#: a longer text is not looked into: records of code are functions, classes or a file
LONGEST = 1 << 17
#: texts more than those that are code may turn out to be none: to parse prose takes about 20 microseconds a character, and a corpus of it
#: that looks or is said to be code has not to wait for that
PATIENCE = 100
#: a text that keeps its parser busy for longer is no code; after one such text no others of its file are looked into
SECONDS = 2

#: comments, attributes and decorators may stand before a definition
_LEAD = r"(?:\s++|//[^\n]*+|/\*.*?\*/|#!?\[[^\n]*+|#[^\n]*+|@\w[^\n]*+)*+"
_SCRIPT = (
    r"(?:export\s+(?:default\s+)?)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?:function\b\s*\*?\s*\w*\s*[(<]|(?:class|interface|enum|namespace)\s+\w[^\n]*\{"
    r"|(?:const|let|var)\s+\w+[^\n=]*=\s*(?:async\b|function\b|class\b|\([^\n]*|\w+\s*)\s*(?:=>|[({])|type\s+\w+[^\n=]*=|import\s*[\w{*\"'])"
    r"|\w+(?:\.\w+)+\s*=\s*(?:async\s+)?(?:function\b|\()"
)
#: how the languages begin a definition, or a file with one; what begins like several is given to each in turn
_BEGINNINGS: tuple[tuple[str, tuple[CodeLanguage, ...]], ...] = (
    (r"(?:async\s+)?def\s+\w+\s*\(|class\s+\w+\s*(?:\([^()]*\))?\s*:|import\s+\w|from\s+[\w.]+\s+import\b|\"\"\"", (PYTHON,)),
    (
        r"(?:pub\s*(?:\([^()]*\))?\s+)?(?:(?:const|async|unsafe|default|extern(?:\s+\"[^\"\n]*\")?)\s+)*"
        r"(?:fn\s+\w|(?:struct|enum|union|trait|mod|type|use)\s+\w|impl\b|macro_rules!)",
        (RUST,),
    ),
    (r"func\s+(?:\([^()]*\)\s*)?\w+\s*[(\[]|package\s+\w+\s*\n|type\s+\w+\s", (GO,)),
    (_SCRIPT, (JAVASCRIPT, TYPESCRIPT, TSX)),
    (
        r"(?:(?:public|private|protected|static|final|abstract|synchronized|native|default)\s+)+[\w<]"
        r"|(?:class|interface|enum|record)\s+\w|(?:import|package)\s+[\w.]+",
        (JAVA,),
    ),
    (
        r"#\s*include\b|(?:static|inline|extern|struct|typedef|template|namespace|class|using)\b"
        r"|(?:[\w:<>,~]++[\s*&]++){1,8}[\w:~]++\s*\([^;{}()]*\)\s*(?:const|noexcept|override|->[^;{}()]*)?\s*\{",
        (C, CPP),
    ),
)
_FIRST = [(re.compile(_LEAD + f"(?:{pattern})", re.DOTALL), languages) for pattern, languages in _BEGINNINGS]
_BRACKET = re.compile(r"[({:]")


class Snippets:
    """Tells which of the texts of a file are source code, and reads them."""

    def __init__(self) -> None:
        self._patience = PATIENCE

    def read(self, text: str, hints: Iterable[str] = ()) -> tuple[str, tuple[Part, ...]]:
        """The language of a text that is code, and its parts as `readers.code` gives them; "" and none for any other text.

        `hints` are what stands beside the text and may name a language or a file ("rust", "src/lib.rs"); what is hinted at has to parse
        without an error, or to begin like code and to define something. Without a hint it has to do all three.

        >>> Snippets().read("fn add(a: u8) -> u8 { a + 1 }")[0], Snippets().read("Fn is a key. Press (it) to add.")[0]
        ('rust', '')
        """
        hinted = [language for hint in hints if (language := named(hint, text))]
        guesses = [] if hinted else _guesses(text)
        if not (hinted or guesses) or self._patience <= 0 or len(text) > LONGEST or not text or text.isspace():
            return "", ()
        for language in hinted or guesses:
            if (parts := self._parts(text, language, is_hinted=bool(hinted))) is not None:
                self._patience += 1
                return language.name, parts
        self._patience -= 1
        return "", ()

    def _parts(self, text: str, language: CodeLanguage, *, is_hinted: bool) -> tuple[Part, ...] | None:
        from grainline.readers.code import read_parts  # the parser costs what a corpus of prose need not pay

        try:
            parts, is_sound = read_parts(text.encode("utf-8", "replace"), language, SECONDS)
        except UnreadableError:
            self._patience = 0
            return None
        defines = any(part.kind in ("function", "class") for part in parts)
        fits = (is_sound or (defines and language in _guesses(text))) if is_hinted else (is_sound and defines)
        return parts if fits else None


def _guesses(text: str) -> list[CodeLanguage]:
    """The languages in which a text might begin a definition."""
    if not _BRACKET.search(text):
        return []
    return [language for pattern, languages in _FIRST if pattern.match(text) for language in languages]
