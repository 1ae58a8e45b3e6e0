"""Walks a syntax tree once, without recursion, and collects the definitions and the comments in it, in bytes of the source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node, Tree

from grainline.readers.code_languages import CodeLanguage, Rule

#: definitions nested deeper than any person nests them are not reported (their qualified names would grow without bound)
DEPTH = 64
#: the longest name and signature that are kept
NAME_CHARACTERS = 200
SIGNATURE_BYTES = 1000

SPACE = re.compile(rb"\s*")
TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")
WORD = re.compile(r"[\w$]+")
#: "Stack", "Stack::push", "~Stack", "#items", "a/b" (a module), "[Symbol.iterator]"; but no calls and no blanks
PLAIN_NAME = re.compile(r"\[?[~#@\w$][\w$.:/~-]*\]?")


@dataclass(slots=True)
class Symbol:
    """A class or function: its whole span with the comments and attributes before it, its signature, its docstring if any."""

    kind: str
    name: str
    level: int
    start: int
    end: int
    signature: tuple[int, int]
    docstring: tuple[int, int] | None


@dataclass(slots=True)
class Remark:
    """A comment or an attribute. `scope` is the symbol around it, `owner` the one that follows and that it belongs to."""

    start: int
    end: int
    scope: str
    is_comment: bool
    is_inner: bool
    owner: str | None = None


@dataclass(slots=True)
class _Scope:
    name: str
    kind: str
    end: int


class SymbolWalk:
    """One walk over one tree; afterwards `symbols` and `remarks` hold what was met, in source order."""

    def __init__(self, data: bytes, language: CodeLanguage) -> None:
        self.symbols: list[Symbol] = []
        self.remarks: list[Remark] = []
        self.docstring: tuple[int, int] | None = None
        self._data = data
        self._language = language
        self._inner_marks = tuple(mark.encode() for mark in language.inner_marks)
        self._scopes: list[_Scope] = []
        self._closed = 0
        self._outer: dict[int, Node] = {}

    def run(self, tree: Tree) -> None:
        """Visit every node. Time is linear in the size of the tree, however deep it is."""
        language = self._language
        defining = language.rules.keys() | language.wrappers.keys()
        noting = language.comments | language.attributes
        if language.docstrings:
            self.docstring = self._docstring(tree.root_node)
        cursor = tree.walk()
        while True:
            node = cursor.node
            if node is not None and node.is_named:
                kind = node.type
                if kind in noting:
                    self._note(node, kind in language.comments)
                elif kind in defining:
                    self._meet(node)
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return

    def _close_scopes(self, start: int) -> None:
        while self._scopes and self._scopes[-1].end <= start:
            self._closed = max(self._closed, self._scopes.pop().end)

    def _note(self, node: Node, is_comment: bool) -> None:
        start = node.start_byte
        if start == 0 and self._data.startswith(b"#!"):
            return  # it is meant for the shell
        self._close_scopes(start)
        end = start + len(self._data[start : node.end_byte].rstrip())
        scope = self._scopes[-1].name if self._scopes else ""
        self.remarks.append(Remark(start, end, scope, is_comment, self._data.startswith(self._inner_marks, start)))

    def _meet(self, node: Node) -> None:
        """A node that may define something, or that may be the outer part of a definition."""
        outer = self._outer.pop(node.id, node)
        if node.type in self._language.wrappers:
            wrapped = self._wrapped(node)
            if wrapped is not None:
                self._outer[wrapped.id] = outer
                return
        for rule in self._language.rules.get(node.type, ()):
            name = self._name_node(rule, node)
            if name is not None:
                self._define(rule, node, outer, name)
                return

    def _wrapped(self, node: Node) -> Node | None:
        """The one definition in a wrapper; None if there is none, or more than one of its kind."""
        language = self._language
        field = language.wrappers[node.type]
        count = node.named_child_count
        child = node.child_by_field_name(field) if field else node.named_child(count - 1) if count else None
        if child is None:
            return None
        if not any(self._name_node(rule, child) for rule in language.rules.get(child.type, ())):
            return child if child.type in language.wrappers else None
        alone = bool(field) or count == 1 or sum(other.type in language.rules for other in node.named_children) == 1
        return child if alone else None

    def _name_node(self, rule: Rule, node: Node) -> Node | None:
        """The node that names what `rule` says `node` defines; None if the rule does not fit."""
        if rule.inside:
            inside = node.child_by_field_name(rule.inside)
            if inside is None or (rule.types and inside.type not in rule.types):
                return None
        name = node.child_by_field_name(rule.name)
        if name is None or rule.name != "declarator":
            return name
        around = ""
        while name is not None and name.type.endswith("declarator"):
            around = name.type
            name = name.child_by_field_name("declarator") or (
                name.named_child(name.named_child_count - 1) if name.named_child_count else None
            )
        return None if rule.kind == "function" and around != "function_declarator" else name

    def _define(self, rule: Rule, node: Node, outer: Node, name_node: Node) -> None:
        start = outer.start_byte
        self._close_scopes(start)
        body = self._body(rule, node)
        name, short = self._names(rule, node, name_node)
        in_function = bool(self._scopes) and self._scopes[-1].kind == "function"
        is_local_declaration = in_function and body is None and rule.name == "declarator"
        if not name or len(self._scopes) >= DEPTH or is_local_declaration:
            return
        path = self._scopes[-1].name + "." if self._scopes else ""
        end = start + len(self._data[start : outer.end_byte].rstrip())
        end += self._data.startswith(b";", end)
        self.symbols.append(
            Symbol(
                rule.kind,
                path + name,
                len(self._scopes) + 1,
                self._claim_remarks(start, path + name),
                end,
                self._signature(rule, node, outer, body),
                self._docstring(body) if body is not None and self._language.docstrings else None,
            )
        )
        self._scopes.append(_Scope(path + short, rule.kind, outer.end_byte))

    def _body(self, rule: Rule, node: Node) -> Node | None:
        inside = node.child_by_field_name(rule.inside) if rule.inside else node
        body = inside.child_by_field_name("body") if inside is not None else None
        if body is None and rule.inside == "body":
            return inside
        is_tuple = body is not None and rule.kind == "class" and self._data.startswith(b"(", body.start_byte)
        return None if is_tuple else body

    def _names(self, rule: Rule, node: Node, name_node: Node) -> tuple[str, str]:
        """What the symbol is called, and what its members call it: ("impl Display for Stack<T>", "Stack")."""
        name = self._text(name_node)
        if rule.label:
            trait = node.child_by_field_name("trait")
            whole = f"{rule.label} {self._text(trait)} for {name}" if trait is not None else f"{rule.label} {name}"
            return whole[:NAME_CHARACTERS], base_name(name)[:NAME_CHARACTERS]
        for trim in self._language.trims:
            name = name.replace(trim, "")
        if "operator" not in name:
            name = TEMPLATE_ARGUMENTS.sub("", name).strip("'\"")
            if not PLAIN_NAME.fullmatch(name):
                return "", ""  # a macro that the grammar cannot see through, or an assignment to a computed place
        name = name.replace("::", ".")[:NAME_CHARACTERS]
        owner = node.child_by_field_name(rule.owner) if rule.owner else None
        if owner is not None:
            name = f"{base_name(self._text(owner).strip('()'))}.{name}"[:NAME_CHARACTERS]
        return name, name

    def _text(self, node: Node) -> str:
        text = self._data[node.start_byte : min(node.end_byte, node.start_byte + SIGNATURE_BYTES)]
        return " ".join(text.decode("utf-8", "replace").split())

    def _claim_remarks(self, start: int, owner: str) -> int:
        """Give the comments and attributes right before `start` to `owner`; returns where the first of them starts."""
        index = len(self.remarks) - 1
        while index >= 0 and self.remarks[index].start >= start:
            index -= 1
        while index >= 0 and self._adjoins(self.remarks[index], start):
            self.remarks[index].owner = owner
            start = self.remarks[index].start
            index -= 1
        return start

    def _adjoins(self, remark: Remark, start: int) -> bool:
        gap = SPACE.match(self._data, remark.end)
        if remark.is_inner or remark.start < self._closed or gap is None or gap.end() != start:
            return False
        return not remark.is_comment or (gap.group().count(b"\n") < 2 and opens_line(self._data, remark.start))

    def _signature(self, rule: Rule, node: Node, outer: Node, body: Node | None) -> tuple[int, int]:
        """From the first word that is no attribute to the body or a comment, or to the first brace where no body is known."""
        start = outer.start_byte
        for head in (outer, node):
            for child in head.children:
                if child.type not in self._language.attributes and child.type not in self._language.comments:
                    break
                start = max(start, child.end_byte)
        remarks = (child.start_byte for child in node.children if child.type in self._language.comments)
        stop = outer.end_byte if body is None else body.start_byte
        text = self._data[start : next((remark for remark in remarks if start < remark < stop), stop)]
        if body is None and rule.kind == "class":
            text = text.partition(b"{")[0] if b"\n" in text else text
        start += len(text) - len(text.lstrip())
        words = text.strip()[:SIGNATURE_BYTES].decode("utf-8", "ignore").rstrip(" \t\r\n{:;=")
        return start, start + len(words.encode("utf-8"))

    def _docstring(self, body: Node) -> tuple[int, int] | None:
        """The words of the string that opens a body, without its quotes and the space inside them."""
        first = next((child for child in body.named_children if child.type not in self._language.comments), None)
        if first is None or first.type != "expression_statement" or first.named_child_count != 1:
            return None
        string = first.named_child(0)
        if string.type != "string" or string.child_count < 2 or string.has_error:
            return None
        start, end = string.child(0).end_byte, string.child(string.child_count - 1).start_byte
        text = self._data[start:end]
        start += len(text) - len(text.lstrip())
        words = text.strip()
        return (start, start + len(words)) if words else None


def base_name(text: str) -> str:
    """The last word of a type before its arguments.

    >>> base_name("&'a mut fmt::Stack<T>"), base_name("s *Stack[T]")
    ('Stack', 'Stack')
    """
    words = WORD.findall(re.split(r"[<\[]", text, maxsplit=1)[0])
    return words[-1] if words else text


def opens_line(data: bytes, start: int) -> bool:
    """Whether only blanks stand between the start of the line and `start`."""
    while start and data[start - 1] in b" \t":
        start -= 1
    return start == 0 or data[start - 1] in b"\n"
