"""Chats as JSON and JSON Lines: which records are messages, how they are laid out, and what `window` answers with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import grainline
from document_samples import read
from grainline.errors import LimitError, UnreadableError
from grainline.readers import reader_for
from grainline.readers.chats import find_chats
from grainline.shapes import shape
from grainline.types import Budget, Document, Limits
from shape_checks import check_shape

MODEL = [
    {"role": "system", "content": "You answer questions about owls."},
    {"role": "user", "content": "How long do barn owls sit on their eggs?"},
    {"role": "assistant", "content": "Thirty-one days.\n\n- the female sits\n- the male brings voles"},
    {"role": "user", "content": "And how many eggs are there?"},
    {"role": "assistant", "content": [{"type": "text", "text": "Four to seven."}, {"type": "image_url", "image_url": "x"}]},
]
CHINESE = [
    {"from": "human", "value": "谷仓猫头鹰一窝有几枚蛋？"},
    {"from": "gpt", "value": "通常四到七枚。"},
    {"from": "human", "value": "孵化需要多久？"},
    {"from": "gpt", "value": "大约三十一天，由雌鸟孵化。"},
]


def person(name: str) -> dict[str, Any]:
    return {"id": name.lower(), "name": name, "isBot": False}


SLACK = [
    {"type": "message", "user": "U1", "user_profile": {"display_name": "", "real_name": "Ann Lee"}, "text": text, "ts": ts}
    if who == "Ann"
    else {"type": "message", "user": who, "text": text, "ts": ts}
    for who, text, ts in (
        ("Ann", "Has anyone got the key of the pump house?", "1704191520.000100"),
        ("U2", "It hangs behind the boiler.", "1704191580.000200"),
        ("Ann", "Thanks, found it.", "1704191640.000300"),
        ("U2", "The server rack was moved to room 12.", "1704277920.000100"),
        ("Ann", "Who moved it?", "1704277980.000100"),
    )
]
DISCORD = {
    "guild": {"id": "1", "name": "Owlers"},
    "channel": {"id": "2", "name": "nest boxes"},
    "messages": [
        {"id": "9", "type": "Default", "timestamp": f"2024-01-02T{clock}:05.12+00:00", "content": text, "author": person(who)}
        for who, text, clock in (
            ("Ann", "Box 7 is empty.", "09:10"),
            ("Bo", "", "09:11"),
            ("Bo", "I saw a pellet there.", "09:12"),
        )
    ],
}


def written(document: Document) -> list[str]:
    return [document.text[part.start : part.end] for part in document.parts if part.kind == "turn"]


def spoken(document: Document) -> list[list[str]]:
    """The speakers of each exchange, turn by turn."""
    shaped = shape(document)
    check_shape(document, shaped)
    turns = [node for node in shaped.nodes if node.kind == "turn"]
    return [
        [turn.name for turn in turns if node.start <= turn.start < node.end] for node in shaped.nodes if node.kind == "exchange"
    ]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrap", [lambda messages: messages, lambda messages: {"model": "x", "messages": messages}])
def test_messages_of_a_model(wrap: Any, indent: int | None) -> None:
    source = json.dumps(wrap(MODEL), indent=indent)
    document = read("talk.json", source)
    assert written(document)[:3] == [
        "system: You answer questions about owls.",
        "user: How long do barn owls sit on their eggs?",
        "assistant: Thirty-one days.\n\n- the female sits\n- the male brings voles",
    ]
    assert document.text == "\n\n".join(written(document)) and document.text.endswith("assistant: Four to seven.")
    assert spoken(document) == [["system", "user", "assistant"], ["user", "assistant"]]
    rows = source.split("\n")
    at = document.lines[document.text[: document.text.index("user: How")].count("\n")]
    assert (at == 1) if indent is None else ('"role": "user"' in rows[at] and rows[at - 1].strip() == "{")


def test_conversations_are_documents_of_their_own() -> None:
    many = [{"id": "a1", "conversations": CHINESE}, {"id": "b2", "title": "Owls", "conversations": MODEL}]
    for name, data in (
        ("share.json", json.dumps(many, ensure_ascii=False, indent=1)),
        ("share.jsonl", "\n".join(json.dumps(record, ensure_ascii=False) for record in many)),
    ):
        reader = reader_for(name)
        assert reader is not None
        first, second = reader.read(data.encode(), name, Limits())
        assert (first.source, second.source) == (f"{name}#a1", f"{name}#b2")
        assert (first.title, second.title) == ("share", "Owls")
        assert first.text.startswith("human: 谷仓猫头鹰一窝有几枚蛋？\n\ngpt: 通常四到七枚。")
        assert spoken(first) == [["human", "gpt"], ["human", "gpt"]]
        assert set(second.lines) == {2} if name.endswith("l") else second.lines[0] > first.lines[-1]
    nameless = reader_for("a.jsonl")
    assert nameless is not None
    made = nameless.read(b"\n".join(json.dumps({"messages": MODEL}).encode() for _ in range(2)), "a.jsonl", Limits())
    assert [document.source for document in made] == ["a.jsonl#1", "a.jsonl#2"]


def test_an_export_of_slack_knows_names_times_and_silences() -> None:
    document = read("2024-01-02.json", json.dumps(SLACK))
    assert written(document)[0] == "Ann Lee [2024-01-02 10:32]: Has anyone got the key of the pump house?"
    assert spoken(document) == [["Ann Lee", "U2"], ["Ann Lee"], ["U2", "Ann Lee"]]
    (turn,) = [
        node for node in shape(document).nodes if node.kind == "turn" and "boiler" in document.text[node.start : node.end]
    ]
    assert turn.meta["speaker"] == "U2" and turn.meta["time"] == "2024-01-02 10:33"
    assert read("2024-01-02.json", json.dumps(SLACK[::-1])).text == document.text  # the newest first, as the service answers
    lines = read("2024-01-02.jsonl", "\n".join(map(json.dumps, SLACK)))
    assert lines.text == document.text and lines.lines[::2] == (1, 2, 3, 4, 5)


def test_an_export_of_discord_is_named_after_its_channel() -> None:
    document = read("export.json", json.dumps(DISCORD, indent=2))
    assert document.title == "nest boxes"
    assert written(document) == ["Ann [2024-01-02 09:10]: Box 7 is empty.", "Bo [2024-01-02 09:12]: I saw a pellet there."]


def test_a_chinese_export() -> None:
    said = [("张三", "机房的钥匙在谁那里？"), ("李四", "在我这里。"), ("张三", "下午还给我。"), ("李四", "好的。")]
    records = [{"发送者": who, "内容": words, "时间": f"2024-03-05 09:0{at}:00"} for at, (who, words) in enumerate(said)]
    document = read("群聊.json", json.dumps(records, ensure_ascii=False, indent=2))
    assert written(document)[1] == "李四 [2024-03-05 09:01]: 在我这里。"
    assert spoken(document) == [["张三", "李四"], ["张三", "李四"]]
    assert document.lines[0] == 2 and document.lines[2] == 7


TIMES = [f"2024-01-02T10:0{number}:00Z" for number in range(6)]


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"messages": []},
        {"messages": ["one", "two"]},
        {"messages": [{"role": "user", "content": "", "ts": 1704191520}]},
        {"messages": [{"id": "greeting", "text": "Hello"}, {"id": "parting", "text": "Bye"}]},
        {"messages": [{"name": "Owl", "text": "an owl"}, {"name": "Hare", "text": "a hare"}]},
        [
            {"author": name, "text": "Owls see well.", "rating": 5, "time": time}
            for name, time in zip("ababab", TIMES, strict=True)
        ],
        [{"author": name, "text": "Owls see well."} for name in "ababab"],
        [{"author": name, "text": "Owls see well.", "time": time} for name, time in zip("abcdef", TIMES, strict=True)],
        [{"from": name, "to": "c", "subject": "Owls", "body": "They see well."} for name in "ababab"],
        [{"from": name, "to": "c", "value": 3} for name in "ababab"],
        [{"role": "nurse", "content": "cares"}, {"role": "cook", "content": "cooks"}],
        [{"instruction": "Count owls", "output": "7", "history": [["a", "b"]]}],
        [{"filePath": "a.js", "messages": [{"ruleId": "semi", "message": "Missing semicolon", "line": 3}]}],
        [{"messages": MODEL}, {"other": 1}],
        [1, {"messages": MODEL}],
    ],
)
def test_other_records_stay_records(value: Any) -> None:
    assert find_chats(value) is None
    document = read("a.json", json.dumps(value, indent=1))
    assert document.text == json.dumps(value, indent=1)
    assert not [part for part in document.parts if part.kind == "turn"]


@pytest.mark.parametrize("odd", [10**400, True, float("nan"), -1, {"a": 1}, "yesterday", "", None, 1704191520123, []])
def test_odd_times_harm_nothing(odd: Any) -> None:
    messages = [{"role": role, "content": "Owls.", "timestamp": odd} for role in ("user", "assistant")]
    document = read("a.json", json.dumps({"messages": messages}))
    shown = {"yesterday": " [yesterday]", 1704191520123: " [2024-01-02 10:32]"}
    assert written(document)[0] == f"user{shown.get(odd, '') if isinstance(odd, str | int) else ''}: Owls."


def test_what_nobody_says_is_left_out() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    turn = {
        "mapping": 1,
        "messages": [MODEL[1], call, {"role": "tool", "content": {"parts": ["31 days", 7]}}, {"no": "words"}] * 3,
    }
    turn["messages"] = [message for message in turn["messages"] if "no" not in message]  # type: ignore[attr-defined]
    assert written(read("a.json", json.dumps(turn)))[:2] == [f"user: {MODEL[1]['content']}", "tool: 31 days"]
    assert find_chats([{"role": "user", "content": ""}, {"role": "assistant", "content": "\n"}]) is None


def test_bounds_and_damage() -> None:
    reader = reader_for("a.json")
    assert reader is not None
    with pytest.raises(LimitError, match="rows"):
        list(reader.read(json.dumps(MODEL).encode(), "a.json", Limits(rows=3)))
    with pytest.raises(LimitError, match="documents"):
        list(reader.read(json.dumps([{"messages": MODEL}] * 3).encode(), "a.json", Limits(documents=2)))
    with pytest.raises(UnreadableError, match="broken JSON"):
        list(reader.read(json.dumps(MODEL)[:-5].encode(), "a.json", Limits()))
    twice = '{\n"messages": 1,\n"messages": [\n{"role": "user", "content": "Who?"},\n{"role": "user", "content": "You?"}]}'
    assert read("a.json", twice).lines == (4, 4, 5)
    lone = read("a.json", '[{"role": "user", "content": "\\ud83d"}, {"role": "assistant", "content": "a\\r\\nb"}]')
    assert written(lone) == ["user: \ufffd", "assistant: a\nb"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Where is the key of the pump house?", "It hangs behind the boiler."),
        ("How long do barn owls sit on their eggs?", "Thirty-one days."),
        ("谷仓猫头鹰孵化需要多久", "大约三十一天，由雌鸟孵化。"),
    ],
)
def test_window_answers_with_the_exchange(tmp_path: Path, question: str, answer: str) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    (folder / "slack.json").write_text(json.dumps(SLACK), encoding="utf-8")
    (folder / "model.jsonl").write_text("\n".join(json.dumps(message) for message in MODEL), encoding="utf-8")
    (folder / "share.json").write_text(json.dumps([{"conversations": CHINESE}], ensure_ascii=False), encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        assert not library.add([folder]).failed
        (hit, *_) = library.search(question, 3, "window", budget=Budget(embedded=0)).hits
        assert answer in library.text(hit) and "walk:exchange" in hit.via
        before = [library.text(hit) for hit in library.search(question, 3, "window", budget=Budget(embedded=0)).hits]
        (folder / "slack.json").unlink()
        library.add([folder])
        (folder / "slack.json").write_text(json.dumps(SLACK), encoding="utf-8")
        library.add([folder])
        again = [library.text(hit) for hit in library.search(question, 3, "window", budget=Budget(embedded=0)).hits]
        assert again == before


@pytest.mark.parametrize("better", ["chosen", "chosen_messages", "completion"])
def test_the_better_answer_of_a_pair_ends_the_conversation(better: str) -> None:
    pairs = [
        {"conversations": CHINESE[:1], better: CHINESE[1], "rejected": {"from": "gpt", "value": "不知道。"}},
        {"conversations": CHINESE[2:3], better: [CHINESE[3]], "rejected": [{"from": "gpt", "value": "不知道。"}]},
    ]
    found = find_chats(pairs)
    assert found is not None
    assert [[message.said for message in messages] for _, messages in found.held] == [
        [message["value"] for message in CHINESE[:2]],
        [message["value"] for message in CHINESE[2:]],
    ]
    whole = find_chats([{"chosen": MODEL, "rejected": MODEL[:3]}])
    assert whole is not None and len(whole.held[0][1]) == len(MODEL)


def test_pieces_with_their_words_under_value() -> None:
    pieces = [{"type": "reasoning", "value": "The user asks of owls."}, {"type": "text", "value": "Four to seven."}]
    found = find_chats(
        [{"role": "user", "content": [{"type": "text", "value": "How many eggs?"}]}, {"role": "assistant", "content": pieces}]
    )
    assert found is not None
    assert [message.said for message in found.held[0][1]] == ["How many eggs?", "Four to seven."]


def test_a_chat_of_people_in_which_pictures_were_sent() -> None:
    sent = [("Ann", "Thanks!"), ("Bo", None), ("Bo", "Here it is."), ("Ann", "Have you got a picture of the nest?")]
    messages = [
        {
            "sender_name": who,
            "timestamp_ms": 1_700_000_000_000 - 60_000 * at,
            **({"content": text} if text else {"photos": [{"uri": "a"}]}),
        }
        for at, (who, text) in enumerate(sent)
    ]
    document = read("chat.json", json.dumps({"participants": [{"name": "Ann"}, {"name": "Bo"}], "messages": messages}))
    assert document.text.split("\n\n") == [
        "Ann [2023-11-14 22:10]: Have you got a picture of the nest?",
        "Bo [2023-11-14 22:11]: Here it is.",
        "Ann [2023-11-14 22:13]: Thanks!",
    ]
