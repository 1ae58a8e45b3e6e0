"""Code: its keys, several kinds of keys matched together, the agent `code`, records that are code though no suffix says so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import grainline
from grainline.agents.code import Code
from grainline.keys import keys
from grainline.keys.code import KINDS
from grainline.library import Library
from grainline.match.keyed import Keyed, Matches
from grainline.readers import reader_for
from grainline.readers.code_records import Snippets
from grainline.shapes import shape
from grainline.testing import FakeEmbedder
from grainline.types import Budget, Document, Key, Limits, Where

WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["lexer", "parser", "cli"]\n',
    "README.md": "# Calc\n\nA pocket calculator.\n\nLong sums are folded by the routine `fold_sums`, which keeps the carry apart.\n",
    "lexer/src/lib.rs": """//! Cuts text into tokens.

/// One piece of the input.
pub struct Token { pub text: String }

/// Splits the input at blanks and operators.
pub fn split_tokens(input: &str) -> Vec<Token> {
    input.split(' ').map(|text| Token { text: text.to_string() }).collect()
}
""",
    "parser/src/tree.rs": """use lexer::{split_tokens, Token};

pub struct Tree { leaves: Vec<Token> }

impl Tree {
    /// 由输入构造语法树
    pub fn from_input(input: &str) -> Tree {
        // the lexer has done the hard part by now
        Tree { leaves: split_tokens(input) }
    }

    pub fn len(&self) -> usize { self.leaves.len() }
}

pub struct Where;

pub fn fold_sums(tree: &Tree) -> u64 { tree.len() as u64 }
""",
    "cli/src/main.rs": """use parser::tree::{fold_sums, Tree};

fn main() {
    let tree = Tree::from_input("1 + 2");
    println!("{}", fold_sums(&tree));
}

