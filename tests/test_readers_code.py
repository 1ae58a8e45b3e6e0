"""The code reader: eight languages, comments in English and Chinese, the `ast` module as the oracle for Python, broken code."""

from __future__ import annotations

import ast
import re
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainline.errors import UnreadableError
from grainline.readers.code import PARSED_BYTES, Code
from grainline.readers.code_symbols import DEPTH
from grainline.types import Document, Limits, Part

#: what the samples say in their comments
WORDS = [("Keeps what came last on top", "never empty here"), ("后进先出的栈 🦉", "此处不会为空")]

PYTHON = '''"""DOC"""
import os

# DOC
@register("stack")
class Stack:
    """DOC"""

    @property
    def top(self) -> int:
        # NOTE
        # NOTE
        return self.items[-1]

    async def push(self, item: int = 0, *more: int) -> None:
        r"""DOC"""

def build(size): return Stack()
'''
RUST = """//! DOC

/// DOC
#[derive(Debug)]
pub struct Stack<T> { items: Vec<T> }
pub struct Meters(f64);
impl<T> Stack<T> {
    /// DOC
    /// DOC
    #[inline]
    pub fn push(&mut self, item: T) { self.items.push(item) } // NOTE
}
impl<T: Show> fmt::Display for Stack<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { Ok(()) }
}
pub trait Shape { fn area(&self) -> f64; }
mod tests { #[test] fn works() {} }
macro_rules! twice { ($x:expr) => { $x * 2 }; }
"""
JAVASCRIPT = """/** DOC */
export class Stack extends Base {
  items = [];
  /** DOC */
  push(item) { this.items.push(item); } // NOTE
  peek = () => this.items.at(-1);
}
// DOC
export const build = async (size) => { return new Stack(); };
module.exports.drop = function (n) {};
Stack.prototype.clear = function () {};
function* walk() { function inner() {} }
"""
TYPESCRIPT = """/** DOC */
@Component({ selector: "stack" })
export class Stack<T> implements Shape {
  /** DOC */
  @Log() push(item: T): void { /* NOTE */ }
}
export interface Shape { area(): number; }
export type Size = number | string;
enum Kind { Low, High }
namespace deep { export function build(size: Size): Stack<number> { return new Stack(); } }
declare function external(name: string): void;
const View = (props: Props) => { return null; };
"""
TSX = TYPESCRIPT.replace("return null", "return <b>{props.size}</b>")
GO = """// Package stack: DOC
package stack

// DOC
type Stack[T any] struct { items []T }

type (
	// DOC
	Size int
	Name = string
)

// DOC
// DOC
func (s *Stack[T]) Push(item T) error {
	return nil // NOTE
}

type Shape interface { Area() float64 }

func Build() {}
"""
JAVA = """package demo;
/** DOC */
@Deprecated
public class Stack<T> extends Base {
    /** DOC */
    @Override public void push(T item) throws Full { /* NOTE */ }
    Stack(int size) {}
    enum Kind { LOW }
    interface Shape { double area(); }
    record Pair(int a, int b) {}
}
"""
C = """/* DOC */
struct stack { int *items; };
typedef struct { double width; } shape_t;
typedef int (*compare_t)(int, int);
#define TWICE(x) ((x) * 2)
// DOC
// DOC
static int *push(struct stack *s, int item) {
    return 0; // NOTE
}
int size(const struct stack *s);
enum kind { LOW };
int (*not_a_function)(int);
"""
CPP = """namespace demo::deep {
// DOC
template <typename T> class Stack : public Base<T> {
 public:
  Stack();
  ~Stack() = default;
  /** DOC */
  void push(T item) { /* NOTE */ }
  virtual int size() const = 0;
  T& operator[](int at);
  enum class Kind { Low };
};
}  // namespace
template <typename T> T Stack<T>::pop() { int local(int); return T(); }
using Size = int;
"""

