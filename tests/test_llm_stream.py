"""Answers as they come, and endpoints that misbehave: played by a real server on this machine, and, marked slow, a real llama-server."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import grainline.models.llm as models
from grainline.errors import ModelError
from grainline.models import http
from grainline.models.completion import fits, most_tokens
from grainline.models.endpoint_llm import EndpointLLM
from grainline.models.events import values
from grainline.models.http import TRIES, Endpoint
from grainline.models.llama import Llama
from grainline.tables.with_llm import SCHEMA
from grainline.testing import FakeLLM
from model_samples import server

KEY = "sk-very-secret"
TINY = Path("~/.cache/grainline-eval/smollm2-135m-instruct-q4_1.gguf").expanduser()
Reply = tuple[int, dict[str, str], bytes | Iterable[bytes]]


def event(text: str | None = None, reason: str | None = None, **more: Any) -> bytes:
    """A piece of an answer, as a server-sent event."""
    value = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}], **more}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def usage(read: int, written: int) -> bytes:
    """What stands behind the last piece where the endpoint counts tokens."""
    return b'data: {"choices": [], "usage": {"prompt_tokens": %d, "completion_tokens": %d}}\n\n' % (read, written)


DONE = b"data: [DONE]\n\n"
#: an answer in three pieces, its end and its usage; a comment and an event's name stand between
GOOD = [b": ping\n\n", event(""), event("an "), b"event: piece\n" + event("owl"), event(reason="stop"), usage(11, 2), DONE]
STREAM = {"Content-Type": "text/event-stream"}


def whole(text: str | None, **more: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": text}}], **more}, indent=1).encode()


class Script:
    """Answers each request with the next of its replies, and then with the last again; keeps what it was asked."""

    def __init__(self, *replies: Reply | Iterable[bytes]) -> None:
        self.replies = replies
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []

    def __call__(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Reply:
        self.asked.append(body)
        self.headers.append({name.lower(): value for name, value in headers.items()})
        self.paths.append(path)
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        return reply if isinstance(reply, tuple) else (200, STREAM, reply)


def model(url: str, timeout: float = 5.0, schema: str = "strict") -> EndpointLLM:
    return EndpointLLM(Endpoint(url, "tiny", timeout, first_wait=0.01), schema)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINLINE_API_KEY", KEY)


# --- pieces ------------------------------------------------------------------------------------------------------------------------


def test_an_answer_is_heard_as_it_comes() -> None:
    """The server writes on only when what it wrote was heard."""
    first, heard = threading.Event(), []

    def pieces() -> Iterator[bytes]:
        yield event("猫头鹰")
        assert first.wait(5)
        yield from (event("在夜里"), event("打猎"), event(reason="stop"), usage(5, 9), DONE)

    def hear(piece: str) -> None:
        heard.append(piece)
        first.set()

    script = Script(pieces())
    with server(script) as url:
        answer = model(url).complete("谁在夜里打猎？", stop=["。"], heard=hear)
    assert heard == ["猫头鹰", "在夜里", "打猎"] and answer.text == "".join(heard)
    assert (answer.tokens_in, answer.tokens_out) == (5, 9)
    body = script.asked[0]
    assert body["stream"] is True and body["stream_options"] == {"include_usage": True} and body["temperature"] == 0
    assert script.headers[0]["authorization"] == f"Bearer {KEY}"


def test_nothing_is_streamed_unless_somebody_listens() -> None:
    script = Script((200, {}, whole("an owl")))
    with server(script) as url:
        model(url).complete("q")
    assert "stream" not in script.asked[0] and "stream_options" not in script.asked[0]


@pytest.mark.parametrize(
    ("reply", "pieces"),
    [
        (GOOD, ["an ", "owl"]),
        ([b"".join(GOOD)], ["an ", "owl"]),
        ([bytes([byte]) for byte in b"".join(GOOD)], ["an ", "owl"]),
        ([b"".join(GOOD).replace(b"\n", b"\r\n")], ["an ", "owl"]),
        ([event("an "), event("owl"), DONE], ["an ", "owl"]),
        ([event("an "), event("owl", "stop")], ["an ", "owl"]),
        ([event("an owl", "length")], ["an owl"]),
        ([event("an owl", usage=None), b"data: [DONE]"], ["an owl"]),
        ([b'data: {"choices": [], "prompt_filter_results": []}\n\n', event("an owl"), DONE], ["an owl"]),
        ((200, {}, whole("an owl")), ["an owl"]),
        ((200, STREAM, whole("an owl")), ["an owl"]),
        ([event(reason="stop"), DONE], []),
    ],
)
def test_streams_of_many_kinds(reply: Any, pieces: list[str]) -> None:
    heard: list[str] = []
    with server(Script(reply)) as url:
        answer = model(url).complete("Who hunts?", heard=heard.append)
    assert heard == pieces and answer.text == "".join(pieces)
    counted = isinstance(reply, list) and b"usage" in b"".join(reply) and b'"usage": null' not in b"".join(reply)
    if not counted:
        assert (answer.tokens_in, answer.tokens_out) == (most_tokens("Who hunts?"), most_tokens(answer.text))


def test_a_listener_that_has_enough_ends_it() -> None:
    written = []

    def endless() -> Iterator[bytes]:
        while True:
            written.append(event("owl " * 1000))
            yield written[-1]

    def full(_: str) -> None:
        raise BrokenPipeError("nobody reads")

    script = Script(endless())
    with server(script) as url:
        with pytest.raises(BrokenPipeError, match="nobody reads"):
            model(url).complete("q", heard=full)
        time.sleep(0.1)
        count = len(written)
        time.sleep(0.1)
        assert len(written) == count and len(script.asked) == 1


def test_the_fake_is_heard_too() -> None:
    heard: list[str] = []
    answer = FakeLLM({}, '{"sql": null} 谁 是').complete("q", max_tokens=8, heard=heard.append)
    assert "".join(heard) == answer.text == '{"sql": null} 谁' and len(heard) == answer.tokens_out == 9 - 1


def test_events_that_are_no_json() -> None:
    assert list(values([b""])) == [] and list(values([b": only comments\n"])) == []
    for wrong in (b"data: owl\n", b"<html>", b"\xff\xfe", b"data: " + b"[" * 100_000 + b"\n"):
        with pytest.raises(ValueError, match=r"^b'"):
            list(values([wrong]))
    assert list(values([b'data: {"a": 1}\ndata: {"a":'])) == [{"a": 1}]


# --- endpoints that know less ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "gone", "instead"),
    [
        ("Extra inputs are not permitted: stream_options", "stream_options", ""),
        ("Unsupported value: 'temperature' does not support 0 with this model.", "temperature", ""),
        (
            "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
    ],
)
def test_what_an_endpoint_does_not_know_is_said_otherwise_from_then_on(words: str, gone: str, instead: str) -> None:
    refusal = json.dumps({"error": {"message": words}}).encode()
    script = Script((400, {}, refusal), GOOD)
    with server(script) as url:
        asked = model(url)
        for _ in range(2):
            assert asked.complete("q", max_tokens=9, heard=lambda _: None).text == "an owl"
    first, *others = script.asked
    assert gone in first and len(others) == 2
    assert all(gone not in body and (not instead or body[instead] == 9) for body in others)


def test_a_refusal_that_stays_is_told() -> None:
    script = Script((400, {}, b"temperature, max_tokens and stream_options, whatever they are called: max_completion_tokens"))
    with server(script) as url, pytest.raises(ModelError, match="refused with status 400 temperature"):
        model(url).complete("q", heard=lambda _: None)
    assert len(script.asked) == 2


def test_an_endpoint_that_knows_no_schemas_says_what_to_do() -> None:
    script = Script((400, {}, b"response_format json_schema is not supported"))
    with server(script) as url, pytest.raises(ModelError, match=r"not supported; .*\?schema=object or =words"):
        model(url).complete("q", SCHEMA)
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4097 tokens, you requested 5000 tokens (4000 in the messages, 1000 max_tokens).",
        "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is 1024 tokens",
        "the request exceeds the available context size, try increasing it",
        "prompt is too long: 200001 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit; the context window is 8192",
    ],
)
def test_a_prompt_beyond_the_context(words: str) -> None:
    script = Script((400, {}, json.dumps({"error": {"message": words, "type": "invalid_request_error"}}).encode()))
    with server(script) as url, pytest.raises(ModelError, match="the text is longer than the model can read: ") as caught:
        model(url).complete("q" * 5000, heard=lambda _: None)
    assert words in str(caught.value) and len(script.asked) == 1


# --- endpoints that fail -----------------------------------------------------------------------------------------------------------

CUTS: list[Reply | list[bytes]] = [
    [event("an ")],
    [event("an "), event("owl")[:20]],
    (200, {"Content-Length": "4000"}, [event("an ")]),
    (200, {"Transfer-Encoding": "chunked"}, [b"%x\r\n%s\r\n" % (len(event("an ")), event("an "))]),
]


@pytest.mark.parametrize("cut", CUTS)
def test_a_stream_cut_in_the_middle_is_not_begun_again(cut: Reply | list[bytes]) -> None:
    heard: list[str] = []
    script = Script(cut, GOOD)
    with server(script) as url, pytest.raises(ModelError, match="broke off after 3 characters of its answer"):
        model(url).complete("q", heard=heard.append)
    assert heard == ["an "] and len(script.asked) == 1


@pytest.mark.parametrize("cut", [[], [b": wait\n\n"], [event("")], (200, {"Content-Length": "4000"}, [event("")])])
def test_a_stream_cut_before_anything_was_heard_is_asked_for_again(cut: Reply | list[bytes]) -> None:
    heard: list[str] = []
    script = Script(cut, GOOD)
    with server(script) as url:
        assert model(url).complete("q", heard=heard.append).text == "an owl"
    assert heard == ["an ", "owl"] and len(script.asked) == 2
    script = Script(cut)
    with server(script) as url, pytest.raises(ModelError, match=f"no answer after {TRIES} tries: the answer broke off"):
        model(url).complete("q", heard=heard.append)
    assert len(script.asked) == TRIES


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ([b"data: owls, owls\n\n"], "answered no completion: b'owls, owls'"),
        ([b"data: [1]\n\n"], "answered no completion"),
        ([b'data: "owl"\n\n'], "answered no completion"),
        ([b'data: {"choices": [{"delta": 7}]}\n\n'], "answered no completion"),
        ([b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'], "answered no completion"),
        ([b'data: {"choices": {}}\n\n'], "answered no completion"),
        ([b'data: {"hello": 1}\n\n'], "answered no completion"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "answered no completion"),
        ([DONE], "answered no completion"),
        ([b"<html>no such page</html>"], "answered no completion: b'<html>"),
        ((200, {}, b"\xff\xfe\x00"), "answered no completion"),
        ((200, {}, b"null"), "answered no completion"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "the answer broke off"),
        ([b'data: {"error": {"message": "out of memory sk-very-secret"}}\n\n'], "failed: out of memory KEY"),
        ([b'data: {"error": "overloaded"}\n\n'], "failed: overloaded"),
        ((200, {}, b'{"error": {"message": "no such model"}}'), "failed: no such model"),
        ([b'data: {"choices": [{"delta": {"refusal": "not with owls"}}]}\n\n', DONE], "refused: not with owls"),
        ([event(None, "length"), DONE], r"wrote no answer within 512 tokens; one that thinks first is named with \?think="),
        ((500, {}, b"out of order"), f"no answer after {TRIES} tries: status 500 out of order"),
        ((429, {"Retry-After": "0"}, b"slow down"), f"no answer after {TRIES} tries: status 429 slow down"),
        ((404, {}, b'{"error": {"message": "no model tiny"}}'), "refused with status 404 no model tiny"),
        ((204, {}, b""), "the answer broke off"),
    ],
)
def test_what_is_no_answer(reply: Any, words: str) -> None:
    heard: list[str] = []
    with server(Script(reply)) as url, pytest.raises(ModelError, match=words) as caught:
        model(url).complete("q", heard=heard.append)
    assert not heard and KEY not in str(caught.value) and url in str(caught.value)


def test_a_model_that_ignores_the_schema() -> None:
    heard: list[str] = []
    with server(Script(GOOD)) as url, pytest.raises(ModelError, match="the model answered no JSON: 'an owl'"):
        model(url).complete("q", SCHEMA, heard=heard.append)
    assert heard == ["an ", "owl"]


def drip(piece: bytes, often: int = 100) -> Iterator[bytes]:
    """A server that is alive, but never done."""
    for _ in range(often):
        yield piece
        time.sleep(0.02)


@pytest.mark.parametrize("reply", [lambda: drip(b": wait\n\n"), lambda: (200, {}, drip(b" "))])
@pytest.mark.parametrize("heard", [None, lambda _: None])
def test_a_server_that_is_alive_but_never_done_is_not_waited_for(reply: Callable[[], Any], heard: Any) -> None:
    start = time.monotonic()
    with server(Script(*(reply() for _ in range(TRIES)))) as url, pytest.raises(ModelError, match=r"no answer within 0\.1 s"):
        model(url, timeout=0.1).complete("q", heard=heard)
    assert time.monotonic() - start < 3


def test_words_of_a_refusal_are_not_waited_for_either() -> None:
    start = time.monotonic()
    with server(Script((400, {}, drip(b"no")))) as url, pytest.raises(ModelError, match="refused with status 400 nono"):
        model(url, timeout=0.1).complete("q")
    with (
        server(Script((400, {}, (b"no " * 1000 for _ in range(10_000_000))))) as url,
        pytest.raises(ModelError, match="400 no no"),
    ):
        model(url).complete("q")
    assert time.monotonic() - start < 3


def test_an_answer_without_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1 << 20)
    with server(Script(b"x" * 5000 for _ in range(10_000_000))) as url, pytest.raises(ModelError, match="more than 1 MiB"):
        model(url).complete("q", heard=lambda _: None)


def test_a_server_that_asks_for_time_gets_it_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    with server(Script((429, {"Retry-After": "1"}, b"slow down"), GOOD)) as url:
        assert model(url).complete("q", heard=lambda _: None).text == "an owl"
    assert 1 <= time.monotonic() - start < 2
    monkeypatch.setattr(http, "LONGEST_WAIT", 0.05)
    with server(Script((429, {"Retry-After": "3600"}, b"slow down"))) as url, pytest.raises(ModelError, match="status 429"):
        model(url).complete("q")
    assert time.monotonic() - start < 3


# --- what is sent, and to whom -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_key_is_not_carried_to_another_server(status: int) -> None:
    other = Script(GOOD)
    with server(other) as elsewhere:
        script = Script((status, {"Location": f"{elsewhere}/chat/completions"}, b""))
        with server(script) as url, pytest.raises(ModelError, match=f"refused with status {status}"):
            model(url).complete("q", heard=lambda _: None)
    assert len(script.asked) == 1 and not other.asked


def test_nothing_is_sent_that_was_not_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "not-yours-é")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: not-yours\nAuthorization: not-yours")
    script = Script((200, {"Set-Cookie": "owl=1"}, whole("an owl")))
    with server(script) as url:
        asked = model(url)
        asked.complete("q")
        monkeypatch.setenv("GRAINLINE_API_KEY", "sk-another")
        asked.complete("q")
        monkeypatch.delenv("GRAINLINE_API_KEY")
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        asked.complete("q")
    assert [headers.get("authorization") for headers in script.headers] == [f"Bearer {KEY}", "Bearer sk-another", None]
    ours = {"host", "connection", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "authorization"}
    assert all(set(headers) - ours <= {"x-stainless-raw-response"} for headers in script.headers)
    assert "not-yours" not in str(script.headers)


def test_no_secret_stands_in_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script((200, {}, whole("an owl")), (429, {}, KEY.encode()), (400, {}, KEY.encode()))
    with server(script) as url:
        host = url.removeprefix("http://")
        asked = model(f"http://user:hid%20den@{host}/?token=concealed")
        asked.complete("a private question")
        with pytest.raises(ModelError) as caught:
            asked.complete("a private question")
    assert script.paths == ["/v1/chat/completions?token=concealed"] * 3
    assert script.headers[0]["authorization"] == "Basic " + base64.b64encode(b"user:hid den").decode()
    told = caplog.text + str(caught.value) + repr(caught.value.__cause__) + asked.identity
    assert "127.0.0.1" in caplog.text
    assert not [word for word in (KEY, "hid", "concealed", "private question") if word in told]


def test_a_model_without_the_client_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['openai'] = None\n"
        "import grainline.errors, grainline.models.llm as models\n"
        "try:\n"
        "    models.make('openai:gpt-4o-mini')\n"
        "except grainline.errors.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "openai is not installed: pip install 'grainline[openai]'"


def test_a_proxy_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "carrier-pigeon://127.0.0.1:9")
    with pytest.raises(Exception, match=r"http://127\.0\.0\.1:9/v1 cannot be asked"):
        models.make("http://127.0.0.1:9/v1#tiny")


# --- real models -------------------------------------------------------------------------------------------------------------------


def tiny() -> Path:
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    if not TINY.is_file():
        pytest.skip(f"{TINY} is not there")
    return TINY


@pytest.mark.slow
def test_a_model_on_this_machine_writes_the_same_heard_or_not() -> None:
    llm = models.make(f"gguf:{tiny()}?context=1024&threads=1")
    for prompt, schema, stop in (
        ("Tell me about the 猫头鹰 🙂, in Chinese.", None, ()),
        ("Name an owl.", SCHEMA, ()),
        ("Count: one. two. three.", None, ("three",)),
    ):
        heard: list[str] = []
        answer = llm.complete(prompt, schema, 60, stop, heard.append)
        assert answer == llm.complete(prompt, schema, 60, stop) and "".join(heard) == answer.text and len(heard) > 3

    def full(_: str) -> None:
        raise BrokenPipeError("nobody reads")

    with pytest.raises(BrokenPipeError):
        llm.complete("Tell me a long story.", max_tokens=400, heard=full)
    assert llm.complete("Count: one. two. three.", max_tokens=60, stop=("three",)) == answer


@pytest.mark.slow
@pytest.mark.parametrize("way", ["strict", "object", "words"])
def test_a_real_server_is_asked_as_it_understands(way: str) -> None:
    llama = Llama(tiny(), 1024, 1, lambda params, _: None)
    asked = EndpointLLM(Endpoint(f"{llama.address}/v1", "tiny", 120.0), way)
    for heard in (None, []):
        answer = asked.complete("Say hello.", max_tokens=8, heard=None if heard is None else heard.append)
        assert 0 < answer.tokens_out <= 8 and 0 < answer.tokens_in < most_tokens("Say hello.")
        assert heard is None or (len(heard) > 1 and "".join(heard) == answer.text)
    if way == "strict":
        pieces: list[str] = []
        answer = asked.complete("Write SQL.", SCHEMA, 60, heard=pieces.append)
        assert fits(json.loads(answer.text), SCHEMA) and "".join(pieces) == answer.text
    with pytest.raises(ModelError, match="the text is longer than the model can read"):
        asked.complete("owl " * 3000, heard=pieces.append if way == "strict" else None)
