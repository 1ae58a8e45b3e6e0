"""Small models made on the spot, and a real server of embeddings on this machine."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from grainline.testing import FakeEmbedder

WORDS = [
    "[PAD]",
    "[UNK]",
    "the",
    "owl",
    "hunts",
    "at",
    "night",
    "a",
    "query",
    "passage",
    ":",
    *"盗窃公私财物",
    "[BEGIN]",
    "[END]",
]
WIDTH = 8
#: texts that every embedder must take
TEXTS = (
    "the owl hunts at night",
    "",
    "盗窃公私财物，数额较大的，处三年以下有期徒刑。",
    "a",
    " \n\t ",
    "the owl " * 3000,
    "财" * 20_000,
    "\ud800 half a pair, 🙂 and \x00",
    "the owl hunts at night",
)


def save_tokenizer(folder: Path, ends: bool = True) -> None:
    """A tokenizer of `WORDS`; with `ends`, [BEGIN] and [END] stand around a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.BertPreTokenizer()])
    if ends:
        around = [("[BEGIN]", WORDS.index("[BEGIN]")), ("[END]", WORDS.index("[END]"))]
        tokenizer.post_processor = processors.TemplateProcessing("[BEGIN] $A [END]", special_tokens=around)
    tokenizer.save(str(folder / "tokenizer.json"))


def word_table() -> np.ndarray[Any, np.dtype[np.float32]]:
    """The vector of each word."""
    return np.random.default_rng(3).standard_normal((len(WORDS), WIDTH)).astype(np.float32)


def save_encoder(folder: Path, configs: Mapping[str, Any] | None = None, ends: bool = True) -> Path:
    """A folder as sentence-transformers writes it, whose ONNX file looks its words up in `word_table`."""
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder, ends)
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "s"]) for name in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "s", WIDTH])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["wide"]),
        helper.make_node("Mul", ["found", "wide"], ["last_hidden_state"]),
    ]
    constants = [numpy_helper.from_array(word_table(), "table"), numpy_helper.from_array(np.array([2]), "axis")]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for name, config in (configs or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    return folder


def save_tensors(path: Path, tensors: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """A safetensors file."""
    kinds = {"<f4": "F32", "<f2": "F16", "<i8": "I64", "|i1": "I8"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor).tobytes()
        header[name] = {
            "dtype": kinds[tensor.dtype.str],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def save_static(folder: Path, **tensors: np.ndarray[Any, Any]) -> Path:
    """A static embedding over `WORDS`; `tensors` change what is in its file."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder)
    save_tensors(folder / "model.safetensors", {"embeddings": word_table(), **tensors})
    return folder


#: (path, headers, body) of a request to (status, headers, body) of the answer; what is no bytes is sent piece by piece, up to its end
Answer = Callable[[str, Mapping[str, str], dict[str, Any]], tuple[int, dict[str, str], bytes | Iterable[bytes]]]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """The address of a server on this machine that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, data = answer(self.path, dict(self.headers), body)
            self.send_response(status)
            length = {"Content-Length": str(len(data))} if isinstance(data, bytes) else {}
            for name, value in {**length, **headers}.items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # who asked may have hung up
                self.end_headers()
                for piece in [data] if isinstance(data, bytes) else data:
                    self.wfile.write(piece)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}/v1"
        finally:
            running.shutdown()
            thread.join()


def vectors(body: dict[str, Any], dimension: int = 32) -> bytes:
    """What an endpoint should answer; in another order than it was asked, and not of unit length."""
    rows = FakeEmbedder(dimension).embed(body["input"], "passage") * 3
    data = [{"object": "embedding", "index": index, "embedding": row.tolist()} for index, row in enumerate(rows)]
    return json.dumps({"object": "list", "model": body["model"], "data": data[::-1]}).encode()
