"""What the code reader knows of each programming language: one row a language, in the words of its tree-sitter grammar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grainline.errors import UnreadableError


@dataclass(frozen=True, slots=True)
class Rule:
    """When a syntax node defines a symbol of this `kind`, and which of its fields say what.

    `name` is the field with the symbol's name; with "declarator" the name is what stands inside all declarators, C's way.
    `inside` is a field that must be there, of one of `types` if any are given; the body is looked for in it.
    `owner` is the field that names the type a method belongs to. `label` goes before the name: "impl Display for Stack".
    """

    kind: str
    name: str = "name"
    inside: str = ""
    types: tuple[str, ...] = ()
    owner: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class CodeLanguage:
    """One language. `rules` go by node type and the first that fits counts.

    `wrappers` are nodes that belong to the one definition inside: the field that holds it, or "" for the last child.
    `attributes` stand before a definition or at its head, and are no part of its signature. A comment before a definition that
    starts with one of `doc_marks` is its docstring; one with `inner_marks` is that of the scope around it; `docstrings` says
    that a string that opens a body is one too. `trims` are cut out of names.
    """

    name: str
    grammar: tuple[str, str]
    rules: Mapping[str, tuple[Rule, ...]]
    comments: frozenset[str] = frozenset({"comment"})
    wrappers: Mapping[str, str] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    doc_marks: tuple[str, ...] = ("/**",)
    inner_marks: tuple[str, ...] = ()
    docstrings: bool = False
    trims: tuple[str, ...] = ()


CLASS = (Rule("class"),)
FUNCTION = (Rule("function"),)
CLASS_WITH_BODY = (Rule("class", inside="body"),)

PYTHON = CodeLanguage(
    name="python",
    grammar=("tree_sitter_python", "language"),
    rules={
        "class_definition": CLASS,
        "function_definition": FUNCTION,
        "type_alias_statement": (Rule("class", name="left"),),
    },
    wrappers={"decorated_definition": "definition"},
    attributes=frozenset({"decorator"}),
    doc_marks=(),
    docstrings=True,
)

RUST = CodeLanguage(
    name="rust",
    grammar=("tree_sitter_rust", "language"),
    rules={
        **dict.fromkeys(("struct_item", "enum_item", "union_item", "trait_item", "type_item"), CLASS),
        "mod_item": CLASS_WITH_BODY,
        "impl_item": (Rule("class", name="type", label="impl"),),
        **dict.fromkeys(("function_item", "function_signature_item", "macro_definition"), FUNCTION),
    },
    comments=frozenset({"line_comment", "block_comment"}),
    attributes=frozenset({"attribute_item"}),
    doc_marks=("///", "/**"),
    inner_marks=("//!", "/*!"),
)

FUNCTION_VALUES = ("arrow_function", "function_expression", "generator_function")
SCRIPT_RULES = {
    "class_declaration": CLASS,
    **dict.fromkeys(("function_declaration", "generator_function_declaration", "method_definition"), FUNCTION),
    "variable_declarator": (
        Rule("function", inside="value", types=FUNCTION_VALUES),
        Rule("class", inside="value", types=("class",)),
    ),
    "assignment_expression": (
        Rule("function", name="left", inside="right", types=FUNCTION_VALUES),
        Rule("class", name="left", inside="right", types=("class",)),
    ),
}
SCRIPT_WRAPPERS = {
    "export_statement": "declaration",
    "lexical_declaration": "",
    "variable_declaration": "",
    "expression_statement": "",
}
SCRIPT_TRIMS = ("module.exports.", "exports.", "prototype.")

JAVASCRIPT = CodeLanguage(
    name="javascript",
    grammar=("tree_sitter_javascript", "language"),
    rules={
        **SCRIPT_RULES,
        "field_definition": (Rule("function", name="property", inside="value", types=FUNCTION_VALUES),),
    },
    wrappers=SCRIPT_WRAPPERS,
    attributes=frozenset({"decorator"}),
    trims=SCRIPT_TRIMS,
)

TYPESCRIPT_RULES = {
    **SCRIPT_RULES,
    **dict.fromkeys(("abstract_class_declaration", "interface_declaration"), CLASS),
    **dict.fromkeys(("type_alias_declaration", "enum_declaration"), CLASS),
    **dict.fromkeys(("internal_module", "module"), CLASS_WITH_BODY),
    **dict.fromkeys(("function_signature", "method_signature", "abstract_method_signature"), FUNCTION),
    "public_field_definition": (Rule("function", inside="value", types=FUNCTION_VALUES),),
}
TYPESCRIPT = CodeLanguage(
    name="typescript",
    grammar=("tree_sitter_typescript", "language_typescript"),
    rules=TYPESCRIPT_RULES,
    wrappers={**SCRIPT_WRAPPERS, "ambient_declaration": ""},
    attributes=frozenset({"decorator"}),
    trims=SCRIPT_TRIMS,
)
TSX = CodeLanguage(
    name="typescript",
    grammar=("tree_sitter_typescript", "language_tsx"),
    rules=TYPESCRIPT_RULES,
    wrappers=TYPESCRIPT.wrappers,
    attributes=TYPESCRIPT.attributes,
    trims=SCRIPT_TRIMS,
)

GO = CodeLanguage(
    name="go",
    grammar=("tree_sitter_go", "language"),
    rules={
        **dict.fromkeys(("type_spec", "type_alias"), CLASS),
        **dict.fromkeys(("function_declaration", "method_elem"), FUNCTION),
        "method_declaration": (Rule("function", owner="receiver"),),
    },
    wrappers={"type_declaration": ""},
    doc_marks=("//", "/*"),
)

JAVA = CodeLanguage(
    name="java",
    grammar=("tree_sitter_java", "language"),
    rules={
        **dict.fromkeys(("class_declaration", "interface_declaration", "enum_declaration", "record_declaration"), CLASS),
        "annotation_type_declaration": CLASS,
        **dict.fromkeys(("method_declaration", "constructor_declaration", "compact_constructor_declaration"), FUNCTION),
        "annotation_type_element_declaration": FUNCTION,
    },
    comments=frozenset({"line_comment", "block_comment"}),
    doc_marks=("/**", "///"),
)

C_RULES = {
    **dict.fromkeys(("struct_specifier", "union_specifier", "enum_specifier"), CLASS_WITH_BODY),
    "type_definition": (Rule("class", name="declarator", inside="type"),),
    **dict.fromkeys(("function_definition", "declaration"), (Rule("function", name="declarator"),)),
    "preproc_function_def": FUNCTION,
}
C = CodeLanguage(
    name="c",
    grammar=("tree_sitter_c", "language"),
    rules=C_RULES,
    wrappers={"type_definition": "type"},
    doc_marks=("/*", "//"),
)
CPP = CodeLanguage(
    name="cpp",
    grammar=("tree_sitter_cpp", "language"),
    rules={
        **C_RULES,
        "class_specifier": CLASS_WITH_BODY,
        "namespace_definition": CLASS_WITH_BODY,
        **dict.fromkeys(("alias_declaration", "concept_definition"), CLASS),
        "field_declaration": (Rule("function", name="declarator"),),
    },
    wrappers={"type_definition": "type", "template_declaration": ""},
    attributes=frozenset({"attribute_declaration"}),
    doc_marks=("/*", "//"),
)

SUFFIXES: dict[str, CodeLanguage] = {
    **dict.fromkeys((".py", ".pyi"), PYTHON),
    ".rs": RUST,
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), JAVASCRIPT),
    **dict.fromkeys((".ts", ".mts", ".cts"), TYPESCRIPT),
    ".tsx": TSX,
    ".go": GO,
    ".java": JAVA,
    **dict.fromkeys((".c", ".h"), C),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx"), CPP),
}

#: what a header says only if it is meant for C++
CPP_WORDS = re.compile(r"^\s*(?:class|namespace|template|using)\b|\b(?:public|private|protected)\s*:|\w::\w", re.MULTILINE)


def language_of(source: str, text: str) -> CodeLanguage:
    """The language of a source file, by its suffix; a ".h" is C++ if it holds words of C++.

    Raises `UnreadableError` for a suffix that is in no row of the table.

    >>> language_of("src/stack.h", "namespace a { class Stack; }").name
    'cpp'
    """
    suffix = PurePosixPath(source.lower()).suffix
    if suffix not in SUFFIXES:
        known = ", ".join(sorted(SUFFIXES))
        raise UnreadableError(f"no grammar for {suffix or 'a file without suffix'}: code is read from {known}")
    return CPP if suffix == ".h" and CPP_WORDS.search(text) else SUFFIXES[suffix]


#: languages by what people call them, beside their suffixes
NAMES: dict[str, CodeLanguage] = {
    **{suffix[1:]: language for suffix, language in SUFFIXES.items()},
    **{language.name: language for language in (PYTHON, RUST, JAVASCRIPT, TYPESCRIPT, GO, JAVA, C, CPP)},
    "python3": PYTHON,
    "golang": GO,
    "c++": CPP,
    "node": JAVASCRIPT,
}


def named(hint: str, text: str) -> CodeLanguage | None:
    """The language that a hint names by itself or by a file's suffix; None if it names none that can be read.

    >>> named("Rust", "").name, named("src/lib.rs", "").name, named("prose", "")
    ('rust', 'rust', None)
    """
    if (language := NAMES.get(hint.strip().lower())) is not None:
        return language
    return language_of(hint, text) if PurePosixPath(hint.lower()).suffix in SUFFIXES else None
