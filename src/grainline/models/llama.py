"""llama.cpp inside this process, through xllamacpp: a GGUF file behind a server that listens on this machine only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grainline.errors import MissingExtraError, ModelError, NotFoundError

ANSWER_SECONDS = 600.0  #: for one request; a large model on a small processor is slow


class Llama:
    """One model, loaded; requests are answered one at a time."""

    def __init__(self, file: Path, tokens: int, threads: int, configure: Callable[[Any, Any], None]) -> None:
        """Loads `file` with room for so many tokens; `configure` is given the parameters and the library, to set what else is wanted.

        Raises `NotFoundError`, `MissingExtraError`, or `ModelError` where llama.cpp refuses the file.
        """
        if not file.is_file():
            raise NotFoundError(f"no such file: {file}")
        try:
            import xllamacpp
        except ImportError:
            raise MissingExtraError("xllamacpp", "gguf") from None
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_ctx = tokens
        params.n_parallel = 1
        params.n_gpu_layers = 0
        params.warmup = False
        params.verbosity = -1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        configure(params, xllamacpp)
        self._name = str(file)
        try:
            self._server = xllamacpp.Server(params)
        except Exception as error:  # it raises RuntimeError with little to say
            raise ModelError(f"llama.cpp cannot load {file}: {error}") from error

    def tokens(self, text: str, *, begins: bool = False, special: bool = False) -> list[int]:
        """The tokens of a text: behind those that begin every text where it `begins` one, marks of the model read as such if `special`."""
        answer = self.post("/tokenize", {"content": text, "add_special": begins, "parse_special": special})
        return [int(token) for token in answer["tokens"]]

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the server answers; raises `ModelError`."""
        request = urllib.request.Request(
            self._server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ModelError(f"{self._name}: {error.read(500).decode(errors='replace')}") from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{self._name} does not answer: {error}") from error
