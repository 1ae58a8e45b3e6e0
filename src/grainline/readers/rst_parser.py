"""reStructuredText to a docutils tree, with the directives and roles of Sphinx taken for the text that they hold.

Nothing outside the text is read (no includes, no raw output, no configuration files), nothing is printed, and docutils' registries
of roles and directives, which belong to the whole process, are neither changed nor asked about what others put there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, ClassVar

from docutils import frontend, nodes, utils
from docutils.parsers.rst import Parser, states
from docutils.statemachine import StringList

from grainline.errors import UnreadableError
from grainline.text import language

#: directives whose own grammar matters; docutils knows them
GRAMMATICAL = frozenset(
    (
        "table",
        "csv-table",
        "list-table",
        "image",
        "figure",
        "parsed-literal",
        "line-block",
        "replace",
        "unicode",
    )
)
CODE = frozenset(
    (
        "code",
        "code-block",
        "sourcecode",
        "ipython",
        "prompt",
        "console",
        "doctest",
        "testcode",
        "testoutput",
        "testsetup",
        "highlight-block",
        "productionlist",
    )
)
#: directives that say nothing, or something else each day (date)
SILENT = frozenset(
    (
        "toctree",
        "index",
        "highlight",
        "currentmodule",
        "default-domain",
        "sectionauthor",
        "codeauthor",
        "tabularcolumns",
        "meta",
        "include",
        "literalinclude",
        "raw",
        "date",
        "role",
        "default-role",
        "title",
        "sectnum",
        "contents",
        "header",
        "footer",
    )
)
#: directives whose argument is a name for machines
NAMELESS = frozenset(
    (
        "container",
        "class",
        "only",
        "compound",
        "ifconfig",
        "tab-set",
        "grid",
        "raw-html",
        "dropdown",
    )
)
#: directives whose very name is part of what is said
CHANGES = frozenset(("versionadded", "versionchanged", "versionremoved", "deprecated"))
LINE = 100_000  #: characters of a line; docutils' own bound of 10,000 is passed by real tables
#: characters times opening marks, summed over paragraphs: docutils looks for the end of each mark to the end of the paragraph.
#: This much takes some 20 s; a manual of 1,000 pages comes to a fiftieth.
EFFORT = 1_000_000_000
_OPTION = re.compile(r"\s*:[\w-]+:(\s|$)")


def parse_rst(text: str, source: str) -> nodes.document:
    """The tree of a text. It is not transformed: sections stand as written, and what cannot be parsed is in system messages.

    Raises `UnreadableError` for a line of more than `LINE` characters.
    """
    longest = max(map(len, text.split("\n")))
    if longest > LINE:
        raise UnreadableError(f"a line of {longest:,} characters; reStructuredText is read with lines of at most {LINE:,}")
    settings = frontend.get_default_settings(Parser)
    settings.report_level = settings.halt_level = 5
    settings.warning_stream = False
    settings.file_insertion_enabled = settings.raw_enabled = False
    settings.syntax_highlight = "none"
    settings.line_length_limit = LINE
    settings.character_level_inline_markup = language(text) == "zh"  # Chinese has no blanks around markup
    document = utils.new_document(source, settings)
    parser = Parser(inliner=Inliner())
    parser.state_classes = STATES
    parser.parse(text, document)
    return document


def _interpreted(_: Any, rawsource: str, text: str, role: str, __: int) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Text with any role is the text: :ref:`the words <target>` are the words."""
    words = nodes.unescape(text)
    label = words.rpartition("<")[0].rstrip() if words.endswith(">") and role not in ("math", "code") else ""
    return [nodes.inline(rawsource, label or words.lstrip("~!"))], []


def _parse(self: Any, text: str, lineno: int, memo: Any, parent: Any) -> tuple[list[Any], list[Any]]:
    """As docutils does it, while the file has effort left; from there on, marks in the text stay as they are."""
    self.effort = getattr(self, "effort", 0) + len(text) * sum(map(text.count, "`*|"))
    if self.effort > EFFORT:
        return [nodes.Text(text)], []
    return states.Inliner.parse(self, text, lineno, memo, parent)


#: docutils reads its patterns from the attributes of the very class, so that a plain subclass would have none
_INLINER = {name: value for name, value in vars(states.Inliner).items() if not name.startswith("__") or name == "__init__"}
Inliner = type("Inliner", (states.Inliner,), {**_INLINER, "interpreted": _interpreted, "parse": _parse})


class _Directives:
    """What every state of the parser does with a directive."""

    nested_sm_cache: ClassVar[list[Any]] = []  # docutils keeps machines here for reuse; those of others have other states

    def __init__(self, state_machine: Any, debug: bool = False) -> None:
        super().__init__(state_machine, debug)  # type: ignore[call-arg]
        self.nested_sm_kwargs = {"state_classes": STATES, "initial_state": "Body"}

    def directive(self, match: re.Match[str], **presets: Any) -> tuple[list[nodes.Node], bool]:
        """What a directive becomes, and whether a blank line ended it."""
        name = match.group(1).lower()
        if name in GRAMMATICAL:
            return super().directive(match, **presets)  # type: ignore[misc, no-any-return]
        machine = self.state_machine  # type: ignore[attr-defined]
        line = machine.abs_line_number()
        block, _, offset, finished = machine.get_first_known_indented(match.end(), strip_top=0)
        return self._text_of(name, block, offset, line), finished

    def _text_of(self, name: str, block: StringList, offset: int, line: int) -> list[nodes.Node]:
        if block and not block[0].strip():
            block.trim_start()
            offset += 1
        head = next((number for number, text in enumerate(block) if not text.strip()), len(block))
        options = next((number for number in range(head) if _OPTION.match(f" {block[number]}")), head)
        argument = [text for text in block[:options] if text.strip()]
        if name in SILENT:
            return []
        if name in CODE:
            return _code(argument, block[head:], offset + head + 1, line)
        if name == "math":
            body = "\n".join((*argument, *block[head:])).strip()
            return _located([nodes.math_block(body, body)], line)
        container = nodes.container()
        if (
            ":" in name
            or name.startswith("auto")
            or name in ("function", "class", "method", "attribute", "data", "option", "envvar")
        ):
            container += _located([nodes.paragraph("", text) for text in argument], line)
        elif argument and name not in NAMELESS:
            self.nested_parse(block[:options], offset, container)  # type: ignore[attr-defined]
        self.nested_parse(block[head:], offset + head, container)  # type: ignore[attr-defined]
        if name in CHANGES and (paragraph := next(iter(container.findall(nodes.paragraph)), None)) is not None:
            paragraph.insert(0, nodes.Text(f"{name}: "))
        return list(container.children)


def _code(argument: list[str], body: Iterable[str], first: int, line: int) -> list[nodes.Node]:
    lines = list(body)
    while lines and not lines[0].strip():
        del lines[0]
        first += 1
    text = "\n".join(lines or argument).rstrip()
    named = argument[0].split()[0] if argument and lines else ""
    return _located([nodes.literal_block(text, text, language=named)], first if lines else line)


def _located(made: list[Any], line: int) -> list[nodes.Node]:
    for node in made:
        node.line = line
    return made


#: what may follow ".. ", with the function for directives in place of docutils' own
_EXPLICIT = SimpleNamespace(**vars(states.Body.explicit))
_EXPLICIT.constructs = [
    (_Directives.directive if method is states.Body.directive else method, pattern)
    for method, pattern in states.Body.explicit.constructs
]
#: docutils finds the states by the names of their classes
STATES = tuple(type(state.__name__, (_Directives, state), {"explicit": _EXPLICIT}) for state in states.state_classes)
