"""Models from folders: what their configurations say, what is wrong with damaged ones; and the cache of made files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grainline.errors import GrainlineError, ModelError, NotFoundError, StorageError
from grainline.models.cache import MANIFEST, cache_folder, is_sound, made_once
from grainline.models.registry import make
from model_samples import WORDS, save_encoder, save_static, save_tensors, word_table

pytest.importorskip("tokenizers")
POOLING = "1_Pooling/config.json"


def ids(*words: str) -> list[int]:
    return [WORDS.index(word) for word in words]


def unit(vector: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("config", "pool"),
    [
        ({}, "mean"),
        ({POOLING: {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}}, "cls"),
        ({POOLING: {"pooling_mode_max_tokens": True}}, "max"),
        ({POOLING: {"pooling_mode_lasttoken": True}}, "last"),
        ({POOLING: {"pooling_mode": "mean"}}, "mean"),
        ({"modules.json": [{"type": "st.models.Pooling", "path": "p"}], "p/config.json": {"pooling_mode": "cls"}}, "cls"),
    ],
)  # fmt: skip
def test_pooling_is_read_from_the_folder(config: dict[str, Any], pool: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    vectors = word_table()[ids("[BEGIN]", "owl", "night", "[END]")]
    expected = {"mean": vectors.mean(0), "cls": vectors[0], "max": vectors.max(0), "last": vectors[-1]}[pool]
    folder = save_encoder(tmp_path, config)
    assert np.allclose(make(f"onnx:{folder}").embed(["owl night"], "passage")[0], unit(expected), atol=1e-6)
    assert np.allclose(make(f"onnx:{folder}?pool=cls").embed(["owl night"], "query")[0], unit(vectors[0]), atol=1e-6)


def test_prefixes_and_limits_are_read_from_the_folder(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    configs = {
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "document": "passage: "}},
        "sentence_bert_config.json": {"max_seq_length": 6},
        "tokenizer_config.json": {"model_max_length": 1e30},
    }
    encoder = make(f"onnx:{save_encoder(tmp_path / 'a', configs)}")
    plain = make(f"onnx:{save_encoder(tmp_path / 'b')}")
    assert (encoder.max_tokens, plain.max_tokens) == (6, 512)
    assert np.allclose(encoder.embed(["owl"], "query"), plain.embed(["query: owl"], "query"))
    assert np.allclose(encoder.embed(["owl a a a a a"], "passage"), plain.embed(["passage: owl a"], "query"))
    assert make(f"onnx:{tmp_path / 'a'}?query=").embed(["owl"], "query")[0] @ plain.embed(["owl"], "query")[0] > 0.999
    assert len({encoder.identity, plain.identity, make(f"onnx:{tmp_path / 'b'}?pool=cls").identity}) == 3
    assert make(f"onnx:{save_encoder(tmp_path / 'c')}").identity == plain.identity


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("model.onnx", "no model", "onnxruntime cannot open"),
        ("tokenizer.json", "{}", "cannot read"),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}], "Dense layer"),
        ("modules.json", {"a": 1}, "should hold a list"),
        (POOLING, {"pooling_mode_weightedmean_tokens": True}, "cannot pool by weightedmean"),
        (POOLING, "{", "cannot read"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(file: str, content: Any, words: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(ModelError, match=words):
        make(f"onnx:{save_encoder(tmp_path, {file: content})}")


def test_a_folder_without_a_model_is_no_encoder(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    folder = save_encoder(tmp_path)
    (folder / "onnx").mkdir()
    (folder / "model.onnx").rename(folder / "onnx" / "model_quantized.onnx")
    assert make(f"onnx:{folder}").dimension == make(f"onnx:{folder}?file=onnx/model_quantized.onnx").dimension
    (folder / "onnx" / "model_quantized.onnx").unlink()
    with pytest.raises(NotFoundError, match=r"lacks model\.onnx"):
        make(f"onnx:{folder}")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(NotFoundError, match=r"lacks tokenizer\.json"):
        make(f"onnx:{folder}")


def test_a_hub_id_is_taken_from_this_machine_and_never_waits_for_a_network(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = tmp_path / "hub" / "models--owls--tiny"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("0" * 40)
    save_encoder(model / "snapshots" / ("0" * 40))
    code = (
        "from grainline.models.registry import make; print(make('onnx:owls/tiny').dimension)\n"
        "from grainline.errors import ModelError\n"
        "try: make('onnx:owls/elsewhere')\n"
        "except ModelError as error: print('refused:', error)"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True, timeout=120)
    assert run.stdout.startswith("8\nrefused: no folder owls/elsewhere")


def test_static_vectors_are_weighted_means(tmp_path: Path) -> None:
    table, size = word_table(), len(WORDS)
    plain = make(f"static:{save_static(tmp_path / 'a')}").embed(["owl 盗 unheard night"], "passage")[0]
    assert np.allclose(plain, unit(table[ids("owl", "盗", "night")].mean(0)), atol=1e-6)
    weights, mapping = np.linspace(0.1, 2, size).astype(np.float32), np.arange(size)[::-1].copy()
    newer = save_static(tmp_path / "b", embeddings=table.astype(np.float16), weights=weights, mapping=mapping)
    chosen = ids("owl", "night")
    expected = (table.astype(np.float16).astype(np.float32)[mapping[chosen]] * weights[chosen, None]).mean(0)
    assert np.allclose(make(f"static:{newer}").embed(["owl night"], "query")[0], unit(expected), atol=1e-6)


@pytest.mark.parametrize(
    "tensors",
    [
        {"embeddings": np.zeros((3, 8), np.float32)},
        {"embeddings": np.zeros(8, np.float32)},
        {"mapping": np.full(len(WORDS), 99)},
    ],
    ids=["too few rows", "no table", "a mapping beyond the table"],
)
def test_a_table_that_does_not_fit_is_refused(tensors: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="table"):
        make(f"static:{save_static(tmp_path, **tensors)}")


def test_damaged_files_of_numbers_are_refused(tmp_path: Path) -> None:
    folder = save_static(tmp_path)
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"1234567",
        whole[:40],
        whole[:-5],
        b"\xff" * 64,
        whole[:8] + b"[" + whole[9:],
        whole[:8] + b"\x00" * 400,
    ):
        path.write_bytes(damaged)
        with pytest.raises(ModelError):
            make(f"static:{folder}")
    save_tensors(path, {"other": np.zeros((2, 2), np.float32)})
    with pytest.raises(ModelError, match="no table called embeddings"):
        make(f"static:{folder}")


def test_damaged_bundled_weights_are_refused() -> None:
    from grainline.models.e5_weights import Weights

    for data in (b"", b"GGUF" + bytes(400), b"E5S1" + bytes(10), b"E5S1" + b"\xff" * 400, b"E5S1" + bytes(400)):
        with pytest.raises(ModelError, match="damaged"):
            Weights(data)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_owl(folder: Path) -> None:
    (folder / "owl.bin").write_bytes(b"owl" * 1000)


def refuse(_: Path) -> None:
    raise AssertionError("made again")


def test_a_damaged_cache_is_made_again(cache: Path) -> None:
    folder = made_once("owls", write_owl)
    assert made_once("owls", refuse) == folder == cache / "owls"
    for damage in (
        lambda: (folder / "owl.bin").write_bytes(b"owl" * 999 + b"own"),
        lambda: (folder / "owl.bin").unlink(),
        lambda: (folder / MANIFEST).write_text("[1"),
        lambda: (folder / MANIFEST).write_text("{}"),
        lambda: (folder / MANIFEST).unlink(),
    ):
        damage()
        assert not is_sound(folder)
        made_once("owls", write_owl)
        assert is_sound(folder) and (folder / "owl.bin").read_bytes() == b"owl" * 1000
    assert sorted(path.name for path in cache.iterdir()) == ["owls", "owls.lock"]


def test_what_cannot_be_made_leaves_nothing(cache: Path) -> None:
    def fail(folder: Path) -> None:
        write_owl(folder)
        raise ModelError("no weights")

    (cache / "owls.dead.tmp").mkdir(parents=True)  # of a process that died
    with pytest.raises(ModelError, match="no weights"):
        made_once("owls", fail)
    assert [path.name for path in cache.iterdir()] == ["owls.lock"]


def test_a_cache_that_cannot_be_written_is_named(cache: Path) -> None:
    cache.parent.joinpath("cache").write_text("a file")
    with pytest.raises(StorageError, match="GRAINLINE_CACHE"):
        made_once("owls", write_owl)


def test_two_processes_make_a_folder_once(cache: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from grainline.models.cache import made_once\n"
        "def make(folder):\n"
        "    with open(sys.argv[1], 'a') as log: log.write('made ')\n"
        "    time.sleep(0.3); (folder / 'owl.bin').write_bytes(b'owl')\n"
        "print((made_once('owls', make) / 'owl.bin').read_text())"
    )
    log = cache.parent / "log"
    both = [subprocess.Popen([sys.executable, "-c", code, str(log)], stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=60)[0] for process in both] == [b"owl\n", b"owl\n"]
    assert log.read_text() == "made "


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("GRAINLINE_CACHE")
    assert cache_folder().is_absolute() and "grainline" in cache_folder().parts


def test_ranges_fit_the_layers() -> None:
    from grainline.models.e5 import read_ranges
    from grainline.models.e5_graph import INPUTS

    layers = read_ranges()
    assert len(layers) == 12 and all(set(layer) == set(INPUTS) for layer in layers)
    assert all(layer[name]["low"] < 0 < layer[name]["high"] for layer in layers for name in INPUTS)
    assert issubclass(ModelError, GrainlineError) and json.dumps(layers)