fn check_tokens() -> bool { lexer::split_tokens("1").len() == 1 }
""",
}
PLENTY = Budget()


def read(name: str, text: str) -> list[Document]:
    reader = reader_for(name)
    assert reader is not None
    return list(reader.read(text.encode(), name, Limits()))


def keys_of(name: str, text: str) -> list[Key]:
    (document,) = read(name, text)
    return [key for key in keys(document, shape(document)) if key.kind in KINDS]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Library]:
    for name, text in WORKSPACE.items():
        (tmp_path / "calc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "calc" / name).write_text(text, encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        assert not library.add([tmp_path / "calc"]).failed
        yield library


def names(library: Library, question: str, k: int = 10, budget: Budget = PLENTY, where: Where = Where()) -> list[str]:  # noqa: B008
    return [hit.node.name for hit in library.search(question, k, "code", where, budget).hits]


def test_a_function_has_several_keys() -> None:
    found = {(key.kind, key.text) for key in keys_of("parser/src/tree.rs", WORKSPACE["parser/src/tree.rs"])}
    assert ("symbol", "parser tree\nTree.from_input") in found
    declared = "pub fn from_input(input: &str) -> Tree"
    assert ("signature", f"parser tree. tree from input. 由输入构造语法树 {declared}") in found
    assert ("comment", "由输入构造语法树 the lexer has done the hard part by now") in found
    assert ("symbol", "parser tree\nfold_sums") in found
    assert not [text for kind, text in found if kind == "comment" and "fold" in text]


def test_what_is_said_of_a_method_is_not_said_of_its_class() -> None:
    push = '    def push(self, item):\n        """Lays one on top."""\n        # 顶部\n        self.items += [item]\n'
    text = f'class Stack:\n    """Keeps things."""\n\n{push}'
    assert [key.text for key in keys_of("stack.py", text) if key.kind == "comment"] == [
        "Keeps things.",
        "Lays one on top. 顶部",
    ]


def test_a_long_docstring_is_cut_in_the_signature_key_only() -> None:
    text = 'def wait():\n    """' + "patience " * 200 + '"""\n'
    found = {key.kind: key.text for key in keys_of("a.py", text)}
    assert len(found["signature"]) < 500 and found["signature"].endswith("patience def wait()")
    assert found["comment"].count("patience") == 200


def test_prose_has_no_keys_of_code() -> None:
    assert not keys_of("a.md", "# Owls\n\nThey hunt at night.\n\n```python\ndef hunt(): pass\n```\n")


def test_keyed_gives_one_hit_a_node_and_says_which_keys_matched(workspace: Library) -> None:
    with workspace.snapshot() as snapshot:
        keyed = Keyed(snapshot, {"symbol": 1.0, "comment": 1.0, "nothing of the kind": 1.0})
        hits = keyed.match("split at blanks 构造", 10)
        assert [hit.node.name for hit in hits] == ["split_tokens", "Tree.from_input"]
        assert [hit.via for hit in hits] == [("bm25:comment", "bm25:symbol"), ("bm25:comment",)]
        assert [hit.node.name for hit in keyed.match("split at blanks 构造", 1)] == ["split_tokens"]
        assert keyed.match("split", 10, Where(sources=("calc/parser",))) == []
        assert keyed.match("zeppelin", 10) == [] == keyed.match("split", 0)


def test_fusing_adds_a_share_of_the_other_keys() -> None:
    matches = Matches(("a", "b"), np.array([1, 2]), np.array([[0.5, 0.0], [0.4, 0.4]]))
    assert matches.fused([1.0, 1.0], 0.0).tolist() == [0.5, 0.4]
    assert matches.fused([1.0, 0.5], 0.5).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("budget", [Budget(embedded=0), Budget(embedded=1), Budget(embedded=5), PLENTY])
def test_the_agent_finds_functions_within_its_budget(workspace: Library, budget: Budget) -> None:
    evidence = workspace.search("splits the input at blanks", 5, "code", budget=budget)
    assert evidence.hits[0].node.name == "split_tokens"
    assert "bm25:comment" in evidence.hits[0].via
    assert evidence.cost.embedded <= (150 if budget.embedded is None else budget.embedded)
    assert len({hit.node.id for hit in evidence.hits}) == len(evidence.hits)


def test_the_agent_asks_in_chinese(workspace: Library) -> None:
    assert names(workspace, "怎么构造语法树")[0] == "Tree.from_input"


@pytest.mark.parametrize("question", ["Where is split_tokens used?", "谁调用了 split_tokens？"])
def test_uses_come_right_behind_what_they_use(workspace: Library, question: str) -> None:
    hits = workspace.search(question, 10, "code").hits
    assert hits[0].node.name == "split_tokens"
    assert [(hit.node.name, hit.via) for hit in hits[1:3]] == [
        ("check_tokens", ("refers:split_tokens",)),
        ("Tree.from_input", ("refers:split_tokens",)),
    ]


def test_uses_come_last_where_nobody_asks_for_them(workspace: Library) -> None:
    hits = workspace.search("splits the input at blanks", 3, "code").hits
    assert [any(way.startswith("refers:") for way in hit.via) for hit in hits] == [False, False, True]
    assert hits[2].node.name == "check_tokens"


def test_what_is_hidden_is_not_referred_to(workspace: Library) -> None:
    where = Where(sources=("calc/lexer", "calc/parser"))
    assert "check_tokens" not in names(workspace, "Where is split_tokens used?", where=where)


def test_a_page_speaks_for_what_it_names(workspace: Library) -> None:
    hits = workspace.search("which routine keeps the carry apart", 10, "code", budget=Budget(embedded=0)).hits
    (found,) = [hit for hit in hits if hit.node.name == "fold_sums"]
    assert "bm25:mention" in found.via


def test_answers_are_the_same_every_time(workspace: Library) -> None:
    asked = [workspace.search("tokens of a tree", 10, "code") for _ in range(3)]
    assert asked[0].hits
    assert [(hit.node.id, hit.via) for hit in asked[0].hits] == [(hit.node.id, hit.via) for hit in asked[1].hits]
    assert asked[1].hits == asked[2].hits
    assert asked[2].cost.embedded <= 2


def test_whoever_wants_many_hits_gets_them_in_order_of_score(tmp_path: Path) -> None:
    code = "".join(f"def count_{word}_{n}():\n    return {n}\n\n\n" for word in ("owls", "mice") for n in range(80))
    (tmp_path / "a.py").write_text(code, encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        library.add([tmp_path / "a.py"])
        for budget in (Budget(embedded=0), Budget()):
            evidence = library.search("count the mice", 140, "code", budget=budget)
            scores = [hit.score for hit in evidence.hits]
            assert len(scores) == 140 and scores == sorted(scores, reverse=True)
            assert all("mice" in hit.node.name for hit in evidence.hits[:40])


def test_a_library_without_code_is_searched_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Owls\n\nThe owl hunts at night.\n\n# 夜\n\n猫头鹰在夜里捕猎。\n", encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        library.add([tmp_path / "a.md"])
        with library.snapshot() as snapshot:
            assert "owl hunts" in library.text(Code(snapshot).retrieve("when does the owl hunt", 1).hits[0])
            assert "猫头鹰" in library.text(Code(snapshot).retrieve("猫头鹰捕猎", 1).hits[0])
            assert Code(snapshot).retrieve("zeppelin", 3).hits == ()


CODE = {
    "python": "    @property\n    def top(self):\n        return self.items[-1]\n",
    "rust": "#[inline]\npub(crate) fn top<T>(items: &[T]) -> &T { &items[0] }",
    "go": "// Top of it.\nfunc (s *Stack) Top() int { return s.items[0] }",
    "javascript": "export async function top(items) { return items[0]; }",
    "typescript": "export function top(items: number[]): number { return items[0]; }",
    "java": "@Override\npublic int top(int[] items) { return items[0]; }",
    "c": "static int top(const int *items) { return items[0]; }",
    "cpp": "int Stack::top() const { return items[0]; }",
}
PROSE = [
    "",
    " \n",
    "def is a key (on some machines): press it to add.",
    "Class struggle: a history of (and for) everyone.",
    "Public opinion (2019) has { changed }.",
    "function (mathematics): a relation",
    "from Berlin import duties were (mostly) lifted",
    "第一条（目的）为了保护：{猫头鹰}",
    "class Owl",
    "{{{((((::::" * 50,
]


@pytest.mark.parametrize("language", CODE)
def test_a_record_that_looks_like_code_is_code(language: str) -> None:
    for fields in ({}, {"lang": language}, {"path": "a > b"}):
        (document,) = read("corpus.jsonl", json.dumps({"_id": "a", "text": CODE[language], **fields}))
        assert document.meta["code"] == language
        (function,) = [part for part in document.parts if part.kind == "function"]
        assert function.name.lower().endswith("top") and document.text == CODE[language]


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_code_whatever_stands_beside_it(text: str) -> None:
    for fields in ({}, {"lang": "en"}, {"language": "python"}, {"path": "notes.py"}):
        (document,) = read("corpus.jsonl", json.dumps({"_id": "a", "text": text, **fields}))
        assert not document.parts and "code" not in document.meta


def test_a_broken_record_of_a_known_language_keeps_what_is_sound() -> None:
    text = "fn top(items: &[u8]) -> u8 { items[0] }\nfn broken( {"
    assert Snippets().read(text, ["src/a.rs"])[0] == "rust"
    assert Snippets().read(text) == ("", ())


@pytest.mark.parametrize(("hints", "lead"), [((), ""), ((), "int owl(mouse) { "), (("python",), "")])
def test_looking_for_code_costs_prose_little(hints: tuple[str, ...], lead: str) -> None:
    snippets = Snippets()
    text = f"{lead}The owl (Strix aluco) hunts at night: it hears a mouse {{under snow}}. " * 8
    start = time.process_time()
    assert not any(snippets.read(f"{text} {number}", hints)[0] for number in range(5_000))
    assert time.process_time() - start < (4 if hints or lead else 0.3)


def test_code_is_seen_behind_some_prose_that_passes_for_it() -> None:
    snippets = Snippets()
    found = [snippets.read(text, ["rust"])[0] for text in ["an owl (or two) hunts", CODE["rust"]] * 300]
    assert found == ["", "rust"] * 300


@pytest.mark.parametrize("name", ["cosqa_dev", "rust_doc_search"])
def test_real_records_of_code(name: str) -> None:
    corpus = Path(__file__).resolve().parents[1].parent / "shared" / "data" / name / "corpus.jsonl"
    if not corpus.exists():
        pytest.skip("the shared data are not here")
    lines = corpus.read_text(encoding="utf-8").splitlines()[::10]
    found = read("corpus.jsonl", "\n".join(lines))
    assert sum("code" in document.meta for document in found) > 0.99 * len(found)
    bare = "\n".join(json.dumps({key: json.loads(line)[key] for key in ("_id", "text")}) for line in lines)
    assert sum("code" in document.meta for document in read("corpus.jsonl", bare)) > 0.98 * len(found)
