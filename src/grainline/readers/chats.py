"""Chats as data: lists of messages as models are trained on them (role and content, from and value) and as chat programs export them
(Slack, Discord, Telegram: who, what, when). Each conversation becomes a document that reads like one, with a part for each turn.

What is no message (reactions, members, settings) is left out, and so are texts that no one says, such as the arguments of a tool.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from grainline.errors import LimitError
from grainline.readers.build import Layout, document, flow, title_of
from grainline.types import Document, Limits

#: keys of a list of messages in the record of a conversation
HELD = ("messages", "conversations", "conversation", "chat_messages", "dialogue", "dialog", "turns", "history", "消息", "对话")
#: keys of pairs of conversations that a model is to prefer one of: what was asked, if that stands apart, and the better answer or the
#: whole conversation with it
ASKED, BETTER = ("prompt",), ("chosen", "chosen_messages", "completion")
#: keys of who speaks: those that only a message has, then those that other records have, too
SPEAKERS = ("role", "from", "sender", "sender_name", "speaker", "talker", "发言人", "说话人", "发送者", "角色")
AUTHORS = ("user_profile", "author", "user", "username", "user_name", "nickname", "name", "昵称", "用户", "作者")
NAMES = ("display_name", "real_name", "nickname", "name", "username", "role", "id")
WORDS = ("content", "value", "text", "message", "body", "msg", "内容", "消息", "文本")
TIMES = (
    *("timestamp", "timestamp_ms", "ts", "time", "date", "datetime", "created_at", "create_time", "sent_at"),
    "时间",
    "发送时间",
    "日期",
)
TITLES = ("title", "name", "topic", "channel", "标题")
IDS = ("id", "conversation_id", "uuid")
#: keys of mail, reviews and articles
NO_MESSAGE = frozenset(("subject", "title", "rating", "stars", "score", "summary", "主题", "标题", "评分"))
ROLES = frozenset(
    (
        "system",
        "developer",
        "user",
        "human",
        "assistant",
        "gpt",
        "chatgpt",
        "model",
        "bot",
        "ai",
        "tool",
        "function",
        "observation",
    )
) | {"系统", "用户", "助手", "客服", "顾客", "问", "答"}
#: messages that make a chat where nothing but their form says so, and the share of records that are messages
LEAST, SHARE = 4, 0.9
#: seconds and milliseconds since 1970 between which a number is a time
EPOCHS = (3e8, 5e9)
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})")
LONGEST = 60  #: characters of a name or a time

#: stands for each item of a list on the way to messages
EACH = None


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said; `number` is its place in the list, `order` sorts by time ("" where it is not told)."""

    number: int
    speaker: str
    said: str
    when: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Chats:
    """The conversations of a file: the record that holds each one with its messages, and the keys that lead to a list of messages."""

    steps: tuple[str | None, ...]
    held: tuple[tuple[Mapping[str, Any], tuple[Message, ...]], ...]


def find_chats(value: Any) -> Chats | None:
    """The conversations that a JSON value is: one, under a key or not, or a list of them; None for any other value.

    >>> chats = find_chats({"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Owls."}]})
    >>> chats.steps, [message.said for message in chats.held[0][1]]
    (('messages',), ['Who?', 'Owls.'])
    """
    if isinstance(value, list):
        if messages := _messages(value, held=False):
            return Chats((), (({}, messages),))
        return _many(value)
    if not isinstance(value, dict) or (key := _key_of_list(value)) is None:
        return None
    if messages := _conversation(value, key):
        return Chats((key,), ((value, messages),))
    below = _many(value[key])
    return Chats((key, *below.steps), below.held) if below else None


def read_chats(chats: Chats, line_of: Callable[[int, int], int], source: str, limits: Limits) -> Iterator[Document]:
    """A document for each conversation: `source` where a file is one, else `source#id`, by the id of its record or its number from 1.

    `line_of` gives the source line of a message by the number of its conversation and its own, from 0. Raises `LimitError`.
    """
    if len(chats.held) > limits.documents:
        raise LimitError("documents", len(chats.held), limits.documents)
    ids = [str(next((record[key] for key in IDS if isinstance(record.get(key), str | int)), "")) for record, _ in chats.held]
    if len(set(ids)) < len(ids) or not all(ids):
        ids = [str(number) for number in range(1, len(ids) + 1)]
    alone = EACH not in chats.steps
    for number, ((record, messages), name) in enumerate(zip(chats.held, ids, strict=True)):
        if not messages:
            continue
        if len(messages) > limits.rows:
            raise LimitError("rows", len(messages), limits.rows)
        layout = Layout()
        for message in messages:
            head = f"{message.speaker} [{message.when}]: " if message.when else f"{message.speaker}: "
            meta = {"time": message.when} if message.when else {}
            layout.add(head + message.said, "turn", line=line_of(number, message.number), name=message.speaker, meta=meta)
        title = next((said for key in TITLES if (said := _name(record.get(key)))), "") or title_of(source)
        place = source if alone else f"{source}#{name}"
        yield document(place, title, layout.text(), limits, parts=layout.parts(), lines=layout.lines())