#: kind, name and level of each symbol, in order
SYMBOLS = {
    ".py": (
        PYTHON,
        "python",
        ["class Stack 1", "function Stack.top 2", "function Stack.push 2", "function build 1"],
    ),
    ".rs": (
        RUST,
        "rust",
        [
            *("class Stack 1", "class Meters 1", "class impl Stack<T> 1", "function Stack.push 2"),
            *("class impl fmt::Display for Stack<T> 1", "function Stack.fmt 2", "class Shape 1", "function Shape.area 2"),
            *("class tests 1", "function tests.works 2", "function twice 1"),
        ],
    ),
    ".js": (
        JAVASCRIPT,
        "javascript",
        [
            *("class Stack 1", "function Stack.push 2", "function Stack.peek 2", "function build 1", "function drop 1"),
            *("function Stack.clear 1", "function walk 1", "function walk.inner 2"),
        ],
    ),
    ".ts": (
        TYPESCRIPT,
        "typescript",
        [
            *("class Stack 1", "function Stack.push 2", "class Shape 1", "function Shape.area 2", "class Size 1"),
            *("class Kind 1", "class deep 1", "function deep.build 2", "function external 1", "function View 1"),
        ],
    ),
    ".go": (
        GO,
        "go",
        [
            *("class Stack 1", "class Size 1", "class Name 1", "function Stack.Push 1", "class Shape 1"),
            *("function Shape.Area 2", "function Build 1"),
        ],
    ),
    ".java": (
        JAVA,
        "java",
        [
            *("class Stack 1", "function Stack.push 2", "function Stack.Stack 2", "class Stack.Kind 2"),
            *("class Stack.Shape 2", "function Stack.Shape.area 3", "class Stack.Pair 2"),
        ],
    ),
    ".c": (
        C,
        "c",
        [
            *("class stack 1", "class shape_t 1", "class compare_t 1", "function TWICE 1", "function push 1"),
            *("function size 1", "class kind 1"),
        ],
    ),
    ".cpp": (
        CPP,
        "cpp",
        [
            *("class demo.deep 1", "class demo.deep.Stack 2", "function demo.deep.Stack.Stack 3"),
            *("function demo.deep.Stack.~Stack 3", "function demo.deep.Stack.push 3", "function demo.deep.Stack.size 3"),
            *("function demo.deep.Stack.operator[] 3", "class demo.deep.Stack.Kind 3", "function Stack.pop 1", "class Size 1"),
        ],
    ),
}
SYMBOLS[".tsx"] = (TSX, *SYMBOLS[".ts"][1:])
SIGNATURES = {
    ".py": "async def push(self, item: int = 0, *more: int) -> None",
    ".rs": "pub fn push(&mut self, item: T)",
    ".js": "push(item)",
    ".ts": "push(item: T): void",
    ".tsx": "push(item: T): void",
    ".go": "func (s *Stack[T]) Push(item T) error",
    ".java": "@Override public void push(T item) throws Full",
    ".c": "static int *push(struct stack *s, int item)",
    ".cpp": "void push(T item)",
}


def read(source: str | bytes, name: str) -> Document:
    data = source.encode() if isinstance(source, str) else source
    (document,) = Code().read(data, name, Limits())
    assert document.lines == () and document.language == ""
    order = [(part.start, -part.end) for part in document.parts]
    assert order == sorted(order)
    assert all(0 <= part.start < part.end <= len(document.text) for part in document.parts)
    return document


def cut(document: Document, part: Part) -> str:
    return document.text[part.start : part.end]


def symbols(document: Document) -> list[Part]:
    return [part for part in document.parts if part.kind in ("class", "function")]


def in_words(template: str, doc: str, note: str) -> str:
    return template.replace("DOC", doc).replace("NOTE", note)


@pytest.mark.parametrize(("doc", "note"), WORDS, ids=["en", "zh"])
@pytest.mark.parametrize("suffix", sorted(SYMBOLS))
def test_symbols_of_every_language(suffix: str, doc: str, note: str) -> None:
    template, language, expected = SYMBOLS[suffix]
    document = read(in_words(template, doc, note), f"src/stack{suffix}")
    assert document.meta == {"code": language}
    assert [f"{part.kind} {part.name} {part.level}" for part in symbols(document)] == expected
    assert all(part.meta["language"] == language for part in symbols(document))
    (push,) = [part for part in symbols(document) if re.fullmatch(r"(.*\.)?[pP]ush", part.name)]
    assert push.meta["signature"] == SIGNATURES[suffix]
    (signature,) = [part for part in document.parts if part.kind == "signature" and part.name == push.name]
    assert cut(document, signature) == SIGNATURES[suffix]


