"""An embeddings endpoint, played by a real server on this machine: good, slow, broken, busy, and one that lies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from grainline.errors import ModelError, UsageError
from grainline.models.endpoint import TEXTS_TOGETHER, EndpointEmbedder
from grainline.models.http import TRIES, Endpoint
from grainline.models.prefixes import Prefixes
from grainline.models.registry import make
from grainline.testing import FakeEmbedder
from model_samples import server, vectors

KEY = "sk-very-secret"
Reply = tuple[int, dict[str, str], bytes]


class Script:
    """Answers well but for the requests numbered in `odd`, which it answers as told; keeps what it was asked."""

    def __init__(self, odd: Mapping[int, Callable[[dict[str, Any]], Reply]] | None = None) -> None:
        self.odd, self.asked, self.headers, self.paths = odd or {}, [], [], []  # type: ignore[var-annotated]

    def __call__(self, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Reply:
        self.asked.append(body)
        self.headers.append(headers)
        self.paths.append(path)
        odd = self.odd.get(len(self.asked))
        return odd(body) if odd else (200, {}, vectors(body))


def embedder(url: str, timeout: float = 5.0) -> EndpointEmbedder:
    return EndpointEmbedder(Endpoint(url, "tiny", timeout, first_wait=0.01))


def entries(*rows: Any) -> Callable[[dict[str, Any]], Reply]:
    data = [{"index": index, "embedding": row} for index, row in enumerate(rows)]
    return lambda body: (200, {}, json.dumps({"data": data}).encode())


def test_vectors_come_in_the_order_of_the_texts_and_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("GRAINLINE_API_KEY", raising=False)
    texts = [f"owl number {number} 猫头鹰" for number in range(2 * TEXTS_TOGETHER + 3)]
    script = Script()
    with server(script) as url:
        rows = make(f"openai:{url}/#tiny?query=q%20&timeout=5").embed(texts, "passage")
        assert np.allclose(rows, FakeEmbedder(32).embed(texts, "passage"), atol=1e-6)
        assert [len(body["input"]) for body in script.asked] == [1, TEXTS_TOGETHER, TEXTS_TOGETHER, 3]
        assert script.asked[0]["model"] == "tiny" and set(script.paths) == {"/v1/embeddings"}
        assert {headers["Authorization"] for headers in script.headers} == {f"Bearer {KEY}"}


def test_prefixes_and_cutting() -> None:
    script = Script()
    with server(script) as url:
        made = EndpointEmbedder(Endpoint(url, "tiny"), Prefixes("q: ", "p: "), max_tokens=10)
        made.embed(["owl", "猫" * 50, "a" * 50], "query")
        made.embed(["owl"], "passage")
        assert script.asked[1]["input"] == ["q: owl", "q: " + "猫" * 9, "q: " + "a" * 27]
        assert script.asked[2]["input"] == ["p: owl"]
        assert KEY not in made.identity and "tiny" in made.identity and made.max_tokens == 10


def test_a_busy_endpoint_is_asked_again() -> None:
    busy: Callable[[dict[str, Any]], Reply] = lambda body: (429, {"Retry-After": "0"}, b"slow down")  # noqa: E731
    broken: Callable[[dict[str, Any]], Reply] = lambda body: (503, {}, b"")  # noqa: E731
    script = Script({1: busy, 3: busy, 4: broken})
    with server(script) as url:
        rows = embedder(url).embed(["owl"], "query")
        assert rows.shape == (1, 32) and len(script.asked) == 5


def test_an_endpoint_that_stays_broken_is_given_up() -> None:
    script = Script({number: lambda body: (500, {}, b"out of memory") for number in range(2, 20)})
    with server(script) as url:
        made = embedder(url)
        with pytest.raises(ModelError, match=rf"after {TRIES} tries: status 500 out of memory"):
            made.embed(["owl"], "query")
        assert len(script.asked) == 1 + TRIES


def test_a_slow_endpoint_is_not_waited_for() -> None:
    def slow(body: dict[str, Any]) -> Reply:
        time.sleep(0.6)
        return 200, {}, b"{}"

    script = Script(dict.fromkeys(range(2, 20), slow))
    with server(script) as url:
        made = embedder(url, timeout=0.15)
        start = time.monotonic()
        with pytest.raises(ModelError, match=r"no answer within 0\.15 s"):
            made.embed(["owl"], "query")
        assert time.monotonic() - start < 3


def test_no_endpoint_at_all() -> None:
    with server(Script()) as url:
        pass
    with pytest.raises(ModelError, match="cannot reach it"):
        embedder(url)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda body: (200, {}, b"<html>hello</html>"), "answered no list of 1 embeddings"),
        (lambda body: (200, {}, b""), "answered no list"),
        (lambda body: (200, {}, b'{"error": "no such model"}'), "no such model"),
        (lambda body: (200, {}, b"[" * 100_000), "answered no list"),
        (entries([0.1] * 31), "31 dimensions; those before had 32"),
        (entries([0.0] * 32), "points nowhere"),
        (entries([float("nan")] * 32), "points nowhere"),
        (entries([1e999] * 32), "points nowhere"),
        (entries("an owl"), "answered no list"),
        (entries([]), "answered 1 embeddings to 1 texts, of shape"),
        (entries([[0.1] * 32]), "of shape"),
        (entries([0.1] * 32, [0.1] * 32), "answered 2 embeddings to 1 texts"),
        (entries(), "answered no list"),
        (lambda body: (404, {}, b"no such path"), "refused with status 404 no such path"),
        (lambda body: (302, {"Location": "http://127.0.0.1:9/"}, b""), "refused with status 302"),
        (lambda body: (401, {}, f"wrong key {KEY}".encode()), "is the key in GRAINLINE_API_KEY"),
    ],
)
def test_wrong_answers_are_refused(answer: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a clear error of ours, at once, and the key stands in none of them."""
    monkeypatch.setenv("GRAINLINE_API_KEY", KEY)
    script = Script({2: answer})
    with server(script) as url:
        made = embedder(url)
        with pytest.raises(ModelError, match=words) as caught:
            made.embed(["owl"], "query")
        assert KEY not in str(caught.value) and url in str(caught.value)
        assert len(script.asked) == 2


def test_a_password_in_the_address_is_not_shown() -> None:
    endpoint = Endpoint("http://user:hidden@127.0.0.1:9/v1?key=hidden", "tiny", 0.2, 0.01)
    with pytest.raises(ModelError) as caught:
        EndpointEmbedder(endpoint)
    assert "hidden" not in str(caught.value) and "127.0.0.1:9/v1" in str(caught.value)


def test_a_key_that_no_header_can_hold_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINLINE_API_KEY", f"{KEY}\nX-Other: 1")
    with pytest.raises(UsageError, match="GRAINLINE_API_KEY") as caught:
        embedder("http://127.0.0.1:9/v1")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://[::1", "http://host:port/v1", "file:///etc/passwd", "//host/v1", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https://HOST/v1#MODEL"):
        Endpoint(url, "tiny")
