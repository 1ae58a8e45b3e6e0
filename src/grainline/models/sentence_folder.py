"""What a folder of sentence-transformers says about its encoder: files, pooling, prefixes, how many tokens it takes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grainline.errors import MissingExtraError, ModelError, NotFoundError
from grainline.models.prefixes import NO_PREFIXES, Prefixes

POOLINGS = ("mean", "cls", "max", "last")
#: how sentence-transformers names them
POOLING_NAMES = {"mean": "mean", "cls": "cls", "max": "max", "lasttoken": "last"}
PASSAGE_PROMPTS = ("passage", "document", "corpus")
DEFAULT_TOKENS, MOST_TOKENS = 512, 1_000_000  #: larger numbers in a configuration mean that nobody set one
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = ["*.onnx*", "onnx/*.onnx*", "*.json", "1_Pooling/*.json"]


@dataclass(frozen=True, slots=True)
class SentenceFolder:
    """An encoder in a folder. `pooling` is one of `POOLINGS`."""

    model: Path
    tokenizer: Path
    pooling: str = "mean"
    prefixes: Prefixes = NO_PREFIXES
    max_tokens: int = DEFAULT_TOKENS

    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with the weights and with everything else here."""
        digest = hashlib.sha256(f"{self.pooling} {self.prefixes} {self.max_tokens}".encode())
        # a large graph keeps its weights in files beside it, called model.onnx_data or model.onnx.data
        for path in [*sorted(self.model.parent.glob(f"{self.model.name}*")), self.tokenizer]:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]


def find_folder(name: str) -> Path:
    """The folder of that name; else, for an id such as "BAAI/bge-m3", that of the Hugging Face hub's files.

    Files of a hub id that are on this machine are taken as they are; others are downloaded by huggingface_hub, if it may.
    Raises `NotFoundError`, `MissingExtraError`, or `ModelError` where the hub cannot be reached.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(name):
        raise NotFoundError(f"no such folder: {name}")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtraError("huggingface_hub", "onnx") from None
    try:
        try:
            return Path(snapshot_download(name, allow_patterns=HUB_FILES, local_files_only=True))
        except OSError:  # not here yet
            return Path(snapshot_download(name, allow_patterns=HUB_FILES))
    except Exception as error:  # it raises what its HTTP library raises, which has changed between versions
        raise ModelError(f"no folder {name}, and the hub does not give it: {error}") from error


def read_folder(folder: Path, file: str = "") -> SentenceFolder:
    """The encoder in `folder`, as its own files describe it; `file` names the ONNX file where there are several.

    Raises `NotFoundError` for a missing file, `ModelError` for one that cannot be read or asks for what is not there.
    """
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise NotFoundError(f"{folder} is no encoder: it lacks tokenizer.json")
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
    passage = next((prompts[name] for name in PASSAGE_PROMPTS if prompts.get(name)), "")
    return SentenceFolder(
        _model_file(folder, file), tokenizer, _pooling(folder), Prefixes(prompts.get("query") or "", passage), _tokens(folder)
    )


def _model_file(folder: Path, file: str) -> Path:
    if file:
        if not (folder / file).is_file():
            raise NotFoundError(f"no such file: {folder / file}")
        return folder / file
    for usual in (folder / "model.onnx", folder / "onnx" / "model.onnx"):
        if usual.is_file():
            return usual
    found = sorted(folder.glob("*.onnx")) + sorted((folder / "onnx").glob("model*.onnx"))
    if not found:
        raise NotFoundError(f"{folder} is no encoder: it lacks model.onnx")
    return found[0]


def _pooling(folder: Path) -> str:
    """How tokens become one vector; raises `ModelError` for steps that an ONNX file does not hold."""
    steps = _read(folder / "modules.json", [])
    kinds = [str(step.get("type", "")).rpartition(".")[2] for step in steps if isinstance(step, dict)]
    if unknown := [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]:
        raise ModelError(f"{folder}: its {unknown[0]} layer is not part of the ONNX file; use st:{folder}")
    where = next((step.get("path") for step in steps if str(step.get("type", "")).endswith("Pooling")), "1_Pooling")
    config = _read(folder / str(where) / "config.json")
    named = config.get("pooling_mode")
    chosen = [str(named)] if named else []
    chosen = chosen or [key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
                        for key, value in config.items() if key.startswith("pooling_mode_") and value is True]  # fmt: skip
    if not chosen:
        return "mean"
    if len(chosen) > 1 or chosen[0] not in POOLING_NAMES:
        raise ModelError(f"{folder}: cannot pool by {' and '.join(chosen)}; ?pool= takes {', '.join(POOLINGS)}")
    return POOLING_NAMES[chosen[0]]


def _tokens(folder: Path) -> int:
    limits = [
        _read(folder / "sentence_bert_config.json").get("max_seq_length"),
        _read(folder / "tokenizer_config.json").get("model_max_length"),
        _read(folder / "config.json").get("max_position_embeddings"),
    ]
    usable = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit <= MOST_TOKENS]
    return min(usable, default=DEFAULT_TOKENS)


def _read(path: Path, default: Any = None) -> Any:
    """The JSON in a file, which is of the kind of `default` (an object where none is given); that itself if there is no file."""
    default = {} if default is None else default
    if not path.is_file():
        return default
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(value, type(default)):
        raise ModelError(f"cannot read {path}: it should hold {'an object' if default == {} else 'a list'}")
    return value