@pytest.mark.parametrize(("doc", "note"), WORDS, ids=["en", "zh"])
@pytest.mark.parametrize("suffix", sorted(SYMBOLS))
def test_docstrings_and_comments_of_every_language(suffix: str, doc: str, note: str) -> None:
    document = read(in_words(SYMBOLS[suffix][0], doc, note), f"stack{suffix}")
    docstrings = {part.name: cut(document, part) for part in document.parts if part.kind == "docstring"}
    (push,) = [part for part in symbols(document) if re.fullmatch(r"(.*\.)?[pP]ush", part.name)]
    assert doc in docstrings[push.name]
    outer = next(part for part in symbols(document) if part.kind == "class" and part.name.lower().endswith("stack"))
    assert doc in docstrings[outer.name]
    assert docstrings[outer.name] in cut(document, outer)
    assert all(doc in text for text in docstrings.values())
    comments = [
        (part.name, cut(document, part)) for part in document.parts if part.kind == "comment" and note in cut(document, part)
    ]
    owner = push.name if suffix not in (".py", ".rs", ".js") else {".py": "Stack.top", ".rs": "Stack", ".js": "Stack"}[suffix]
    assert [name for name, _ in comments] in ([owner], ["impl Stack<T>"])
    whole = sum(cut(document, part).count(doc) for part in document.parts if part.kind in ("docstring", "comment"))
    assert whole == document.text.count(doc)


def test_a_definition_takes_in_what_stands_before_it() -> None:
    document = read(in_words(RUST, *WORDS[1]), "a.rs")
    stack = next(part for part in document.parts if part.name == "Stack")
    assert cut(document, stack).startswith(f"/// {WORDS[1][0]}\n#[derive(Debug)]\npub struct Stack<T>")
    document = read(in_words(PYTHON, *WORDS[1]), "a.py")
    top = next(part for part in document.parts if part.name == "Stack.top")
    assert cut(document, top).startswith("@property\n")
    document = read(in_words(TYPESCRIPT, *WORDS[0]), "a.ts")
    assert cut(document, symbols(document)[0]).startswith("/** Keeps what came last on top */\n@Component(")


def test_a_comment_belongs_to_what_it_touches() -> None:
    document = read("# far\n\n# near\ndef a(): pass  # beside\ndef b(): pass\n# ----\n", "a.py")
    comments = [(part.name, cut(document, part)) for part in document.parts if part.kind == "comment"]
    assert comments == [("", "# far"), ("a", "# near"), ("a", "# beside")]
    assert [cut(document, part) for part in symbols(document)] == ["# near\ndef a(): pass  # beside", "def b(): pass"]


def test_a_shebang_is_no_comment() -> None:
    document = read("#!/usr/bin/env python\n# 说明\nx = 1\n", "run.py")
    assert [cut(document, part) for part in document.parts] == ["# 说明"]


@pytest.mark.parametrize(
    ("header", "language"), [(C, "c"), (CPP, "cpp"), ("int a(void);\n", "c"), ("std::string a();\n", "cpp")]
)
def test_a_header_is_c_or_cpp(header: str, language: str) -> None:
    assert read(header, "stack.h").meta["code"] == language


def test_broken_code_still_gives_the_sound_parts() -> None:
    broken = PYTHON + "\ndef half(:\n    return (\n\nclass After:\n    def ok(self):\n        return 1\n"
    assert {"Stack.push", "build", "After.ok"} <= {part.name for part in read(broken, "a.py").parts}
    broken = RUST + "\nfn half( { let = ;\n}\n\nfn after() {}\n"
    assert {"Stack.push", "tests.works", "after"} <= {part.name for part in read(broken, "a.rs").parts}


def test_sources_in_other_encodings() -> None:
    text = in_words(PYTHON, *WORDS[1]).replace("🦉", "")
    expected = [(part.name, part.start, part.end) for part in read(text, "a.py").parts]
    for encoding in ("gb18030", "utf-16", "utf-8-sig"):
        assert [(part.name, part.start, part.end) for part in read(text.encode(encoding), "a.py").parts] == expected
    assert [part.name for part in symbols(read(text.replace("\n", "\r\n"), "a.py"))] == [
        part.name for part in symbols(read(text, "a.py"))
    ]


@pytest.mark.parametrize(("data", "name"), [(b"\x7fELF\0\0\1", "a.c"), (b"x = 1", "a.cobol"), (b"x", "stack")])
def test_what_cannot_be_read_says_why(data: bytes, name: str) -> None:
    with pytest.raises(UnreadableError, match=r"binary|no grammar for"):
        list(Code().read(data, name, Limits()))