def _key_of_list(record: Mapping[str, Any]) -> str | None:
    """The key of the list of messages in the record of a conversation."""
    return next((key for key in (*HELD, *ASKED, *BETTER) if isinstance(record.get(key), list) and record[key]), None)


def _many(records: Sequence[Any]) -> Chats | None:
    """The conversations in a list of records, if that is what most of them are."""
    first = records[0] if records else None
    key = _key_of_list(first) if isinstance(first, dict) else None
    if key is None or not all(isinstance(record, dict) for record in records):
        return None
    held = [(record, _conversation(record, key)) for record in records]
    spoken = sum(bool(messages) for _, messages in held)
    return Chats((EACH, key), tuple(held)) if spoken >= SHARE * len(records) else None


def _conversation(record: Mapping[str, Any], key: str) -> tuple[Message, ...]:
    """The messages under a key of a record, and the answer that a pair of conversations says is the better one, at the last one's place."""
    messages = _messages(record.get(key), held=True)
    better = next((record[each] for each in BETTER if messages and key not in BETTER and record.get(each)), ())
    answers = _messages([better] if isinstance(better, dict) else better, held=True)
    return (*messages, *(replace(answer, number=messages[-1].number) for answer in answers))


def _messages(records: Any, *, held: bool) -> tuple[Message, ...]:
    """The messages that records are, in the order of their times; none if they are something else. `held` under a key that says so."""
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        return ()
    first: Mapping[str, Any] = next((record for record in records if _key(record, WORDS)), {})
    key = _key(first, SPEAKERS) or _key(first, AUTHORS)
    if not key or NO_MESSAGE & first.keys():
        return ()
    read = [_message(number, record) for number, record in enumerate(records)]
    messages = [message for message in read if message is not None]
    if len(messages) < SHARE * len(records):
        return ()
    spoken = [message for message in messages if message.said]
    order = [message.order for message in spoken]
    if not spoken or not (held or _is_talk(spoken)) or not (key in SPEAKERS or all(order)):
        return ()
    if all(order) and order == sorted(order, reverse=True) and order[0] != order[-1]:
        spoken.reverse()
    return tuple(spoken)


def _message(number: int, record: Mapping[str, Any]) -> Message | None:
    """The message that a record is, "" if it has no place for words (a picture was sent); None if it does not tell who spoke."""
    key = _key(record, WORDS)
    who = next((name for each in (*SPEAKERS, *AUTHORS) if (name := _name(record.get(each)))), "")
    if not who or not (key or _key(record, TIMES)):
        return None
    when, order = _time(next((record[each] for each in TIMES if record.get(each)), ""))
    return Message(number, who, _said(record[key]).strip() if key else "", when, order)


def _is_talk(messages: Sequence[Message]) -> bool:
    """Whether these are a model and who asks it, or people who speak again and again."""
    counts = Counter(message.speaker for message in messages)
    if len(messages) > 1 and all(speaker.lower() in ROLES for speaker in counts):
        return True
    again = sum(count for count in counts.values() if count > 1)
    return len(counts) > 1 and len(messages) >= LEAST and again > len(messages) / 2


def _key(record: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The first of the keys that a record has."""
    return next((key for key in keys if key in record), "")


def _name(value: Any) -> str:
    """A name, or that in the record of a person."""
    if isinstance(value, dict):
        return next((name for key in NAMES if isinstance(value.get(key), str) and (name := _name(value[key]))), "")
    return flow(str(value))[:LONGEST] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _said(value: Any) -> str:
    """The words of a message: text, or a list or record of pieces of which some are text."""
    held = value.get("parts", value) if isinstance(value, dict) else value
    said = [_piece(each) for each in (held if isinstance(held, list) else [held])]
    return "".join(said).replace("\r\n", "\n").replace("\r", "\n")


def _piece(value: Any) -> str:
    """The text of a piece: {"type": "text", "text": ...}, or with its words under "value"; pieces of other types are said by no one."""
    if isinstance(value, dict):
        text = value.get("text", value.get("value") if value.get("type") == "text" else None)
    else:
        text = value
    return text if isinstance(text, str) else ""


def _time(value: Any) -> tuple[str, str]:
    """A time as people read it, to the minute, and as it sorts."""
    if isinstance(value, str) and (found := _ISO.match(value)):
        return f"{found[1]} {found[2]}", value
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        said = flow(value)[:LONGEST] if isinstance(value, str) else ""
        return said, said
    seconds = seconds / 1000 if seconds > EPOCHS[1] else seconds
    if isinstance(value, bool) or not EPOCHS[0] <= seconds <= EPOCHS[1]:
        return "", ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M"), f"{seconds:017.6f}"
