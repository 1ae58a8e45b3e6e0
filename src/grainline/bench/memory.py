"""A file of what a language model said, so that a run of hours that was cut off goes on where it stopped, and one that is made again after
a change asks only what the change asks anew.

A line of JSON for each answer: its key, what came of it, and the seconds that it took, which are charged again to whoever is given it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from grainline.errors import ModelError, UnreadableError
from grainline.models.odds import first
from grainline.store.work import key_of
from grainline.types import LLM, Completion


class Memory:
    """A model that is asked only what the file does not know; `spared` counts the milliseconds that this has saved."""

    def __init__(self, model: LLM, file: Path) -> None:
        """Raises `UnreadableError` for a file that is not one of these."""
        self._model = model
        self.identity = model.identity
        self.spared = 0.0
        self._file = file
        self._known = _read(file)

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
        heard: Callable[[str], None] | None = None,
    ) -> Completion:
        """As the model does; what it failed at, it fails at again."""
        asked = (json.dumps(schema, sort_keys=True), str(max_tokens), *stop)
        said = self._said(prompt, asked, lambda: self._model.complete(prompt, schema, max_tokens, stop))
        if heard:
            heard(said.text)
        return said

    def first(self, prompt: str) -> Completion:
        """As `odds.first` of the model; what it failed at, it fails at again."""
        return self._said(prompt, ("first",), lambda: first(self._model, prompt))

    def _said(self, prompt: str, asked: Sequence[str], ask: Callable[[], Completion]) -> Completion:
        """What the model says, or said. Raises `ModelError`."""
        key = f"{key_of('said', self.identity, prompt, *asked):x}-{key_of(prompt, 'prompt'):x}"
        if (row := self._known.get(key)) is None:
            row = _row(ask)
            self._keep(key, row)
        else:
            self.spared += row["seconds"] * 1000
        if "error" in row:
            raise ModelError(row["error"])
        return Completion(row["text"], row["tokens_in"], row["tokens_out"])

    def _keep(self, key: str, row: dict[str, Any]) -> None:
        """Add a line to the file."""
        self._known[key] = row
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **row}, ensure_ascii=False) + "\n")


def _row(ask: Callable[[], Completion]) -> dict[str, Any]:
    """What comes of asking the model, as the file keeps it."""
    start = perf_counter()
    try:
        said = ask()
    except ModelError as error:
        return {"error": str(error), "seconds": perf_counter() - start}
    seconds = perf_counter() - start
    return {"text": said.text, "tokens_in": said.tokens_in, "tokens_out": said.tokens_out, "seconds": seconds}


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by their keys; a last line that was cut off is forgotten."""
    known: dict[str, dict[str, Any]] = {}
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            known[row.pop("key")] = row
        except (ValueError, KeyError, AttributeError) as error:
            if number < len(lines):
                raise UnreadableError(f"{file}, line {number}: not a line that a run has written: {error}") from error
    return known
