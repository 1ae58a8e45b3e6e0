"""llama.cpp inside this process, through xllamacpp: a GGUF file behind a server that listens on this machine only."""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.error
import urllib.request
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from grainline.errors import MissingExtraError, ModelError, NotFoundError
from grainline.models.events import values

#: with which a GGUF file begins
MAGIC = b"GGUF"
ANSWER_SECONDS = 600.0  #: for one request; a large model on a small processor is slow
#: for a schema, by which llama.cpp's grammar (llguidance) leaves a model no blanks but these: a small one writes them without end
_TIGHT = {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}
#: the only name of a state that the server is told
STATE = "state"


def library(file: Path) -> Any:
    """The library that runs a model's file, `xllamacpp`. Raises `NotFoundError` for a file that is not there, `MissingExtraError`, and
    `ModelError` for a file that is no GGUF."""
    if not file.is_file():
        raise NotFoundError(f"no such file: {file}")
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtraError("xllamacpp", "gguf") from None
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(MAGIC))
    except OSError as error:
        raise ModelError(f"cannot read {file}: {error.strerror or error}") from error
    if magic != MAGIC:
        raise ModelError(f"llama.cpp cannot load {file}: it is no GGUF file")
    return xllamacpp


class Llama:
    """One model, loaded; requests are answered one at a time."""

    def __init__(self, file: Path, tokens: int, threads: int, configure: Callable[[Any, Any], None]) -> None:
        """Loads `file` with room for so many tokens; `configure` is given the parameters and the library, to set what else is wanted.

        Raises as `library`, and `ModelError` where llama.cpp refuses the file.
        """
        xllamacpp = library(file)
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_ctx = tokens
        params.n_parallel = 1
        params.n_gpu_layers = 0
        params.warmup = False
        params.verbosity = -1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        self._folder = Path(tempfile.mkdtemp(prefix="grainline-llama-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        params.slot_save_path = f"{self._folder}/"
        configure(params, xllamacpp)
        self._name = str(file)
        try:
            self._server = xllamacpp.Server(params)
        except Exception as error:  # it raises RuntimeError with little to say
            raise ModelError(f"llama.cpp cannot load {file}: {error}") from error

    @property
    def address(self) -> str:
        """Where the server listens, as http://HOST:PORT."""
        return str(self._server.listening_address)

    def tokens(self, text: str, *, begins: bool = False, special: bool = False) -> list[int]:
        """The tokens of a text: behind those that begin every text where it `begins` one, marks of the model read as such if `special`."""
        answer = self.post("/tokenize", {"content": text, "add_special": begins, "parse_special": special})
        return [int(token) for token in answer["tokens"]]

    def save(self, path: Path) -> int:
        """Write the state after what was read last to `path`; returns its tokens. Raises `ModelError`."""
        return self._with_state(path, "save", "n_saved")

    def load(self, path: Path) -> int:
        """Take up a state, which must be as `save` wrote it; returns its tokens. Raises `ModelError`."""
        return self._with_state(path, "restore", "n_restored")

    def _with_state(self, path: Path, action: str, count: str) -> int:
        """The server writes and reads in its own folder only: a link there leads to `path`, or a copy where there are no links."""
        place = self._folder / STATE
        try:
            place.unlink(missing_ok=True)
            linked = _link(place, path)
            if not linked and action == "restore":
                shutil.copyfile(path, place)
            tokens = int(self.post(f"/slots/0?action={action}", {"filename": STATE})[count])
            if not linked and action == "save":
                shutil.copyfile(place, path)
        except OSError as error:
            raise ModelError(f"cannot {action} the state at {path}: {error.strerror or error}") from error
        finally:
            place.unlink(missing_ok=True)
        return tokens

    def about(self) -> Any:
        """What the server says of its model; raises `ModelError`."""
        with self._asked("/props") as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the server answers; raises `ModelError`."""
        with self._asked(path, body) as answer:
            return json.load(answer)

    def stream(self, path: str, body: dict[str, Any]) -> Generator[Any, None, None]:
        """What the server answers, piece by piece as it is made; raises `ModelError`, also where the answer ends before its end."""
        ended = False
        with self._asked(path, {**body, "stream": True}) as answer:
            for value in values(answer):
                if "error" in value:
                    raise ModelError(f"{self._name}: {str(value['error'])[:500]}")
                yield value
                ended = bool(value["stop"])
        if not ended:
            raise ModelError(f"{self._name} broke off in the middle of its answer")

    @contextmanager
    def _asked(self, path: str, body: dict[str, Any] | None = None) -> Iterator[IO[bytes]]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                raise ModelError(f"{self._name}: {error.read(500).decode(errors='replace')}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise ModelError(f"{self._name} does not answer: {error}") from error


def likeliest(tokens: int, schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a completion is asked with: always the likeliest token, so many at most, JSON of a schema where there is one."""
    bound = {"json_schema": {**schema, **_TIGHT}} if schema is not None else {}
    return {"n_predict": tokens, "temperature": 0, "top_k": 1, "seed": 1, **bound}


def plain(text: str) -> str:
    """The text as UTF-8 can hold it."""
    return text.encode(errors="replace").decode()


def _link(place: Path, path: Path) -> bool:
    """Make `place` a link to `path`; False where the system has none."""
    try:
        place.symlink_to(path.absolute())
    except (OSError, NotImplementedError):
        return False
    return True
