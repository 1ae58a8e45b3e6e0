"""Natural structure: the portions of court cases, turns and exchanges of chats, summaries of long documents, and the walks along them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grainline
import structure_samples as samples
from grainline.agents.hybrid import SMALLER
from grainline.doctor import examine
from grainline.errors import MissingExtraError
from grainline.keys import keys, summary, units
from grainline.library import Library
from grainline.shapes import shape, turns
from grainline.shapes.cases import portioned
from grainline.testing import FakeEmbedder
from grainline.text import count_tokens
from grainline.types import Budget, Document, Evidence, Node, Where
from grainline.walk.parent import Parent
from grainline.walk.window import Window
from shape_checks import check_shape, markdown, plain

CASES = {name: getattr(samples, name) for name in ("THEFT_ZH", "LOAN_ZH", "OPINION_EN", "ORDER_EN")}
CHATS = {
    name: getattr(samples, name)
    for name in ("CHAT_ZH", "CHAT_EN", "WHATSAPP", "WECHAT", "SLACK", "INTERVIEW_EN", "INTERVIEW_ZH")
}
WORDS = Budget(embedded=0)


def roles(document: Document) -> dict[str, str]:
    return {node.meta["role"]: document.text[node.start : node.end] for node in shape(document).nodes if "role" in node.meta}


def spoken(document: Document) -> list[list[str]]:
    """The speakers of each exchange, turn by turn."""
    nodes = shape(document).nodes
    said = [node for node in nodes if node.kind == "turn"]
    return [[turn.name for turn in said if node.start <= turn.start < node.end] for node in nodes if node.kind == "exchange"]


# --- court cases ---


def test_a_chinese_judgment_has_its_portions() -> None:
    document = plain(samples.THEFT_ZH)
    said = roles(document)
    order = ["head", "proceedings", "charge", "defence", "facts", "evidence", "reasoning", "judgment", "closing"]
    assert list(said) == order
    assert said["proceedings"].startswith("江城市临湖区人民检察院以鄂临检刑诉") and said["charge"].startswith("公诉机关指控，")
    assert said["facts"].startswith("经审理查明，") and "另查明" in said["facts"]
    assert said["evidence"].startswith("上述事实，") and said["reasoning"].startswith("本院认为，")
    assert said["judgment"].startswith("依照") and "有期徒刑七个月" in said["judgment"]
    assert said["closing"].startswith("如不服本判决")
    names = [node.name for node in shape(document).nodes if "role" in node.meta]
    assert names[2:-1] == ["公诉机关指控", "被告辩称", "经审理查明", "证据", "本院认为", "判决如下"]


def test_a_judgment_without_line_breaks_has_them_too() -> None:
    said = roles(plain(samples.LOAN_ZH))
    assert list(said) == ["head", "proceedings", "claim", "defence", "facts", "reasoning", "judgment", "closing"]
    assert said["judgment"].startswith("据此，依照") and said["judgment"].endswith("其他诉讼请求。")


def test_a_ruling_whose_reasoning_and_order_are_one_sentence() -> None:
    text = samples.THEFT_ZH.replace("本院予以采纳。依照", "本院予以采纳，故依照").replace("判决如下：", "裁定如下：")
    said = roles(plain(text))
    assert said["judgment"].startswith("依照《中华人民共和国刑法》") and said["reasoning"].endswith("，故")
    whole = text[text.index("本院认为") : text.index("裁定如下")]
    said = roles(plain(text.replace(whole, whole.replace("。", "，"))))
    assert said["judgment"].startswith("依照《中华人民共和国刑法》") and said["reasoning"].endswith("，故")


def test_an_opinion_with_headings() -> None:
    document = plain(samples.OPINION_EN)
    said = roles(document)
    assert list(said) == ["head", "facts", "proceedings", "reasoning", "judgment"]
    assert said["facts"].startswith("Background") and "The unlocked door" in said["reasoning"].replace("B. ", "")
    assert said["judgment"].startswith("Conclusion") and said["judgment"].endswith("IT IS SO ORDERED.")


def test_an_order_without_headings() -> None:
    said = roles(plain(samples.ORDER_EN))
    assert list(said) == ["head", "proceedings", "facts", "reasoning", "judgment", "closing"]
    assert said["judgment"].startswith("For these reasons") and said["closing"].startswith("Dated")


def test_headings_of_a_case_stay_and_get_roles() -> None:
    text = "# State v. Miller\n\n" + samples.OPINION_EN
    for name in ("Background", "Procedural History", "Discussion", "Conclusion"):
        text = text.replace(f"\n{name}\n", f"\n## {name}\n")
    document = markdown(text)
    check_shape(document, shape(document))
    sections = [node for node in shape(document).nodes if node.kind == "section"]
    assert {node.name: node.meta.get("role") for node in sections if node.meta["path" if node.meta.get("path") else "heading"]}
    told = {node.name: node.meta["role"] for node in sections if "role" in node.meta}
    assert told == {
        "Parties": "head",
        "Background": "facts",
        "Procedural History": "proceedings",
        "Discussion": "reasoning",
        "Conclusion": "judgment",
    }
    chinese = samples.THEFT_ZH.replace("\n经审理查明，", "\n## 经审理查明\n\n").replace(
        "\n本院认为，", "\n## 本院认为\n\n本院认为，"
    )
    assert "judgment" in roles(markdown("# 颜有为盗窃案\n\n" + chinese))


def test_real_facts_in_the_frame_of_a_judgment(shared: Path) -> None:
    """Facts of real judgments are no cases by themselves, and are portions of the case that is put around them."""
    lines = (shared / "data/lawbench_statute_zh/queries.jsonl").read_text(encoding="utf-8").splitlines()
    found = 0
    for line in lines[::10]:
        facts = json.loads(line)["text"]
        assert not roles(plain(facts)) and not turns.turns(facts)
        head, _, rest = samples.THEFT_ZH.partition("公诉机关指控，")
        case = plain(f"{head}{facts}\n{rest[rest.index('上述事实，') :]}")
        said = roles(case)
        found += {"reasoning", "judgment", "closing"} < set(said) and bool({"facts", "charge"} & set(said))
        check_shape(case, shape(case))
    assert found >= len(lines[::10]) - 1


# --- chats ---


def test_turns_and_exchanges() -> None:
    assert spoken(plain(samples.CHAT_ZH)) == [
        ["张三", "李四", "张三", "王五"],  # the question put back keeps the exchange open
        ["张三", "李四", "王五"],
        ["张三", "李四"],  # after a silence
        ["张三"],
    ]
    assert spoken(plain(samples.CHAT_EN)) == [
        ["Alice", "Bob", "Carol", "Bob"],
        ["Alice", "Bob"],
        ["Alice", "Carol"],
        ["Alice", "Carol"],
    ]
    assert spoken(plain(samples.WHATSAPP))[-1] == ["Nadia", "Omar Haddad"]
    assert spoken(plain(samples.WECHAT)) == [["张三", "李四"]] * 2
    assert spoken(plain(samples.SLACK)) == [["Priya Nair", "Tom"]] * 2
    assert spoken(plain(samples.INTERVIEW_EN)) == [["Q", "A"]] * 3
    assert spoken(plain(samples.INTERVIEW_ZH)) == [["问", "答"]] * 3


def test_a_turn_says_who_spoke_and_when() -> None:
    document = plain(samples.WHATSAPP)
    turn = next(node for node in shape(document).nodes if node.name == "Omar Haddad")
    assert turn.meta == {"speaker": "Omar Haddad", "time": "02/01/24, 10:33"}
    assert document.text[turn.start : turn.end].endswith("bring the big umbrella.")


def test_a_long_turn_holds_passages() -> None:
    long = "".join(f"The lamp number {n} was lit at dusk and went out at dawn. " for n in range(60))
    document = plain(samples.INTERVIEW_EN.replace("Tomorrow.", long + "Would you?") + "\nQ: I doubt it.\n")
    shaped = shape(document)
    check_shape(document, shaped)
    turn = max((node for node in shaped.nodes if node.kind == "turn"), key=lambda node: node.end - node.start)
    below = [edge.target for edge in shaped.edges if edge.kind == "child" and edge.source == turn.id]
    assert turn.name == "A" and len(below) > 2


def test_headings_part_exchanges() -> None:
    halves = samples.CHAT_EN.splitlines(keepends=True)
    document = markdown("# Log\n\n## Morning\n\n" + "\n".join(halves[:3]) + "\n\n## Noon\n\n" + "\n".join(halves[3:]))
    shaped = shape(document)
    check_shape(document, shaped)
    assert [exchange[0] for exchange in spoken(document)][:2] == ["Alice", "Bob"]
    assert {tuple(node.meta["path"]) for node in shaped.nodes if node.kind == "exchange"} == {
        ("Log", "Morning"),
        ("Log", "Noon"),
    }


@pytest.mark.parametrize("text", samples.NEITHER.values(), ids=samples.NEITHER)
def test_what_only_looks_like_it_stays_as_it_is(text: str) -> None:
    outline: list[object] = []
    assert portioned(text, outline) is outline  # type: ignore[arg-type, comparison-overlap]
    assert turns.turns(text) == []


def test_no_document_of_a_textbook_is_taken_for_a_case_or_chat(shared: Path) -> None:
    for path in sorted((shared / "corpora").glob("**/*.md"))[::6]:
        nodes = shape(markdown(path.read_text(encoding="utf-8"))).nodes
        assert not [node for node in nodes if node.kind in ("turn", "exchange") or "role" in node.meta], path


@pytest.mark.parametrize("text", [*CASES.values(), *CHATS.values()], ids=[*CASES, *CHATS])
def test_shapes_hold(text: str) -> None:
    for document in (plain(text), markdown(text), plain(text * 3)):
        check_shape(document, shape(document))
        assert shape(document) == shape(document)


LINES = [line for text in (*CASES.values(), *CHATS.values(), *samples.NEITHER.values()) for line in text.splitlines(True)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*LINES, "\n", "## Noon\n", "| a | b |\n|---|---|\n| 1 | 2 |\n\n"]), max_size=60))
def test_shapes_hold_for_any_mixture(lines: list[str]) -> None:
    document = markdown("".join(lines))
    check_shape(document, shape(document))


@pytest.mark.parametrize(
    "line", ["[10:32] Ann: Is it you?\n[10:33] Bo: Yes.\n", "本院认为，裁定如下：", "On May 1, a v. b, Court No. 1\n" * 3]
)
def test_long_texts_take_no_time(line: str) -> None:
    text = line * (400_000 // len(line))
    begin = time.process_time()
    shape(plain(text))
    assert time.process_time() - begin < 4


# --- walks ---


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[Library]:
    """Cases and chats in a library."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in {**CASES, **CHATS, "OTHER0": samples.other_theft(0), "OTHER1": samples.other_theft(1)}.items():
        (folder / f"{name.lower()}.txt").write_text(text, encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        library.add([folder])
        yield library


def named(library: Library, evidence: Evidence) -> list[str]:
    return [library.source(hit.node.document_id).removeprefix("docs/") for hit in evidence.hits]


@pytest.mark.parametrize(
    ("question", "source", "role", "words"),
    [
        ("在足球场偷手机的颜有为被判了多久？", "theft_zh.txt", "judgment", "有期徒刑七个月"),
        ("在仓库偷电缆的人判了几年", "other0.txt", "judgment", "有期徒刑二年"),
        ("茶叶店的借款，法院为什么判他还钱", "loan_zh.txt", "reasoning", "合法的借贷关系受法律保护"),
        (
            "What was he sentenced to, the man who stole the phone at the football field?",
            "opinion_en.txt",
            "judgment",
            "eight months",
        ),
        ("Why must the carrier pay for the wet wool?", "order_en.txt", "reasoning", "does not bind Harbor"),
    ],
)
@pytest.mark.parametrize("budget", [WORDS, Budget()])
def test_from_the_facts_to_the_judgment(
    mixed: Library, question: str, source: str, role: str, words: str, budget: Budget
) -> None:
    evidence = mixed.search(question, 6, "parent", budget=budget)
    assert evidence.hits[0].node.kind == "document" and len(evidence.hits) <= 6
    assert any(way.startswith("walk:parent ") and way.endswith("judgment") for hit in evidence.hits for way in hit.via)
    portions = [hit for hit in evidence.hits if any(way.startswith("portion:") for way in hit.via)]
    assert {mixed.source(hit.node.document_id) for hit in portions} == {f"docs/{source}"}
    assert portions[0].node.meta["role"] == role and words in mixed.text(portions[0])
    assert {"judgment", "reasoning"} <= {hit.node.meta["role"] for hit in portions}
    scores = [hit.score for hit in evidence.hits]
    assert scores == sorted(scores, reverse=True)
    answer = mixed.ask(question, 6, "parent", budget=budget)
    asked = portions[0].node
    quotes = [one.quote for one in answer.citations if one.source == f"docs/{source}" and asked.start <= one.start < asked.end]
    assert quotes and (role != "judgment" or any(words in quote for quote in quotes))


def test_parents_are_one_hit_a_document(mixed: Library) -> None:
    with mixed.snapshot() as state:
        hits = mixed.search("手机 phone", 30, "fulltext").hits
        walked = Parent(state).walk(hits)
        assert [hit.node.kind for hit in walked] == ["document"] * len({hit.node.document_id for hit in hits})
        assert Parent(state).walk(hits, Where(sources=("nowhere",))) == []
        plain_ways = [hit for hit in walked if "walk:parent" in hit.via]
        assert plain_ways and all(Parent(state).portions(hit) == [] for hit in plain_ways)


@pytest.mark.parametrize(
    ("question", "speaker", "starts", "ends"),
    [
        ("山上的木屋钥匙在谁那里", "王五", "[10:03] 张三", "管理员老刘那里。"),
        ("why did the nightly build fail", "Alice", "2024-01-02 10:30 Alice", "goes live at noon."),
        ("which port does the staging proxy listen on", "Priya Nair", "Priya Nair  10:32", "closed last week."),
        ("what was the hardest part", "Q", "Q: What was", "between the blasts."),
    ],
)
def test_a_window_in_a_chat_is_the_exchange(mixed: Library, question: str, speaker: str, starts: str, ends: str) -> None:
    hit = mixed.search(question, 3, "window", budget=WORDS).hits[0]
    assert hit.via[-1] == "walk:exchange" and hit.node.meta["speaker"] == speaker
    assert mixed.text(hit).startswith(starts) and mixed.text(hit).endswith(ends)


def test_a_window_stays_inside_its_portion(mixed: Library) -> None:
    hit = mixed.search("出具了谅解书 抓获 查获涉案手机", 1, "window", Where(sources=("docs/theft_zh.txt",)), WORDS).hits[0]
    with mixed.snapshot() as state:
        portion = next(
            node
            for node in state.shaped(hit.node.document_id).nodes
            if node.meta.get("role") and node.start <= hit.node.start < node.end
        )
        assert portion.meta["role"] == "facts" and portion.start <= hit.node.start and hit.node.end <= portion.end
        assert hit.via[-1] == "walk:next"
        everything = Window(state, "手机").walk(mixed.search("手机", 20, "fulltext").hits)
        for one in everything:
            for other in everything:
                assert (
                    one is other
                    or one.node.document_id != other.node.document_id
                    or one.node.end <= other.node.start
                    or (other.node.end <= one.node.start)
                )


@pytest.mark.parametrize("agent", ["window", "parent", "summary"])
def test_without_an_encoder_words_are_matched(mixed: Library, agent: str) -> None:
    def missing() -> FakeEmbedder:
        raise MissingExtraError("onnxruntime", "embed")

    from grainline.agents import registry

    with mixed.snapshot() as state:
        by_words = registry.make(agent, state).retrieve("手机 足球场", 4, budget=WORDS)
        state.embedder = missing
        without = registry.make(agent, state).retrieve("手机 足球场", 4)
    assert [hit.node for hit in without.hits] == [hit.node for hit in by_words.hits] != []
    assert any("grainline[embed]" in step.detail for step in without.trace) and without.cost.embedded == 0


# --- summaries ---

SPECIES = ("barn", "tawny", "snowy", "pygmy", "eagle")
LONG_EN = "# The owls of the valley\n\n" + "".join(
    f"## The {name} owl\n\n"
    + "".join(
        f"The {name} owl hunts in the valley on night {n}. Its call was heard {n} times near the {name} ridge. The keeper wrote it down. "
        for n in range(40)
    )
    + "\n\n"
    for name in SPECIES
)
LONG_ZH = "# 山谷猫头鹰调查报告\n\n" + "".join(
    f"## {name}\n\n"
    + "".join(f"调查员在第{n}个夜晚记录了{name}的叫声。{name}主要捕食田鼠，巢穴位于山谷北坡的老树上。" for n in range(40))
    + "\n\n"
    for name in ("仓鸮", "灰林鸮", "雪鸮")
)


@pytest.mark.parametrize(("text", "word", "part"), [(LONG_EN, "valley", "barn"), (LONG_ZH, "猫头鹰", "雪鸮")])
def test_long_documents_and_sections_have_summaries(text: str, word: str, part: str) -> None:
    document = markdown(text)
    shaped = shape(document)
    made = list(summary.keys(document, shaped))
    nodes = {node.id: node for node in shaped.nodes}
    kinds = [nodes[key.node_id].kind for key in made]
    assert kinds[0] == "document" and "section" in kinds
    assert word in made[0].text and made[0].text.startswith(document.title)
    assert any(part in key.text for key in made[1:])
    for key in made:
        assert 20 <= count_tokens(key.text) <= 140 and len(units(key.text)) == 1
        path = [*nodes[key.node_id].meta.get("path", ()), nodes[key.node_id].name]
        assert all(name in key.text for name in path)
    assert made == list(summary.keys(document, shaped))
    assert [key for key in keys(document, shaped) if key.kind == "summary"] == made


def test_short_documents_and_code_have_none() -> None:
    short = markdown("# Owl\n\n" + "The owl hunts at night. " * 60)
    assert not list(summary.keys(short, shape(short)))
    code = Document("c", "c.py", "c", "x = 1\n" * 5_000, meta={"code": "python"})
    assert not list(summary.keys(code, shape(code)))


def test_a_book_is_summarised_in_bounded_time() -> None:
    document = plain(
        "\n\n".join(f"Chapter note {n} tells of owl {n % 97} and hare {n % 89} in the valley at night." for n in range(40_000))
    )
    shaped = shape(document)
    begin = time.process_time()
    assert len(list(summary.keys(document, shaped))) == 1
    assert time.process_time() - begin < 1


def test_the_agent_walks_from_summaries_to_documents(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "owls.md").write_text(LONG_EN, encoding="utf-8")
    (folder / "调查.md").write_text(LONG_ZH, encoding="utf-8")
    (folder / "note.md").write_text("# Note\n\nA hare in the field.\n", encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        library.add([folder])
        for question, source, name in (
            ("owls of the valley: the snowy owl", "owls.md", "snowy"),
            ("山谷里的灰林鸮捕食什么", "调查.md", "灰林鸮"),
            ("hare in the field", "note.md", "Note"),
        ):
            for budget in (WORDS, Budget(), Budget(embedded=7)):
                evidence = library.search(question, 6, "summary", budget=budget)
                first, second = evidence.hits[:2]
                assert library.source(first.node.document_id) == f"docs/{source}"
                assert first.node.kind in ("document", "section") and name in library.text(first)
                assert (
                    second.node.kind == "passage" and first.node.start <= second.node.start < second.node.end <= first.node.end
                )
                assert evidence.cost.embedded <= min(SMALLER.embedded, 999 if budget.embedded is None else budget.embedded)
                assert [hit.score for hit in evidence.hits] == sorted((hit.score for hit in evidence.hits), reverse=True)
                kept: list[Node] = [hit.node for hit in library.search(question, 6, "summary", budget=budget).hits]
                assert budget.embedded == 7 or kept == [hit.node for hit in evidence.hits]
        assert examine(library.folder).found == []  # vectors of summaries are of texts that are there
        assert library.search("valley owls", 3, "summary", Where(sources=("docs/note.md",))).hits[0].node.name == "Note"