@pytest.mark.parametrize(
    ("piece", "suffix"),
    [("mod a { ", ".rs"), ("function f() { ", ".js"), ("namespace a { ", ".cpp"), ("(", ".py"), ("{", ".java"), ("[", ".go")],
)
def test_bottomless_nesting(piece: str, suffix: str) -> None:
    document = read(piece * 5000, f"a{suffix}")
    assert all(part.level <= DEPTH and len(part.name) < 10_000 for part in document.parts)


def test_a_very_long_source_is_kept_as_text() -> None:
    document = read(b"x = 1  # y\n" * (PARSED_BYTES // 11 + 1), "long.py")
    assert document.parts == () and "unparsed" in document.meta


def library_modules() -> list[Path]:
    names = (
        "abc",
        "argparse",
        "ast",
        "asyncio/base_events",
        "bisect",
        "collections/__init__",
        "contextlib",
        "csv",
        "dataclasses",
    )
    more = ("enum", "functools", "heapq", "inspect", "json/decoder", "pathlib", "queue", "statistics", "textwrap")
    root = Path(sysconfig.get_paths()["stdlib"])
    return [path for name in (*names, *more) if (path := root / f"{name}.py").is_file()]


def definitions(tree: ast.AST, above: str = "") -> list[tuple[str, int, str]]:
    """Qualified name, line and docstring of every class and function, as Python's own parser sees them."""
    found = []
    for node in ast.iter_child_nodes(tree):
        name = above
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{above}.{node.name}".strip(".")
            found.append((name, node.lineno, (ast.get_docstring(node, clean=False) or "").strip()))
        found += definitions(node, name)
    return found


@pytest.mark.parametrize("path", library_modules(), ids=lambda path: path.stem)
def test_python_is_seen_as_python_sees_it(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    document = read(source, path.name)
    text = document.text
    docstrings = {
        (part.name, text.count("\n", 0, part.start)): cut(document, part) for part in document.parts if part.kind == "docstring"
    }
    signatures = [part for part in document.parts if part.kind == "signature"]
    assert [(part.name, text.count("\n", 0, part.start) + 1) for part in signatures] == [
        (name, line) for name, line, _ in sorted(definitions(ast.parse(source)), key=lambda found: found[1])
    ]
    expected = sorted(doc for _, _, doc in definitions(ast.parse(source)) if doc and "\\" not in doc)
    module = (ast.get_docstring(ast.parse(source), clean=False) or "").strip()
    assert sorted(doc for (name, _), doc in docstrings.items() if name and "\\" not in doc) == expected
    assert not module or "\\" in module or module in docstrings.values()


def test_the_rust_book(shared: Path) -> None:
    seen = 0
    for path in sorted((shared / "corpora" / "rust-book" / "listings").glob("**/*.rs")):
        document = read(path.read_bytes(), path.as_posix())
        code = re.sub(r"//[^\n]*|/\*.*?\*/|r#\".*?\"#", "", document.text, flags=re.DOTALL)
        named = sorted(re.findall(r"^(?:pub |unsafe |async |const )*fn (\w+)", code, re.MULTILINE))
        functions = {part.name for part in symbols(document) if part.kind == "function" and "fn " in part.meta["signature"]}
        heads = [part for part in document.parts if part.kind == "signature" and part.name in functions]
        found = sorted(part.name for part in heads if f"\n{document.text}"[part.start] == "\n")
        assert found == named, path
        seen += len(found)
    assert seen > 600


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(SYMBOLS)), st.data())
def test_mutated_sources_read_or_say_why(suffix: str, draw: st.DataObject) -> None:
    data = in_words(SYMBOLS[suffix][0], *draw.draw(st.sampled_from(WORDS))).encode()
    for _ in range(draw.draw(st.integers(1, 4))):
        start = draw.draw(st.integers(0, len(data)))
        stop = draw.draw(st.integers(start, min(len(data), start + 40)))
        data = (
            data[:start] + draw.draw(st.binary(max_size=6) | st.sampled_from([b"{", b'"', b"*/", "》".encode()])) + data[stop:]
        )
    try:
        document = read(data, f"a{suffix}")
    except UnreadableError as error:
        assert str(error)
        return
    assert read(data, f"a{suffix}") == document
